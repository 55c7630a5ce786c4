import type { DatabaseSync } from "@photostructure/sqlite";
import { firstIdAt, timeOfId } from "../base/ids.ts";
import { PHASE } from "./spec.ts";

type Database = InstanceType<typeof DatabaseSync>;
type Statement = ReturnType<Database["prepare"]>;

/** Openings of one slot: what finding a single one of them costs at the most. */
const SLOT_OPENINGS = 2_000;

/** A row of `kin`, as the writer knows it. */
export interface Kin {
  readonly id: number;
  /** The last slot in which it was noted. */
  slot: number;
}

/**
 * Notes in which stretch of the ledger which kin of circumstances opened attempts, so that a list of few calls among
 * many finds them without an index on every row. A slot is a stretch of ids: it begins at a millisecond, and ends
 * where the next one begins, after `SLOT_OPENINGS` or so. A kin is noted once a slot, however many its openings are.
 */
export class OpeningSlots {
  readonly #size: number;
  readonly #begin: Statement;
  readonly #note: Statement;
  readonly #slotAt: Statement;
  readonly #openingsSince: Statement;
  readonly #last: Statement;
  /** Of the slot that is open: its beginning, the first id that may be in it, openings, the newest of them. */
  #since = -1;
  #first = "";
  #count = 0;
  #newest = "";

  constructor(database: Database, size = SLOT_OPENINGS) {
    this.#size = size;
    this.#begin = database.prepare("insert into opening_slots (seat, since) values (0, ?) on conflict do nothing");
    this.#note = database.prepare("insert into kin_slots (kin, since, seat) values (?, ?, 0) on conflict do nothing");
    this.#slotAt = database.prepare("select max(since) as since from opening_slots where seat = 0 and since <= ?");
    this.#last = database.prepare("select max(attempt) as attempt from entry_rows");
    this.#openingsSince = database.prepare(
      `select count(*) as openings from (select 1 from entry_rows
         where attempt >= ? and phase = ${PHASE.hold} and n = 0 limit ${size})`,
    );
  }

  /** An attempt of this kin is opened. */
  see(kin: Kin, attempt: string): void {
    if (this.#since < 0) this.#resume();
    if (this.#count >= this.#size) this.#turn();
    if (attempt < this.#first) {
      // It waited since before the slot was begun.
      this.#note.run(kin.id, this.#slotOf(timeOfId(attempt)));
      return;
    }
    this.#count += 1;
    if (attempt > this.#newest) this.#newest = attempt;
    if (kin.slot === this.#since) return;
    kin.slot = this.#since;
    this.#note.run(kin.id, this.#since);
  }

  /** Begins the next slot behind all that was seen, so that each opening is in one slot for ever. */
  #turn(): void {
    const since = timeOfId(this.#newest) + 1;
    if (since <= this.#since || firstIdAt(since) <= this.#newest) return;
    this.#open(since, 0);
    this.#begin.run(since);
  }

  /** Goes on in the slot in which the store was left. */
  #resume(): void {
    const since = this.#slotOf(Number.MAX_SAFE_INTEGER);
    const { openings } = this.#openingsSince.get(firstIdAt(since)) as { openings: number };
    this.#open(since, openings);
    this.#newest = (this.#last.get() as { attempt: string | null }).attempt ?? "";
  }

  #open(since: number, count: number): void {
    this.#since = since;
    // The first slot has no beginning.
    this.#first = since === 0 ? "" : firstIdAt(since);
    this.#count = count;
    this.#newest = "";
  }

  #slotOf(time: number): number {
    return (this.#slotAt.get(time) as { since: number | null }).since ?? 0;
  }
}
