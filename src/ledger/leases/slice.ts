import type { Nano } from "../../base/money.ts";

/** What a node asks for, of one window of a budget. */
export interface Want {
  /** Less than this is of no use now: all or nothing of it. */
  readonly least: Nano;
  readonly most: Nano;
}

/** How a node stands in one window of a budget. */
export interface Standing {
  /** What it may still use, beside what streams that are held in steps will probably need: below zero where those lack some. */
  readonly room: Nano;
  /** What calls wait for, and the least that is of use to the first of them; 0 where none waits. */
  readonly needed: Nano;
  readonly neededLeast: Nano;
  /** What it used a second, lately. */
  readonly rate: Nano;
  /** What calls at other nodes wait for. */
  readonly othersWant: Nano;
  /**
   * Calls here wait for another budget, and a node of a lower seat waits for this one: of two nodes that each keep what
   * the other waits for, one must let go.
   */
  readonly yields: boolean;
}

/**
 * How much to draw, and how much to give back. A slice lasts about a second at the present rate, so that calls need no
 * round trip. Where others wait, nothing is kept that no call here needs at once: near the end of a budget slices are
 * single holds.
 */
export function planSlice({ room, needed, neededLeast, rate, othersWant, yields }: Standing): {
  readonly want: Want | undefined;
  readonly giveBack: Nano;
} {
  const ahead = othersWant > 0n ? 0n : rate;
  const idle = room > 0n ? room : 0n;
  // Not in the same breath as a wish of its own: that would take back what it gives.
  if (yields && needed > 0n) return { want: undefined, giveBack: idle };
  if (needed > room) {
    // What helps no call here while it waits for more may help one elsewhere.
    if (othersWant > 0n)
      return { want: { least: atLeastOne(neededLeast), most: needed - room + idle }, giveBack: idle };
    const least = needed > 0n ? neededLeast - room : 1n;
    return { want: { least: atLeastOne(least), most: needed - room + ahead }, giveBack: 0n };
  }
  const spare = room - needed;
  if (othersWant > 0n) return { want: undefined, giveBack: spare };
  if (spare < ahead / 2n) return { want: { least: 1n, most: ahead - spare }, giveBack: 0n };
  // Twice as much as it needs ahead is no reason to write; four times as much is.
  return { want: undefined, giveBack: spare > 4n * ahead ? spare - 2n * ahead : 0n };
}

/**
 * What is granted of what is free: nothing where it is of no use, else up to the node's part of what is left, so that
 * one node's burst leaves something to the others.
 *
 * @param nodes how many share the budget
 */
export function grantOf(free: Nano, { least, most }: Want, nodes: number): Nano {
  if (free < least || free <= 0n) return 0n;
  const part = free / BigInt(Math.max(1, nodes));
  const fair = part > least ? part : least;
  return most < fair ? (most > least ? most : least) : fair;
}

function atLeastOne(amount: Nano): Nano {
  return amount > 0n ? amount : 1n;
}
