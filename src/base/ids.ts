import { randomBytes, randomFillSync } from "node:crypto";

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"; // Crockford's base 32: sorts like the number it spells
/** Two characters for every ten bits. */
const PAIRS = Array.from({ length: 1024 }, (_, value) => ALPHABET[value >> 5]! + ALPHABET[value & 31]!);
const TIME_CHARACTERS = 9; // 45 bits of milliseconds: until the year 3084
const LOW_BITS = 25;
const LOW_MOST = 2 ** LOW_BITS - 1;
/** Random bytes are asked of the system for this many milliseconds at once: each time costs more than all else here. */
const RANDOM_WORDS = 512;

/**
 * Makes call ids that sort by time and never repeat: `call_` + 9 characters of milliseconds + 11 characters that start
 * at random and count up within a millisecond. They never step back, not even when the clock does, so the ids of a
 * later call always sort after those of an earlier one in the same store.
 */
export class CallIds {
  #time = 0;
  #prefix = firstIdAt(0);
  /** The counter's upper 30 bits and its lower 25: 54 of them random at first, so that there is room to count. */
  #high = 0;
  #low = 0;
  readonly #random = new Uint32Array(RANDOM_WORDS);
  #unused = 0;

  /** @param after the last id in the store: the next ids will sort after it. */
  constructor(after?: string) {
    if (!after) return;
    // At random here, too: nodes that share a store, with clocks behind its last id, begin at one time after it.
    this.#begin(timeOfId(after) + 1);
  }

  next(now: number): string {
    if (now > this.#time) this.#begin(now);
    else if (this.#low < LOW_MOST) {
      this.#low += 1;
    } else {
      this.#low = 0;
      this.#high += 1;
    }
    return this.#prefix + spellCounter(this.#high, this.#low);
  }

  #begin(time: number): void {
    this.#time = time;
    this.#prefix = firstIdAt(time);
    if (this.#unused === 0) this.#unused = randomFillSync(this.#random).length;
    this.#high = this.#random[--this.#unused]! >>> 3;
    this.#low = this.#random[--this.#unused]! >>> (32 - LOW_BITS);
  }
}

/** The millisecond at which a call id was made. */
export function timeOfId(id: string): number {
  let time = 0;
  for (const character of id.slice(5, 5 + TIME_CHARACTERS)) time = time * 32 + ALPHABET.indexOf(character);
  return time;
}

/** The smallest id that a call made at `time` (milliseconds) or later can have: for range queries. */
export function firstIdAt(time: number): string {
  return `call_${spell(Math.max(0, time), TIME_CHARACTERS)}`;
}

/** A random name for a thing that need not sort: `prefix_` + 16 characters, 80 random bits. */
export function randomId(prefix: string): string {
  let text = "";
  for (const byte of randomBytes(16)) text += ALPHABET[byte & 31];
  return `${prefix}_${text}`;
}

function spell(value: number, length: number): string {
  let text = "";
  let rest = value;
  for (let i = 0; i < length; i++) {
    text = ALPHABET[rest % 32]! + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

function spellCounter(high: number, low: number): string {
  const upper = PAIRS[high >>> 20]! + PAIRS[(high >>> 10) & 1023]! + PAIRS[high & 1023]!;
  return upper + PAIRS[low >>> 15]! + PAIRS[(low >>> 5) & 1023]! + ALPHABET[low & 31]!;
}
