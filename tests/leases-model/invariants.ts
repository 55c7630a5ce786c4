import { isSeated, used } from "./node-side.ts";
import { AT, type Call, ENTRY, type State } from "./state.ts";
import { doubtsIn } from "./store-side.ts";

/** What must hold at every instant. Says what does not. */
export function violation(state: State): string | undefined {
  for (const place of state.budgets.keys()) {
    const found = budgetViolation(state, place) ?? memoryViolation(state, place);
    if (found) return `budget ${place}: ${found}`;
  }
  for (const [number, call] of state.calls.entries()) {
    const found = callViolation(state, call);
    if (found) return `call ${number}: ${found}`;
  }
  return undefined;
}

function budgetViolation(state: State, place: number): string | undefined {
  const { highest, settled, granted, usedSettled, usedHeld } = state.budgets[place]!;
  const calls = state.calls.filter(({ budgets }) => budgets.includes(place));
  const slack = overrunOf(calls);
  // What its node has left in doubt stays in the lease's record until the next draw: for so long it counts twice.
  const twice = sum(calls, (call) => (call.inLease & (1 << place) ? call.bound : 0));
  const grants = sum(granted, (amount) => Math.max(0, amount));
  if (settled + doubtsIn(state, place) + grants - twice > highest + slack) return "more is granted than there is";
  if (sum(calls, exposure) > highest + slack) return "more may be spent than the limit";
  const inSeats = sum(usedSettled, (amount) => Math.max(0, amount));
  const charged = sum(calls, ({ entry, cost }) => (entry === ENTRY.settled || entry === ENTRY.resolved ? cost : 0));
  if (settled + inSeats !== charged) return `the sums say ${settled + inSeats}, the entries ${charged}`;
  for (const [seat, { epoch, ended }] of state.seats.entries()) {
    const ofSeat = calls.filter((call) => call.entry === ENTRY.held && call.seat === seat);
    const held = sum(ofSeat, ({ bound }) => bound);
    if (Math.max(0, usedHeld[seat]!) !== held) return `seat ${seat} holds ${held}, its totals say ${usedHeld[seat]}`;
    if (ofSeat.some((call) => ended || call.epoch !== epoch)) return `a hold of seat ${seat} outlived it`;
    const use = Math.max(0, usedSettled[seat]!) + Math.max(0, usedHeld[seat]!);
    if (use > Math.max(0, granted[seat]!) + slack) return `seat ${seat} uses more than it was granted`;
    if (ended && granted[seat]! >= 0) return `seat ${seat} has ended and has a lease`;
  }
  return undefined;
}

function memoryViolation(state: State, place: number): string | undefined {
  for (const [number, node] of state.nodes.entries()) {
    if (!isSeated(state, node) || node.fenced) continue;
    const memory = node.memories[place]!;
    if (!memory.isLeased) continue;
    const slack = overrunOf(state.calls.filter(({ budgets }) => budgets.includes(place)));
    const record = Math.max(0, state.budgets[place]!.granted[node.seat]!);
    if (memory.granted > record + slack) return `node ${number} believes to have more than was granted`;
    if (used(memory) > memory.granted + slack) return `node ${number} uses more than it believes to have`;
  }
  return undefined;
}

function callViolation({ seats }: State, { at, entry, seat, epoch }: Call): string | undefined {
  if (at === AT.served && entry === ENTRY.none) return "the vendor served it, and the ledger does not know";
  if (at === AT.dropped) return "its settlement came, and was dropped while the ledger has it open";
  const isPresent = seats[seat]!.epoch === epoch && !seats[seat]!.ended;
  if (entry === ENTRY.held && !isPresent) return "it is open under a seat that has ended";
  return undefined;
}

/** What the vendor may charge for a call, as far as anybody knows. */
function exposure({ at, entry, cost, bound }: Call): number {
  if (entry === ENTRY.settled || entry === ENTRY.resolved) return cost;
  if (at === AT.settling || at === AT.late) return cost;
  const mayBeServed = at === AT.cleared || at === AT.served || at === AT.leaving;
  return mayBeServed || entry === ENTRY.held || entry === ENTRY.doubt ? bound : 0;
}

/** What must hold once nothing fails any more, and everybody has had the time to do what is to be done. */
export function restViolation(state: State): string | undefined {
  for (const [number, call] of state.calls.entries()) {
    const { at, entry, cost, node } = call;
    if (entry === ENTRY.held || entry === ENTRY.doubt) return `call ${number} is never closed`;
    if (cost > 0 && entry !== ENTRY.settled && entry !== ENTRY.resolved) return `the cost of call ${number} is lost`;
    if (at === AT.waiting && state.nodes[node]!.alive && fitsNow(state, call)) return `call ${number} waits for ever`;
  }
  for (const [place, { granted, usedSettled, wanted }] of state.budgets.entries()) {
    for (const seat of granted.keys()) {
      const unused = Math.max(0, granted[seat]!) - Math.max(0, usedSettled[seat]!);
      if (unused !== 0) return `budget ${place}: seat ${seat} keeps ${unused} that nobody uses`;
    }
    if (wanted.some((amount) => amount > 0) && !state.calls.some(({ at }) => at === AT.waiting))
      return `budget ${place}: a wish of nobody stays`;
  }
  return undefined;
}

/** Whether a call fits beside what is settled: whatever else is set aside will be given back. */
export function fitsNow(state: State, { budgets, bound }: Call): boolean {
  return budgets.every((place) => {
    const { limit, settled, usedSettled } = state.budgets[place]!;
    return settled + sum(usedSettled, (amount) => Math.max(0, amount)) + bound <= limit;
  });
}

function overrunOf(calls: readonly Call[]): number {
  return sum(calls, ({ cost, bound }) => Math.max(0, cost - bound));
}

function sum<T>(list: readonly T[], of: (one: T) => number): number {
  let total = 0;
  for (const one of list) total += of(one);
  return total;
}
