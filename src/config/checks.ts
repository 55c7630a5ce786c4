import type { Text } from "../base/language.ts";
import { checkWords } from "../base/messages/config.ts";
import { nearest } from "../base/nearest.ts";
import { instantOf } from "./formats.ts";
import { type Path, type Problem, writePath } from "./problems.ts";
import type { DocumentKind, EndpointSetting, PayerSetting, PriceSetting, Settings } from "./settings.ts";
import { idOf } from "./settings.ts";

/** What the checks need to know of vendors, which stand above this folder. */
export interface Knowledge {
  readonly vendors: readonly string[];
  readonly protocols: readonly string[];
  /** Endpoints that are there without a setting, such as `practice`. */
  readonly builtIn: readonly EndpointSetting[];
  /** Whether a protocol (of an endpoint without a vendor) sends to an address, which must then be given. */
  needsAddress(protocol: string): boolean;
  /** What is wrong with how an endpoint's vendor is reached: a protocol or region that it has not, or no address. */
  wayProblem(endpoint: EndpointSetting): WayProblem | undefined;
  /** The models of an endpoint; undefined where its vendor serves names that are not known beforehand. */
  modelsOf(endpoint: EndpointSetting): readonly string[] | undefined;
  /** The currencies of all prices of an endpoint. */
  currenciesOf(endpoint: EndpointSetting): readonly string[];
  /** What is wrong with a price, named `where`, that has the right shape. */
  priceProblem(price: PriceSetting, where: string): Text | undefined;
}

export interface WayProblem {
  readonly field: "protocol" | "region" | "baseUrl";
  readonly text: Text;
  readonly near?: readonly string[];
}

/** A problem of one document, whose path begins within it. */
export interface DocumentProblem extends Problem {
  readonly kind: DocumentKind;
  readonly id: string;
}

export interface Checked {
  readonly problems: readonly DocumentProblem[];
  /** What will work, but probably not as meant. */
  readonly warnings: readonly DocumentProblem[];
}

/** Checks what settings say of each other: every name leads somewhere, and nothing stands twice. */
export function checkSettings(settings: Settings, knowledge: Knowledge): Checked {
  const checks = new Checks(settings, knowledge);
  checks.vendors();
  checks.endpoints();
  checks.routes();
  checks.prices();
  checks.rates();
  checks.payers();
  checks.budgets();
  checks.keys();
  return checks;
}

const MOST_EXPLAINED = 50;

class Checks implements Checked {
  readonly problems: DocumentProblem[] = [];
  readonly warnings: DocumentProblem[] = [];
  readonly #settings: Settings;
  readonly #knowledge: Knowledge;
  readonly #endpoints: ReadonlyMap<string, EndpointSetting>;
  readonly #models = new Map<string, ReadonlySet<string> | undefined>();
  readonly #payers: ReadonlyMap<string, PayerSetting>;
  #allNames: readonly string[] | undefined;

  constructor(settings: Settings, knowledge: Knowledge) {
    this.#settings = settings;
    this.#knowledge = knowledge;
    const endpoints = [...knowledge.builtIn, ...settings.endpoints];
    this.#endpoints = new Map(endpoints.map((endpoint) => [endpoint.id, endpoint]));
    this.#payers = new Map(settings.payers.map((payer) => [payer.id, payer]));
  }

  vendors(): void {
    const { vendors, protocols } = this.#knowledge;
    for (const { id, protocol, also = [], regions = {}, models = [], price } of this.#settings.vendors) {
      const problem = (path: Path, text: Problem["text"], near: string[] = []) =>
        this.problems.push({ kind: "vendors", id, path, text, near });
      const ways = [{ path: [], protocol }, ...also.map((way, i) => ({ path: ["also", i], protocol: way.protocol }))];
      for (const way of ways) {
        if (way.protocol === undefined || protocols.includes(way.protocol)) continue;
        const near = this.#near(way.protocol, protocols);
        const text = checkWords.unknownProtocol(way.protocol, near, protocols.join(", "));
        problem([...way.path, "protocol"], text, near);
      }
      for (const [region, other] of Object.entries(regions)) {
        if (vendors.includes(other)) continue;
        const near = this.#near(other, vendors);
        problem(["regions", region], checkWords.unknownVendor(other, near, vendors.join(", ")), near);
      }
      this.#price("vendors", id, ["price"], price);
      for (const [i, model] of models.entries()) {
        this.#price("vendors", id, ["models", i, "price"], model.price);
        for (const [j, one] of (model.prices ?? []).entries()) {
          this.#price("vendors", id, ["models", i, "prices", j], one);
        }
      }
      const twice = repeated(models.map((model) => model.id));
      if (twice !== undefined) problem(["models"], checkWords.duplicate("models", twice));
    }
  }

