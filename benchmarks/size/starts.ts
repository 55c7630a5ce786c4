import { spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { Control } from "../../src/control/control.ts";
import { Ledger } from "../../src/ledger/ledger.ts";
import type { LedgerWorld } from "../../src/ledger/spec.ts";
import { openSealer } from "../../src/store/sealing.ts";
import { median } from "../run.ts";
import { openStore, type Place } from "./store.ts";

const PATIENCE_MS = 120_000;
const LOOK_MS = 5;

/** Starts of the built program, as a user has them, and what opens in them. */
export async function measureStarts(
  place: Place,
  runs: number,
  print: (cells: readonly string[]) => void,
): Promise<void> {
  await startOnce(place, "SIGTERM");
  const starts: number[] = [];
  for (let run = 0; run < runs; run++) starts.push(await startOnce(place, run < runs - 1 ? "SIGTERM" : "SIGKILL"));
  const killed: number[] = [];
  for (let run = 0; run < runs; run++) killed.push(await startOnce(place, run < runs - 1 ? "SIGKILL" : "SIGTERM"));
  print(["start", "median ms", "worst ms", "goal"]);
  print(["---", "---:", "---:", "---:"]);
  const show = (name: string, times: readonly number[], goal: string): void =>
    print([name, median(times).toFixed(0), Math.max(...times).toFixed(0), goal]);
  show("`maidan start` until /readyz says 200", starts, "2000");
  show("the same after kill -9", killed, "2000");
}

/** What takes its time where a ledger is opened in this process, which has the store alone. */
export async function measureBudgets(
  place: Place,
  runs: number,
  print: (cells: readonly string[]) => void,
): Promise<void> {
  const { opens, budgets } = await openLedgers(place, runs);
  print(["opening", "median ms", "worst ms"]);
  print(["---", "---:", "---:"]);
  for (const [name, times] of [["the ledger", opens] as const, ...budgets]) {
    print([name, median(times).toFixed(0), Math.max(...times).toFixed(0)]);
  }
}

/** @param end how the program is ended */
async function startOnce({ folder, database }: Place, end: NodeJS.Signals): Promise<number> {
  const port = await freePort();
  const { PATH = "", HOME = "" } = process.env;
  const began = performance.now();
  const child = spawn(
    process.execPath,
    [join(process.cwd(), "dist/main.js"), "start", "--port", String(port), "--data", folder],
    {
      env: {
        ...{ PATH, HOME, MAIDAN_ADMIN_KEY: "benchmark-admin-key", MAIDAN_LANG: "en" },
        ...(database !== undefined && { MAIDAN_DATABASE_URL: database }),
      },
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  const exited = once(child, "exit");
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-10_000);
  });
  try {
    for (;;) {
      if (child.exitCode !== null) throw new Error(`the program ended with ${child.exitCode}:\n${said}`);
      const ready = await fetch(`http://127.0.0.1:${port}/readyz`).then(
        ({ status }) => status === 200,
        () => false,
      );
      const took = performance.now() - began;
      if (ready) return took;
      if (took > PATIENCE_MS) throw new Error(`not ready after ${PATIENCE_MS} ms`);
      await new Promise((wake) => setTimeout(wake, LOOK_MS));
    }
  } finally {
    child.kill(end);
    await exited;
  }
}

function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** The ledger's own opening, and that of budgets which must count what was spent before. */
async function openLedgers(place: Place, runs: number): Promise<{ opens: number[]; budgets: Map<string, number[]> }> {
  const opens: number[] = [];
  const budgets = new Map<string, number[]>();
  for (let run = 0; run < runs; run++) {
    const store = await openStore(place);
    try {
      const control = await Control.open({
        query: store.query,
        seal: openSealer(place.folder),
        environment: {},
        clock: systemClock,
      });
      const { settings, limits, payers, catalogue } = control.snapshot();
      const world: LedgerWorld = {
        pathOf: (payer) => payers.path(payer),
        rate: (from, to, at) => catalogue.rate(from, to, at),
      };
      let began = performance.now();
      const ledger = await Ledger.open({ store, clock: systemClock, limits, budgets: settings.budgets, world });
      opens.push(performance.now() - began);
      for (const [payer, window] of [
        ["person-7", "day"],
        ["person-7", "month"],
        ["group", "month"],
        ["person-7", "total"],
        ["group", "total"],
      ] as const) {
        const added = { id: `new-${run}-${payer}-${window}`, payer, amount: "1000000000", currency: "CNY", window };
        began = performance.now();
        await ledger.setBudgets([...settings.budgets, added], world);
        const name = `a new budget on ${payer}, by ${window}`;
        budgets.set(name, [...(budgets.get(name) ?? []), performance.now() - began]);
        await ledger.setBudgets(settings.budgets, world);
      }
    } finally {
      await store.close();
    }
  }
  return { opens, budgets };
}
