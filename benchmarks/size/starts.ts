import { spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { DEFAULT_LIMITS } from "../../src/base/limits.ts";
import { Control } from "../../src/control/control.ts";
import { Ledger } from "../../src/ledger/ledger.ts";
import type { LedgerWorld } from "../../src/ledger/spec.ts";
import { openSealer } from "../../src/store/sealing.ts";
import { openSqliteStore } from "../../src/store/sqlite-store.ts";
import { median } from "../run.ts";

const PATIENCE_MS = 120_000;
const LOOK_MS = 5;

/** Starts of the built program, as a user has them, and what opens in them. */
export async function measureStarts(
  folder: string,
  runs: number,
  print: (cells: readonly string[]) => void,
): Promise<void> {
  const starts: number[] = [];
  for (let run = 0; run < runs; run++) starts.push(await startOnce(folder));
  print(["start", "median ms", "worst ms", "goal"]);
  print(["---", "---:", "---:", "---:"]);
  const show = (name: string, times: readonly number[], goal: string): void =>
    print([name, median(times).toFixed(0), Math.max(...times).toFixed(0), goal]);
  show("`maidan start` until /readyz says 200", starts, "2000");
  const { opens, budgets } = await openLedgers(folder, Math.min(3, runs));
  show("of which the ledger", opens, "");
  for (const [name, times] of budgets) show(`a new budget on ${name}`, times, "");
}

async function startOnce(folder: string): Promise<number> {
  const port = await freePort();
  const { PATH = "", HOME = "" } = process.env;
  const began = performance.now();
  const child = spawn(
    process.execPath,
    [join(process.cwd(), "dist/main.js"), "start", "--port", String(port), "--data", folder],
    {
      env: { PATH, HOME, MAIDAN_ADMIN_KEY: "benchmark-admin-key", MAIDAN_LANG: "en" },
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
    child.kill("SIGTERM");
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
async function openLedgers(folder: string, runs: number): Promise<{ opens: number[]; budgets: Map<string, number[]> }> {
  const opens: number[] = [];
  const budgets = new Map<string, number[]>();
  for (let run = 0; run < runs; run++) {
    const store = openSqliteStore({ folder, durability: "process", limits: DEFAULT_LIMITS });
    try {
      const control = await Control.open({
        query: store.query,
        seal: openSealer(folder),
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
        const name = `${payer}, by ${window}`;
        budgets.set(name, [...(budgets.get(name) ?? []), performance.now() - began]);
        await ledger.setBudgets(settings.budgets, world);
      }
    } finally {
      await store.close();
    }
  }
  return { opens, budgets };
}