  endpoints(): void {
    const { vendors, protocols } = this.#knowledge;
    for (const endpoint of this.#settings.endpoints) {
      const { id, vendor, protocol, baseUrl, models, price } = endpoint;
      const problem = (path: string[], text: Problem["text"], near: string[] = []) =>
        this.problems.push({ kind: "endpoints", id, path, text, near });
      if (vendor !== undefined && !vendors.includes(vendor)) {
        const near = this.#near(vendor, vendors);
        problem(["vendor"], checkWords.unknownVendor(vendor, near, vendors.join(", ")), near);
      }
      if (protocol !== undefined && !protocols.includes(protocol)) {
        const near = this.#near(protocol, protocols);
        problem(["protocol"], checkWords.unknownProtocol(protocol, near, protocols.join(", ")), near);
      }
      if (vendor === undefined && protocol === undefined) problem([], checkWords.noVendor(id));
      const alone = vendor === undefined && protocol !== undefined && protocols.includes(protocol);
      if (alone && baseUrl === undefined && this.#knowledge.needsAddress(protocol)) {
        problem([], checkWords.noAddress(id));
      }
      const isKnown = vendor !== undefined && vendors.includes(vendor);
      const isWritten = isKnown && (protocol === undefined || protocols.includes(protocol));
      const way = isWritten ? this.#knowledge.wayProblem(endpoint) : undefined;
      if (way) problem([way.field], way.text, [...(way.near ?? [])]);
      this.#price("endpoints", id, ["price"], price);
      for (const [i, model] of models.entries()) this.#price("endpoints", id, ["models", i, "price"], model.price);
      const twice = repeated(models.map((model) => model.id));
      if (twice !== undefined) problem(["models"], checkWords.duplicate("models", twice));
    }
  }

  routes(): void {
    for (const { id, to } of this.#settings.routes) {
      for (const [i, ref] of to.entries()) this.#reference("routes", id, ["to", i], ref);
    }
  }

  prices(): void {
    this.#noTwins("prices", (price) => `${price.model} ${instantOf(price.since ?? "1970-01-01")}`);
    for (const price of this.#settings.prices) {
      this.#reference("prices", idOf("prices", price), ["model"], price.model);
      this.#price("prices", idOf("prices", price), [], price);
    }
  }

  rates(): void {
    this.#noTwins("rates", ({ from, to, since }) => `${from} ${to} ${instantOf(since)}`);
    for (const rate of this.#settings.rates) {
      if (rate.from !== rate.to) continue;
      this.problems.push({
        kind: "rates",
        id: idOf("rates", rate),
        path: ["to"],
        text: checkWords.sameCurrency(rate.from),
      });
    }
  }

  payers(): void {
    const rooted = new Set<string>();
    for (const payer of this.#settings.payers) {
      const { id, parent } = payer;
      if (parent !== undefined && !this.#payers.has(parent)) {
        const near = this.#near(parent, this.#payers.keys());
        const text = checkWords.unknownParent(id, parent, near);
        this.problems.push({ kind: "payers", id, path: ["parent"], text, near });
      }
      const circle = this.#circle(payer, rooted);
      if (circle) {
        const text = checkWords.payerCycle(circle.join(" → "));
        this.problems.push({ kind: "payers", id, path: ["parent"], text });
      }
    }
  }

