import { UNIT_RATIO } from "../../../src/base/money.ts";
import type { Hold, HoldAsk } from "../../../src/ledger/spec.ts";
import { nano } from "../../harness/arithmetic.ts";
import type { SimulatedProcess } from "../node.ts";
import { CALLERS, TREE } from "../settings.ts";
import { must } from "../violation.ts";
import type { World } from "../world.ts";
import type { LeaseRules } from "./lease-rules.ts";

/** A call that needs all that is left of the budget that has the least is admitted, on any node: no money leaks. */
export async function checkAdmission(world: World, process: SimulatedProcess, rules: LeaseRules): Promise<void> {
  const { ledger, environment, ids } = process;
  const { payer } = CALLERS[Math.floor(world.productChance.fraction() * CALLERS.length)]!;
  const states = new Map(ledger.budgets().map((state) => [state.setting.id, state]));
  let bound: bigint | undefined;
  for (const setting of world.budgets.declared) {
    if (!TREE[payer]!.includes(setting.payer) || setting.kind === "soft") continue;
    const [book] = world.ground.read(
      `select book from budget_books where closed_at is null and budget = '${setting.id}'`,
    ) as { book: string }[];
    const left = rules.leftOf(book!.book, states.get(setting.id)!.windowStart ?? 0, nano(setting.amount));
    // In whole nano-units of USD that are no more than is left when they are rounded up.
    const room = setting.currency === "USD" ? left : (left * 10n) / 71n;
    if (bound === undefined || room < bound) bound = room;
  }
  if (bound === undefined || bound <= 0n) return;
  const size = { amount: bound, bound };
  const { catalogue } = world.installation;
  const now = environment.clock.now();
  const attempt = `${ids.next(now)}.1`;
  world.tell(`${process.owner.name}: the last call of ${payer} needs ${bound} of what is left`);
  const ask: HoldAsk = {
    attempt,
    payer,
    key: "last",
    route: "last",
    model: "hasty/mini",
    currency: "USD",
    price: "last",
    path: TREE[payer]!,
    full: size,
    shrink: () => undefined,
    rateTo: (currency) => (currency === "USD" ? { ratio: UNIT_RATIO, text: "" } : catalogue.rate("USD", currency, now)),
    detail: {},
  };
  const outcome = await world.inProcess<Hold | Error>(process, (tell) => {
    Promise.resolve()
      .then(() => ledger.hold(ask))
      .then(async (hold) => {
        await hold.durable;
        await ledger.release(hold, "last", {});
        return hold;
      })
      .then(tell, tell);
  });
  must(outcome !== undefined && !(outcome instanceof Error), "I1", () => {
    return `a call of ${payer} that needs ${bound}, which is left, is refused: ${String(outcome)}`;
  });
}
