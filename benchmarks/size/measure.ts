import { loadavg } from "node:os";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { DEFAULT_LIMITS } from "../../src/base/limits.ts";
import { parseRate } from "../../src/base/money.ts";
import { type CallFilter, listCalls } from "../../src/records/calls.ts";
import type { RateLookup } from "../../src/reports/conversion.ts";
import { monthPeriod } from "../../src/reports/periods.ts";
import { reportUsage } from "../../src/reports/usage.ts";
import type { UsageAsk } from "../../src/reports/usage-ask.ts";
import type { Store } from "../../src/store/spec.ts";
import { median } from "../run.ts";
import { NEVER } from "./company.ts";
import { measureBudgets, measureStarts } from "./starts.ts";
import { bytesOf, openStore, type Place } from "./store.ts";

/** How long reports, lists and starts take on a store that `generate.ts` made, through the code that serves them. */

const HELP = `node --import ./tools/typescript.mjs benchmarks/size/measure.ts --data FOLDER [options]
  --database URL  of the PostgreSQL that holds the calls; FOLDER is then the node's own
  --runs N      of each question, of which the median and the worst are shown (7)
  --only WHAT   of reports,lists,starts,budgets (all)
  --without TEXT  questions with this in their name
`;

interface Question {
  readonly name: string;
  readonly goalMs: number | undefined;
  /** Answers with how much was found. */
  readonly ask: () => Promise<string>;
}

const PAGE = 50;

function print(cells: readonly string[]): void {
  process.stdout.write(`| ${cells.join(" | ")} |\n`);
}

async function measure(questions: readonly Question[], runs: number): Promise<void> {
  print(["question", "found", "median ms", "worst ms", "processor ms", "goal"]);
  print(["---", "---:", "---:", "---:", "---:", "---:"]);
  for (const { name, goalMs, ask } of questions) {
    const times: number[] = [];
    const processor: number[] = [];
    let found = "";
    for (let run = 0; run < runs; run++) {
      const used = process.cpuUsage();
      const began = performance.now();
      found = await ask();
      times.push(performance.now() - began);
      const { user, system } = process.cpuUsage(used);
      processor.push((user + system) / 1_000);
      if (times[0]! > 20_000) break;
    }
    const [middle, worst, cpu] = [median(times), Math.max(...times), median(processor)].map((ms) => ms.toFixed(1));
    const goal = goalMs === undefined ? "" : `${goalMs}${median(times) > goalMs ? " missed" : ""}`;
    print([name, found, middle!, worst!, cpu!, goal]);
  }
}

const RATES: Readonly<Record<string, string>> = { "USD CNY": "7.1", "EUR CNY": "8.2" };
const rateOf: RateLookup = (from, to) => {
  const text = RATES[`${from} ${to}`];
  return text === undefined ? undefined : { ratio: parseRate(text)! };
};

function reports(store: Store, month: string): Question[] {
  const question = (name: string, goalMs: number | undefined, ask: Partial<UsageAsk>): Question => {
    const timezone = ask.timezone ?? "UTC";
    const whole: UsageAsk = { by: [], timezone, ...monthPeriod(month, timezone), ...ask };
    return {
      name,
      goalMs,
      ask: async () => {
        const rows = await reportUsage(store.query, whole, rateOf, [], { reportRows: DEFAULT_LIMITS.reportRows });
        return `${rows.length} rows`;
      },
    };
  };
  const by = ["day", "payer", "model"] as const;
  return [
    question(`${month} by day, payer, model; UTC`, 250, { by }),
    question("the same, Asia/Shanghai", 250, { by, timezone: "Asia/Shanghai" }),
    question("the same, in CNY", 250, { by, timezone: "Asia/Shanghai", currency: "CNY" }),
    question("the same, Europe/Berlin", undefined, { by, timezone: "Europe/Berlin" }),
    question("the same, America/New_York", undefined, { by, timezone: "America/New_York" }),
    question("the same, Asia/Kolkata", undefined, { by, timezone: "Asia/Kolkata" }),
    question("the same, of one department", 250, { by, payers: ["department-2", "team-2", "team-10", "person-2"] }),
    question("by payer, model", 250, { by: ["payer", "model"] }),
    question("by day", 250, { by: ["day"] }),
    question("by key, route", 250, { by: ["key", "route"] }),
    question("by month, payer, all there is", 250, { by: ["month", "payer"], from: undefined, to: undefined }),
    question("by hour", undefined, { by: ["hour"] }),
  ];
}

