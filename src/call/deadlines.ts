import { Roster } from "../base/roster.ts";

/** Something whose time runs out. */
export interface Expiring {
  place: number;
  /** In the clock of `performance.now()`. */
  readonly deadline: number;
  expire(): void;
}

/** A deadline is kept so late at the most, and never early. */
const TICK_MS = 50;

/** Looks at all deadlines now and then: a timer for each would cost more, and almost none of them is ever needed. */
export class Deadlines {
  readonly #watched = new Roster<Expiring>();
  #timer: NodeJS.Timeout | undefined;

  add(one: Expiring): void {
    this.#watched.add(one);
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS);
  }

  remove(one: Expiring): void {
    this.#watched.remove(one);
  }

  #tick(): void {
    const now = performance.now();
    // Backwards: one that is removed gives its place to the last, which has been looked at.
    for (let place = this.#watched.size - 1; place >= 0; place--) {
      const one = this.#watched.at(place);
      if (one && now >= one.deadline) one.expire();
    }
    if (this.#watched.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
