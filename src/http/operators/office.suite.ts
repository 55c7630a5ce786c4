import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock } from "../../base/clock.ts";
import { CallIds } from "../../base/ids.ts";
import { DEFAULT_LIMITS } from "../../base/limits.ts";
import type { Basis, Usage } from "../../base/usage.ts";
import { priceUsage } from "../../catalogue/price-engine.ts";
import { Control } from "../../control/control.ts";
import type { EndpointProbe } from "../../control/doctor/probe.ts";
import { Ledger } from "../../ledger/ledger.ts";
import type { Hold } from "../../ledger/spec.ts";
import { hasHash, hashSecret } from "../../payers/secrets.ts";
import { Recalculation } from "../../reports/recalculation.ts";
import { EndpointHealth } from "../../routing/health.ts";
import { savePrice } from "../../store/prices.ts";
import { openSealer } from "../../store/sealing.ts";
import type { Store } from "../../store/spec.ts";
import { openTestStore } from "../../store/test-store.suite.ts";
import { Metrics } from "../metrics.ts";
import { operatorsApp } from "./app.ts";
import type { OperatorsApp } from "./declare.ts";

export const ADMIN_KEY = "the-admin-key-of-these-tests";

export const SETTINGS = `
currency: CNY
rates:
  - { from: USD, to: CNY, rate: "7.10", since: 2026-01-01, source: "finance desk" }
endpoints:
  - id: lab
    protocol: openai
    baseUrl: http://127.0.0.1:9/v1
    credentials: { apiKey: "secret-of-the-lab", second: "\${SOME_VARIABLE}" }
    models:
      - { id: mini, price: { currency: USD, input: "0.15", output: "0.60", cachedInput: "0.075" } }
      - { id: unpriced }
routes:
  - { id: mini, to: [lab/mini] }
payers:
  - id: acme
    name: { zh: 集团, en: Group }
    budgets: [{ id: acme-month, amount: "20000", currency: CNY, window: month, timezone: Asia/Shanghai }]
    payers:
      - id: support
        budgets: [{ id: support-total, amount: "5.00", currency: USD, window: total }]
        keys: [{ id: support-bot, secret: "a-secret-of-support-bot" }]
      - id: sales
`;

/** The operators' API over a real store, ledger and settings. */
export class Office {
  readonly app: OperatorsApp;
  readonly store: Store;
  readonly control: Control;
  readonly ledger: Ledger;
  readonly clock: ManualClock;
  readonly health: EndpointHealth;
  readonly errors: unknown[] = [];
  stopping = false;
  probe: Partial<EndpointProbe> = {};
  readonly #folder: string;

  static async open(yaml = SETTINGS): Promise<Office> {
    const folder = mkdtempSync(join(tmpdir(), "maidan-office-"));
    const clock = new ManualClock("2026-11-24T06:00:00Z");
    const store = await openTestStore(folder, DEFAULT_LIMITS);
    const environment = { SOME_VARIABLE: "from the environment" };
    const control = await Control.open({ query: store.query, seal: openSealer(folder), environment, clock });
    const world = () => {
      const { payers, catalogue } = control.snapshot();
      return {
        pathOf: (payer: string) => payers.path(payer),
        rate: (from: string, to: string, at: number) => catalogue.rate(from, to, at),
      };
    };
    await control.applyFile(yaml);
    const { budgets } = control.snapshot().settings;
    const ledger = await Ledger.open({ store, clock, limits: DEFAULT_LIMITS, budgets, world: world() });
    control.onChange((now) => ledger.setBudgets(now.settings.budgets, world()));
    return new Office(folder, clock, store, control, ledger);
  }

