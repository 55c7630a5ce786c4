import type { Ledger } from "../ledger/ledger.ts";
import type { Hold } from "../ledger/spec.ts";
import type { StreamFollower } from "../vendors/spec.ts";
import { estimateOutput } from "./settle.ts";
import type { AttemptSize } from "./sizing.ts";

/** Where a whole step has no room left, halves of it are tried, down to this part. */
const SMALLEST_PART = 8;

/**
 * A hold that began with one step and is topped up as the stream goes on: half a step ahead of what has been generated,
 * so that what is in flight when the stream must stop is paid for too.
 */
export class Steps {
  readonly #ledger: Ledger;
  readonly #hold: Hold;
  readonly #size: AttemptSize;
  readonly #step: number;
  #heldTokens: number;

  /** @param step output tokens of one step, all choices together */
  constructor(ledger: Ledger, hold: Hold, size: AttemptSize, step: number) {
    this.#ledger = ledger;
    this.#hold = hold;
    this.#size = size;
    this.#step = step;
    this.#heldTokens = Math.min(step, size.outputTokens);
  }

  /** Output tokens that are paid for so far, all choices together. */
  get heldTokens(): number {
    return this.#heldTokens;
  }

  /** Tops up for what a stream has shown. False when no more can be held, and what is held is almost used up. */
  readonly afford = (follower: StreamFollower): boolean => {
    const used = estimateOutput(follower);
    while (this.#heldTokens < this.#size.outputTokens && this.#heldTokens <= used + this.#step / 2) {
      if (!this.#topUp()) return used + this.#step / SMALLEST_PART < this.#heldTokens;
    }
    return true;
  };

  #topUp(): boolean {
    for (let part = 1; part <= SMALLEST_PART; part *= 2) {
      const tokens = Math.ceil(this.#step / part);
      const next = Math.min(this.#heldTokens + tokens, this.#size.outputTokens);
      if (!this.#ledger.topUp(this.#hold, this.#size.growth(this.#heldTokens, next))) continue;
      this.#heldTokens = next;
      return true;
    }
    return false;
  }
}
