import type { Nano } from "../../base/money.ts";
import type { WindowSums } from "../budget-account.ts";

/**
 * What a node may use of one window of a budget, and what it knows of the rest. The node's use (settled and in flight)
 * never exceeds `granted`; the store's record of the lease is never less than `granted`, nor than what the disk says
 * was used: so the sum over all nodes never exceeds the limit, whatever is lost and whenever.
 */
export class WindowLease {
  /** What this node may use, all that it settled included. */
  granted: Nano = 0n;
  /** The store's record of it, as far as known: higher while something is still to be given back. */
  recorded: Nano = 0n;
  /** What is neither granted here nor surely spent, as last heard; undefined where nothing fresh is known. */
  #beyond: Nano | undefined;
  #heardAt = Number.NEGATIVE_INFINITY;
  /** Settled and held over all nodes, as last heard: for people. */
  settled: Nano = 0n;
  held: Nano = 0n;
  /** What calls at other nodes wait for. */
  othersWant: Nano = 0n;
  /** Some of them at a node of a lower seat. */
  lowerWants = false;
  /** Use as the group says that is on its way to the disk, and as the disk says. */
  sealed: Nano = 0n;
  durable: Nano = 0n;
  /** Use a second, lately. */
  rate: Nano = 0n;
  /** The store's record says that calls here wait for more. */
  isWanting = false;
  /** performance.now() before which drawing again is of no use. */
  nextDrawAt = 0;
  #measured: Nano = 0n;
  readonly #touched: WindowSums[];
  #isTouched = false;

  /** @param touched windows whose totals changed since the last group left for the disk */
  constructor(touched: WindowSums[]) {
    this.#touched = touched;
  }

  /** The totals of `window`, whose lease this is, have changed. */
  touch(window: WindowSums): void {
    if (this.#isTouched) return;
    this.#isTouched = true;
    this.#touched.push(window);
  }

  /** They leave for the disk. */
  seal(used: Nano): void {
    this.#isTouched = false;
    this.sealed = used;
  }

  /** Whether the disk knows all that was used. */
  isDurable(used: Nano): boolean {
    return !this.#isTouched && this.durable === used && this.sealed === used;
  }

  /** Learns how fast it is used: at once where it has become faster, by and by where slower. */
  measure(used: Nano, milliseconds: number): void {
    const more = used > this.#measured ? used - this.#measured : 0n;
    this.#measured = used;
    const rate = (more * 1_000n) / BigInt(milliseconds);
    const faded = (this.rate * 3n) / 4n;
    this.rate = rate > faded ? rate : faded;
  }

  /** The least that the store's record must say: what is used, and what the disk holds as used. */
  least(used: Nano): Nano {
    return largest(largest(this.granted, used), largest(this.sealed, this.durable));
  }

  /** What more there may be, at the most. Without fresh knowledge: all of the limit that is not granted here. */
  beyond(limit: Nano): Nano {
    return this.#beyond ?? largest(limit - this.granted, 0n);
  }

  hear(beyond: Nano, now: number): void {
    this.#beyond = largest(beyond, 0n);
    this.#heardAt = now;
  }

  /** Forgets what it heard before `since` (performance.now()). Tells whether it knows nothing since then. */
  forget(since: number): boolean {
    if (this.#heardAt >= since) return false;
    this.#beyond = undefined;
    return true;
  }
}

function largest(a: Nano, b: Nano): Nano {
  return a > b ? a : b;
}
