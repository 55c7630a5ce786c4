import type { WindowSums } from "../../src/ledger/budget-account.ts";
import { planSlice } from "../../src/ledger/leases/slice.ts";
import { WindowLease } from "../../src/ledger/leases/window-lease.ts";
import type { Mutation } from "./scenario.ts";
import { AT, type Call, DONE, type Draw, type DrawOf, type Memory, type Node, ROW, SENT, type State } from "./state.ts";
import { isOwn } from "./store-side.ts";

const ANY_WINDOW = {} as WindowSums;

/** The product's own lease, as a node has it in memory. */
function leaseOf(memory: Memory): WindowLease {
  const lease = new WindowLease([]);
  lease.granted = BigInt(memory.granted);
  lease.recorded = BigInt(memory.recorded);
  lease.sealed = BigInt(memory.sealed);
  lease.durable = BigInt(memory.durable);
  lease.leaving = BigInt(memory.leaving);
  lease.leavingSealed = BigInt(memory.leavingSealed);
  lease.isUnderWay = memory.isUnderWay;
  lease.isWanting = memory.isWanting;
  if (memory.isTouched) lease.touch(ANY_WINDOW);
  return lease;
}

function remember(memory: Memory, lease: WindowLease): void {
  memory.granted = Number(lease.granted);
  memory.recorded = Number(lease.recorded);
  memory.sealed = Number(lease.sealed);
  memory.durable = Number(lease.durable);
  memory.leaving = Number(lease.leaving);
  memory.leavingSealed = Number(lease.leavingSealed);
  memory.isUnderWay = lease.isUnderWay;
  memory.isWanting = lease.isWanting;
}

export function used({ settled, bounds }: Memory): number {
  return settled + bounds;
}

export function newMemory(limit: number): Memory {
  return {
    limit,
    granted: 0,
    recorded: 0,
    settled: 0,
    bounds: 0,
    sealed: 0,
    durable: 0,
    leaving: 0,
    leavingSealed: 0,
    isTouched: false,
    isUnderWay: false,
    isWanting: false,
    isLeased: true,
  };
}

/** Calls of a node that wait, in their order. */
export function waitingAt(state: State, node: number): number[] {
  return state.calls.map((_, number) => number).filter((number) => isWaiting(state.calls[number]!, node));
}

function isWaiting(call: Call, node: number): boolean {
  return call.node === node && call.at === AT.waiting;
}

/** Whether a call fits in what its node may use, now. */
export function fits({ memories }: Node, { budgets, bound }: Call): boolean {
  return budgets.every((budget) => memories[budget]!.granted - used(memories[budget]!) >= bound);
}

export function admit(state: State, number: number): void {
  const call = state.calls[number]!;
  const node = state.nodes[call.node]!;
  for (const budget of call.budgets) change(node.memories[budget]!, 0, call.bound);
  node.gathering = [...node.gathering, [number, ROW.hold]];
  call.at = AT.held;
}

export function settle(state: State, number: number, cost: number): void {
  const call = state.calls[number]!;
  const node = state.nodes[call.node]!;
  call.cost = cost;
  if (call.lost) {
    call.at = AT.late;
    return;
  }
  for (const budget of call.budgets) change(node.memories[budget]!, cost, -call.bound);
  node.gathering = [...node.gathering, [number, ROW.settle]];
  call.at = AT.settling;
}

/** The call may have cost something, and its node does not know what. @param cost what will be found out */
export function leave(state: State, number: number, cost: number, mutation?: Mutation): void {
  const call = state.calls[number]!;
  const node = state.nodes[call.node]!;
  call.cost = cost;
  if (call.lost) {
    call.at = AT.closed;
    return;
  }
  for (const budget of call.budgets) {
    const memory = node.memories[budget]!;
    change(memory, 0, -call.bound);
    if (mutation === "a doubt stays in its node's lease") continue;
    const lease = leaseOf(memory);
    lease.leave(BigInt(call.bound));
    remember(memory, lease);
  }
  node.gathering = [...node.gathering, [number, ROW.leave]];
  call.at = AT.leaving;
}

function change(memory: Memory, settled: number, bounds: number): void {
  memory.settled += settled;
  memory.bounds += bounds;
  memory.isTouched = true;
}

