/** Where the time comes from. Everything that needs the time is given a clock, so that tests can hold it. */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

/** A clock that only moves when told to. */
export class ManualClock implements Clock {
  #now: number;

  constructor(now: number | string) {
    this.#now = typeof now === "string" ? Date.parse(now) : now;
  }

  now(): number {
    return this.#now;
  }

  set(now: number | string): void {
    this.#now = typeof now === "string" ? Date.parse(now) : now;
  }

  advance(milliseconds: number): void {
    this.#now += milliseconds;
  }
}
