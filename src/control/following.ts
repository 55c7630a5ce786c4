import type { Snapshot } from "../call/spec.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { LedgerWorld } from "../ledger/spec.ts";
import type { Store } from "../store/spec.ts";
import { Connections } from "./connections.ts";
import type { Control } from "./control.ts";
import { learnModels, tellsItsModels } from "./discovery.ts";

/** The settings in force as calls see them, with the ways to the vendors: both follow every change, as the store's bounds do. */
export async function follow(
  control: Control,
  ledger: Ledger,
  store: Pick<Store, "setLimits">,
): Promise<{ snapshot: () => Snapshot; connections: Connections }> {
  const connections = new Connections(control.snapshot().limits, (endpoint, models) =>
    control.addModels(endpoint, models),
  );
  await connections.follow(control.snapshot());
  store.setLimits(control.snapshot().limits);
  let snapshot: Snapshot = { ...control.snapshot(), connections: connections.current };
  learn(snapshot, control);
  control.onChange(async (now) => {
    store.setLimits(now.limits);
    await connections.follow(now);
    await ledger.setBudgets(now.settings.budgets, worldOf(control));
    snapshot = { ...now, connections: connections.current };
    learn(snapshot, control);
  });
  return { snapshot: () => snapshot, connections };
}

/** What the ledger asks of the settings: always of those in force at that moment. */
export function worldOf(control: Control): LedgerWorld {
  return {
    pathOf: (payer) => control.snapshot().payers.path(payer),
    rate: (from, to, at) => control.snapshot().catalogue.rate(from, to, at),
  };
}

/** Asks servers that people run for the names of their models; nobody waits for it. */
function learn({ catalogue, connections }: Snapshot, control: Control): void {
  for (const offer of catalogue.endpoints()) {
    if (!tellsItsModels(offer)) continue;
    void learnModels(offer, connections.get(offer.id)!).then((models) => {
      const exists = control.snapshot().catalogue.endpoint(offer.id);
      if (exists && models.length > 0) control.addModels(offer.id, models);
    });
  }
}
