import type pg from "pg";
import { firstIdAt } from "../base/ids.ts";
import { type Batch, ENTRY_HEAD, HOLD_FIELDS, SETTLEMENT_FIELDS, TOTAL_FIELDS, type Value } from "./batch.ts";
import { keyOf, keyOfEntry, type OtherEntry, type OtherSteps, readOthers, sharesOf, witnessOf } from "./batch-steps.ts";
import { BatchSums, isSurelyFirst } from "./batch-sums.ts";
import { booksOf, type Circumstances, digestOf, KnownCircumstances } from "./circumstances.ts";
import { OpeningSlots, type SlotRows } from "./opening-slots.ts";
import { arrayOf, columnArray } from "./postgres-arrays.ts";
import { PostgresConsequences } from "./postgres-consequences.ts";
import { STATEMENTS, type StatementName } from "./postgres-statements.ts";
import { PHASE } from "./spec.ts";

const BEGIN = "begin isolation level read committed";

/** What a batch wrote: all of it was new, or only these of its entries. */
interface Written {
  readonly settlements: ReadonlySet<string> | undefined;
  readonly entries: ReadonlySet<string> | undefined;
  /** Settlements of the calls of which it must be known which was the first. */
  readonly settled: ReadonlySet<string>;
}

/**
 * Writes batches of the journal into PostgreSQL: one transaction and two round trips each, whatever is in them. The same
 * batch may be written again and again, as must be where it is unknown whether a transaction came through: entries that
 * are there change nothing and are not summed again, and all else is said as it shall be, not as what is to be added.
 */
export class PostgresBatchWriter {
  readonly #known = new KnownCircumstances();
  readonly #sums = new BatchSums();
  readonly #slots: OpeningSlots;

  /** @param slotOpenings of a slot: for tests */
  constructor(slotOpenings?: number) {
    this.#slots = new OpeningSlots(slotOpenings);
  }

