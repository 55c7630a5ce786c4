import type { DatabaseSync } from "@photostructure/sqlite";
import { USAGE_CLASSES, type UsageClass } from "../base/usage.ts";
import {
  type Batch,
  CIRCUMSTANCES_KEPT,
  HOLD_FIELDS,
  OP,
  PLAIN_CLASSES,
  SETTLEMENT_FIELDS,
  type Value,
} from "./batch.ts";
import { BatchSums, type Circumstances } from "./batch-sums.ts";
import { BulkInsert } from "./bulk-insert.ts";
import { type Kin, OpeningSlots } from "./opening-slots.ts";
import { SHARE_MARK } from "./schema.ts";
import { PHASE } from "./spec.ts";
import { USAGE_COLUMNS } from "./usage-columns.ts";

type Database = InstanceType<typeof DatabaseSync>;
type Statement = ReturnType<Database["prepare"]>;

const PLAIN_COLUMNS = "attempt, at, circumstances, amount, held, detail";
const FACTS = 7; // payer, key, route, model, currency, price, rates
const KIN_FACTS = 5; // those of them that kin share
/** Fields of an entry that stand before its usage in `others`. */
const HEAD_FIELDS = 10;
const ENTRY_FIELDS = HEAD_FIELDS + USAGE_CLASSES.length + 1;
const KEPT_FIELDS = 8;

const PLAIN_PLACES = PLAIN_CLASSES.map((name) => USAGE_CLASSES.indexOf(name satisfies UsageClass));

/**
 * Writes batches of the journal, with everything that follows from an entry: sums of budgets and of hours, the list of
 * attempts in doubt, kept answers.
 */
export class BatchWriter {
  readonly #holds: BulkInsert;
  readonly #settlements: BulkInsert;
  readonly #insertEntry: Statement;
  readonly #sums: BatchSums;
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
  readonly #slots: OpeningSlots;
  /** By the numbers that batches use. */
  readonly #circumstances = new Map<number, Circumstances>();
  /** By their ids. */
  readonly #kin = new Map<number, Kin>();

