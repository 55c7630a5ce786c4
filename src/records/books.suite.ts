import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CallIds } from "../base/ids.ts";
import { DEFAULT_LIMITS } from "../base/limits.ts";
import type { Basis, Usage } from "../base/usage.ts";
import { compilePrice, type PriceDocument } from "../catalogue/price-document.ts";
import { priceUsage } from "../catalogue/price-engine.ts";
import type { PriceSetting } from "../config/settings.ts";
import { savePrice } from "../store/prices.ts";
import { type EntryRow, PHASE, type Store } from "../store/spec.ts";
import { openTestStore } from "../store/test-store.suite.ts";

/** An attempt that tests write into a real store. */
export interface WrittenAttempt {
  readonly at: number | string;
  readonly payer?: string;
  readonly key?: string;
  readonly route?: string;
  readonly model?: string;
  readonly price?: PriceSetting;
  readonly usage?: Usage;
  readonly basis?: Basis;
  /** How it ended; `held` for not at all. */
  readonly end?: "settle" | "release" | "unsettled" | "held";
  /** What was settled, where it does not follow from usage and price. */
  readonly cost?: bigint;
  /** How long it took, milliseconds. */
  readonly took?: number;
  /** The time in its id, where the clock was set back since: ids never are. */
  readonly idAt?: number;
  /** Another attempt of this call. */
  readonly call?: string;
  readonly detail?: object;
}

export const CHEAP: PriceSetting = { currency: "USD", input: "0.15", output: "0.6", cachedInput: "0.075" };
export const DEAR: PriceSetting = { currency: "CNY", input: "2.4", output: "9.6", perCall: "0.000000001" };

/** A real store in a folder of its own, and a hand that writes the ledger's rows into it. */
export class Books {
  readonly store: Store;
  readonly #folder: string;
  readonly #numbers = new Map<string, number>();
  readonly #prices = new Map<string, PriceDocument>();

  private constructor(folder: string, store: Store) {
    this.#folder = folder;
    this.store = store;
  }

  static async open(): Promise<Books> {
    const folder = mkdtempSync(join(tmpdir(), "maidan-books-"));
    return new Books(folder, await openTestStore(folder, DEFAULT_LIMITS));
  }

  /** Writes an attempt from its hold to its end, and returns its id. */
  async attempt(written: WrittenAttempt): Promise<string> {
    const at = typeof written.at === "string" ? Date.parse(written.at) : written.at;
    const call = written.call ?? new CallIds().next(written.idAt ?? at);
    const number = (this.#numbers.get(call) ?? 0) + 1;
    this.#numbers.set(call, number);
    const price = await this.#price(written.price ?? CHEAP, at);
    const usage = written.usage ?? { input: 1_001, output: 333 };
    const cost = written.cost ?? priceUsage(price, usage, { at }).amount;
    const row: EntryRow = {
      ...NOTHING,
      attempt: `${call}.${number}`,
      at,
      payer: written.payer ?? "support",
      key: written.key ?? "support-bot",
      route: written.route ?? "mini",
      model: written.model ?? "lab/mini",
      currency: price.currency,
      amount: cost + 100n,
      held: cost + 1_000n,
      price: price.id,
      detail: JSON.stringify({ operation: "chat", stream: false }),
    };
    const rows: EntryRow[] = [row];
    const end = written.end ?? "settle";
    if (end !== "held") {
      const closed = { ...row, phase: PHASE.close, kind: end, at: at + (written.took ?? 250) } as const;
      const detail = JSON.stringify({ durationMs: 250, pricedAt: at, vendorRequestId: "req-1", ...written.detail });
      if (end === "settle") {
        rows.push({ ...closed, amount: cost, basis: written.basis ?? "reported", ...usage, detail });
      } else if (end === "release") rows.push({ ...closed, amount: 0n, detail });
      else rows.push({ ...closed, amount: row.held, detail: JSON.stringify({ reason: "broken", pricedAt: at }) });
    }
    await Promise.all(rows.map((entry) => this.store.journal.append({ op: "entry", entry })));
    return row.attempt;
  }

  /** Adds a later entry to an attempt: an adjustment, or the resolution of a doubt. */
  async later(attempt: string, entry: Partial<EntryRow> & Pick<EntryRow, "phase" | "kind" | "at" | "amount">) {
    const { payer, key, route, model, currency, price } = await this.store.query
      .selectFrom("entries")
      .selectAll()
      .where("attempt", "=", attempt)
      .executeTakeFirstOrThrow();
    const row = { ...NOTHING, attempt, payer, key, route, model, currency, price, ...entry };
    await this.store.journal.append({ op: "entry", entry: row });
  }

  async close(): Promise<void> {
    await this.store.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #price(setting: PriceSetting, at: number): Promise<PriceDocument> {
    const name = JSON.stringify(setting);
    let price = this.#prices.get(name);
    if (!price) {
      price = compilePrice(setting, "price");
      this.#prices.set(name, price);
      await savePrice(this.store.query, { id: price.id, document: price.json, createdAt: at });
    }
    return price;
  }
}

const NOTHING: EntryRow = {
  attempt: "",
  phase: PHASE.hold,
  n: 0,
  kind: "hold",
  at: 0,
  payer: "",
  key: "",
  route: "",
  model: "",
  currency: "",
  amount: 0n,
  held: 0n,
  shares: [],
  price: "",
  rates: "",
  basis: undefined,
  overrun: false,
  input: undefined,
  cachedInput: undefined,
  cacheWrite5m: undefined,
  cacheWrite1h: undefined,
  inputAudio: undefined,
  inputImage: undefined,
  output: undefined,
  reasoning: undefined,
  outputAudio: undefined,
  images: undefined,
  seconds: undefined,
  toolCalls: undefined,
  detail: "{}",
};
