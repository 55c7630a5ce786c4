import type { DatabaseSync } from "@photostructure/sqlite";
import {
  type Batch,
  ENTRY_FIELDS,
  ENTRY_HEAD,
  HOLD_FIELDS,
  KEPT_FIELDS,
  OP,
  SETTLEMENT_FIELDS,
  TOTAL_FIELDS,
  type Value,
} from "./batch.ts";
import { BatchSums, DAY_KEY, HOURLY_KEY, HOURLY_SUMS, isSurelyFirst, PLAIN_PLACES, THIRD_SUMS } from "./batch-sums.ts";
import { BulkInsert } from "./bulk-insert.ts";
import {
  booksOf,
  type Circumstances,
  FACT_COLUMNS,
  KIN_COLUMNS,
  KnownCircumstances,
  sharesJson,
} from "./circumstances.ts";
import { PHASE } from "./spec.ts";
import { SqliteSlots } from "./sqlite-slots.ts";
import { USAGE_COLUMNS } from "./usage-columns.ts";

type Database = InstanceType<typeof DatabaseSync>;
type Statement = ReturnType<Database["prepare"]>;

const PLAIN_COLUMNS = "attempt, at, circumstances, amount, held, detail";

/**
 * Writes batches of the journal into SQLite, with everything that follows from an entry: sums of budgets and of hours,
 * the list of attempts in doubt, kept answers.
 */
export class BatchWriter {
  readonly #holds: BulkInsert;
  readonly #settlements: BulkInsert;
  readonly #insertEntry: Statement;
  readonly #addToWindow: Statement;
  readonly #addToHour: Statement;
  /** One for each third of a day. */
  readonly #addToThird: readonly Statement[];
  readonly #addDoubt: Statement;
  readonly #removeDoubt: Statement;
  readonly #keep: Statement;
  readonly #forget: Statement;
  readonly #mark: Statement;
  readonly #otherSettlements: Statement;
  readonly #addCircumstances: Statement;
  readonly #findCircumstances: Statement;
  readonly #addKin: Statement;
  readonly #findKin: Statement;
  readonly #beat: Statement;
  readonly #total: Statement;
  readonly #addDoubtShare: Statement;
  readonly #removeDoubtShares: Statement;
  readonly #slots: SqliteSlots;
  readonly #sums = new BatchSums();
  readonly #circumstances = new KnownCircumstances();

