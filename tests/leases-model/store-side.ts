import { grantOf } from "../../src/ledger/leases/slice.ts";
import type { Mutation } from "./scenario.ts";
import {
  type Call,
  DONE,
  type Draw,
  ENTRY,
  type Group,
  LOCKED,
  REFUSED,
  type Retire,
  ROW,
  type State,
} from "./state.ts";

/** Whether a seat is still the one of whoever wrote a message. */
export function isOwn({ seats }: State, { seat, epoch }: { readonly seat: number; readonly epoch: number }): boolean {
  return seats[seat]!.epoch === epoch && !seats[seat]!.ended;
}

/** Whether some transaction under way holds the lock of a budget's row. */
export function isLocked(state: State, budget: number): boolean {
  const holds = (draw: Draw): boolean => draw.phase === LOCKED && draw.draws.some((one) => one.budget === budget);
  if (state.nodes.some(({ draw }) => draw && holds(draw))) return true;
  return state.flying.some((message) => message.kind === "draw" && holds(message));
}

/** The journal's batch. Its first statement locks the seat's row: it waits for an end under way. */
export function commitGroup(state: State, group: Group, mutation?: Mutation): boolean {
  const { seat, epoch, rows, totals } = group;
  if (state.seats[seat]!.ending) return false;
  if (!isOwn(state, group) && mutation !== "a group is accepted after its seat was taken away") {
    group.phase = REFUSED;
    return true;
  }
  for (const [number, row] of rows) {
    const call = state.calls[number]!;
    if (row === ROW.hold && call.entry === ENTRY.none) Object.assign(call, { entry: ENTRY.held, seat, epoch });
    else if (call.entry === ENTRY.held && row === ROW.settle) call.entry = ENTRY.settled;
    else if (call.entry === ENTRY.held && row === ROW.leave) {
      call.entry = ENTRY.doubt;
      for (const budget of call.budgets) call.inLease |= 1 << budget;
    }
  }
  for (const { budget, settled, held } of totals) {
    state.budgets[budget]!.usedSettled[seat] = settled;
    state.budgets[budget]!.usedHeld[seat] = held;
  }
  group.phase = DONE;
  return true;
}

/** Takes the locks, looks whether the seat is its own, and reads. */
export function lockDraw(state: State, draw: Draw, mutation?: Mutation): boolean {
  if (mutation !== "a draw computes from what it read before it had the locks")
    for (const { budget } of draw.draws) if (isLocked(state, budget)) return false;
  const holdsSeat = mutation !== "a draw does not hold its seat while it commits";
  if (holdsSeat && state.seats[draw.seat]!.ending) return false;
  if (!isOwn(state, draw) && mutation !== "a draw does not look whether the seat is its own") {
    draw.phase = REFUSED;
    return true;
  }
  const draws = draw.draws.map((one) => {
    const { limit: _, settled, granted } = state.budgets[one.budget]!;
    let free = one.limit - settled - doubtsIn(state, one.budget) - one.keep;
    granted.forEach((amount, seat) => {
      if (seat !== draw.seat) free -= Math.max(0, amount);
    });
    return { ...one, free };
  });
  Object.assign(draw, { draws, phase: LOCKED });
  return true;
}

export function commitDraw(state: State, draw: Draw): void {
  const nodes = state.seats.filter(({ epoch, ended }) => epoch > 0 && !ended).length;
  const draws = draw.draws.map((one) => {
    const { budget: place, keep, least, most, free } = one;
    const want = { least: BigInt(least), most: BigInt(most) };
    const more = least > 0 ? Number(grantOf(BigInt(free), want, nodes)) : 0;
    const budget = state.budgets[place]!;
    budget.granted[draw.seat] = keep + more;
    budget.wanted[draw.seat] = more < least ? least : 0;
    state.calls.forEach((call, number) => {
      const isSure = (draw.unsure & (1 << number)) === 0;
      if (call.seat === draw.seat && call.epoch === draw.epoch && isSure) call.inLease &= ~(1 << place);
    });
    return { ...one, granted: keep + more };
  });
  Object.assign(draw, { draws, phase: DONE });
}