  /** What was written before may be gone: the server went down, or it is another one by now. */
  forgetRows(): void {
    for (const circumstances of this.#known.values()) circumstances.id = undefined;
    this.#slots.forget();
  }

  /**
   * False, and nothing written, where the batch's seat was taken away. True where an earlier try had come through, though
   * the seat was taken away since: what is in the ledger was not refused.
   *
   * @param mayBeThere the same batch was written before, and it is unknown whether that came through
   */
  async write(client: pg.Client, batch: Batch, mayBeThere = false): Promise<boolean> {
    this.#known.meet(batch.circumstances);
    const steps = readOthers(batch.others, this.#known);
    await this.#giveRows(client, batch, steps);
    let written = false;
    try {
      const slots = await this.#seeOpenings(client, batch, steps);
      const outcome = await this.#tryToWrite(client, batch, steps, slots, { mustAsk: false, mayBeThere });
      // Some of it is in the ledger already: which, is worth asking only then.
      written =
        outcome ?? (await this.#tryToWrite(client, batch, steps, slots, { mustAsk: true, mayBeThere })) ?? false;
    } finally {
      if (!written) this.#slots.forget();
    }
    this.#known.forgetOldest();
    return written || (mayBeThere && (await this.#isThere(client, batch, steps)));
  }

  /** One of its entries tells of all. */
  async #isThere(client: pg.Client, batch: Batch, steps: OtherSteps): Promise<boolean> {
    const witness = witnessOf(batch, steps);
    if (!witness) return false;
    const pipeline = new Pipeline(client);
    pipeline.ask("isThere", witness);
    return (await pipeline.done())[0]!.rows.length > 0;
  }

  /** Which slots the batch's openings are in. What the store holds of the seat is asked once, after its node has taken it. */
  async #seeOpenings(client: pg.Client, { seat, holds }: Batch, steps: OtherSteps): Promise<SlotRows | undefined> {
    if (!this.#slots.isOf(seat)) await this.#resumeSlots(client, seat);
    const see = ({ kin }: Circumstances, attempt: Value): void => this.#slots.see(kin!, attempt as string);
    for (let at = 0; at < holds.length; at += HOLD_FIELDS) see(this.#known.find(holds[at + 2]), holds[at]!);
    for (const { circumstances, values } of steps.entries) {
      const isOpening = values[ENTRY_HEAD.phase] === PHASE.hold && values[ENTRY_HEAD.n] === 0;
      if (isOpening) see(circumstances, values[ENTRY_HEAD.attempt]!);
    }
    return this.#slots.take();
  }

  async #resumeSlots(client: pg.Client, seat: readonly number[]): Promise<void> {
    const first = new Pipeline(client);
    first.ask("newestSlot", [seat[0] ?? 0]);
    const [{ since, newest }] = (await first.done())[0]!.rows as [{ since: string | null; newest: string | null }];
    if (since === null) return this.#slots.resume(seat, { since: undefined, openings: 0, newest: "" });
    const second = new Pipeline(client);
    second.ask("openingsSince", [firstIdAt(Number(since))]);
    const [{ openings }] = (await second.done())[0]!.rows as [{ openings: string }];
    this.#slots.resume(seat, { since: Number(since), openings: Number(openings), newest: newest ?? "" });
  }

  /** Undefined, and nothing written, where it must be asked what is new. */
  async #tryToWrite(
    client: pg.Client,
    batch: Batch,
    steps: OtherSteps,
    slots: SlotRows | undefined,
    { mustAsk, mayBeThere }: { readonly mustAsk: boolean; readonly mayBeThere: boolean },
  ): Promise<boolean | undefined> {
    const [number, epoch] = batch.seat;
    const first = new Pipeline(client);
    first.say(BEGIN);
    const beat = number === undefined ? undefined : first.ask("beat", [number, epoch]);
    const written = this.#writeEntries(first, batch, steps, mustAsk);
    const results = await first.done();
    const isFenced = beat !== undefined && results[beat]!.rowCount === 0;
    const outcome = isFenced ? undefined : written(results);
    if (!outcome) {
      await client.query("rollback");
      return isFenced ? false : undefined;
    }
    const second = new Pipeline(client);
    const seat = number ?? 0;
    const { entries, kept, marks } = steps;
    const news = new Set(firstEntries(entries).filter((entry) => isNew(entry, outcome)));
    this.#sum(batch, [...news], outcome);
    const consequences = new PostgresConsequences((name, parameters) => second.ask(name, parameters));
    consequences.writeSums(this.#sums.take(), seat);
    consequences.writeSlots(slots, seat);
    consequences.writeDoubts([...news]);
    consequences.writeKept(kept, news, mayBeThere);
    consequences.writeMarks(marks);
    consequences.writeTotals(batch.totals, TOTAL_FIELDS, seat);
    second.say("commit");
    const { command } = (await second.done()).at(-1)!;
    if (command !== "COMMIT") throw new Error(`the server answered a commit with ${command}`);
    return true;
  }

  /** Asks for all entries to be written, and returns what reads the answers. */
  #writeEntries(
    pipeline: Pipeline,
    { holds, settlements }: Batch,
    { entries }: OtherSteps,
    mustAsk: boolean,
  ): (results: readonly pg.QueryResult[]) => Written | undefined {
    const rowOf = (number: Value): number => this.#known.find(number).id!;
    const columns = (values: readonly Value[], width: number): string[] =>
      Array.from({ length: width }, (_, place) => columnArray(values, width, place, place === 2 ? rowOf : undefined));
    if (holds.length > 0) pipeline.ask("holds", columns(holds, HOLD_FIELDS));
    let settlementsAt: number | undefined;
    if (settlements.length > 0) {
      const values = mustAsk ? firstOfEach(settlements) : settlements;
      const name = mustAsk ? "newSettlements" : "settlements";
      settlementsAt = pipeline.ask(name, columns(values, SETTLEMENT_FIELDS));
    }
    let entriesAt: number | undefined;
    if (entries.length > 0) {
      const written = mustAsk ? firstEntries(entries) : entries;
      entriesAt = pipeline.ask(mustAsk ? "newEntries" : "entries", entryColumns(written));
    }
    const calls = callsToAskFor(entries);
    const settledAt = calls.length > 0 ? pipeline.ask("settledOfCalls", [arrayOf(calls)]) : undefined;
    return (results) => {
      const keys = (at: number | undefined): Set<string> =>
        new Set(
          (at === undefined ? [] : results[at]!.rows).map((row) =>
            keyOf(row.attempt, row.phase ?? PHASE.close, row.n ?? 0),
          ),
        );
      const settled = keys(settledAt);
      if (mustAsk) return { settlements: keys(settlementsAt), entries: keys(entriesAt), settled };
      const isWhole = (at: number | undefined, rows: number): boolean =>
        at === undefined || results[at]!.rowCount === rows;
      const areNew =
        isWhole(settlementsAt, settlements.length / SETTLEMENT_FIELDS) && isWhole(entriesAt, entries.length);
      return areNew ? { settlements: undefined, entries: undefined, settled } : undefined;
    };
  }

  /** Gathers what the entries that are new add to the sums. */
  #sum({ settlements }: Batch, news: readonly OtherEntry[], written: Written): void {
    const left = written.settlements && new Set(written.settlements);
    for (let at = 0; at < settlements.length; at += SETTLEMENT_FIELDS) {
      // Of two with one key the first was written.
      if (left && !left.delete(keyOf(settlements[at]!, PHASE.close, 0))) continue;
      this.#sums.addPlain(this.#known.find(settlements[at + 2]), settlements, at);
    }
    // What the batch settles later on is no earlier settlement yet.
    const settled = new Set(written.settled);
    const costing = news.filter(({ values }) => ["settle", "adjust"].includes(values[ENTRY_HEAD.kind] as string));
    for (const entry of costing) if (entry.values[ENTRY_HEAD.kind] === "settle") settled.delete(keyOfEntry(entry));
    for (const entry of costing) {
      const { circumstances, values, amounts } = entry;
      this.#sums.addEntry(circumstances, values, amounts, (attempt, phase) => {
        if (isSurelyFirst(attempt, phase)) return true;
        const call = `${attempt.slice(0, attempt.lastIndexOf("."))}.`;
        for (const key of settled) if (key.startsWith(call) && !key.startsWith(`${attempt} `)) return false;
        return true;
      });
      if (values[ENTRY_HEAD.kind] === "settle") settled.add(keyOfEntry(entry));
    }
  }