/** A group leaves for the store, with the totals of all that changed. */
export function send(node: Node): void {
  const totals = [];
  for (const [budget, memory] of node.memories.entries()) {
    if (!memory.isTouched) continue;
    const lease = leaseOf(memory);
    lease.seal(BigInt(used(memory)));
    remember(memory, lease);
    memory.isTouched = false;
    totals.push({ budget, settled: memory.settled, held: memory.bounds });
  }
  const { seat, epoch, gathering: rows } = node;
  node.group = { kind: "group", seat, epoch, rows, totals, phase: SENT };
  node.gathering = [];
}

/** The store has answered. */
export function hearGroup(state: State, node: Node, mutation?: Mutation): void {
  const group = node.group!;
  const isPresent = group.seat === node.seat && group.epoch === node.epoch;
  node.group = undefined;
  if (group.phase === DONE) {
    if (isPresent) {
      for (const { budget } of group.totals) {
        const lease = leaseOf(node.memories[budget]!);
        lease.commit();
        remember(node.memories[budget]!, lease);
      }
    }
    for (const [number, row] of group.rows) {
      const call = state.calls[number]!;
      if (row !== ROW.hold) call.at = AT.closed;
      else if (call.at === AT.held) call.at = AT.cleared;
    }
    return;
  }
  refuse(state, group.rows);
  if (!isPresent && mutation !== "an answer to an earlier seat fences the present one") return;
  refuse(state, node.gathering);
  node.gathering = [];
  fence(state, node);
}

/** Entries that never became durable. */
function refuse(state: State, rows: readonly (readonly [number, number])[]): void {
  for (const [number, row] of rows)
    state.calls[number]!.at = row === ROW.hold ? AT.gone : row === ROW.settle ? AT.late : AT.closed;
}

/** The node learns that its seat is another's: what it holds is in doubt. */
export function fence(state: State, node: Node): void {
  node.fenced = true;
  for (const call of state.calls) {
    const isOpen = call.at === AT.held || call.at === AT.cleared || call.at === AT.served;
    if (state.nodes[call.node] === node && isOpen) call.lost = true;
  }
}

/** It begins anew under another seat. */
export function sit(
  state: State,
  node: Node,
  { seat, epoch }: { readonly seat: number; readonly epoch: number },
  mutation?: Mutation,
): void {
  if (mutation !== "what was queued under an earlier seat is sent under the next") {
    refuse(state, node.gathering);
    node.gathering = [];
  }
  node.retire = undefined;
  Object.assign(node, { seat, epoch, fenced: false });
  for (const [budget, memory] of node.memories.entries()) node.memories[budget] = newMemory(memory.limit);
}

/** Plans a draw, by the product's own rule. Undefined where there is nothing to say to the store. */
export function plan(state: State, number: number, mutation?: Mutation): Draw | undefined {
  const node = state.nodes[number]!;
  const waiting = waitingAt(state, number).map((call) => state.calls[call]!);
  const lacks = node.memories.some(({ isLeased, isWanting }) => isLeased && isWanting);
  const draws: DrawOf[] = [];
  for (const [budget, memory] of node.memories.entries()) {
    if (!memory.isLeased) continue;
    const use = used(memory);
    if (memory.granted < use) memory.granted = use;
    const needs = node.past ? [] : waiting.filter(({ budgets }) => budgets.includes(budget));
    const { othersWant, lowerWants } = wantsOf(state, budget, node.seat);
    const room = BigInt(memory.granted - use);
    const yields = lacks && lowerWants && !memory.isWanting && mutation !== "a node never yields";
    const { want, giveBack } = planSlice({
      room,
      needed: BigInt(needs.reduce((sum, { bound }) => sum + bound, 0)),
      neededLeast: BigInt(needs[0]?.bound ?? 0),
      rate: 0n,
      othersWant: node.past ? 1n : BigInt(othersWant),
      yields: !node.past && yields,
    });
    const again = mutation === "a node that yields asks again in the same breath" && yields && needs.length > 0;
    const least = again ? needs[0]!.bound : Number(want?.least ?? 0n);
    const most = again ? least : Number(want?.most ?? 0n);
    memory.granted -= Number(giveBack);
    const keep = keepOf(state, memory, budget, node.seat, mutation);
    if (least === 0 && !memory.isWanting && keep === memory.recorded) continue;
    draws.push({ budget, limit: memory.limit, keep, least, most, free: 0, granted: 0 });
  }
  if (draws.length === 0) return undefined;
  let unsure = 0;
  for (const [n, call] of state.calls.entries()) if (call.at !== AT.closed) unsure |= 1 << n;
  return { kind: "draw", seat: node.seat, epoch: node.epoch, draws, unsure, phase: SENT };
}

