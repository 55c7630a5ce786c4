import {
  admit,
  die,
  fence,
  fits,
  hearDraw,
  hearGroup,
  isSeated,
  leave,
  mayRetire,
  missDraw,
  plan,
  send,
  settle,
  sit,
  used,
  waitingAt,
} from "./node-side.ts";
import type { Fault, Mutation, Scenario } from "./scenario.ts";
import { AT, type Call, DONE, ENTRY, LOCKED, type Node, SENT, type State } from "./state.ts";
import { beginEnd, commitDraw, commitEnd, commitGroup, commitRetire, join, lockDraw, resolve } from "./store-side.ts";

/** What happens, and to whom: a node, a seat or a call; then, where it matters, a budget or a cost. */
export type Step = readonly [what: string, which: number, more?: number];

/** The protocol of leases: which steps may be next, and what each does. */
export class Protocol {
  readonly scenario: Scenario;
  readonly mutation: Mutation | undefined;

  constructor(scenario: Scenario, mutation?: Mutation) {
    this.scenario = scenario;
    this.mutation = mutation;
  }

  /** Every node has a seat, and nothing is used. */
  begin(): State {
    const { nodes, limits, calls, faults } = this.scenario;
    const seats = nodes + 2;
    const all = (value: number): number[] => Array<number>(seats).fill(value);
    const state: State = {
      seats: all(0).map(() => ({ epoch: 0, ended: false, ending: 0 })),
      budgets: limits.map((limit) => ({
        limit,
        highest: limit,
        settled: 0,
        granted: all(-1),
        wanted: all(0),
        usedSettled: all(-1),
        usedHeld: all(-1),
      })),
      nodes: Array.from({ length: nodes }, () => newNode(limits)),
      calls: calls.map(({ comesLater, ...call }) => ({
        ...call,
        at: comesLater ? AT.absent : AT.waiting,
        lost: false,
        cost: 0,
        entry: ENTRY.none,
        seat: 0,
        epoch: 0,
        inLease: 0,
      })),
      flying: [],
      faults,
    };
    for (const node of state.nodes) sit(state, node, join(state)!);
    return state;
  }

  /** All steps that may be next. */
  steps(state: State): Step[] {
    const steps: Step[] = [];
    for (const [number, node] of state.nodes.entries()) this.#nodeSteps(state, node, number, steps);
    for (const [number, call] of state.calls.entries()) this.#callSteps(state, call, number, steps);
    this.#endSteps(state, steps);
    for (const number of state.flying.keys()) steps.push(["arrive", number], ["vanish", number]);
    if (state.faults > 0) this.#faultSteps(state, steps);
    return steps;
  }

