/** Seeded randomness: the same seed gives the same numbers on every machine. (xoshiro128**, seeded by FNV-1a.) */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor(seed: string | Buffer) {
    const bytes = typeof seed === "string" ? Buffer.from(seed) : seed;
    const states = [0, 1, 2, 3].map((salt) => {
      let hash = 0x811c9dc5 ^ salt;
      for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
      return mix(hash);
    });
    [this.#a, this.#b, this.#c, this.#d] = states as [number, number, number, number];
  }

  /** A whole number of 32 bits. */
  next(): number {
    const product = Math.imul(this.#b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9);
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result >>> 0;
  }

  /** A whole number from 0 up to, but not including, `below`. */
  below(below: number): number {
    return Math.floor((this.next() / 2 ** 32) * below);
  }

  /** From `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** True one time in `times`. */
  once(times: number): boolean {
    return this.below(times) === 0;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)));
  }

  /** Pieces of a text of bytes, cut anywhere: sometimes whole, sometimes byte by byte. */
  cut(bytes: Buffer): Buffer[] {
    const longest = this.pick([1, 2, 7, 64, 1_000, bytes.length + 1]);
    const pieces: Buffer[] = [];
    for (let at = 0; at < bytes.length; ) {
      const end = at + this.between(1, longest);
      pieces.push(bytes.subarray(at, end));
      at = end;
    }
    return pieces;
  }
}

function mix(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) | 1;
}