function keepOf(state: State, memory: Memory, budget: number, seat: number, mutation?: Mutation): number {
  const lease = leaseOf(memory);
  if (mutation === "a draw records what memory uses, not what the disk says") {
    lease.sealed = 0n;
    lease.durable = 0n;
  }
  if (mutation === "a doubt leaves the record before it is durable") lease.leaving = 0n;
  const least = Number(lease.least(BigInt(used(memory))));
  if (mutation !== "a draw believes the store's record of its own lease") return least;
  return Math.max(least, state.budgets[budget]!.granted[seat]!);
}

/** What calls at other nodes wait for: as it is in the store now, though a node may have heard of it a while ago. */
function wantsOf({ budgets }: State, budget: number, own: number): { othersWant: number; lowerWants: boolean } {
  let othersWant = 0;
  let lowerWants = false;
  for (const [seat, wanted] of budgets[budget]!.wanted.entries()) {
    if (seat === own || wanted === 0) continue;
    othersWant += wanted;
    if (seat < own) lowerWants = true;
  }
  return { othersWant, lowerWants };
}

/** The answer to a draw. */
export function hearDraw(state: State, node: Node, mutation?: Mutation): void {
  const draw = node.draw!;
  const isPresent = draw.seat === node.seat && draw.epoch === node.epoch;
  node.draw = undefined;
  if (draw.phase !== DONE) {
    if (isPresent || mutation === "an answer to an earlier seat fences the present one") fence(state, node);
    return;
  }
  if (!isPresent) return;
  for (const { budget, keep, granted, least } of draw.draws) {
    const memory = node.memories[budget]!;
    memory.recorded = granted;
    memory.granted += granted - keep;
    memory.isWanting = granted - keep < least;
  }
}

/** It is unknown what became of a draw: what the store has recorded is unknown too. */
export function missDraw(node: Node, mutation?: Mutation): void {
  const draw = node.draw!;
  node.draw = undefined;
  if (mutation === "a lost answer is forgotten" || draw.seat !== node.seat || draw.epoch !== node.epoch) return;
  for (const { budget } of draw.draws) node.memories[budget]!.recorded = -1;
}

/** Whether a node may leave the window: nothing of it is open, and the disk knows all. */
export function mayRetire(node: Node, budget: number, mutation?: Mutation): boolean {
  const memory = node.memories[budget]!;
  if (!node.past || !memory.isLeased || memory.bounds > 0 || node.retire) return false;
  if (node.draw && mutation !== "a window is left beside a draw of it") return false;
  const lease = leaseOf(memory);
  if (mutation === "a window is left while a group of it is under way") {
    const use = BigInt(used(memory));
    return !memory.isTouched && lease.durable === use && lease.sealed === use;
  }
  return lease.isDurable;
}

/** As when its process is killed. What it has sent may still arrive. */
export function die(state: State, number: number): void {
  const node = state.nodes[number]!;
  for (const message of [node.group, node.draw, node.retire]) {
    if (message && message.phase < DONE) state.flying.push(message);
  }
  for (const call of state.calls) {
    if (
      call.node !== number ||
      call.at === AT.waiting ||
      call.at === AT.absent ||
      call.at === AT.closed ||
      call.at === AT.gone
    )
      continue;
    if (call.at === AT.served) call.cost = call.bound;
    call.at = AT.gone;
    call.lost = false;
  }
  // Whoever goes on in its place may have another clock.
  Object.assign(node, { alive: false, epoch: 0, fenced: false, past: false, gathering: [] });
  Object.assign(node, { group: undefined, draw: undefined, retire: undefined });
  for (const [budget, memory] of node.memories.entries()) node.memories[budget] = newMemory(memory.limit);
}

export function isSeated(state: State, node: Node): boolean {
  return node.epoch > 0 && isOwn(state, node);
}
