import { Fault } from "../base/faults.ts";
import { catalogueWords } from "../base/messages/prices.ts";
import type { Currency, ExchangeRate } from "../base/money.ts";
import { nearest } from "../base/nearest.ts";
import type { EndpointSetting, ModelSetting, PriceEntrySetting, Settings } from "../config/settings.ts";
import { ExchangeTable } from "./exchange.ts";
import { documentOf, freePrice, latestFirst, ModelPrices } from "./model-prices.ts";
import {
  allEndpoints,
  type EndpointOffer,
  type ModelOffer,
  makeEndpoint,
  modelsOf,
  type ResolveCredential,
  soldModels,
  vendorOf,
} from "./offers.ts";
import type { PriceDocument } from "./price-document.ts";
import { type VendorTable, vendorTable } from "./vendor-table.ts";
import type { Vendor } from "./vendors/vendor.ts";

export type { EndpointOffer, ModelOffer, ResolveCredential } from "./offers.ts";

interface Entry {
  readonly setting: EndpointSetting;
  readonly vendor: Vendor | undefined;
  readonly offer: EndpointOffer;
  readonly models: Map<string, ModelOffer>;
}

/** What can be called, and what it costs: one state of the settings, completed by the table of vendors. */
export class Catalogue {
  /** All vendors that are known, whether there is an endpoint of theirs or not. */
  readonly vendors: VendorTable;
  readonly #entries = new Map<string, Entry>();
  readonly #prices = new Map<string, readonly PriceDocument[]>();
  readonly #exchange: ExchangeTable;
  readonly #currency: Currency;

  /**
   * @param resolveCredential without it no credential is resolved: enough for prices and names
   * @throws Fault `invalid_request` where a price, a rate or an endpoint of the settings is wrong
   */
  constructor(settings: Settings, resolveCredential: ResolveCredential = () => undefined) {
    this.vendors = vendorTable(settings.vendors);
    this.#currency = settings.general.currency;
    this.#exchange = new ExchangeTable(settings.rates, settings.general.currency);
    for (const [ref, documents] of pricesByModel(settings.prices)) this.#prices.set(ref, latestFirst(documents));
    for (const setting of allEndpoints(settings.endpoints)) {
      const vendor = vendorOf(setting, this.vendors);
      const offer = makeEndpoint(setting, vendor, resolveCredential);
      this.#entries.set(setting.id, { setting, vendor, offer, models: new Map() });
      for (const { price, id } of setting.models) if (price) documentOf(price, whereOf(setting, id));
      if (setting.price) documentOf(setting.price, `${whereOf(setting)}.price`);
      this.addModels(setting.id, modelsOf(setting, vendor));
    }
  }

  endpoint(id: string): EndpointOffer | undefined {
    return this.#entries.get(id)?.offer;
  }

  /** All endpoints: those of the settings in their order, then the built-in ones. */
  endpoints(): EndpointOffer[] {
    return [...this.#entries.values()].map((entry) => entry.offer);
  }

  model(endpoint: string, model: string): ModelOffer | undefined {
    return this.#entries.get(endpoint)?.models.get(model);
  }

  /** All models, by endpoint in their order. */
  models(): ModelOffer[] {
    return [...this.#entries.values()].flatMap((entry) => [...entry.models.values()]);
  }

  /**
   * Adds the models that a vendor tells of at run time (Ollama, recorded answers). What the settings say of a model
   * with the same name stays.
   *
   * @throws Fault `not_found` where there is no such endpoint
   */
  addModels(endpoint: string, models: readonly ModelSetting[]): void {
    const entry = this.#entries.get(endpoint);
    if (!entry) throw new Fault("not_found", catalogueWords.endpointUnknown(endpoint));
    for (const model of models) {
      if (!entry.models.has(model.id)) entry.models.set(model.id, this.#makeModel(entry, model));
    }
  }

  /** The exchange rate in force at an instant (milliseconds); undefined where no rate leads from one to the other. */
  rate(from: Currency, to: Currency, at: number): ExchangeRate | undefined {
    return this.#exchange.rate(from, to, at);
  }

  /** The names most like `name`, nearest first: of models, and of `others` (routes). */
  nearest(name: string, others: readonly string[] = []): string[] {
    return nearest(name, [...others, ...this.models().map((model) => model.ref)]);
  }

  #makeModel({ setting, vendor, offer }: Entry, model: ModelSetting): ModelOffer {
    const ref = `${setting.id}/${model.id}`;
    const upstream = model.upstream ?? model.id;
    const known = soldModels(setting, vendor).find((one) => one.id === upstream);
    const listed = [known?.price ?? vendor?.price, ...(known?.prices ?? [])].filter((price) => price !== undefined);
    const own = model.price && [documentOf(model.price, whereOf(setting, model.id))];
    const prices = new ModelPrices([
      () => this.#prices.get(ref) ?? [],
      () => own ?? [],
      () => (setting.price ? [documentOf(setting.price, `${whereOf(setting)}.price`)] : []),
      () => latestFirst(listed.map((price) => documentOf(price, `${offer.vendor}/${upstream}`))),
    ]);
    const allowUnpriced = setting.allowUnpriced === true;
    const currency = this.#currency;
    return {
      ref,
      id: model.id,
      endpoint: offer,
      upstream,
      contextTokens: model.contextTokens,
      maxOutputTokens: model.maxOutputTokens,
      imageTokens: model.imageTokens,
      allowUnpriced,
      priceAt: (at) => prices.at(at) ?? (allowUnpriced ? freePrice(currency) : undefined),
    };
  }
}

function pricesByModel(settings: readonly PriceEntrySetting[]): Map<string, PriceDocument[]> {
  const prices = new Map<string, PriceDocument[]>();
  settings.forEach((setting, index) => {
    const document = documentOf(setting, `prices[${index}]`);
    const known = prices.get(setting.model);
    if (known) known.push(document);
    else prices.set(setting.model, [document]);
  });
  return prices;
}

function whereOf(setting: EndpointSetting, model?: string): string {
  const endpoint = `endpoints[${setting.id}]`;
  return model === undefined ? endpoint : `${endpoint}.models[${model}].price`;
}