/** The first half of an end: the seat's row is locked, and what the seat has is found. Nobody else sees anything yet. */
export function beginEnd(state: State, seat: number, mutation?: Mutation): boolean {
  const isDrawing = (message: State["flying"][number]): boolean =>
    message.kind === "draw" && message.seat === seat && message.phase === LOCKED;
  const drawing = state.nodes.some(({ draw }) => draw && isDrawing(draw)) || state.flying.some(isDrawing);
  if (drawing && mutation !== "a draw does not hold its seat while it commits") return false;
  let places = 1;
  state.budgets.forEach(({ granted, usedSettled }, budget) => {
    if (granted[seat]! >= 0 || usedSettled[seat]! >= 0) places |= 2 << budget;
  });
  state.seats[seat]!.ending = places;
  return true;
}

/** The second half: under the locks what its node settled becomes everybody's, and what was open is in doubt. */
export function commitEnd(state: State, number: number, mutation?: Mutation): boolean {
  const seat = state.seats[number]!;
  const places = state.budgets.map((_, budget) => budget).filter((budget) => seat.ending & (2 << budget));
  if (places.some((budget) => isLocked(state, budget))) return false;
  for (const budget of places) handOver(state, number, budget, mutation);
  for (const call of state.calls) {
    const isOpen = call.entry === ENTRY.held && call.seat === number && call.epoch === seat.epoch;
    if (isOpen && mutation !== "an end leaves open what was in flight") call.entry = ENTRY.doubt;
  }
  Object.assign(seat, { epoch: seat.epoch + 1, ended: true, ending: 0 });
  return true;
}

export function commitRetire(state: State, retire: Retire, mutation?: Mutation): boolean {
  const { seat, budget } = retire;
  if (isLocked(state, budget)) return false;
  if (isOwn(state, retire) || mutation === "a window is left by a seat that is no longer its node's") {
    handOver(state, seat, budget, mutation);
    retire.phase = DONE;
  } else retire.phase = REFUSED;
  return true;
}

function handOver(state: State, seat: number, place: number, mutation?: Mutation): void {
  const budget = state.budgets[place]!;
  const settled = Math.max(0, budget.usedSettled[seat]!);
  if (mutation !== "an end forgets what its node had settled") budget.settled += settled;
  budget.usedSettled[seat] = -1;
  budget.usedHeld[seat] = -1;
  budget.granted[seat] = -1;
  budget.wanted[seat] = 0;
  for (const call of state.calls) if (call.seat === seat) call.inLease &= ~(1 << place);
}

/** Whoever removes the doubt resolves it. Undefined where it has to wait for a lock, false where it is not in doubt. */
export function resolve(state: State, call: Call, mutation?: Mutation): boolean | undefined {
  if (call.budgets.some((budget) => isLocked(state, budget))) return undefined;
  const twice = mutation === "a doubt can be resolved twice" && call.entry === ENTRY.resolved;
  if (call.entry !== ENTRY.doubt && !twice) return false;
  call.entry = ENTRY.resolved;
  for (const budget of call.budgets) state.budgets[budget]!.settled += call.cost;
  return true;
}

export function doubtsIn({ calls }: State, budget: number): number {
  let sum = 0;
  for (const call of calls) if (call.entry === ENTRY.doubt && call.budgets.includes(budget)) sum += call.bound;
  return sum;
}

/** Takes the lowest free seat: locks the rows of all. */
export function join(state: State): { seat: number; epoch: number } | undefined {
  if (state.seats.some(({ ending }) => ending)) return undefined;
  const free = state.seats.findIndex(({ epoch, ended }) => ended || epoch === 0);
  const seat = state.seats[free];
  if (!seat) return undefined;
  seat.epoch += 1;
  seat.ended = false;
  return { seat: free, epoch: seat.epoch };
}
