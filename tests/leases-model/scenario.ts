/** What is explored: how many of everything, and what may happen. */
export interface Scenario {
  readonly name: string;
  readonly nodes: number;
  /** Of each budget. */
  readonly limits: readonly number[];
  readonly calls: readonly Asked[];
  /** How many of the things that may fail do so, in all. */
  readonly faults: number;
  /** Which they are. */
  readonly failing: readonly Fault[];
  /** What a call may cost, by its bound. */
  readonly costs: (bound: number) => readonly number[];
  /** Calls may be left in doubt by their own node. */
  readonly leaves?: boolean;
  /** Budget 0 gets this limit at some time. */
  readonly newLimit?: number;
}

export interface Asked {
  readonly node: number;
  readonly bound: number;
  readonly budgets: readonly number[];
  /** It comes at some time; the others wait from the beginning. */
  readonly comesLater?: boolean;
}

export const FAULTS = [
  /** A node dies; what it sent may arrive later. */
  "die",
  /** A node that died starts again. */
  "restart",
  /** A node is paused or cut off: its seat is taken away while it lives. */
  "pause",
  /** Whoever ends a seat dies before it commits. */
  "end-fails",
  /** A draw was committed, and its answer is lost. */
  "draw-lost",
  /** A draw fails. */
  "draw-fails",
  /** A group was committed, and its answer is lost: it is written again. */
  "group-lost",
  "retire-lost",
  /** A waiting call goes away. */
  "give-up",
  /** The window passes, by one node's clock. */
  "roll",
  "limit",
  /** A node that has another seat hears of a look at the nodes that it began under the one before. */
  "look-late",
] as const;
export type Fault = (typeof FAULTS)[number];

/**
 * Ways to get the protocol wrong, one at a time. Some are what anybody might write; the others stood in the code until
 * this model was written.
 */
export const MUTATIONS = [
  "a draw records what memory uses, not what the disk says",
  "a draw does not look whether the seat is its own",
  "a draw computes from what it read before it had the locks",
  "a draw does not hold its seat while it commits",
  "a draw believes the store's record of its own lease",
  "an end forgets what its node had settled",
  "an end leaves open what was in flight",
  "a doubt stays in its node's lease",
  "a doubt leaves the record before it is durable",
  "a group is accepted after its seat was taken away",
  "a group's late try may come after the next group",
  "a doubt can be resolved twice",
  "a window is left by a seat that is no longer its node's",
  "a window is left while a group of it is under way",
  "a window is left beside a draw of it",
  "a lost answer is forgotten",
  "a node that yields asks again in the same breath",
  "a node never yields",
  "an answer to an earlier seat fences the present one",
  "what was queued under an earlier seat is sent under the next",
  "a vendor is asked before the hold is durable",
] as const;
export type Mutation = (typeof MUTATIONS)[number];
