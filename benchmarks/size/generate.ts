import { mkdirSync, readdirSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { ManualClock } from "../../src/base/clock.ts";
import { firstIdAt } from "../../src/base/ids.ts";
import { DEFAULT_LIMITS } from "../../src/base/limits.ts";
import { compilePrice } from "../../src/catalogue/price-document.ts";
import { Control } from "../../src/control/control.ts";
import { Ledger } from "../../src/ledger/ledger.ts";
import type { Hold, LedgerWorld } from "../../src/ledger/spec.ts";
import { savePrice } from "../../src/store/prices.ts";
import { openSealer } from "../../src/store/sealing.ts";
import type { Store } from "../../src/store/spec.ts";
import { type Company, type CompanyKey, type CompanyModel, makeCompany } from "./company.ts";
import { Random } from "./random.ts";
import { bytesOf, openStore, type Place } from "./store.ts";

/**
 * Makes a data folder with many calls, as a company would have made them over some weeks: through the ledger itself,
 * with a clock that runs ahead, so that it is a ledger that audits clean. The same for the same options.
 */

const HELP = `node --import ./tools/typescript.mjs benchmarks/size/generate.ts --data FOLDER [options]
  --database URL  of an empty PostgreSQL; FOLDER then holds what a node keeps for itself
  --calls N     calls in it (10000000)
  --days N      over which they are spread (45)
  --until DAY   when they end, midnight UTC (today)
  --seed N      (1)
`;

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** Rows that may wait for the disk. */
const MOST_WAITING = 40_000;
const PER_TURN = 500;
const LEFT_OPEN = 7;

interface Options {
  readonly calls: number;
  readonly days: number;
  readonly until: number;
  readonly seed: number;
}

/** How busy the hours of a day are: few call at night. */
const HOURS = [2, 1, 1, 1, 1, 2, 4, 7, 11, 14, 15, 13, 10, 13, 15, 15, 14, 12, 9, 7, 6, 5, 4, 3];

/** One model's price, ready to be used. */
interface Rate {
  readonly id: string;
  readonly currency: string;
  readonly input: number;
  readonly cached: number;
  readonly output: number;
}

class Generator {
  readonly #store: Store;
  readonly #ledger: Ledger;
  readonly #clock: ManualClock;
  readonly #world: LedgerWorld;
  readonly #company: Company;
  readonly #rates: ReadonlyMap<string, Rate>;
  readonly #random: Random;
  readonly #options: Options;
  readonly #doubts: string[] = [];
  readonly #pending: Promise<void>[] = [];
  #number = 0;
  #written: Promise<void> = Promise.resolve();

  constructor(
    store: Store,
    ledger: Ledger,
    clock: ManualClock,
    world: LedgerWorld,
    company: Company,
    rates: ReadonlyMap<string, Rate>,
    options: Options,
  ) {
    this.#store = store;
    this.#ledger = ledger;
    this.#clock = clock;
    this.#world = world;
    this.#company = company;
    this.#rates = rates;
    this.#random = new Random(options.seed + 1);
    this.#options = options;
  }

  async run(progress: (calls: number) => void): Promise<void> {
    const { calls, days, until } = this.#options;
    const hours = days * 24;
    const weightOf = (hour: number): number => HOURS[hour % 24]! * (Math.floor(hour / 24) % 7 < 5 ? 1 : 0.4);
    let whole = 0;
    for (let hour = 0; hour < hours; hour++) whole += weightOf(hour);
    let sum = 0;
    for (let hour = 0; hour < hours; hour++) {
      const before = Math.round((sum / whole) * calls);
      sum += weightOf(hour);
      const count = Math.round((sum / whole) * calls) - before;
      const start = until - (hours - hour) * HOUR_MS;
      for (let n = 0; n < count; n++) {
        this.#call(start + Math.floor(((n + this.#random.next()) / count) * HOUR_MS));
        if (this.#number % PER_TURN === 0) await this.#breathe();
        if (this.#number % 100_000 === 0) progress(this.#number);
      }
      await this.#resolveSome();
    }
    await this.#written;
    await this.#store.query.selectFrom("meta").select("name").execute();
  }

  /** Lets the disk keep up. */
  async #breathe(): Promise<void> {
    if (this.#store.journal.depth > MOST_WAITING) await this.#written;
    else await new Promise(setImmediate);
  }

  #call(at: number): void {
    const number = this.#number++;
    const key = this.#keyOf(number);
    const random = this.#random;
    const { route, models } = key.ways.next(random);
    const id = `${firstIdAt(at)}${number.toString(32).padStart(11, "0")}`;
    const way = random.next();
    let model = models[way < 0.75 ? 0 : way < 0.95 ? 1 % models.length : 2 % models.length]!;
    const seconds = random.length(3);
    if (random.next() < 0.015) {
      this.#fail(this.#hold(`${id}.1`, at, key, route, model, 1_000, 500), at + 400);
      if (random.next() < 0.5) return; // Released, and nothing tried after it.
      model = models[(models.indexOf(model) + 1) % models.length]!;
      this.#end(this.#hold(`${id}.2`, at + 450, key, route, model, 1_000, 500), at + 450 + seconds * 1_000, model);
    } else {
      const hold = this.#hold(`${id}.1`, at, key, route, model, 8_000, 2_000);
      if (number < this.#options.calls - LEFT_OPEN) this.#end(hold, at + seconds * 1_000, model);
    }
  }

  #keyOf(number: number): CompanyKey {
    const { odd, busy } = this.#company;
    const { calls } = this.#options;
    if (number % Math.ceil(calls / 40) === 17) return odd.rare;
    if (number % 3_000 === 19) return odd.scattered;
    if (number < calls / 10 && number % 5 === 0) return odd.early;
    return busy.next(this.#random);
  }

  #hold(
    attempt: string,
    at: number,
    key: CompanyKey,
    route: string,
    model: CompanyModel,
    input: number,
    output: number,
  ): Hold {
    this.#clock.set(at);
    const rate = this.#rates.get(model.name)!;
    const amount = BigInt(rate.input * input + rate.output * output);
    return this.#ledger.hold({
      attempt,
      payer: key.payer,
      key: key.id,
      route,
      model: model.name,
      currency: rate.currency,
      price: rate.id,
      path: key.path,
      full: { amount, bound: amount * 3n },
      shrink: () => undefined,
      rateTo: (currency) => this.#world.rate(rate.currency, currency, at),
      detail: DETAIL,
    }) as Hold;
  }

  #fail(hold: Hold, at: number): void {
    this.#clock.set(at);
    const detail = { pricedAt: at - 400, durationMs: 400, fault: "overloaded", vendorStatus: 503 };
    this.#written = this.#ledger.release(hold, "overloaded", detail);
  }

  #end(hold: Hold, at: number, model: CompanyModel): void {
    const random = this.#random;
    const rate = this.#rates.get(model.name)!;
    const durationMs = at - this.#clock.now();
    const pricedAt = this.#clock.now();
    this.#clock.set(at);
    if (random.next() < 0.001) {
      this.#doubts.push(hold.attempt);
      this.#written = this.#ledger.leaveUnsettled(hold, "broken", { pricedAt, durationMs });
      return;
    }
    const usage = {
      input: Math.min(random.length(900), 30_000),
      cachedInput: random.next() < 0.3 ? random.length(500) : 0,
      output: Math.min(random.length(300), 8_000),
    };
    const cost = BigInt(usage.input * rate.input + usage.cachedInput * rate.cached + usage.output * rate.output);
    const detail = {
      pricedAt,
      durationMs,
      firstByteMs: 350,
      vendorRequestId: `req_${(random.next() * 2 ** 32).toString(16)}${at.toString(16)}`,
    };
    const basis = random.next() < 0.01 ? "estimated" : "reported";
    this.#written = this.#ledger.settle(hold, { cost, usage, basis, detail });
    if (random.next() < 0.0002) this.#adjust(hold, cost / 10n, rate.currency);
  }

  /** A tenth is given back, when the bill comes. */
  #adjust(hold: Hold, amount: bigint, currency: string): void {
    const { attempt } = hold;
    if (amount === 0n) return;
    const adjusted = this.#written.then(() =>
      this.#ledger.adjust({ attempt, amount: -amount, currency, reason: "credit note" }),
    );
    this.#pending.push(adjusted);
  }

  /** People look at what is in doubt, and make up their mind on half of it. */
  async #resolveSome(): Promise<void> {
    const doubts = this.#doubts.splice(0);
    await this.#written;
    for (const attempt of doubts.filter((_, n) => n % 2 === 0)) {
      void this.#ledger.resolve(attempt, { action: "release", reason: "not on the bill" }, this.#clock.now());
    }
    await Promise.all(this.#pending.splice(0));
  }
}

