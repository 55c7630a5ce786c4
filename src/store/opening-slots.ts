import { firstIdAt, timeOfId } from "../base/ids.ts";
import { SLOT_MOST_MS } from "./schema.ts";

/** Openings of one slot: what finding a single one of them costs at the most. */
export const SLOT_OPENINGS = 2_000;

/** Where a seat was left, as the store says it. */
export interface LeftSlot {
  /** Where its newest slot begins; undefined where it has none yet. */
  readonly since: number | undefined;
  /** Openings since then, `SLOT_OPENINGS` of them at the most. */
  readonly openings: number;
  /** None of the seat's attempts is newer. */
  readonly newest: string;
}

/** What a batch adds to the store's slots. Times are those of ids: milliseconds. */
export interface SlotRows {
  /** Where slots begin. */
  readonly begun: readonly number[];
  /** Times that may be in no slot yet: then one begins there. */
  readonly late: readonly number[];
  /** Which kin opened an attempt at which time: it is noted in the slot of that time. */
  readonly kin: readonly number[];
  readonly times: readonly number[];
}

/**
 * Notes in which stretch of the ledger which kin of circumstances opened attempts, so that a list of few calls among
 * many finds them without an index on every row. A slot is a stretch of ids of one seat: it begins at a millisecond, and
 * ends where the seat's next one begins, after `SLOT_OPENINGS` or so, or after `SLOT_MOST_MS`, so that the last slot of
 * a node that is gone ends too. A kin is noted once a slot, however many its openings are.
 */
export class OpeningSlots {
  readonly #size: number;
  /** Whose slot it is: seat and epoch, both empty where one process has the store alone; undefined while that is not known. */
  #owner: string | undefined;
  /** Of the slot that is open: the first id that may be in it, and the first that may not; how many there are, and the newest. */
  #first = "";
  #end = "";
  #since = 0;
  #count = 0;
  #newest = "";
  readonly #noted = new Set<number>();
  #begun: number[] = [];
  #late: number[] = [];
  #kin: number[] = [];
  #times: number[] = [];

  constructor(size = SLOT_OPENINGS) {
    this.#size = size;
  }

  /** Whether it knows where the seat was left. @param seat as a batch has it */
  isOf(seat: readonly number[]): boolean {
    return this.#owner === ownerOf(seat);
  }

  /** Goes on where the seat was left. */
  resume(seat: readonly number[], { since, openings, newest }: LeftSlot): void {
    this.forget();
    this.#owner = ownerOf(seat);
    if (since === undefined) return;
    this.#open(since);
    this.#count = openings;
    this.#newest = newest;
  }

  /** What was told and not taken is not written, and what was taken perhaps neither: the store must be asked. */
  forget(): void {
    this.take();
    this.#owner = undefined;
    this.#first = "";
    this.#end = "";
  }

  /** An attempt of this kin is opened. */
  see(kin: number, attempt: string): void {
    if (attempt >= this.#end) this.#begin(timeOfId(attempt));
    else if (attempt < this.#first) {
      // It waited since before the slot was begun.
      const time = timeOfId(attempt);
      this.#late.push(time);
      this.#note(kin, time);
      return;
    } else if (this.#count >= this.#size) {
      // Behind all that was seen, so that each opening is in one slot for ever.
      const time = timeOfId(attempt);
      if (time > timeOfId(this.#newest)) this.#begin(time);
    }
    this.#count += 1;
    if (attempt > this.#newest) this.#newest = attempt;
    if (this.#noted.has(kin)) return;
    this.#noted.add(kin);
    this.#note(kin, this.#since);
  }

  /** What was seen since it was taken; undefined where nothing has to be written. */
  take(): SlotRows | undefined {
    if (this.#kin.length === 0) return undefined;
    const rows = { begun: this.#begun, late: this.#late, kin: this.#kin, times: this.#times };
    this.#begun = [];
    this.#late = [];
    this.#kin = [];
    this.#times = [];
    return rows;
  }

  #note(kin: number, time: number): void {
    this.#kin.push(kin);
    this.#times.push(time);
  }

  #begin(since: number): void {
    this.#open(since);
    this.#begun.push(since);
  }

  #open(since: number): void {
    this.#since = since;
    this.#first = firstIdAt(since);
    this.#end = firstIdAt(since + SLOT_MOST_MS);
    this.#count = 0;
    this.#newest = "";
    this.#noted.clear();
  }
}

function ownerOf(seat: readonly number[]): string {
  return seat.join(".");
}
