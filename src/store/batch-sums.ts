import type { DatabaseSync } from "@photostructure/sqlite";
import { USAGE_CLASSES } from "../base/usage.ts";
import type { Kin } from "./opening-slots.ts";
import { THIRD_MS } from "./schema.ts";
import { DAY_FIGURES, INPUT_COLUMNS, OUTPUT_COLUMNS, THIRDS, USAGE_COLUMNS } from "./usage-columns.ts";

type Database = InstanceType<typeof DatabaseSync>;
type Statement = ReturnType<Database["prepare"]>;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A number that is below this, and has a plain cost added, is exact yet. */
const EXACT_MOST = 2 ** 52;

/** What the entries of a batch have in common, as the writer knows it. */
export interface Circumstances {
  /** Of its row. */
  readonly id: number;
  /** payer, key, route, model, currency. */
  readonly facts: readonly string[];
  readonly kin: Kin;
  readonly books: readonly string[];
  readonly windows: readonly number[];
  /** What the batch under way has added so far, in the hour of its last entry. */
  sum: HourlySum | undefined;
}

/** What one batch adds to one row of `usage_hourly`. */
export class HourlySum {
  readonly hour: number;
  readonly circumstances: Circumstances;
  calls = 0;
  attempts = 0;
  estimated = 0;
  cost = 0n;
  /** The same, of plain settlements: each book's share of it is the whole. */
  plainCost = 0n;
  #smallCosts = 0;
  readonly usage: number[] = Array<number>(USAGE_CLASSES.length).fill(0);

  constructor(hour: number, circumstances: Circumstances) {
    this.hour = hour;
    this.circumstances = circumstances;
  }

  /** @param cost below 2⁴⁰ nano-units */
  addPlainCost(cost: number): void {
    this.#smallCosts += cost;
    if (this.#smallCosts >= EXACT_MOST) this.finish();
  }

  /** Brings `plainCost` up to date. */
  finish(): void {
    this.plainCost += BigInt(this.#smallCosts);
    this.#smallCosts = 0;
  }
}

/** The sums of budgets and of hours, gathered over a batch and written once. */
export class BatchSums {
  readonly #addToWindow: Statement;
  readonly #addToHour: Statement;
  /** One for each third of a day. */
  readonly #addToThird: readonly Statement[];
  readonly #windows = new Map<string, Map<number, bigint>>();
  readonly #hours: HourlySum[] = [];

  constructor(database: Database) {
    this.#addToWindow = database.prepare(
      `insert into budget_windows (book, "window", settled) values (?, ?, ?)
       on conflict (book, "window") do update set settled = settled + excluded.settled`,
    );
    const sums = ["calls", "attempts", "estimated", "cost", ...USAGE_COLUMNS];
    this.#addToHour = database.prepare(
      `insert into usage_hourly (hour, payer, key, route, model, currency, ${sums.join(", ")})
       values (${Array(6 + sums.length)
         .fill("?")
         .join(", ")}) on conflict (hour, payer, key, route, model, currency)
       do update set ${sums.map((name) => `${name} = ${name} + excluded.${name}`).join(", ")}`,
    );
    this.#addToThird = THIRDS.map((third) => {
      const figures = DAY_FIGURES.map((name) => `${name}_${third}`);
      return database.prepare(
        `insert into usage_days (day, kin, seat, ${figures.join(", ")}) values (?, ?, 0, ${figures.map(() => "?").join(", ")})
         on conflict (day, kin, seat) do update set ${figures.map((name) => `${name} = ${name} + excluded.${name}`).join(", ")}`,
      );
    });
  }

  /** The sum that an entry made at `at` (milliseconds) belongs to. */
  hourOf(circumstances: Circumstances, at: number): HourlySum {
    const hour = Math.floor(at / HOUR_MS) * HOUR_MS;
    let { sum } = circumstances;
    if (sum?.hour !== hour) {
      sum = new HourlySum(hour, circumstances);
      circumstances.sum = sum;
      this.#hours.push(sum);
    }
    return sum;
  }

  addShare(book: string, window: number, amount: bigint): void {
    let windows = this.#windows.get(book);
    if (!windows) this.#windows.set(book, (windows = new Map()));
    windows.set(window, (windows.get(window) ?? 0n) + amount);
  }

  /** Writes what was gathered, and begins anew. */
  write(): void {
    for (const sum of this.#hours) {
      sum.finish();
      const { hour, circumstances, calls, attempts, estimated, usage } = sum;
      const plain = sum.plainCost;
      const cost = sum.cost + plain;
      this.#addToHour.run(hour, ...circumstances.facts, calls, attempts, estimated, cost, ...usage);
      const [input, output] = [sumOf(usage, INPUT_PLACES), sumOf(usage, OUTPUT_PLACES)];
      const day = Math.floor(hour / DAY_MS) * DAY_MS;
      const third = this.#addToThird[Math.floor((hour - day) / THIRD_MS)]!;
      third.run(day, circumstances.kin.id, calls, attempts, estimated, cost, input, output);
      const { books, windows } = circumstances;
      if (plain > 0n) for (let i = 0; i < books.length; i++) this.addShare(books[i]!, windows[i]!, plain);
      circumstances.sum = undefined;
    }
    for (const [book, windows] of this.#windows) {
      for (const [window, amount] of windows) this.#addToWindow.run(book, window, amount);
    }
    this.#hours.length = 0;
    this.#windows.clear();
  }
}

const INPUT_PLACES = INPUT_COLUMNS.map((name) => USAGE_COLUMNS.indexOf(name));
const OUTPUT_PLACES = OUTPUT_COLUMNS.map((name) => USAGE_COLUMNS.indexOf(name));

function sumOf(usage: readonly number[], places: readonly number[]): number {
  let sum = 0;
  for (const place of places) sum += usage[place]!;
  return sum;
}
