import { formatAmount, type Nano } from "../base/money.ts";
import { INPUT_CLASSES, OUTPUT_CLASSES } from "../base/usage.ts";
import { type HoursWindow, hoursHold } from "./price-hours.ts";
import { RATE_NAMES, type RateName, type Rates, type TokenRate } from "./price-rates.ts";

/** Rates that replace others above a length. */
export interface Tier {
  readonly above: number;
  readonly of: "input" | "output";
  readonly applies: "request" | "excess";
  readonly rates: Rates;
}

/** A tier's length, and its bit in a set of tiers. */
export interface Threshold {
  readonly above: number;
  readonly bit: number;
}

/** The rates that hold under one set of conditions, every class with the rate that it falls back to. */
export interface EffectiveRates extends Rates {
  readonly texts: Readonly<Partial<Record<RateName, string>>>;
  /** The dearest rate of an input token; indexed by `MEDIA` flags of what the request may hold. */
  readonly dearestInput: readonly Nano[];
  readonly dearestOutput: readonly Nano[];
}

/** What a request may hold beside text, as flags. */
export const MEDIA = { audio: 1, images: 2 } as const;

/** What a class costs where it has no rate of its own: the rate of the next class that has one. */
const FALLBACKS: Readonly<Partial<Record<TokenRate, readonly TokenRate[]>>> = {
  cachedInput: ["input"],
  cacheWrite5m: ["input"],
  cacheWrite1h: ["cacheWrite5m", "input"],
  inputAudio: ["input"],
  inputImage: ["input"],
  reasoning: ["output"],
  outputAudio: ["output"],
};

/** Sets of tiers and of hours are bits of one number below 2³¹, so that a set of conditions is a key. */
export const MOST_TIERS = 16;
export const MOST_HOURS = 14;
const BATCH_BIT = 2 ** (MOST_TIERS + MOST_HOURS);
const HOURS_FACTOR = 2 ** MOST_TIERS;

/** Sets of conditions met so far whose rates are remembered; few prices have more than ten. */
const MOST_REMEMBERED = 256;

const MINUTE_MS = 60_000;

/**
 * Which rates hold when. The conditions that apply are laid over the price's own rates one after the other, each
 * replacing the rates that it names: first the tiers in their order, then the hours in theirs, then batch. So of
 * several that name the same rate the last wins. A class without a rate of its own then falls back (`FALLBACKS`).
 */
export class RateSchedule {
  readonly tiered: boolean;
  /** Thresholds of each kind of tier, shortest first. */
  readonly thresholds: Readonly<Record<Tier["of"], Readonly<Record<Tier["applies"], readonly Threshold[]>>>>;
  readonly #base: Rates;
  readonly #tiers: readonly Tier[];
  readonly #hours: readonly HoursWindow[];
  readonly #batch: Rates | undefined;
  readonly #remembered = new Map<number, EffectiveRates>();
  #minute = Number.NaN;
  #open = 0;

  constructor(base: Rates, tiers: readonly Tier[], hours: readonly HoursWindow[], batch: Rates | undefined) {
    this.#base = base;
    this.#tiers = tiers;
    this.#hours = hours;
    this.#batch = batch;
    this.tiered = tiers.length > 0;
    const of = (side: Tier["of"], applies: Tier["applies"]): Threshold[] =>
      tiers.flatMap((tier, index) =>
        tier.of === side && tier.applies === applies ? [{ above: tier.above, bit: 2 ** index }] : [],
      );
    this.thresholds = {
      input: { request: of("input", "request"), excess: of("input", "excess") },
      output: { request: of("output", "request"), excess: of("output", "excess") },
    };
  }

  /** The conditions of a request that starts at `at` (milliseconds), as a key for `rates`; tiers are added to it. */
  conditions(at: number, batch: boolean): number {
    return (this.#hours.length > 0 ? this.#openHours(at) * HOURS_FACTOR : 0) + (batch && this.#batch ? BATCH_BIT : 0);
  }

  /** The rates under `conditions` and a set of tiers' bits. */
  rates(key: number): EffectiveRates {
    const known = this.#remembered.get(key);
    if (known) return known;
    if (this.#remembered.size >= MOST_REMEMBERED) this.#remembered.clear();
    const rates = this.#layRates(key);
    this.#remembered.set(key, rates);
    return rates;
  }

  /** Windows open and close on whole minutes, so the answer holds for the minute: no zone is asked for every call. */
  #openHours(at: number): number {
    const minute = Math.floor(at / MINUTE_MS);
    if (minute === this.#minute) return this.#open;
    let open = 0;
    this.#hours.forEach((window, index) => {
      if (hoursHold(window, at)) open += 2 ** index;
    });
    this.#minute = minute;
    this.#open = open;
    return open;
  }

  #layRates(key: number): EffectiveRates {
    const has = (bit: number): boolean => Math.floor(key / bit) % 2 === 1;
    const rates: Partial<Record<RateName, Nano>> = { ...this.#base };
    this.#tiers.forEach((tier, index) => {
      if (has(2 ** index)) Object.assign(rates, tier.rates);
    });
    this.#hours.forEach((window, index) => {
      if (has(HOURS_FACTOR * 2 ** index)) Object.assign(rates, window.rates);
    });
    if (has(BATCH_BIT)) Object.assign(rates, this.#batch);
    return complete(rates);
  }
}

function complete(own: Rates): EffectiveRates {
  const rates: Partial<Record<RateName, Nano>> = {};
  const texts: Partial<Record<RateName, string>> = {};
  for (const name of RATE_NAMES) {
    const others = FALLBACKS[name as TokenRate] ?? [];
    const rate = own[name] ?? others.map((other) => own[other]).find((found) => found !== undefined);
    rates[name] = rate as Nano; // undefined too: all sets of rates have the same shape, which is quicker to read
    if (rate !== undefined) texts[name] = formatAmount(rate);
  }
  const dearest = (classes: readonly TokenRate[]): Nano[] =>
    [0, MEDIA.audio, MEDIA.images, MEDIA.audio | MEDIA.images].map((flags) =>
      classes
        .filter((name) => name !== "inputImage" || flags & MEDIA.images)
        .filter((name) => (name !== "inputAudio" && name !== "outputAudio") || flags & MEDIA.audio)
        .reduce((most, name) => larger(most, rates[name] ?? 0n), 0n),
    );
  return { ...rates, texts, dearestInput: dearest(INPUT_CLASSES), dearestOutput: dearest(OUTPUT_CLASSES) };
}

function larger(a: Nano, b: Nano): Nano {
  return a > b ? a : b;
}

/** Whether a rate is one of tokens of a side. */
export function isRateOf(name: RateName, side: Tier["of"]): boolean {
  const classes: readonly RateName[] = side === "input" ? INPUT_CLASSES : OUTPUT_CLASSES;
  return classes.includes(name);
}
