import { FAULTS, type Scenario } from "./scenario.ts";

const ANYTHING = FAULTS.filter((fault) => fault !== "limit");
const nothingOrAll = (bound: number): number[] => [0, bound];
const all = (bound: number): number[] => [bound];

/** Small enough that every state of them is looked at. Each is about something that the others are too small for. */
export const SMALL = {
  anything: {
    name: "a call at each of two nodes, and any one thing fails",
    nodes: 2,
    limits: [2],
    calls: [
      { node: 0, bound: 2, budgets: [0] },
      { node: 1, bound: 1, budgets: [0] },
    ],
    faults: 1,
    failing: ANYTHING,
    costs: nothingOrAll,
    leaves: true,
  },
  deaths: {
    name: "nodes die, are paused and come back, while what they sent is on its way",
    nodes: 2,
    limits: [2],
    calls: [
      { node: 0, bound: 2, budgets: [0] },
      { node: 1, bound: 1, budgets: [0] },
    ],
    faults: 2,
    failing: ["die", "restart", "pause", "end-fails", "look-late"],
    costs: all,
  },
  lostAnswers: {
    name: "answers are lost, and calls go away",
    nodes: 2,
    limits: [2],
    calls: [
      { node: 0, bound: 2, budgets: [0] },
      { node: 1, bound: 1, budgets: [0] },
    ],
    faults: 2,
    failing: ["draw-lost", "draw-fails", "group-lost", "give-up"],
    costs: all,
    leaves: true,
  },
  doubts: {
    name: "calls are left in doubt, while others wait for the same budget",
    nodes: 2,
    limits: [2],
    calls: [
      { node: 0, bound: 1, budgets: [0] },
      { node: 0, bound: 1, budgets: [0] },
      { node: 1, bound: 1, budgets: [0] },
    ],
    faults: 0,
    failing: [],
    costs: all,
    leaves: true,
  },
  windows: {
    name: "a window passes for one node, and its seat is another's by the time that it leaves it",
    nodes: 2,
    limits: [1],
    calls: [{ node: 1, bound: 1, budgets: [0] }],
    faults: 3,
    failing: ["roll", "die", "pause", "retire-lost"],
    costs: all,
  },
  twoBudgets: {
    name: "each of two nodes keeps of one budget what the other waits for",
    nodes: 2,
    limits: [2, 2],
    calls: [
      { node: 1, bound: 2, budgets: [0] },
      { node: 1, bound: 2, budgets: [0, 1], comesLater: true },
      { node: 0, bound: 2, budgets: [0, 1] },
    ],
    faults: 0,
    failing: [],
    costs: () => [0],
  },
  limits: {
    name: "a limit is lowered, and a call costs more than was set aside",
    nodes: 2,
    limits: [3],
    calls: [
      { node: 0, bound: 1, budgets: [0] },
      { node: 1, bound: 2, budgets: [0] },
    ],
    faults: 1,
    failing: ["limit", "die"],
    costs: (bound) => [bound, bound + 1],
    newLimit: 1,
  },
  raised: {
    name: "a limit is raised",
    nodes: 2,
    limits: [1],
    calls: [
      { node: 0, bound: 1, budgets: [0] },
      { node: 1, bound: 2, budgets: [0] },
    ],
    faults: 1,
    failing: ["limit", "draw-lost"],
    costs: nothingOrAll,
    newLimit: 3,
  },
} satisfies Record<string, Scenario>;

/** Too large to see all of it: a child and its parent, three nodes, and whatever may fail. */
export const LARGE: Scenario = {
  name: "three nodes, two budgets",
  nodes: 3,
  limits: [7, 5],
  calls: Array.from({ length: 12 }, (_, i) => ({
    node: i % 3,
    bound: 1 + (i % 4 === 3 ? 2 : i % 2),
    budgets: i % 3 === 1 ? [0] : [0, 1],
  })),
  faults: 12,
  failing: FAULTS,
  costs: (bound) => [0, 1, bound, ...(bound === 3 ? [4] : [])],
  leaves: true,
  newLimit: 9,
};