  /** The circle that a payer is the first to close; `rooted` remembers those already followed. */
  #circle(payer: PayerSetting, rooted: Set<string>): string[] | undefined {
    const way = new Set<string>();
    for (let here: PayerSetting | undefined = payer; here && !rooted.has(here.id); ) {
      way.add(here.id);
      const parent: string | undefined = here.parent;
      if (parent !== undefined && way.has(parent)) {
        const ids = [...way];
        for (const id of ids) rooted.add(id);
        return [...ids.slice(ids.indexOf(parent)), parent];
      }
      here = parent === undefined ? undefined : this.#payers.get(parent);
    }
    for (const id of way) rooted.add(id);
    return undefined;
  }

  budgets(): void {
    const inUse = new Set<string>();
    for (const endpoint of this.#endpoints.values()) {
      for (const currency of this.#knowledge.currenciesOf(endpoint)) inUse.add(currency);
    }
    for (const price of this.#settings.prices) inUse.add(price.currency);
    const pairs = new Set(this.#settings.rates.flatMap(({ from, to }) => [`${from} ${to}`, `${to} ${from}`]));
    for (const { id, payer, currency } of this.#settings.budgets) {
      this.#payerOf("budgets", id, payer);
      for (const price of inUse) {
        if (price === currency || pairs.has(`${price} ${currency}`)) continue;
        pairs.add(`${price} ${currency}`); // one warning for each pair says enough
        const text = checkWords.budgetWithoutRate(id, currency, price);
        this.warnings.push({ kind: "budgets", id, path: ["currency"], text });
      }
    }
  }

  keys(): void {
    const byHash = new Map<string, string>();
    for (const { id, payer, hash, routes } of this.#settings.keys) {
      this.#payerOf("keys", id, payer);
      const other = byHash.get(hash);
      if (other !== undefined) {
        this.problems.push({ kind: "keys", id, path: ["secret"], text: checkWords.sameSecret(id, other) });
      }
      byHash.set(hash, id);
      for (const [i, route] of (routes ?? []).entries()) {
        if (this.#isCalled(route)) continue;
        const near = this.#near(route, this.#names());
        const text = checkWords.keyRouteUnknown(id, route, near);
        this.warnings.push({ kind: "keys", id, path: ["routes", i], text, near });
      }
    }
  }

  #payerOf(kind: "budgets" | "keys", id: string, payer: string): void {
    if (this.#payers.has(payer)) return;
    const near = this.#near(payer, this.#payers.keys());
    const text = checkWords.unknownPayer(`"${id}"`, payer, near);
    this.problems.push({ kind, id, path: ["payer"], text, near });
  }

  #price(kind: "vendors" | "endpoints" | "prices", id: string, path: Path, price: PriceSetting | undefined): void {
    const text = price && this.#knowledge.priceProblem(price, path.length > 0 ? writePath(path) : id);
    if (text) this.problems.push({ kind, id, path, text });
  }

  /** `endpoint/model` must lead to a model that there is. */
  #reference(kind: "routes" | "prices", id: string, path: (string | number)[], ref: string): void {
    const slash = ref.indexOf("/");
    const endpoint = ref.slice(0, slash);
    if (!this.#endpoints.has(endpoint)) {
      const near = this.#near(endpoint, this.#endpoints.keys());
      const text = checkWords.unknownEndpoint(ref, endpoint, near);
      this.problems.push({ kind, id, path, text, near });
      return;
    }
    const models = this.#modelsOf(endpoint);
    if (!models || models.has(ref.slice(slash + 1))) return;
    const near = this.#near(ref.slice(slash + 1), models).map((model) => `${endpoint}/${model}`);
    this.problems.push({ kind, id, path, text: checkWords.unknownModel(ref, near), near });
  }

  #modelsOf(id: string): ReadonlySet<string> | undefined {
    if (!this.#models.has(id)) {
      const endpoint = this.#endpoints.get(id)!;
      const models = this.#knowledge.modelsOf(endpoint);
      this.#models.set(id, models && new Set(models));
    }
    return this.#models.get(id);
  }

  /** Every name that is known to be called, sorted. */
  #names(): readonly string[] {
    if (this.#allNames) return this.#allNames;
    const models = [...this.#endpoints.keys()].flatMap((id) =>
      [...(this.#modelsOf(id) ?? [])].map((model) => `${id}/${model}`),
    );
    this.#allNames = [...this.#settings.routes.map((route) => route.id), ...models].sort();
    return this.#allNames;
  }

  /** Names that look like a wrong one. Beyond the problems that are shown, nobody asks for them. */
  #near(name: string, candidates: Iterable<string>): string[] {
    return this.problems.length + this.warnings.length < MOST_EXPLAINED ? nearest(name, candidates) : [];
  }

  #isCalled(pattern: string): boolean {
    const beginning = pattern.endsWith("*") ? pattern.slice(0, -1) : undefined;
    const slash = pattern.indexOf("/");
    const endpoint = slash > 0 ? pattern.slice(0, slash) : undefined;
    // An endpoint that serves names not known beforehand may serve this one.
    if (endpoint !== undefined && this.#endpoints.has(endpoint) && !this.#modelsOf(endpoint)) return true;
    const names = this.#names();
    if (beginning === undefined) return names[firstFrom(names, pattern)] === pattern;
    return names[firstFrom(names, beginning)]?.startsWith(beginning) === true;
  }

  #noTwins<K extends "prices" | "rates">(kind: K, sameness: (document: Settings[K][number]) => string): void {
    const seen = new Set<string>();
    for (const document of this.#settings[kind]) {
      const same = sameness(document);
      const id = idOf(kind, document as never);
      if (seen.has(same)) {
        this.problems.push({ kind, id, path: ["since"], text: checkWords.duplicate(kind, id) });
      }
      seen.add(same);
    }
  }
}

/** The place of the first of `sorted` that is not before `wanted`. */
function firstFrom(sorted: readonly string[], wanted: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

function repeated(names: readonly string[]): string | undefined {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) return name;
    seen.add(name);
  }
  return undefined;
}
