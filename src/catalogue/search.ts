import { Fault } from "../base/faults.ts";
import { lookWords } from "../base/messages/catalogue.ts";
import { nearest } from "../base/nearest.ts";
import type { Name } from "../config/settings.ts";
import { type Large, type LargeDefinition, largeUnderEach } from "./large.ts";
import { documentOf, latestFirst } from "./model-prices.ts";
import type { PriceDocument } from "./price-document.ts";
import type { CatalogueModel, Confidence, Modality, PublishedModel, Vendor } from "./vendors/vendor.ts";

/** A model of the catalogue as people look for it: what is known of it, whoever has set up its vendor or not. */
export interface CatalogueEntry {
  /** `vendor/model`. */
  readonly ref: string;
  readonly vendor: Vendor;
  readonly model: CatalogueModel | PublishedModel;
  /** Whether its vendor sells it by this name; else it was published, and runs where somebody runs it. */
  readonly sold: boolean;
  /** The protocols by which its vendor sells it, the usual one first. */
  readonly protocols: readonly string[];
  readonly large: Large;
  readonly confidence: Confidence;
  /** In force at the instant that was asked for. */
  readonly price: PriceDocument | undefined;
}

/** What is undefined is not asked for. A fact that is unknown fits neither `true` nor `false`. */
export interface CatalogueQuery {
  /** Words that all stand in a model's name, or its vendor's names. */
  readonly q?: string | undefined;
  readonly vendor?: string | undefined;
  /** What it takes or makes. */
  readonly modality?: Modality | undefined;
  readonly tools?: boolean | undefined;
  readonly reasoning?: boolean | undefined;
  /** Large under this definition. */
  readonly large?: LargeDefinition | undefined;
  /** Of its price. */
  readonly currency?: string | undefined;
}

/** Every model of the vendors, in their order. @param at milliseconds, for prices */
export function catalogueEntries(vendors: Iterable<Vendor>, at: number): CatalogueEntry[] {
  return [...vendors].flatMap((vendor) => (vendor.sameAs === undefined ? entriesOf(vendor, at) : []));
}

function entriesOf(vendor: Vendor, at: number): CatalogueEntry[] {
  const ways = [vendor, ...(vendor.also ?? []).filter((way) => way.region === undefined)];
  const sold = new Map<string, CatalogueModel>();
  for (const { models = [] } of ways) for (const model of models) if (!sold.has(model.id)) sold.set(model.id, model);
  const make = (model: CatalogueModel | PublishedModel, isSold: boolean): CatalogueEntry => ({
    ref: `${vendor.id}/${model.id}`,
    vendor,
    model,
    sold: isSold,
    protocols: isSold ? ways.filter((way) => sells(vendor, way.models, model.id)).map((way) => way.protocol) : [],
    large: largeUnderEach(model),
    confidence: model.confidence ?? vendor.confidence,
    price: isSold ? priceOf(vendor, model as CatalogueModel, at) : undefined,
  });
  const published = (vendor.published ?? []).filter(({ id }) => !sold.has(id));
  return [...[...sold.values()].map((model) => make(model, true)), ...published.map((model) => make(model, false))];
}

function sells(vendor: Vendor, models: readonly CatalogueModel[] = vendor.models, id: string): boolean {
  return models.some((model) => model.id === id);
}

function priceOf(vendor: Vendor, model: CatalogueModel, at: number): PriceDocument | undefined {
  const listed = [model.price ?? vendor.price, ...(model.prices ?? [])].flatMap((price) => price ?? []);
  const documents = latestFirst(listed.map((price) => documentOf(price, `${vendor.id}/${model.id}`)));
  return documents.find(({ since }) => since === undefined || since <= at);
}

/** The entries that fit all that is asked. */
export function searchCatalogue(entries: readonly CatalogueEntry[], query: CatalogueQuery): CatalogueEntry[] {
  const words = wordsOf(query.q);
  return entries.filter(({ vendor, model, large, price, ref }) => {
    if (query.vendor !== undefined && vendor.id !== query.vendor) return false;
    const { modality, tools, reasoning, currency } = query;
    if (modality !== undefined && !(model.input?.includes(modality) || model.output?.includes(modality))) return false;
    if (tools !== undefined && model.tools !== tools) return false;
    if (reasoning !== undefined && model.reasoning !== reasoning) return false;
    if (query.large !== undefined && large[query.large] !== "yes") return false;
    if (currency !== undefined && price?.currency !== currency) return false;
    return words.length === 0 || holdsAll(`${ref} ${namesOf(vendor)}`, words);
  });
}

/** The vendors whose names hold all words of `q`. */
export function searchVendors(vendors: Iterable<Vendor>, q: string | undefined): Vendor[] {
  const words = wordsOf(q);
  return [...vendors].filter((vendor) => holdsAll(`${vendor.id} ${namesOf(vendor)}`, words));
}

/**
 * The entries of these names (`vendor/model`), in the order of the names, to be compared.
 *
 * @throws Fault `model_not_found` with the nearest names
 */
export function namedEntries(entries: readonly CatalogueEntry[], refs: readonly string[]): CatalogueEntry[] {
  const byRef = new Map(entries.map((entry) => [entry.ref, entry]));
  return refs.map((ref) => {
    const entry = byRef.get(ref);
    if (entry) return entry;
    const near = nearest(ref, byRef.keys());
    throw new Fault("model_not_found", lookWords.notInCatalogue(ref, near), {
      param: "compare",
      details: { nearest: near },
    });
  });
}

/** A vendor by its id. @throws Fault `not_found` with the nearest ids */
export function namedVendor(vendors: readonly Vendor[], id: string): Vendor {
  const vendor = vendors.find((one) => one.id === id);
  if (vendor) return vendor;
  const near = nearest(
    id,
    vendors.map((one) => one.id),
  );
  throw new Fault("not_found", lookWords.noSuchVendor(id, near), { param: "vendor", details: { nearest: near } });
}

function wordsOf(q: string | undefined): string[] {
  return (q ?? "").toLowerCase().split(/\s+/).filter(Boolean);
}

function holdsAll(text: string, words: readonly string[]): boolean {
  const lower = text.toLowerCase();
  return words.every((word) => lower.includes(word));
}

function namesOf({ name, company, family }: Vendor): string {
  return [name, company, family].map(textsOf).join(" ");
}

function textsOf(name: Name | undefined): string {
  return typeof name === "object" ? `${name.zh ?? ""} ${name.en ?? ""}` : (name ?? "");
}
