/** Numbers that look random and are the same for the same seed (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 up to 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    const state = this.#state;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** From 0 up to `count`, whole. */
  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  /** Small ones often, large ones now and then: as lengths of prompts and answers are. */
  length(median: number): number {
    const normal = Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
    return Math.max(1, Math.round(median * Math.exp(normal)));
  }
}

/** Draws one of several things, each as often as its weight says. */
export class Draw<T> {
  readonly #things: readonly T[];
  readonly #sums: number[] = [];

  constructor(things: readonly T[], weightOf: (thing: T, place: number) => number) {
    this.#things = things;
    let sum = 0;
    for (const [place, thing] of things.entries()) this.#sums.push((sum += weightOf(thing, place)));
  }

  next(random: Random): T {
    const wanted = random.next() * this.#sums.at(-1)!;
    let low = 0;
    let high = this.#sums.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#sums[middle]! > wanted) high = middle;
      else low = middle + 1;
    }
    return this.#things[low]!;
  }
}