  constructor(database: Database) {
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
    this.#sums = new BatchSums(database);
    this.#addDoubt = prepare("insert into unsettled (attempt, since, reason) values (?, ?, ?) on conflict do nothing");
    this.#removeDoubt = prepare("delete from unsettled where attempt = ?");
    this.#keep = prepare(`insert or replace into kept_answers values (${places(KEPT_FIELDS)})`);
    this.#forget = prepare("delete from kept_answers where id = ?");
    this.#mark = prepare("insert or replace into meta (name, value) values (?, ?)");
    this.#otherSettlements = prepare(
      "select 1 from entry_rows where attempt >= ? and attempt < ? and attempt <> ? and kind = 'settle' limit 1",
    );
    this.#addCircumstances = prepare(
      `insert into circumstances (payer, key, route, model, currency, price, rates, books)
       values (${places(FACTS + 1)}) on conflict do nothing`,
    );
    this.#findCircumstances = prepare(
      `select id from circumstances where payer = ? and key = ? and route = ? and model = ? and currency = ?
       and price = ? and rates = ? and books = ?`,
    );
    this.#addKin = prepare(`insert into kin values (${places(KIN_FACTS + 1)}) on conflict do nothing`);
    this.#findKin = prepare(
      "select id from kin where payer = ? and key = ? and route = ? and model = ? and currency = ?",
    );
    this.#slots = new OpeningSlots(database);
  }

  /** Writes all rows of a batch, inside the caller's transaction. */
  write({ circumstances, holds, settlements, others }: Batch): void {
    if (circumstances.length > 0) this.#meet(circumstances);
    this.#writeHolds(holds);
    this.#writeSettlements(settlements);
    if (others.length > 0) this.#writeOthers(others);
    this.#sums.write();
    if (this.#circumstances.size > 2 * CIRCUMSTANCES_KEPT) this.#forgetOldest();
  }

  /** Gives new circumstances their row. */
  #meet(values: readonly Value[]): void {
    for (let at = 0; at < values.length; ) {
      const number = values[at] as number;
      const facts = values.slice(at + 1, at + 1 + FACTS) as string[];
      const count = values[at + 1 + FACTS] as number;
      at += FACTS + 2;
      const books: string[] = [];
      const windows: number[] = [];
      for (let i = 0; i < count; i++, at += 2) {
        books.push(values[at] as string);
        windows.push(values[at + 1] as number);
      }
      const shares = sharesJson(books, windows, Array<string>(count).fill(SHARE_MARK));
      this.#addCircumstances.run(...facts, shares);
      const { id } = this.#findCircumstances.get(...facts, shares) as { id: number };
      const shared = facts.slice(0, KIN_FACTS);
      const kin = this.#kinOf(id, shared);
      this.#circumstances.set(number, { id, facts: shared, kin, books, windows, sum: undefined });
    }
  }

  /** @param circumstances their id, which names the kin where these are the first of it */
  #kinOf(circumstances: number, facts: readonly string[]): Kin {
    this.#addKin.run(circumstances, ...facts);
    const { id } = this.#findKin.get(...facts) as { id: number };
    let kin = this.#kin.get(id);
    if (!kin) this.#kin.set(id, (kin = { id, slot: -1 }));
    return kin;
  }

  /** The journal names none but the newest. */
  #forgetOldest(): void {
    this.#kin.clear();
    for (const number of this.#circumstances.keys()) {
      if (this.#circumstances.size <= CIRCUMSTANCES_KEPT) return;
      this.#circumstances.delete(number);
    }
  }

  #writeHolds(values: Value[]): void {
    for (let at = 0; at < values.length; at += HOLD_FIELDS) {
      const { id, kin } = this.#find(values[at + 2]!);
      values[at + 2] = id;
      this.#slots.see(kin, values[at] as string);
    }
    this.#holds.insert(values);
  }

  #writeSettlements(values: Value[]): void {
    const of: Circumstances[] = [];
    for (let at = 0; at < values.length; at += SETTLEMENT_FIELDS) {
      const circumstances = this.#find(values[at + 2]!);
      of.push(circumstances);
      values[at + 2] = circumstances.id;
    }
    const known = this.#settlements.insert(values);
    for (let i = 0, at = 0; at < values.length; i++, at += SETTLEMENT_FIELDS) {
      if (known?.has(at)) continue;
      const sum = this.#sums.hourOf(of[i]!, values[at + 1] as number);
      sum.calls += 1; // A plain settlement is of its call's first attempt.
      sum.attempts += 1;
      if (values[at + 6] === "estimated") sum.estimated += 1;
      sum.addPlainCost(values[at + 3] as number);
      for (let place = 0; place < PLAIN_PLACES.length; place++) {
        sum.usage[PLAIN_PLACES[place]!]! += (values[at + 7 + place] as number | null) ?? 0;
      }
    }
  }

  #find(number: Value): Circumstances {
    const circumstances = this.#circumstances.get(number as number);
    if (!circumstances) throw new Error(`a batch names circumstances that nobody described (${String(number)})`);
    return circumstances;
  }

  #writeOthers(values: readonly Value[]): void {
    let isNew = true;
    for (let at = 0; at < values.length; ) {
      const op = values[at++];
      if (op === OP.entry) {
        const circumstances = this.#find(values[at + 5]!);
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
    values[5] = circumstances.id;
    values.push(sharesJson(books, windows, amounts));
    if (Number(this.#insertEntry.run(...values).changes) === 0) return false;
    const [attempt, phase, n, kind, at] = values as [string, number, number, string, number];
    if (phase === PHASE.hold && n === 0) this.#slots.see(circumstances.kin, attempt);
    if (kind === "settle" || kind === "adjust") {
      for (let i = 0; i < books.length; i++) this.#sums.addShare(books[i]!, windows[i]!, BigInt(amounts[i]!));
      this.#addToHour(values, circumstances);
    } else if (kind === "unsettled") {
      const { reason } = JSON.parse(values[ENTRY_FIELDS - 1] as string) as { reason?: string };
      this.#addDoubt.run(attempt, at, reason ?? "");
    }
    if (phase === PHASE.resolve) this.#removeDoubt.run(attempt);
    return true;
  }

  #addToHour(entry: readonly Value[], circumstances: Circumstances): void {
    const [attempt, phase, , kind, at, , amount] = entry;
    const sum = this.#sums.hourOf(circumstances, at as number);
    sum.cost += BigInt(amount as string);
    if (kind !== "settle") return;
    sum.attempts += 1;
    if (entry[8] === "estimated") sum.estimated += 1;
    if (this.#isFirstSettlement(attempt as string, phase as number)) sum.calls += 1;
    for (let i = 0; i < USAGE_CLASSES.length; i++) sum.usage[i]! += (entry[HEAD_FIELDS + i] as number | null) ?? 0;
  }

  /** A call is counted once, with the first of its attempts that is settled. */
  #isFirstSettlement(attempt: string, phase: number): boolean {
    const dot = attempt.lastIndexOf(".");
    if (phase === PHASE.close && attempt.length === dot + 2 && attempt.endsWith("1")) return true;
    const call = attempt.slice(0, dot);
    return this.#otherSettlements.get(`${call}.`, `${call}/`, attempt) === undefined;
  }
}

function sharesJson(books: readonly string[], windows: readonly number[], amounts: readonly string[]): string {
  let text = "[";
  for (let i = 0; i < books.length; i++) {
    text += `${i > 0 ? "," : ""}[${JSON.stringify(books[i])},${windows[i]},"${amounts[i]}"]`;
  }
  return `${text}]`;
}
