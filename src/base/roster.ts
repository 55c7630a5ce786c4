/** What stands in a roster, and where. */
export interface Placed {
  place: number;
}

/**
 * Things that come and go all day, in no order; each knows its place. A `Map` or `Set` would do, but one that is added to
 * and deleted from all the time is built anew again and again, and each discarded table, once it has grown old, keeps
 * all that was in it (and the table after it) from the quick collection of garbage.
 */
export class Roster<T extends Placed> implements Iterable<T> {
  readonly #things: T[] = [];

  get size(): number {
    return this.#things.length;
  }

  at(place: number): T | undefined {
    return this.#things[place];
  }

  add(thing: T): void {
    thing.place = this.#things.length;
    this.#things.push(thing);
  }

  /** The last one takes its place. @param thing one that was added, and not removed since */
  remove(thing: T): void {
    const last = this.#things.pop()!;
    if (last === thing) return;
    this.#things[thing.place] = last;
    last.place = thing.place;
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#things[Symbol.iterator]();
  }
}
