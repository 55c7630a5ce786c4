import { catalogueWords } from "../base/messages/prices.ts";
import type { Currency } from "../base/money.ts";
import type { PriceSetting } from "../config/settings.ts";
import { compilePrice, type PriceDocument } from "./price-document.ts";

/** Documents of settings that did not change: making one costs a hash, and settings are read anew at every change. */
const compiled = new WeakMap<PriceSetting, PriceDocument>();

/** The document of a setting: the same one for the same object. Throws `invalid_request` where the price is wrong. */
export function documentOf(setting: PriceSetting, where: string): PriceDocument {
  const known = compiled.get(setting);
  if (known) return known;
  const document = compilePrice(setting, where);
  compiled.set(setting, document);
  return document;
}

/** Prices that somebody set for a model, latest first; made when they are first asked for. */
export type PriceLayer = () => readonly PriceDocument[];

/** The prices of one model: the first layer that has one in force at an instant decides. */
export class ModelPrices {
  readonly #layers: readonly PriceLayer[];
  readonly #made: (readonly PriceDocument[])[] = [];

  constructor(layers: readonly PriceLayer[]) {
    this.#layers = layers;
  }

  at(instant: number): PriceDocument | undefined {
    for (let index = 0; index < this.#layers.length; index++) {
      const documents = (this.#made[index] ??= this.#layers[index]!());
      for (const document of documents) {
        if (document.since === undefined || document.since <= instant) return document;
      }
    }
    return undefined;
  }
}

/** Documents as a layer: latest first, of those that begin at once the one set last first. */
export function latestFirst(documents: readonly PriceDocument[]): PriceDocument[] {
  const begin = (document: PriceDocument): number => document.since ?? Number.NEGATIVE_INFINITY;
  return [...documents].reverse().sort((a, b) => (begin(a) === begin(b) ? 0 : begin(b) - begin(a)));
}

const free = new Map<Currency, PriceDocument>();
const MOST_FREE = 64;

/** The price of what is served without one: nothing, and it says why. */
export function freePrice(currency: Currency): PriceDocument {
  const known = free.get(currency);
  if (known) return known;
  const source = catalogueWords.unpricedAllowed()("en");
  const document = compilePrice({ currency, input: "0", output: "0", source }, "price");
  if (free.size >= MOST_FREE) free.clear();
  free.set(currency, document);
  return document;
}
