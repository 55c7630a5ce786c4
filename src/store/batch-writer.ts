import type { DatabaseSync } from "@photostructure/sqlite";
import { USAGE_CLASSES } from "../base/usage.ts";
import { type Batch, OP } from "./batch.ts";
import { PHASE } from "./spec.ts";
import { USAGE_COLUMNS } from "./usage-columns.ts";

type Statement = ReturnType<InstanceType<typeof DatabaseSync>["prepare"]>;
type Value = Batch[number];

const HOUR_MS = 3_600_000;
/** Fields of an entry that stand before its shares in a batch, and after them. */
const HEAD_FIELDS = 15;
const TAIL_FIELDS = 2 + USAGE_CLASSES.length;

const HEAD_COLUMNS =
  "attempt, phase, n, kind, at, payer, key, route, model, currency, amount, held, price, rates, detail, shares";

/** What one batch adds to one row of `usage_hourly`. */
interface HourlySum {
  readonly row: readonly Value[];
  calls: number;
  attempts: number;
  estimated: number;
  cost: bigint;
  readonly usage: number[];
}

/**
 * Writes batches of the journal, with everything that follows from an entry: sums of budgets and of hours, the list of
 * attempts in doubt, kept answers. Sums are gathered over the batch and written once.
 */
export class BatchWriter {
  readonly #insertAside: Statement;
  readonly #insertClose: Statement;
  readonly #addToWindow: Statement;
  readonly #addToHour: Statement;
  readonly #addDoubt: Statement;
  readonly #removeDoubt: Statement;
  readonly #keep: Statement;
  readonly #forget: Statement;
  readonly #mark: Statement;
  readonly #otherSettlements: Statement;
  readonly #windows = new Map<string, Map<number, bigint>>();
  readonly #hours = new Map<string, HourlySum>();