  /** @param slotOpenings of a slot: for tests */
  constructor(database: Database, slotOpenings?: number) {
    const places = (count: number): string => Array(count).fill("?").join(", ");
    const prepare = (sql: string): Statement => database.prepare(sql);
    const plainUsage = PLAIN_PLACES.map((place) => USAGE_COLUMNS[place]).join(", ");
    this.#holds = new BulkInsert(
      database,
      `entry_rows (phase, n, kind, ${PLAIN_COLUMNS})`,
      `${PHASE.hold}, 0, 'hold', ${places(HOLD_FIELDS)}`,
      HOLD_FIELDS,
    );
    this.#settlements = new BulkInsert(
      database,
      `entry_rows (phase, n, kind, ${PLAIN_COLUMNS}, basis, ${plainUsage})`,
      `${PHASE.close}, 0, 'settle', ${places(SETTLEMENT_FIELDS)}`,
      SETTLEMENT_FIELDS,
    );
    this.#insertEntry = prepare(
      `insert into entry_rows (attempt, phase, n, kind, at, circumstances, amount, held, basis, overrun,
         ${USAGE_COLUMNS.join(", ")}, detail, shares) values (${places(ENTRY_FIELDS + 1)}) on conflict do nothing`,
    );
    this.#addToWindow = prepare(
      `insert into budget_windows (book, "window", settled) values (?, ?, ?)
       on conflict (book, "window") do update set settled = settled + excluded.settled`,
    );
    const add = (table: string, key: readonly string[], sums: readonly string[]): Statement =>
      prepare(
        `insert into ${table} (${[...key, ...sums].join(", ")}) values (${places(key.length + sums.length)})
         on conflict (${key.join(", ")})
         do update set ${sums.map((name) => `${name} = ${name} + excluded.${name}`).join(", ")}`,
      );
    this.#addToHour = add("usage_hourly", HOURLY_KEY, HOURLY_SUMS);
    this.#addToThird = THIRD_SUMS.map((sums) => add("usage_days", DAY_KEY, sums));
    this.#addDoubt = prepare("insert into unsettled (attempt, since, reason) values (?, ?, ?) on conflict do nothing");
    this.#removeDoubt = prepare("delete from unsettled where attempt = ?");
    this.#keep = prepare(`insert or replace into kept_answers values (${places(KEPT_FIELDS)})`);
    this.#forget = prepare("delete from kept_answers where id = ?");
    this.#mark = prepare("insert or replace into meta (name, value) values (?, ?)");
    this.#otherSettlements = prepare(
      "select 1 from entry_rows where attempt >= ? and attempt < ? and attempt <> ? and kind = 'settle' limit 1",
    );
    this.#addCircumstances = prepare(
      `insert into circumstances (${FACT_COLUMNS.join(", ")}, books)
       values (${places(FACT_COLUMNS.length + 1)}) on conflict do nothing`,
    );
    this.#findCircumstances = prepare(
      `select id from circumstances where ${[...FACT_COLUMNS, "books"].map((name) => `${name} = ?`).join(" and ")}`,
    );
    this.#addKin = prepare(
      `insert into kin (id, ${KIN_COLUMNS.join(", ")}) values (${places(KIN_COLUMNS.length + 1)}) on conflict do nothing`,
    );
    this.#findKin = prepare(`select id from kin where ${KIN_COLUMNS.map((name) => `${name} = ?`).join(" and ")}`);
    this.#slots = new SqliteSlots(database, slotOpenings);
    this.#beat = prepare("update nodes set beat = beat + 1 where seat = ? and epoch = ? and ended_at is null");
    this.#total = prepare(
      `insert or replace into node_windows (settled, held, book, "window", seat) values (?, ?, ?, ?, ?)`,
    );
    this.#addDoubtShare = prepare(
      `insert into doubt_shares (attempt, book, "window", bound) values (?, ?, ?, ?)
       on conflict (book, "window", attempt) do update set bound = bound + excluded.bound`,
    );
    this.#removeDoubtShares = prepare("delete from doubt_shares where attempt = ?");
  }

  /** Takes in what a batch says of circumstances, and nothing else: its rows are written already. */
  learn({ circumstances }: Pick<Batch, "circumstances">): void {
    for (const met of this.#circumstances.meet(circumstances)) this.#giveRow(met);
  }

  /** Writes all rows of a batch, inside the caller's transaction. False, and nothing written, where its seat was taken away. */
  write({ circumstances, holds, settlements, others, seat, totals }: Batch): boolean {
    if (seat.length > 0 && Number(this.#beat.run(...seat).changes) === 0) return false;
    this.learn({ circumstances });
    this.#slots.open(seat);
    this.#writeHolds(holds);
    this.#writeSettlements(settlements);
    if (others.length > 0) this.#writeOthers(others);
    this.#writeSums(seat[0] ?? 0);
    this.#slots.write(seat[0] ?? 0);
    for (let at = 0; at < totals.length; at += TOTAL_FIELDS)
      this.#writeTotal(totals.slice(at, at + TOTAL_FIELDS), seat[0]!);
    this.#circumstances.forgetOldest();
    return true;
  }

  #giveRow(circumstances: Circumstances): void {
    const values = [...circumstances.facts, booksOf(circumstances)];
    this.#addCircumstances.run(...values);
    const { id } = this.#findCircumstances.get(...values) as { id: number };
    const shared = circumstances.facts.slice(0, KIN_COLUMNS.length);
    // The first circumstances of a kin give it its name.
    this.#addKin.run(id, ...shared);
    circumstances.kin = (this.#findKin.get(...shared) as { id: number }).id;
    circumstances.id = id;
  }

  /** @param seat 0 where one process has the store alone: a seat keeps sums of its windows itself */
  #writeSums(seat: number): void {
    const { hours, windows } = this.#sums.take();
    for (const sum of hours) {
      this.#addToHour.run(sum.hour, ...sum.facts, seat, ...sum.sums);
      const { day, third } = sum.third;
      this.#addToThird[third]!.run(day, sum.circumstances.kin, seat, ...sum.dayFigures);
    }
    if (seat === 0) for (const window of windows) this.#addToWindow.run(...window);
  }

  #writeTotal([book, window, settled, held]: readonly Value[], seat: number): void {
    this.#total.run(BigInt(settled as string), BigInt(held as string), book, window, seat);
  }

  #writeHolds(values: Value[]): void {
    for (let at = 0; at < values.length; at += HOLD_FIELDS) {
      const { id, kin } = this.#circumstances.find(values[at + 2]);
      values[at + 2] = id!;
      this.#slots.see(kin!, values[at] as string);
    }
    this.#holds.insert(values);
  }

  #writeSettlements(values: Value[]): void {
    const of: Circumstances[] = [];
    for (let at = 0; at < values.length; at += SETTLEMENT_FIELDS) {
      const circumstances = this.#circumstances.find(values[at + 2]);
      of.push(circumstances);
      values[at + 2] = circumstances.id!;
    }
    const known = this.#settlements.insert(values);
    for (let i = 0, at = 0; at < values.length; i++, at += SETTLEMENT_FIELDS) {
      if (!known?.has(at)) this.#sums.addPlain(of[i]!, values, at);
    }
  }

  #writeOthers(values: readonly Value[]): void {
    let isNew = true;
    for (let at = 0; at < values.length; ) {
      const op = values[at++];
      if (op === OP.entry) {
        const circumstances = this.#circumstances.find(values[at + ENTRY_HEAD.circumstances]);
        const end = at + ENTRY_FIELDS + circumstances.books.length;
        isNew = this.#writeEntry(values.slice(at, end), circumstances);
        at = end;
      } else if (op === OP.kept || op === OP.keptWithEntry) {
        if (op === OP.kept || isNew) this.#keep.run(...values.slice(at, at + KEPT_FIELDS));
        at += KEPT_FIELDS;
      } else if (op === OP.forgetKept) {
        this.#forget.run(values[at++]);
      } else if (op === OP.mark) {
        this.#mark.run(values[at], values[at + 1]);
        at += 2;
      } else {
        throw new Error(`a batch holds an unknown operation (${String(op)})`);
      }
    }
  }

  /** Tells whether it was new. */
  #writeEntry(values: Value[], circumstances: Circumstances): boolean {
    const { books, windows } = circumstances;
    const amounts = values.splice(ENTRY_FIELDS) as string[];
    values[ENTRY_HEAD.circumstances] = circumstances.id!;
    values.push(sharesJson(books, windows, amounts));
    const [attempt, phase, n, kind, at] = values as [string, number, number, string, number];
    if (phase === PHASE.hold && n === 0) this.#slots.see(circumstances.kin!, attempt);
    if (Number(this.#insertEntry.run(...values).changes) === 0) return false;
    if (kind === "settle" || kind === "adjust") {
      this.#sums.addEntry(circumstances, values, amounts, this.#isFirstSettlement);
    } else if (kind === "unsettled") {
      const { reason } = JSON.parse(values[ENTRY_HEAD.detail] as string) as { reason?: string };
      this.#addDoubt.run(attempt, at, reason ?? "");
      for (let i = 0; i < books.length; i++)
        this.#addDoubtShare.run(attempt, books[i], windows[i], BigInt(amounts[i]!));
    }
    if (phase === PHASE.resolve) {
      this.#removeDoubt.run(attempt);
      this.#removeDoubtShares.run(attempt);
    }
    return true;
  }

  readonly #isFirstSettlement = (attempt: string, phase: number): boolean => {
    if (isSurelyFirst(attempt, phase)) return true;
    const call = attempt.slice(0, attempt.lastIndexOf("."));
    return this.#otherSettlements.get(`${call}.`, `${call}/`, attempt) === undefined;
  };
}