  /**
   * Gives the circumstances that the batch names, and that have none yet, their rows, and their kin: in statements of their own, in one
   * order, because two nodes that insert the same ones in transactions would wait for each other.
   */
  async #giveRows(client: pg.Client, { holds, settlements }: Batch, { entries }: OtherSteps): Promise<void> {
    const missing = new Map<string, Circumstances[]>();
    const look = (circumstances: Circumstances): void => {
      if (circumstances.id !== undefined) return;
      const digest = digestOf(circumstances);
      const same = missing.get(digest);
      if (!same) missing.set(digest, [circumstances]);
      else if (!same.includes(circumstances)) same.push(circumstances);
    };
    for (let at = 2; at < holds.length; at += HOLD_FIELDS) look(this.#known.find(holds[at]));
    for (let at = 2; at < settlements.length; at += SETTLEMENT_FIELDS) look(this.#known.find(settlements[at]));
    for (const { circumstances } of entries) look(circumstances);
    if (missing.size === 0) return;
    const digests = [...missing.keys()].sort();
    const rows = digests.map((digest) => {
      const [circumstances] = missing.get(digest)!;
      return [digest, ...circumstances!.facts, booksOf(circumstances!)];
    });
    const pipeline = new Pipeline(client);
    pipeline.ask(
      "addCircumstances",
      rows[0]!.map((_, i) => arrayOf(rows.map((row) => row[i]!))),
    );
    pipeline.ask("addKin", [arrayOf(digests)]);
    pipeline.ask("findCircumstances", [arrayOf(digests)]);
    for (const { id, digest, kin } of (await pipeline.done())[2]!.rows) {
      for (const circumstances of missing.get(digest)!) {
        circumstances.id = Number(id);
        circumstances.kin = Number(kin);
      }
    }
  }
}

function isNew(entry: OtherEntry, { entries }: Written): boolean {
  return entries === undefined || entries.has(keyOfEntry(entry));
}

/** The settlements of a batch whose key none before them has. */
function firstOfEach(settlements: readonly Value[]): Value[] {
  const attempts = new Set<Value>();
  const values: Value[] = [];
  for (let at = 0; at < settlements.length; at += SETTLEMENT_FIELDS) {
    if (attempts.has(settlements[at]!)) continue;
    attempts.add(settlements[at]!);
    values.push(...settlements.slice(at, at + SETTLEMENT_FIELDS));
  }
  return values;
}

function firstEntries(entries: readonly OtherEntry[]): OtherEntry[] {
  const first = new Map<string, OtherEntry>();
  for (const entry of entries) if (!first.has(keyOfEntry(entry))) first.set(keyOfEntry(entry), entry);
  return [...first.values()];
}

function entryColumns(entries: readonly OtherEntry[]): string[] {
  const head = Array.from({ length: ENTRY_HEAD.detail + 1 }, (_, place) =>
    arrayOf(
      entries.map(({ values, circumstances }) =>
        place === ENTRY_HEAD.circumstances ? circumstances.id! : values[place]!,
      ),
    ),
  );
  return [...head, arrayOf(entries.map(sharesOf))];
}

/** The calls of settlements of which it is not sure that they are the first of theirs. */
function callsToAskFor(entries: readonly OtherEntry[]): string[] {
  const calls = new Set<string>();
  for (const { values } of entries) {
    const attempt = values[ENTRY_HEAD.attempt] as string;
    if (values[ENTRY_HEAD.kind] !== "settle" || isSurelyFirst(attempt, values[ENTRY_HEAD.phase] as number)) continue;
    calls.add(attempt.slice(0, attempt.lastIndexOf(".")));
  }
  return [...calls];
}

/** Statements that leave together: one round trip, however many there are. */
class Pipeline {
  readonly #client: pg.Client;
  readonly #results: Promise<pg.QueryResult>[] = [];

  constructor(client: pg.Client) {
    this.#client = client;
  }

  say(text: string): void {
    this.#results.push(this.#client.query(text));
  }

  /** Returns the place of its result. */
  ask(name: StatementName, values: readonly unknown[]): number {
    return this.#results.push(this.#client.query({ name, text: STATEMENTS[name], values: [...values] })) - 1;
  }

  /** All results; throws the first error there was: those after it only say that the transaction had failed. */
  async done(): Promise<pg.QueryResult[]> {
    const outcomes = await Promise.allSettled(this.#results);
    return outcomes.map((outcome) => {
      if (outcome.status === "rejected") throw outcome.reason;
      return outcome.value;
    });
  }
}
