const MINUTE_MS = 60_000;

/**
 * At most `limit` admissions in any 60 seconds, exactly: remembers the times of the last `limit` of them in a ring, so
 * the next is free once the oldest is a minute old. Memory: 8 bytes an admission of the limit.
 */
export class RequestWindow {
  readonly limit: number;
  readonly #times: Float64Array;
  #next = 0;

  constructor(limit: number) {
    this.limit = limit;
    this.#times = new Float64Array(limit).fill(Number.NEGATIVE_INFINITY);
  }

  /** Milliseconds until an admission is free; 0 when one is. */
  wait(now: number): number {
    return Math.max(0, this.#times[this.#next]! + MINUTE_MS - now);
  }

  admit(now: number): void {
    this.#times[this.#next] = now;
    this.#next = (this.#next + 1) % this.limit;
  }
}

const SLOTS = 61; // one more than the seconds of a minute: the slot in progress beside sixty whole ones

/** At most `limit` tokens in any 60 seconds, counted by the second (so never more, and up to a second stricter). */
export class TokenWindow {
  readonly limit: number;
  readonly #slots = new Float64Array(SLOTS);
  #second = 0;
  #sum = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Milliseconds until `tokens` more fit; 0 when they do; Infinity when they never can. */
  wait(now: number, tokens: number): number {
    this.#advance(now);
    if (tokens > this.limit) return Number.POSITIVE_INFINITY;
    let excess = this.#sum + tokens - this.limit;
    if (excess <= 0) return 0;
    for (let age = SLOTS - 1; age > 0; age--) {
      excess -= this.#slots[(((this.#second - age) % SLOTS) + SLOTS) % SLOTS]!;
      if (excess <= 0) return Math.max(1, (this.#second - age + SLOTS) * 1000 - now);
    }
    return Math.max(1, (this.#second + SLOTS) * 1000 - now);
  }

  add(now: number, tokens: number): void {
    this.#advance(now);
    this.#slots[this.#second % SLOTS]! += tokens;
    this.#sum += tokens;
  }

  /** Replaces what was added at `then` by what is known now. Changes nothing once that second is out of the minute. */
  correct(then: number, now: number, difference: number): void {
    this.#advance(now);
    const second = Math.floor(then / 1000);
    if (second <= this.#second - SLOTS) return;
    this.#slots[second % SLOTS]! += difference;
    this.#sum += difference;
  }

  #advance(now: number): void {
    const second = Math.floor(now / 1000);
    const steps = Math.min(second - this.#second, SLOTS);
    for (let step = 1; step <= steps; step++) {
      const slot = (second - steps + step) % SLOTS;
      this.#sum -= this.#slots[slot]!;
      this.#slots[slot] = 0;
    }
    if (second > this.#second) this.#second = second;
  }
}
