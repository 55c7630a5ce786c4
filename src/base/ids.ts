import { randomBytes, randomFillSync } from "node:crypto";

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"; // Crockford's base 32: sorts like the number it spells
const TIME_CHARACTERS = 9; // 45 bits of milliseconds: until the year 3084
const COUNTER_CHARACTERS = 11;

/**
 * Makes call ids that sort by time and never repeat: `call_` + 9 characters of milliseconds + 11 characters that start
 * at random and count up within a millisecond. They never step back, not even when the clock does, so the ids of a
 * later call always sort after those of an earlier one in the same store.
 */
export class CallIds {
  #time = 0;
  #counter = 0n;
  readonly #random = Buffer.alloc(8);

  /** @param after the last id in the store: the next ids will sort after it. */
  constructor(after?: string) {
    if (after) this.#time = timeOfId(after) + 1;
  }

  next(now: number): string {
    if (now > this.#time) {
      this.#time = now;
      randomFillSync(this.#random);
      this.#counter = this.#random.readBigUInt64BE() >> 10n; // 54 random bits, room to count in 55
    } else {
      this.#counter += 1n;
    }
    return `call_${spell(this.#time, TIME_CHARACTERS)}${spellBig(this.#counter, COUNTER_CHARACTERS)}`;
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

function spellBig(value: bigint, length: number): string {
  const high = Number(value >> 25n);
  const low = Number(value & 0x1ffffffn);
  return spell(high, length - 5) + spell(low, 5);
}
