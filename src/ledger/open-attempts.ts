import type { AttemptHold } from "./attempt-hold.ts";

/**
 * The attempts in flight, in no order; each knows its place. A `Map` would do, but one that is added to and deleted from
 * all day is built anew again and again, and each discarded table, once it has grown old, keeps the whole calls in it
 * (and the table after it) from the quick collection of garbage.
 */
export class OpenAttempts implements Iterable<AttemptHold> {
  readonly #holds: AttemptHold[] = [];

  get size(): number {
    return this.#holds.length;
  }

  add(hold: AttemptHold): void {
    hold.place = this.#holds.length;
    this.#holds.push(hold);
  }

  /** @param hold one that was added, and not removed since */
  remove(hold: AttemptHold): void {
    const last = this.#holds.pop()!;
    if (last === hold) return;
    this.#holds[hold.place] = last;
    last.place = hold.place;
  }

  [Symbol.iterator](): Iterator<AttemptHold> {
    return this.#holds[Symbol.iterator]();
  }
}
