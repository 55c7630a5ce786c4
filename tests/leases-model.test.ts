import { describe, expect, test } from "vitest";
import { exploreAll, exploreOne, type Found } from "./leases-model/explore.ts";
import { Protocol } from "./leases-model/protocol.ts";
import { MUTATIONS, type Mutation } from "./leases-model/scenario.ts";
import { LARGE, SMALL } from "./leases-model/scenarios.ts";

/** More than any scenario has. */
const MOST_STATES = 200_000;
/** Every state is looked at; what becomes of it when nothing fails any more is tried for so many of them. */
const REST_EVERY = 4;
const SCHEDULES = 250;
const STEPS = 400;

const seed = Number(process.env.LEASES_SEED ?? 1);

function say(found: Found | undefined): string {
  return found ? `${found.what} after: ${found.schedule.join(", ")}` : "nothing";
}

/** The smallest scenario in which each mistake can be seen. */
const SEEN_IN: Record<Mutation, keyof typeof SMALL> = {
  "a draw records what memory uses, not what the disk says": "twoBudgets",
  "a draw does not look whether the seat is its own": "deaths",
  "a draw computes from what it read before it had the locks": "lostAnswers",
  "a draw does not hold its seat while it commits": "deaths",
  "a draw believes the store's record of its own lease": "lostAnswers",
  "an end forgets what its node had settled": "windows",
  "an end leaves open what was in flight": "deaths",
  "a doubt stays in its node's lease": "doubts",
  "a doubt leaves the record before it is durable": "doubts",
  "a group is accepted after its seat was taken away": "deaths",
  "a group's late try may come after the next group": "lostAnswers",
  "a doubt can be resolved twice": "doubts",
  "a window is left by a seat that is no longer its node's": "windows",
  "a window is left while a group of it is under way": "anything",
  "a window is left beside a draw of it": "windows",
  "a lost answer is forgotten": "lostAnswers",
  "a node that yields asks again in the same breath": "twoBudgets",
  "a node never yields": "twoBudgets",
  "an answer to an earlier seat fences the present one": "deaths",
  "what was queued under an earlier seat is sent under the next": "deaths",
  "a vendor is asked before the hold is durable": "doubts",
};

describe("the protocol of leases (docs/leases.md)", () => {
  test.each(Object.values(SMALL))("in every state: $name", (scenario) => {
    const { found, complete, states } = exploreAll(new Protocol(scenario), MOST_STATES, REST_EVERY);
    expect(say(found)).toBe("nothing");
    expect(complete).toBe(true);
    if (process.env.LEASES_FIGURES) console.log(`${states} states: ${scenario.name}`);
  });

  test(`on ${SCHEDULES} schedules by chance, from seed ${seed} (LEASES_SEED): ${LARGE.name}`, () => {
    for (let i = 0; i < SCHEDULES; i++) {
      const found = exploreOne(new Protocol(LARGE), seed + i, STEPS);
      expect(say(found), `seed ${seed + i}`).toBe("nothing");
    }
  });

  test.each(MUTATIONS)("would be seen to be broken, if %s", (mutation) => {
    const { found } = exploreAll(new Protocol(SMALL[SEEN_IN[mutation]], mutation), MOST_STATES, REST_EVERY);
    expect(found).toBeDefined();
  });
});
