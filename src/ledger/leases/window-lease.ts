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
  /** The store's record of it, as far as known: higher while something is still to be given back. Undefined: to be told. */
  recorded: Nano | undefined = 0n;
  /**
   * What could be granted here at the most, as last heard: all that is not surely spent elsewhere. Undefined where nothing
   * fresh is known. What this node gives back meanwhile can be had again, so it is no less for that.
   */
  #most: Nano | undefined;
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
  /** The group that says `sealed` has not been answered. */
  isUnderWay = false;
  /** Left in doubt, and not known to be so on the disk; the part of it that the group under way says. */
  leaving: Nano = 0n;
  leavingSealed: Nano = 0n;
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
    this.isUnderWay = true;
    this.sealed = used;
    this.leavingSealed = this.leaving;
  }

  /** They are on the disk. */
  commit(): void {
    this.isUnderWay = false;
    this.durable = this.sealed;
    this.leaving -= this.leavingSealed;
    this.leavingSealed = 0n;
  }

  /** Whether the disk knows the totals: not only their sum. */
  get isDurable(): boolean {
    return !this.#isTouched && !this.isUnderWay;
  }

  /**
   * What is in doubt is everybody's: this node may not use it again. Until the disk says so, the store's record has to
   * keep it, or another node could be granted it meanwhile.
   */
  leave(bound: Nano): void {
    this.granted -= bound;
    this.leaving += bound;
    if (this.#most !== undefined) this.#most -= bound;
  }

  /** A draw was not answered: it is unknown what the store has recorded, so the next draw says it anew. */
  miss(): void {
    this.recorded = undefined;
  }

  /** Learns how fast it is used: at once where it has become faster, by and by where slower. */
  measure(used: Nano, milliseconds: number): void {
    const more = used > this.#measured ? used - this.#measured : 0n;
    this.#measured = used;
    const rate = (more * 1_000n) / BigInt(milliseconds);
    const faded = (this.rate * 3n) / 4n;
    this.rate = rate > faded ? rate : faded;
  }

  /** The least that the store's record must say: what is used or being left in doubt, and what the disk holds as used. */
  least(used: Nano): Nano {
    return largest(largest(this.granted, used) + this.leaving, largest(this.sealed, this.durable));
  }

  /** What more there may be, at the most. @param unheard the most that could be granted here, without fresh knowledge */
  beyond(unheard: Nano): Nano {
    return largest((this.#most ?? unheard) - this.granted, 0n);
  }

  /**
   * @param most what could be granted here
   * @param now performance.now()
   */
  hear(most: Nano, now: number): void {
    this.#most = most;
    this.#heardAt = now;
  }

  /** Forgets what it heard before `since` (performance.now()). Tells whether it knows nothing since then. */
  forget(since: number): boolean {
    if (this.#heardAt >= since) return false;
    this.#most = undefined;
    return true;
  }
}

function largest(a: Nano, b: Nano): Nano {
  return a > b ? a : b;
}