  private constructor(folder: string, clock: ManualClock, store: Store, control: Control, ledger: Ledger) {
    this.#folder = folder;
    this.clock = clock;
    this.store = store;
    this.control = control;
    this.ledger = ledger;
    this.health = new EndpointHealth(clock);
    const states = () =>
      control
        .snapshot()
        .catalogue.endpoints()
        .map(({ id }) => this.health.state(id));
    const sources = {
      inFlight: () => ledger.inFlight.holds,
      journalDepth: () => store.journal.depth,
      budgets: () => ledger.budgets(),
      unsettled: () => ledger.unsettled().length,
      endpoints: states,
    };
    this.app = operatorsApp({
      clock,
      language: "en",
      start: {
        version: "0.1.0",
        startedAt: clock.now(),
        address: "http://127.0.0.1:4000",
        dataFolder: folder,
        durability: "process",
      },
      store,
      ledger,
      control,
      endpoints: {
        health: (id) => this.health.state(id),
        probe: async () => ({
          fault: undefined,
          status: 200,
          vendorTime: undefined,
          answeredAt: clock.now(),
          elapsedMs: 12,
          ...this.probe,
        }),
      },
      recalculation: new Recalculation(store.query),
      metrics: new Metrics(sources),
      health: {
        clock,
        pingStore: () => store.query.selectFrom("meta").select("name").limit(1).execute(),
        journalDepth: () => store.journal.depth,
        journalQueue: () => DEFAULT_LIMITS.journalQueue,
        endpoints: states,
        lastEntryAt: () => undefined,
        stopping: () => this.stopping,
      },
      isAdminKey: (secret) => hasHash(secret, hashSecret(ADMIN_KEY)),
      inFlight: () => ledger.inFlight.holds,
      doctor: async () => ({
        at: clock.now(),
        state: "ok",
        checks: [{ id: "store", state: "ok", title: () => "Store", what: () => "sound" }],
      }),
      onError: (cause) => this.errors.push(cause),
    });
  }

  /** Holds an attempt at `lab/mini`, as a call would. */
  async hold(payer = "support", id = new CallIds().next(this.clock.now())): Promise<Hold> {
    const { catalogue, payers } = this.control.snapshot();
    const price = catalogue.model("lab", "mini")!.priceAt(this.clock.now())!;
    await savePrice(this.store.query, { id: price.id, document: price.json, createdAt: this.clock.now() });
    const hold = await this.ledger.hold({
      attempt: `${id}.1`,
      payer,
      key: `${payer}-bot`,
      route: "mini",
      model: "lab/mini",
      currency: price.currency,
      price: price.id,
      path: payers.path(payer),
      full: { amount: 400_000n, bound: 500_000n },
      shrink: () => undefined,
      rateTo: (currency) => catalogue.rate(price.currency, currency, this.clock.now()),
      detail: { operation: "chat", stream: false },
    });
    await hold.durable;
    return hold;
  }

  /** A call from its hold to its settlement; returns the id of its attempt. */
  async settle(usage: Usage, payer = "support", basis: Basis = "reported"): Promise<string> {
    const hold = await this.hold(payer);
    const pricedAt = this.clock.now();
    const price = this.control.snapshot().catalogue.model("lab", "mini")!.priceAt(pricedAt)!;
    const cost = priceUsage(price, usage, { at: pricedAt }).amount;
    const detail = { pricedAt, durationMs: 12, vendorRequestId: "req-7" };
    await this.ledger.settle(hold, { cost, usage, basis, detail });
    return hold.attempt;
  }

  async ask(path: string, init: AskInit = {}): Promise<Response> {
    const { method, json, yaml, headers, key = ADMIN_KEY, trusted = false } = init;
    const body = json === undefined ? yaml : typeof json === "string" ? json : JSON.stringify(json);
    return this.app.request(
      path.startsWith("/") ? path : `/api/v1/${path}`,
      {
        method: method ?? (body === undefined ? "GET" : "POST"),
        headers: {
          ...(key && { authorization: `Bearer ${key}` }),
          ...(json !== undefined && { "content-type": "application/json" }),
          ...headers,
        },
        ...(body !== undefined && { body }),
      },
      { trusted },
    );
  }

  /** The JSON of an answer that must have this status. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of any shape
  async get(path: string, init: AskInit = {}, status = 200): Promise<any> {
    const response = await this.ask(path, init);
    const text = await response.text();
    if (response.status !== status) throw new Error(`${path}: ${response.status} ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  }

  async close(): Promise<void> {
    await this.store.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

interface AskInit {
  readonly method?: string;
  readonly json?: unknown;
  readonly yaml?: string;
  readonly headers?: Record<string, string>;
  readonly key?: string;
  readonly trusted?: boolean;
}
