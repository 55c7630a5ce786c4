/** A call, as its node, the store and the vendor know it. */
export interface Call {
  readonly node: number;
  readonly bound: number;
  readonly budgets: readonly number[];
  at: At;
  /** Its node lost the seat under which it was held. */
  lost: boolean;
  cost: number;
  /** What the ledger says. */
  entry: Entry;
  /** Under which it was held. */
  seat: number;
  epoch: number;
  /** Budgets whose lease still contains it, although it was left in doubt: bits. */
  inLease: number;
}

/** How far a call is, for its node. */
export const AT = {
  waiting: 0,
  /** Held in memory; the entry is not known to be durable. */
  held: 1,
  /** The vendor may see it at any moment. */
  cleared: 2,
  served: 3,
  settling: 4,
  leaving: 5,
  closed: 6,
  /** Its cost has to resolve the doubt that it has become. */
  late: 7,
  /** Its node has forgotten it. */
  gone: 8,
  /** Its cost came, and the ledger did not want it: never. */
  dropped: 9,
  /** It has not come yet. */
  absent: 10,
} as const;
export type At = (typeof AT)[keyof typeof AT];

export const ENTRY = { none: 0, held: 1, settled: 2, doubt: 3, resolved: 4 } as const;
export type Entry = (typeof ENTRY)[keyof typeof ENTRY];

export interface Seat {
  epoch: number;
  ended: boolean;
  /** An end is under way and not committed: 1 and, as bits from 2 on, the budgets that it found. 0 where none is. */
  ending: number;
}

/** One window of a budget in the store, and what each seat has there: -1 where it has no row. */
export interface Budget {
  limit: number;
  /** The highest limit that was in force. */
  highest: number;
  settled: number;
  readonly granted: number[];
  readonly wanted: number[];
  readonly usedSettled: number[];
  readonly usedHeld: number[];
}

/** What a node knows of one budget. */
export interface Memory {
  limit: number;
  granted: number;
  recorded: number;
  settled: number;
  bounds: number;
  sealed: number;
  durable: number;
  leaving: number;
  leavingSealed: number;
  isTouched: boolean;
  isUnderWay: boolean;
  isWanting: boolean;
  isLeased: boolean;
}

export interface Total {
  readonly budget: number;
  readonly settled: number;
  readonly held: number;
}

export const ROW = { hold: 0, settle: 1, leave: 2 } as const;
/** A call's number, and what its entry says. */
export type Row = readonly [call: number, row: number];

/** Messages, and what has become of them. */
export const SENT = 0;
export const LOCKED = 1;
export const DONE = 2;
export const REFUSED = 3;

export interface Group {
  readonly kind: "group";
  readonly seat: number;
  readonly epoch: number;
  readonly rows: readonly Row[];
  readonly totals: readonly Total[];
  phase: number;
}

export interface DrawOf {
  readonly budget: number;
  readonly limit: number;
  readonly keep: number;
  /** 0 where nothing is wanted. */
  readonly least: number;
  readonly most: number;
  /** Once it was read under the locks. */
  readonly free: number;
  readonly granted: number;
}

export interface Draw {
  readonly kind: "draw";
  readonly seat: number;
  readonly epoch: number;
  readonly draws: readonly DrawOf[];
  /** Calls that it keeps a place for: of those that were left in doubt later, or whose doubt was not durable. Bits. */
  readonly unsure: number;
  phase: number;
}

export interface Retire {
  readonly kind: "retire";
  readonly seat: number;
  readonly epoch: number;
  readonly budget: number;
  phase: number;
}

export interface Node {
  alive: boolean;
  seat: number;
  /** 0 where it has no seat. */
  epoch: number;
  fenced: boolean;
  /** Its window has passed, by its own clock. */
  past: boolean;
  readonly memories: Memory[];
  gathering: readonly Row[];
  group: Group | undefined;
  draw: Draw | undefined;
  retire: Retire | undefined;
}

export interface State {
  readonly seats: Seat[];
  readonly budgets: Budget[];
  readonly nodes: Node[];
  readonly calls: Call[];
  /** On their way although their senders have died, or have given them up. */
  flying: (Group | Draw | Retire)[];
  /** How much may fail yet. */
  faults: number;
}

export function copyOf(state: State): State {
  return {
    seats: state.seats.map((seat) => ({ ...seat })),
    budgets: state.budgets.map((budget) => ({
      ...budget,
      granted: budget.granted.slice(),
      wanted: budget.wanted.slice(),
      usedSettled: budget.usedSettled.slice(),
      usedHeld: budget.usedHeld.slice(),
    })),
    nodes: state.nodes.map((node) => ({
      ...node,
      memories: node.memories.map((memory) => ({ ...memory })),
      group: node.group && { ...node.group },
      draw: node.draw && { ...node.draw },
      retire: node.retire && { ...node.retire },
    })),
    calls: state.calls.map((call) => ({ ...call })),
    flying: state.flying.map((message) => ({ ...message })),
    faults: state.faults,
  };
}

/** The same for equal states, and for no others. */
export function keyOf(state: State): string {
  const out: number[] = [state.faults];
  for (const { epoch, ended, ending } of state.seats) out.push(epoch, Number(ended), ending);
  for (const { limit, highest, settled, granted, wanted, usedSettled, usedHeld } of state.budgets) {
    out.push(limit, highest, settled, ...granted, ...wanted, ...usedSettled, ...usedHeld);
  }
  for (const { at, lost, cost, entry, seat, epoch, inLease } of state.calls)
    out.push(at, Number(lost), cost, entry, seat, epoch, inLease);
  for (const node of state.nodes) {
    out.push(Number(node.alive), node.seat, node.epoch, Number(node.fenced), Number(node.past));
    for (const memory of node.memories) addMemory(memory, out);
    addRows(node.gathering, out);
    addMessage(node.group, out);
    addMessage(node.draw, out);
    addMessage(node.retire, out);
  }
  for (const message of state.flying) addMessage(message, out);
  for (let at = 0; at < out.length; at++) out[at]! += OFFSET;
  return String.fromCharCode(...out);
}

/** No number is below its opposite. */
const OFFSET = 16;

function addMemory(memory: Memory, out: number[]): void {
  const { limit, granted, recorded, settled, bounds, sealed, durable, leaving, leavingSealed } = memory;
  const { isTouched, isUnderWay, isWanting, isLeased } = memory;
  const flags = Number(isTouched) + 2 * Number(isUnderWay) + 4 * Number(isWanting) + 8 * Number(isLeased);
  out.push(limit, granted, recorded, settled, bounds, sealed, durable, leaving, leavingSealed, flags);
}

function addRows(rows: readonly Row[], out: number[]): void {
  out.push(rows.length);
  for (const [call, row] of rows) out.push(call, row);
}

function addMessage(message: State["flying"][number] | undefined, out: number[]): void {
  if (!message) {
    out.push(0);
    return;
  }
  const { kind } = message;
  out.push(kind === "group" ? 1 : kind === "draw" ? 2 : 3, message.seat, message.epoch, message.phase);
  if (kind === "group") {
    addRows(message.rows, out);
    out.push(message.totals.length);
    for (const { budget, settled, held } of message.totals) out.push(budget, settled, held);
  } else if (kind === "draw") {
    out.push(message.unsure, message.draws.length);
    for (const { budget, limit, keep, least, most, free, granted } of message.draws)
      out.push(budget, limit, keep, least, most, free, granted);
  } else out.push(message.budget);
}