  #nodeSteps(state: State, node: Node, number: number, steps: Step[]): void {
    const { alive, epoch, fenced, past, group, draw, retire } = node;
    if (!alive) return;
    if (epoch === 0 || fenced) steps.push(["sit", number]);
    else if (!isSeated(state, node)) steps.push(["look", number]);
    const first = waitingAt(state, number)[0];
    if (epoch > 0) {
      if (first !== undefined && !past && fits(node, state.calls[first]!)) steps.push(["admit", first]);
      if (!group && node.gathering.length > 0) steps.push(["send", number]);
      if (!draw && !fenced) steps.push(["plan", number]);
      for (const budget of node.memories.keys())
        if (!fenced && mayRetire(node, budget, this.mutation)) steps.push(["retire", number, budget]);
      for (const [budget, { limit }] of node.memories.entries())
        if (limit !== state.budgets[budget]!.limit) steps.push(["follow", number, budget]);
    }
    if (group) steps.push([group.phase === SENT ? "group" : "hear-group", number]);
    if (draw) steps.push([draw.phase === SENT ? "lock-draw" : draw.phase === LOCKED ? "draw" : "hear-draw", number]);
    if (retire) steps.push([retire.phase === SENT ? "leave-window" : "hear-retire", number]);
  }

  #callSteps(state: State, call: Call, number: number, steps: Step[]): void {
    const { costs, leaves } = this.scenario;
    const mayServe = call.at === AT.cleared;
    if (mayServe || (call.at === AT.held && this.mutation === "a vendor is asked before the hold is durable"))
      steps.push(["serve", number]);
    if (call.at === AT.served) {
      for (const cost of costs(call.bound)) steps.push(["settle", number, cost]);
      if (leaves) steps.push(["leave", number, call.bound]);
    }
    if (call.at === AT.absent) steps.push(["come", number]);
    if (call.at === AT.late) steps.push(["settle-late", number]);
    const isLeft = call.at === AT.gone || call.at === AT.closed;
    const isOpen = call.entry === ENTRY.doubt || this.mutation === "a doubt can be resolved twice";
    if (isOpen && (isLeft || (call.at === AT.late && state.faults > 0))) steps.push(["resolve", number]);
  }

  #endSteps(state: State, steps: Step[]): void {
    for (const [number, seat] of state.seats.entries()) {
      if (seat.ending) steps.push(["end", number]);
      else if (this.#isAbandoned(state, number)) steps.push(["begin-end", number]);
    }
  }

  /** Nobody shows any more that the seat's node lives. */
  #isAbandoned(state: State, number: number): boolean {
    const { epoch, ended } = state.seats[number]!;
    if (epoch === 0 || ended) return false;
    return !state.nodes.some((node) => node.alive && node.seat === number && node.epoch === epoch);
  }

  #faultSteps(state: State, steps: Step[]): void {
    const may = (fault: Fault): boolean => this.scenario.failing.includes(fault);
    for (const [number, node] of state.nodes.entries()) {
      if (!node.alive) {
        if (may("restart")) steps.push(["restart", number]);
        continue;
      }
      if (may("die")) steps.push(["die", number]);
      if (may("pause") && isSeated(state, node) && !state.seats[node.seat]!.ending) steps.push(["pause", number]);
      if (may("draw-lost") && node.draw?.phase === LOCKED) steps.push(["draw-lost", number]);
      if (may("draw-fails") && node.draw && node.draw.phase < DONE) steps.push(["draw-fails", number]);
      if (may("group-lost") && node.group?.phase === DONE) steps.push(["group-lost", number]);
      if (may("retire-lost") && node.retire?.phase === DONE) steps.push(["retire-lost", number]);
      const isFirst = node.seat === number && node.epoch <= 1;
      if (may("look-late") && !isFirst && node.epoch > 0) steps.push(["look-late", number]);
      if (may("roll") && !node.past) steps.push(["roll", number]);
      const first = waitingAt(state, number)[0];
      if (may("give-up") && first !== undefined) steps.push(["give-up", first]);
    }
    if (may("end-fails"))
      for (const [number, { ending }] of state.seats.entries()) if (ending) steps.push(["end-fails", number]);
    const { newLimit } = this.scenario;
    if (may("limit") && newLimit !== undefined && state.budgets[0]!.limit !== newLimit) steps.push(["limit", 0]);
  }

  /** Takes a step, in place. What has to wait for a lock changes nothing. */
  perform(state: State, [what, which, more = 0]: Step): void {
    const { mutation } = this;
    const node = state.nodes[which]!;
    const call = state.calls[which]!;
    switch (what) {
      case "come":
        call.at = AT.waiting;
        return;
      case "admit":
        admit(state, which);
        return;
      case "serve":
        call.at = AT.served;
        return;
      case "settle":
        settle(state, which, more);
        return;
      case "leave":
        leave(state, which, more, mutation);
        return;
      case "settle-late":
        this.#settleLate(state, call);
        return;
      case "resolve":
        resolve(state, call, mutation);
        return;
      case "send":
        send(node);
        return;
      case "group":
        commitGroup(state, node.group!, mutation);
        return;
      case "hear-group":
        hearGroup(state, node, mutation);
        return;
      case "plan":
        node.draw = plan(state, which, mutation);
        return;
      case "lock-draw":
        lockDraw(state, node.draw!, mutation);
        return;
      case "draw":
        commitDraw(state, node.draw!);
        return;
      case "hear-draw":
        hearDraw(state, node, mutation);
        return;
      case "look":
        fence(state, node);
        return;
      case "sit": {
        const seat = join(state);
        if (!seat) return;
        sit(state, node, seat, mutation);
        return;
      }
      case "follow":
        follow(state, node, more);
        return;
      case "begin-end":
        beginEnd(state, which, mutation);
        return;
      case "end":
        commitEnd(state, which, mutation);
        return;
      default:
        this.#performRare(state, [what, which, more]);
        return;
    }
  }

  #performRare(state: State, [what, which, more = 0]: Step): void {
    const { mutation } = this;
    const node = state.nodes[which]!;
    switch (what) {
      case "retire":
        node.retire = { kind: "retire", seat: node.seat, epoch: node.epoch, budget: more, phase: SENT };
        if (mutation !== "a window is left beside a draw of it") node.memories[more]!.isLeased = false;
        return;
      case "leave-window":
        commitRetire(state, node.retire!, mutation);
        return;
      case "hear-retire":
        if (node.retire!.phase === DONE) node.memories[node.retire!.budget]!.isLeased = false;
        node.retire = undefined;
        return;
      case "arrive":
        this.#arrive(state, which);
        return;
      case "vanish":
        state.flying.splice(which, 1);
        return;
    }
    state.faults -= 1;
    switch (what as Fault) {
      case "die":
        die(state, which);
        return;
      case "restart":
        node.alive = true;
        return;
      case "pause":
        beginEnd(state, node.seat, mutation);
        return;
      case "end-fails":
        state.seats[which]!.ending = 0;
        return;
      case "draw-lost":
        commitDraw(state, node.draw!);
        missDraw(node, mutation);
        return;
      case "draw-fails":
        missDraw(node, mutation);
        return;
      case "group-lost":
        if (mutation === "a group's late try may come after the next group")
          state.flying.push({ ...node.group!, phase: SENT });
        node.group!.phase = SENT;
        return;
      case "retire-lost":
        node.retire!.phase = SENT;
        return;
      case "give-up":
        state.calls[which]!.at = AT.gone;
        return;
      case "roll":
        node.past = true;
        for (const call of state.calls) if (call.node === which && call.at === AT.waiting) call.at = AT.gone;
        return;
      case "look-late":
        if (mutation === "an answer to an earlier seat fences the present one") fence(state, node);
        return;
      case "limit": {
        const budget = state.budgets[which]!;
        budget.limit = this.scenario.newLimit!;
        budget.highest = Math.max(budget.highest, budget.limit);
        return;
      }
    }
  }

  /** What the ledger does not have in doubt, somebody has resolved already. */
  #settleLate(state: State, call: Call): void {
    const isResolved = resolve(state, call, this.mutation);
    if (isResolved === undefined) return;
    const isKnown = isResolved || call.entry === ENTRY.resolved || call.entry === ENTRY.settled;
    call.at = isKnown ? AT.closed : AT.dropped;
  }

  #arrive(state: State, which: number): void {
    const message = state.flying[which]!;
    const { mutation } = this;
    if (message.kind === "group") commitGroup(state, message, mutation);
    else if (message.kind === "retire") commitRetire(state, message, mutation);
    else if (message.phase === SENT) lockDraw(state, message, mutation);
    else commitDraw(state, message);
    if (message.phase >= DONE) state.flying.splice(which, 1);
  }
}

function newNode(limits: readonly number[]): Node {
  return {
    alive: true,
    seat: 0,
    epoch: 0,
    fenced: false,
    past: false,
    memories: limits.map((limit) => ({ limit }) as Node["memories"][number]),
    gathering: [],
    group: undefined,
    draw: undefined,
    retire: undefined,
  };
}

/** A node hears of a new limit. Under a lower one it keeps nothing that is not in use. */
function follow(state: State, node: Node, budget: number): void {
  const memory = node.memories[budget]!;
  const { limit } = state.budgets[budget]!;
  const room = memory.granted - used(memory);
  if (limit < memory.limit && room > 0) memory.granted -= room;
  memory.limit = limit;
}