  constructor(database: InstanceType<typeof DatabaseSync>) {
    const places = (count: number): string => Array(count).fill("?").join(", ");
    const heads = HEAD_FIELDS + 1;
    const tail = `basis, overrun, ${USAGE_COLUMNS.join(", ")}`;
    const prepare = (sql: string): Statement => database.prepare(sql);
    this.#insertAside = prepare(
      `insert into entries (${HEAD_COLUMNS}) values (${places(heads)}) on conflict do nothing`,
    );
    this.#insertClose = prepare(
      `insert into entries (${HEAD_COLUMNS}, ${tail}) values (${places(heads + TAIL_FIELDS)}) on conflict do nothing`,
    );
    this.#addToWindow = prepare(
      `insert into budget_windows (book, "window", settled) values (?, ?, ?)
       on conflict (book, "window") do update set settled = settled + excluded.settled`,
    );
    const sums = ["calls", "attempts", "estimated", "cost", ...USAGE_COLUMNS];
    this.#addToHour = prepare(
      `insert into usage_hourly (hour, payer, key, route, model, currency, ${sums.join(", ")})
       values (${places(6 + sums.length)}) on conflict (hour, payer, key, route, model, currency)
       do update set ${sums.map((name) => `${name} = ${name} + excluded.${name}`).join(", ")}`,
    );
    this.#addDoubt = prepare("insert into unsettled (attempt, since, reason) values (?, ?, ?) on conflict do nothing");
    this.#removeDoubt = prepare("delete from unsettled where attempt = ?");
    this.#keep = prepare("insert or replace into kept_answers values (?, ?, ?, ?, ?, ?, ?, ?)");
    this.#forget = prepare("delete from kept_answers where id = ?");
    this.#mark = prepare("insert or replace into meta (name, value) values (?, ?)");
    this.#otherSettlements = prepare(
      "select 1 from entries where attempt >= ? and attempt < ? and attempt <> ? and kind = 'settle' limit 1",
    );
  }

  /** Writes all rows of a batch, inside the caller's transaction. */
  write(batch: Batch): void {
    this.#windows.clear();
    this.#hours.clear();
    let isNew = true;
    let at = 0;
    while (at < batch.length) {
      const op = batch[at++];
      if (op === OP.aside || op === OP.close) {
        const shares = batch[at + HEAD_FIELDS] as number;
        isNew = op === OP.aside ? this.#writeAside(batch, at, shares) : this.#writeClose(batch, at, shares);
        at += HEAD_FIELDS + 1 + shares * 3 + (op === OP.close ? TAIL_FIELDS : 0);
      } else if (op === OP.kept || op === OP.keptWithEntry) {
        if (op === OP.kept || isNew) this.#keep.run(...batch.slice(at, at + 8));
        at += 8;
      } else if (op === OP.forgetKept) {
        this.#forget.run(batch[at++]);
      } else if (op === OP.mark) {
        this.#mark.run(batch[at], batch[at + 1]);
        at += 2;
      } else {
        throw new Error(`a batch holds an unknown operation (${String(op)})`);
      }
    }
    this.#writeSums();
  }

  #writeAside(batch: Batch, at: number, shares: number): boolean {
    const values = batch.slice(at, at + HEAD_FIELDS);
    values.push(sharesJson(batch, at + HEAD_FIELDS + 1, shares));
    return this.#insertAside.run(...values).changes > 0;
  }

  #writeClose(batch: Batch, at: number, shares: number): boolean {
    const firstShare = at + HEAD_FIELDS + 1;
    const tail = firstShare + shares * 3;
    const values = batch.slice(at, at + HEAD_FIELDS);
    values.push(sharesJson(batch, firstShare, shares));
    for (let i = tail; i < tail + TAIL_FIELDS; i++) values.push(batch[i]!);
    if (this.#insertClose.run(...values).changes === 0) return false;
    const [attempt, phase, , kind] = values as [string, number, number, string];
    if (kind === "settle" || kind === "adjust") {
      for (let i = firstShare; i < tail; i += 3) {
        this.#addShare(batch[i] as string, batch[i + 1] as number, BigInt(batch[i + 2] as string));
      }
      this.#addUsage(values, batch, tail);
    } else if (kind === "unsettled") {
      const { reason } = JSON.parse(values[14] as string) as { reason?: string };
      this.#addDoubt.run(attempt, values[4], reason ?? "");
    }
    if (phase === PHASE.resolve) this.#removeDoubt.run(attempt);
    return true;
  }

  #addShare(book: string, window: number, amount: bigint): void {
    let windows = this.#windows.get(book);
    if (!windows) this.#windows.set(book, (windows = new Map()));
    windows.set(window, (windows.get(window) ?? 0n) + amount);
  }

  #addUsage(entry: readonly Value[], batch: Batch, tail: number): void {
    const [attempt, phase, , kind, at, payer, key, route, model, currency, amount] = entry;
    const hour = Math.floor((at as number) / HOUR_MS) * HOUR_MS;
    const name = `${hour}\0${payer}\0${key}\0${route}\0${model}\0${currency}`;
    let sum = this.#hours.get(name);
    if (!sum) {
      const row = [hour, payer!, key!, route!, model!, currency!];
      const usage = Array<number>(USAGE_CLASSES.length).fill(0);
      this.#hours.set(name, (sum = { row, calls: 0, attempts: 0, estimated: 0, cost: 0n, usage }));
    }
    sum.cost += BigInt(amount as string);
    if (kind !== "settle") return;
    sum.attempts += 1;
    if (batch[tail] === "estimated") sum.estimated += 1;
    if (this.#isFirstSettlement(attempt as string, phase as number)) sum.calls += 1;
    for (let i = 0; i < USAGE_CLASSES.length; i++) sum.usage[i]! += (batch[tail + 2 + i] as number | null) ?? 0;
  }

  /** A call is counted once, with the first of its attempts that is settled. */
  #isFirstSettlement(attempt: string, phase: number): boolean {
    const dot = attempt.lastIndexOf(".");
    if (phase === PHASE.close && attempt.length === dot + 2 && attempt.endsWith("1")) return true;
    const call = attempt.slice(0, dot);
    return this.#otherSettlements.get(`${call}.`, `${call}/`, attempt) === undefined;
  }

  #writeSums(): void {
    for (const [book, windows] of this.#windows) {
      for (const [window, amount] of windows) this.#addToWindow.run(book, window, amount);
    }
    for (const { row, calls, attempts, estimated, cost, usage } of this.#hours.values()) {
      this.#addToHour.run(...row, calls, attempts, estimated, cost, ...usage);
    }
  }
}

function sharesJson(batch: Batch, first: number, count: number): string {
  let text = "[";
  for (let i = 0; i < count; i++) {
    const at = first + i * 3;
    text += `${i > 0 ? "," : ""}[${JSON.stringify(batch[at])},${batch[at + 1]},"${batch[at + 2]}"]`;
  }
  return `${text}]`;
}