function lists(store: Store, from: number, to: number): Question[] {
  const below = Array.from({ length: 30 }, (_, n) => `person-${1 + n * 4}`).concat("team-1", "team-9", "department-1");
  const someDay = from + Math.floor((to - from) / 2);
  const filters: [string, CallFilter][] = [
    ["no filter", {}],
    ["payer", { payers: ["person-7"] }],
    ["payer with all below it", { payers: below }],
    ["key", { key: "key-1" }],
    ["model", { model: "bailian/model-1" }],
    ["route", { route: "route-3" }],
    ["key, model and route", { key: "key-3", model: "bailian/model-5", route: "route-3" }],
    ["key and day", { key: "key-1", from: someDay, to: someDay + 86_400_000 }],
    ["day", { from: someDay, to: someDay + 86_400_000 }],
    ["rare key", { key: "rare-key" }],
    ["rare route", { route: "rare-route" }],
    ["rare payer", { payers: ["rare"] }],
    ["key spread thin", { key: "scattered-key" }],
    ["key silent for weeks", { key: "early-key" }],
    ["model and payer silent for weeks", { payers: ["early"], model: "bailian/model-6" }],
    ["rare key, of one day", { key: "rare-key", from: someDay, to: someDay + 86_400_000 }],
    ["payer that never called", { payers: [NEVER.payer] }],
    ["key that never called", { key: NEVER.key }],
    ["route never called", { route: NEVER.route }],
    ["model never called", { model: NEVER.model }],
    ["key and route that never met", { key: "rare-key", route: "route-1" }],
    ["day without calls", { from: from - 20 * 86_400_000, to: from - 19 * 86_400_000 }],
  ];
  const states = ["settled", "released", "unsettled", "held"] as const;
  const narrow: [string, CallFilter][] = [
    ["", {}],
    [", payer", { payers: ["person-7"] }],
    [", frequent key", { key: "key-1" }],
    [", rare key", { key: "rare-key" }],
    [", key silent for weeks", { key: "early-key" }],
    [", never", { model: NEVER.model }],
    [", one day", { from: someDay, to: someDay + 86_400_000 }],
  ];
  for (const state of states) for (const [name, filter] of narrow) filters.push([state + name, { ...filter, state }]);
  return filters.map(([name, filter]) => ({
    name,
    goalMs: 200,
    ask: async () => {
      const { calls, next } = await listCalls(store.query, filter, PAGE);
      return `${calls.length}${next === undefined ? "" : ", more"}`;
    },
  }));
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      data: { type: "string" },
      database: { type: "string" },
      runs: { type: "string", default: "7" },
      without: { type: "string" },
      only: { type: "string", default: "reports,lists,starts,budgets" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help || values.data === undefined) {
    process.stdout.write(HELP);
    return;
  }
  const place: Place = { folder: resolve(values.data), database: values.database };
  const only = values.only.split(",");
  const runs = Number(values.runs);
  const { without } = values;
  const isAsked = ({ name }: Question): boolean => without === undefined || !name.includes(without);
  const store = await openStore(place);
  try {
    const { first, last, calls } = await store.query
      .selectFrom("usage_hourly")
      .select(({ fn }) => [
        fn.min<number>("hour").as("first"),
        fn.max<number>("hour").as("last"),
        fn.sum<number>("calls").as("calls"),
      ])
      .executeTakeFirstOrThrow();
    const bytes = await bytesOf(place, store);
    const load = loadavg()[0]!.toFixed(1);
    process.stdout.write(`${calls} settled calls, ${(bytes / 2 ** 30).toFixed(2)} GiB; load average ${load}\n`);
    // The last month that is whole, or nearly.
    const month = new Date(last - 10 * 86_400_000).toISOString().slice(0, 7);
    if (only.includes("reports")) await measure(reports(store, month).filter(isAsked), runs);
    if (only.includes("lists")) await measure(lists(store, first, last).filter(isAsked), runs);
  } finally {
    await store.close();
  }
  if (only.includes("starts")) await measureStarts(place, runs, print);
  // On PostgreSQL the ledger of a node opens with a seat among others.
  if (only.includes("budgets") && place.database === undefined) await measureBudgets(place, Math.min(3, runs), print);
}

await main();