const DETAIL = Object.freeze({ operation: "chat", stream: true });

async function generate(place: Place, options: Options): Promise<void> {
  const { folder } = place;
  mkdirSync(folder, { recursive: true });
  if (readdirSync(folder).length > 0) throw new Error(`${folder} is not empty`);
  const limits = { ...DEFAULT_LIMITS, journalQueue: 10 * MOST_WAITING };
  const store = await openStore(place, limits);
  const clock = new ManualClock(options.until - options.days * DAY_MS);
  const company = makeCompany(options.seed);
  const control = await Control.open({ query: store.query, seal: openSealer(folder), environment: {}, clock });
  await control.applyFile(company.file, { name: "company.yaml" });
  const { settings, catalogue, payers } = control.snapshot();
  const world: LedgerWorld = {
    pathOf: (payer) => payers.path(payer),
    rate: (from, to, at) => catalogue.rate(from, to, at),
  };
  const ledger = await Ledger.open({ store, clock, limits, budgets: settings.budgets, world });
  const rates = new Map<string, Rate>();
  for (const { name, price } of company.models) {
    const document = compilePrice(price, name);
    await savePrice(store.query, { id: document.id, document: document.json, createdAt: clock.now() });
    const nano = (text: string): number => Math.round(Number(text) * 1_000);
    const { currency, input, cachedInput, output } = price;
    rates.set(name, {
      id: document.id,
      currency,
      input: nano(input),
      cached: nano(cachedInput),
      output: nano(output),
    });
  }
  const began = performance.now();
  const seconds = (): number => (performance.now() - began) / 1_000;
  await new Generator(store, ledger, clock, world, company, rates, options).run((calls) => {
    const line = `${calls} calls, ${Math.round(calls / seconds())}/s`;
    process.stderr.write(process.stderr.isTTY ? `\r[K${line}` : calls % 1_000_000 === 0 ? `${line}\n` : "");
  });
  const took = seconds();
  const bytes = await bytesOf(place, store);
  await store.close();
  const each = Math.round(bytes / options.calls);
  process.stdout.write(
    `\n${options.calls} calls in ${Math.round(took)} s: ${(bytes / 2 ** 20).toFixed(0)} MiB, ${each} bytes a call, in ${folder}\n`,
  );
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      data: { type: "string" },
      database: { type: "string" },
      calls: { type: "string", default: "10000000" },
      days: { type: "string", default: "45" },
      until: { type: "string", default: new Date().toISOString().slice(0, 10) },
      seed: { type: "string", default: "1" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help || values.data === undefined) {
    process.stdout.write(HELP);
    return;
  }
  await generate(
    { folder: resolve(values.data), database: values.database },
    {
      calls: Number(values.calls),
      days: Number(values.days),
      until: Date.parse(values.until),
      seed: Number(values.seed),
    },
  );
}

await main();
