import type { Usage } from "../base/usage.ts";
import { type Part, partOfTokens } from "./cost-lines.ts";
import { TOKEN_RATES, type TokenRate } from "./price-rates.ts";
import type { EffectiveRates, RateSchedule, Threshold } from "./rate-schedule.ts";

/**
 * Prices that depend on length. A tier for the whole request reprices it all where the input (or output) is longer than
 * the tier's length. A tier for the excess reprices the tokens beyond that length, counted in the order in which they
 * stand: what is read from the cache is the beginning of a prompt, what is written to it follows (entries that live an
 * hour stand before those of five minutes), fresh text comes last; an answer is thought before it is written. So the
 * excess of an input is taken from its fresh text first, and from its cached tokens last.
 */
const INPUT_ORDER: readonly TokenRate[] = [
  "cachedInput",
  "cacheWrite1h",
  "cacheWrite5m",
  "inputAudio",
  "inputImage",
  "input",
];
const OUTPUT_ORDER: readonly TokenRate[] = ["reasoning", "output", "outputAudio"];

/** Tokens of the input: what tiers `of: input` look at. Unknown classes add nothing. */
export function inputLength(usage: Usage): number {
  return INPUT_ORDER.reduce((sum, name) => sum + (usage[name] ?? 0), 0);
}

/** Tokens of the output, reasoning included: what tiers `of: output` look at. */
export function outputLength(usage: Usage): number {
  return OUTPUT_ORDER.reduce((sum, name) => sum + (usage[name] ?? 0), 0);
}

/** The bits of the tiers for the whole request that hold for these lengths. */
export function requestTiers(schedule: RateSchedule, input: number, output: number): number {
  let bits = 0;
  for (const { above, bit } of schedule.thresholds.input.request) if (input > above) bits += bit;
  for (const { above, bit } of schedule.thresholds.output.request) if (output > above) bits += bit;
  return bits;
}

/** Adds the tokens of every class, split where a tier for the excess begins. `key`: conditions and request tiers. */
export function splitTokens(schedule: RateSchedule, key: number, usage: Usage, parts: Part[]): void {
  const { input, output } = schedule.thresholds;
  const found: Part[] = [];
  splitSide(schedule, key, usage, INPUT_ORDER, input.excess, found);
  splitSide(schedule, key, usage, OUTPUT_ORDER, output.excess, found);
  // Lines stand in the order of the classes, whatever the order in which tokens were counted.
  for (const name of TOKEN_RATES) for (const part of found) if (part.class === name) parts.push(part);
}

function splitSide(
  schedule: RateSchedule,
  key: number,
  usage: Usage,
  order: readonly TokenRate[],
  excess: readonly Threshold[],
  found: Part[],
): void {
  let position = 0;
  let next = 0;
  let rates = schedule.rates(key);
  let band = key;
  for (const name of order) {
    let rest = usage[name] ?? 0;
    while (next < excess.length && position + rest > excess[next]!.above) {
      const below = excess[next]!.above - position;
      addPart(found, name, below, rates);
      rest -= below;
      position += below;
      band += excess[next]!.bit;
      rates = schedule.rates(band);
      next++;
    }
    addPart(found, name, rest, rates);
    position += rest;
  }
}

/** Joins tokens to the last part where that has the same class and price: a tier need not change every class. */
function addPart(found: Part[], name: TokenRate, quantity: number, rates: EffectiveRates): void {
  const last = found.at(-1);
  if (last?.class === name && last.unitPrice === rates.texts[name]) {
    found.pop();
    partOfTokens(found, name, last.quantity + quantity, rates);
  } else {
    partOfTokens(found, name, quantity, rates);
  }
}

/**
 * The most that a request can cost, in 10⁻⁶ nano-units, over every length up to `input` and `output` tokens: for each
 * set of request tiers that some length within the bounds meets, the longest request that meets no more than that set,
 * each token at the dearest rate of its place. Rises with `input` and `output`.
 */
export function boundTiers(
  schedule: RateSchedule,
  conditions: number,
  input: number,
  output: number,
  media: number,
  exactPieces: (rates: EffectiveRates) => bigint,
): bigint {
  const { thresholds } = schedule;
  const inputSteps = reachableSteps(thresholds.input.request, Math.ceil(input));
  const outputSteps = reachableSteps(thresholds.output.request, Math.ceil(output));
  let most = 0n;
  for (const inputStep of inputSteps) {
    for (const outputStep of outputSteps) {
      const key = conditions + inputStep.bits + outputStep.bits;
      const exact =
        boundSide(schedule, key, inputStep.longest, thresholds.input.excess, (rates) => rates.dearestInput[media]!) +
        boundSide(schedule, key, outputStep.longest, thresholds.output.excess, (rates) => rates.dearestOutput[media]!) +
        exactPieces(schedule.rates(key));
      if (exact > most) most = exact;
    }
  }
  return most;
}

/** The sets of tiers that lengths from 0 to `length` meet, each with the longest length that meets it. */
function reachableSteps(tiers: readonly Threshold[], length: number): { bits: number; longest: number }[] {
  const steps = [];
  let bits = 0;
  for (const { above, bit } of tiers) {
    if (above >= length) break;
    steps.push({ bits, longest: above });
    bits += bit;
  }
  steps.push({ bits, longest: length });
  return steps;
}

function boundSide(
  schedule: RateSchedule,
  key: number,
  length: number,
  excess: readonly Threshold[],
  dearest: (rates: EffectiveRates) => bigint,
): bigint {
  let exact = 0n;
  let position = 0;
  let band = key;
  for (const { above, bit } of excess) {
    if (above >= length) break;
    exact += BigInt(above - position) * dearest(schedule.rates(band));
    position = above;
    band += bit;
  }
  return exact + BigInt(length - position) * dearest(schedule.rates(band));
}
