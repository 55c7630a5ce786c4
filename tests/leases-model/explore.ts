import { fitsNow, restViolation, violation } from "./invariants.ts";
import type { Protocol, Step } from "./protocol.ts";
import { AT, copyOf, keyOf, SENT, type State } from "./state.ts";

export interface Found {
  readonly what: string;
  /** How it comes to that. */
  readonly schedule: readonly string[];
}

export interface Exploration {
  readonly states: number;
  /** Whether there is nothing else to see. */
  readonly complete: boolean;
  readonly found: Found | undefined;
}

/** How many rounds in which nothing fails must be enough for all to be done. */
const MOST_ROUNDS = 60;

/** Every state that can be reached, each once, nearest first; and what becomes of it when nothing fails any more. */
export function exploreAll(protocol: Protocol, mostStates: number, restEvery = 1): Exploration {
  const first = protocol.begin();
  const keys = new Set([keyOf(first)]);
  const states: (State | undefined)[] = [first];
  const parents: number[] = [-1];
  const steps: (Step | undefined)[] = [undefined];
  const rests = new Rests(protocol);
  const scheduleTo = (index: number): string[] => {
    const schedule: string[] = [];
    for (let at = index; at > 0; at = parents[at]!) schedule.push(steps[at]!.join(" "));
    return schedule.reverse();
  };
  for (let index = 0; index < states.length; index++) {
    const state = states[index]!;
    states[index] = undefined;
    const what = violation(state) ?? (index % restEvery === 0 ? rests.violation(state) : undefined);
    if (what) return { states: keys.size, complete: false, found: { what, schedule: scheduleTo(index) } };
    for (const step of protocol.steps(state)) {
      const next = copyOf(state);
      protocol.perform(next, step);
      const key = keyOf(next);
      if (keys.has(key)) continue;
      if (keys.size >= mostStates) return { states: keys.size, complete: false, found: undefined };
      keys.add(key);
      states.push(next);
      parents.push(index);
      steps.push(step);
    }
  }
  return { states: keys.size, complete: true, found: undefined };
}

/** One schedule, chosen by chance: the same for the same seed. */
export function exploreOne(protocol: Protocol, seed: number, mostSteps: number): Found | undefined {
  const chance = chanceOf(seed);
  const state = protocol.begin();
  const schedule: string[] = [];
  const rests = new Rests(protocol);
  for (let count = 0; count < mostSteps; count++) {
    const steps = protocol.steps(state);
    if (steps.length === 0) break;
    const step = steps[Math.floor(chance() * steps.length)]!;
    protocol.perform(state, step);
    schedule.push(step.join(" "));
    const what = violation(state) ?? (count % 10 === 0 ? rests.violation(state) : undefined);
    if (what) return { what, schedule };
  }
  const what = rests.violation(state);
  return what === undefined ? undefined : { what, schedule };
}

/** What becomes of states when nothing fails any more and everybody takes his steps in turn. */
export class Rests {
  readonly #protocol: Protocol;
  /** States known to end well. */
  readonly #good = new Set<string>();

  constructor(protocol: Protocol) {
    this.#protocol = protocol;
  }

  violation(from: State): string | undefined {
    const state = copyOf(from);
    state.faults = 0;
    const trail: string[] = [];
    let before = keyOf(state);
    for (let round = 0; round < MOST_ROUNDS; round++) {
      if (this.#good.has(before)) break;
      trail.push(before);
      this.#round(state);
      const broken = violation(state);
      if (broken) return broken;
      const after = keyOf(state);
      // Where nothing changes any more, or the same comes again and again.
      if (trail.includes(after)) {
        const what = restViolation(state);
        if (what) return what;
        break;
      }
      if (round === MOST_ROUNDS - 1) return "it never comes to rest";
      before = after;
    }
    for (const key of trail) this.#good.add(key);
    return undefined;
  }

  #round(state: State): void {
    const protocol = this.#protocol;
    while (state.flying.length > 0) {
      const { length } = state.flying;
      protocol.perform(state, ["arrive", 0]);
      if (state.flying.length === length && state.flying[0]!.phase === SENT) protocol.perform(state, ["vanish", 0]);
    }
    for (const kind of IN_TURN) {
      const taken = new Set<number>();
      for (const step of protocol.steps(state)) {
        const [what, which] = step;
        if (what !== kind || taken.has(which)) continue;
        taken.add(which);
        protocol.perform(state, step);
      }
    }
    for (const call of state.calls) if (call.at === AT.waiting && !fitsNow(state, call)) call.at = AT.gone;
  }
}

const IN_TURN = [
  "come",
  "look",
  "begin-end",
  "end",
  "sit",
  "follow",
  "hear-group",
  "hear-draw",
  "hear-retire",
  "settle-late",
  "resolve",
  "serve",
  "settle",
  "admit",
  "send",
  "group",
  "plan",
  // Who waits for a lock gets it before anybody asks for it again.
  ...Array<string[]>(4).fill(["lock-draw", "draw"]).flat(),
  "retire",
  "leave-window",
];

/** A number from 0 up to 1, another one each time (mulberry32). */
function chanceOf(seed: number): () => number {
  let at = seed >>> 0;
  return () => {
    at = (at + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(at ^ (at >>> 15), at | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
