/** Numbers that look random and are the same for the same seed (sfc32). Everything uncertain in a simulation is drawn here. */
export class Chance {
  #a: number;
  #b: number;
  #c: number;
  #count = 1;

  constructor(seed: number) {
    this.#a = Math.imul(seed, 0x9e3779b1) >>> 0;
    this.#b = (seed ^ 0x85ebca6b) >>> 0;
    this.#c = 0xc2b2ae35;
    for (let i = 0; i < 12; i++) this.word();
  }

  /** 32 random bits. */
  word(): number {
    const sum = (this.#a + this.#b + this.#count++) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** From 0 up to 1. */
  fraction(): number {
    return this.word() / 4_294_967_296;
  }

  /** From `least` up to `most`. */
  between(least: number, most: number): number {
    return least + this.fraction() * (most - least);
  }

  /** A whole number from `least` to `most`, both included. */
  whole(least: number, most: number): number {
    return least + Math.floor(this.fraction() * (most - least + 1));
  }

  /** Whether something with this probability happens. */
  happens(probability: number): boolean {
    return this.fraction() < probability;
  }

  pick<T>(among: readonly T[]): T {
    return among[Math.floor(this.fraction() * among.length)]!;
  }

  /** Another stream of numbers: what is drawn from it disturbs nothing that is drawn here. */
  fork(): Chance {
    return new Chance(this.word());
  }
}
