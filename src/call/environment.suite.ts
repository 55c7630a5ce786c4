import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { AdmissionGate } from "../admission/gate.ts";
import { ManualClock } from "../base/clock.ts";
import { CallIds } from "../base/ids.ts";
import { DEFAULT_LIMITS, type Limits } from "../base/limits.ts";
import { formatAmount, parseAmount } from "../base/money.ts";
import { Catalogue } from "../catalogue/catalogue.ts";
import { allEndpoints, modelsOf, vendorOf } from "../catalogue/offers.ts";
import { openCredential } from "../config/credentials.ts";
import { readDeclarative } from "../config/declarative.ts";
import type { Settings } from "../config/settings.ts";
import { Ledger } from "../ledger/ledger.ts";
import type { LedgerWorld } from "../ledger/spec.ts";
import { Payers } from "../payers/payers.ts";
import { EndpointHealth } from "../routing/health.ts";
import { Routes } from "../routing/routes.ts";
import type { EntriesTable } from "../store/schema.ts";
import { openSealer } from "../store/sealing.ts";
import type { Journal, JournalRow, Seated, Store } from "../store/spec.ts";
import { contentsOfTestStore, openTestStore } from "../store/test-store.suite.ts";
import { openai } from "../vendors/openai/protocol.ts";
import { readRequest } from "../vendors/openai/request.ts";
import { type PracticeTransport, practiceTransport } from "../vendors/practice/practice-transport.ts";
import type { Operation, Transport } from "../vendors/spec.ts";
import { Deadlines } from "./deadlines.ts";
import { Departure } from "./departure.ts";
import { KeptAnswers } from "./kept-answers.ts";
import { PriceBook } from "./price-book.ts";
import { runCall } from "./run-call.ts";
import { ScriptedTransport } from "./scripted-transport.suite.ts";
import type {
  AttemptReport,
  CallEnvironment,
  CallHead,
  CallOutcome,
  CallReport,
  CallRequest,
  CallSink,
  Connection,
  Snapshot,
} from "./spec.ts";

/** How the endpoints and payers of a bench differ from the usual. YAML flow fields: `billsOnBreak: nothing`. */
export interface BenchOptions {
  readonly lab?: string;
  readonly mini?: string;
  readonly routes?: string;
  readonly budgets?: string;
  readonly more?: string;
  readonly practice?: string;
  readonly limits?: Partial<Limits>;
}

export const SECRET = "a-secret-of-the-tests";

function settingsText(options: BenchOptions): string {
  return `
currency: USD
rates:
  - { from: USD, to: CNY, rate: "7.10", since: 2026-01-01, source: test }
endpoints:
  - id: lab
    protocol: openai
    baseUrl: http://lab.invalid/v1
    credentials: { apiKey: the-key-of-the-lab }
    ${options.lab ?? ""}
    models:
      - { id: mini, upstream: mini-2026, maxOutputTokens: 4096, price: { currency: USD, input: "1", cachedInput: "0.5", output: "10" }${options.mini ?? ""} }
      - { id: unpriced, maxOutputTokens: 4096 }
      - { id: dear, maxOutputTokens: 4096, price: { currency: USD, input: "1000", output: "10000" } }
      - { id: yuan, maxOutputTokens: 4096, price: { currency: CNY, input: "7", output: "70" } }
      - { id: vector, price: { currency: USD, input: "2" } }
  - id: spare
    protocol: openai
    baseUrl: http://spare.invalid/v1
    credentials: {}
    models:
      - { id: big, maxOutputTokens: 4096, price: { currency: USD, input: "3", output: "20" } }
  - id: free
    protocol: openai
    baseUrl: http://free.invalid/v1
    credentials: {}
    allowUnpriced: true
    models: [{ id: gift, maxOutputTokens: 4096 }]
  - id: play
    protocol: practice
    credentials: {}
    models:
      - { id: talker, maxOutputTokens: 4096, price: { currency: USD, input: "1", output: "10" }${options.practice ?? ""} }
routes:
  ${options.routes ?? "- { id: mini, to: [lab/mini] }"}
payers:
  - id: org
    ${options.budgets ?? 'budgets: [{ id: org-total, amount: "1", currency: USD, window: total }, { id: org-yuan, amount: "100", currency: CNY, window: total }]'}
    payers:
      - id: team
        ${options.more ?? ""}
        keys: [{ id: team-key, secret: ${SECRET} }]
`;
}

/** A journal that can be stopped, so that a test sees what may happen only after a row is on the disk. */
export class StoppableJournal implements Journal {
  readonly #inner: Journal;
  #waiting: (() => void)[] | undefined;
  #failure: unknown;
  /** `hold`, `settle`, … of each row that was asked for. */
  readonly asked: string[] = [];
  /** The same, once it is on the disk. */
  readonly written: string[] = [];

  constructor(inner: Journal) {
    this.#inner = inner;
  }

  get depth(): number {
    return this.#inner.depth;
  }

  get full(): boolean {
    return this.#inner.full;
  }

  append(row: JournalRow): Promise<void> {
    const name = row.op === "entry" ? row.entry.kind : row.op;
    this.asked.push(name);
    if (this.#failure) return Promise.reject(this.#failure);
    const write = (): Promise<void> => {
      const durable = this.#inner.append(row);
      void durable.then(() => this.written.push(name));
      return durable;
    };
    const waiting = this.#waiting;
    return waiting ? new Promise((resolve) => waiting.push(() => resolve(write()))) : write();
  }

  sit(seat: Seated): void {
    this.#inner.sit(seat);
  }

  onFenced(listener: () => void): void {
    this.#inner.onFenced(listener);
  }

  onFailure(listener: (cause: unknown) => void): void {
    this.#inner.onFailure(listener);
  }

  onCommit(listener: (milliseconds: number) => void): void {
    this.#inner.onCommit(listener);
  }

  stop(): void {
    this.#waiting ??= [];
  }

  go(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const write of waiting) write();
  }

  fail(cause: unknown): void {
    this.#failure = cause;
  }
}

/** A client that remembers what it was told, in order, and can be slow. */
export class RecordingSink implements CallSink {
  answeredHead: CallHead | undefined;
  readonly chunks: Buffer[] = [];
  last: Buffer | undefined;
  ended = false;
  wasCut = false;
  /** Called at each piece, before it is taken; returns false where the client does not keep up. */
  onWrite: (chunk: Buffer, index: number) => boolean = () => true;
  drain: (() => void) | undefined;

  head(head: CallHead): void {
    if (this.answeredHead) throw new Error("a second head");
    this.answeredHead = head;
  }

  write(chunk: Buffer): boolean {
    if (this.ended || this.wasCut) throw new Error("a piece after the end");
    this.chunks.push(Buffer.from(chunk));
    return this.onWrite(chunk, this.chunks.length - 1);
  }

  drained(listener: () => void): void {
    this.drain = listener;
  }

  end(last: Buffer | undefined): void {
    if (this.ended) throw new Error("a second end");
    this.ended = true;
    this.last = last && Buffer.from(last);
  }

  cut(): void {
    this.wasCut = true;
  }

  /** What has come so far, without the end that waits for the ledger. */
  get streamed(): string {
    return Buffer.concat(this.chunks).toString("utf8");
  }

  get text(): string {
    return Buffer.concat([...this.chunks, this.last ?? Buffer.alloc(0)]).toString("utf8");
  }
}

export interface Ran {
  readonly outcome: CallOutcome;
  readonly sink: RecordingSink;
}

/** Everything that a call works with, for real, but for the vendors `lab`, `spare` and `free`: they say what a test tells them. */
export class CallBench {
  readonly folder = mkdtempSync(join(tmpdir(), "maidan-call-"));
  readonly clock = new ManualClock("2026-11-24T06:00:00Z");
  readonly limits: Limits;
  readonly settings: Settings;
  readonly vendor = new ScriptedTransport();
  readonly practice: PracticeTransport;
  readonly attempts: AttemptReport[] = [];
  readonly calls: CallReport[] = [];
  readonly broken: unknown[] = [];
  readonly snapshot: Snapshot;
  store!: Store;
  journal!: StoppableJournal;
  ledger!: Ledger;
  environment!: CallEnvironment;

  static async open(options: BenchOptions = {}): Promise<CallBench> {
    const bench = new CallBench(options);
    await bench.start();
    return bench;
  }

  private constructor(options: BenchOptions) {
    this.limits = { ...DEFAULT_LIMITS, holdWaitMs: 0, ...options.limits };
    const seal = openSealer(this.folder);
    this.settings = readDeclarative(settingsText(options), { environment: {}, seal }).settings;
    const catalogue = new Catalogue(this.settings, (credential) => openCredential(credential, {}, seal));
    const play = allEndpoints(this.settings.endpoints).find(({ id }) => id === "play")!;
    this.practice = practiceTransport(modelsOf(play, vendorOf(play)), { keepAnswers: 100 });
    const scripted: Connection = { protocol: openai, transport: this.vendor as Transport };
    this.snapshot = {
      catalogue,
      payers: new Payers(this.settings),
      routes: new Routes(this.settings.routes, catalogue),
      connections: new Map([
        ["lab", scripted],
        ["spare", scripted],
        ["free", scripted],
        ["play", { protocol: openai, transport: this.practice }],
      ]),
    };
  }

  /** Opens the store, and the ledger on it: as a process does when it begins. */
  async start(): Promise<void> {
    const { clock, limits, snapshot } = this;
    const inner = await openTestStore(this.folder, limits);
    this.journal = new StoppableJournal(inner.journal);
    this.store = { ...inner, journal: this.journal };
    const world: LedgerWorld = {
      pathOf: (payer) => snapshot.payers.path(payer),
      rate: (from, to, at) => snapshot.catalogue.rate(from, to, at),
    };
    const { store } = this;
    this.ledger = await Ledger.open({ store, clock, limits, budgets: this.settings.budgets, world });
    this.environment = {
      clock,
      limits,
      ids: new CallIds(this.ledger.lastAttempt),
      ledger: this.ledger,
      gate: new AdmissionGate(clock, limits),
      health: new EndpointHealth(clock),
      keptAnswers: new KeptAnswers(store.query, store.journal, openSealer(this.folder), clock, limits),
      priceBook: new PriceBook(store.query),
      deadlines: new Deadlines(),
      snapshot: () => snapshot,
      observer: {
        attemptFinished: (report) => this.attempts.push(report),
        callFinished: (report) => this.calls.push(report),
        broke: (cause) => this.broken.push(cause),
      },
    };
  }

  /** The process ends without a word to the calls in flight, and begins again. */
  async crash(): Promise<void> {
    await this.store.close();
    await this.start();
  }

  async close(): Promise<void> {
    await this.store.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  request(fields: Record<string, unknown> = {}, operation: Operation = "chat"): CallRequest {
    const usual = operation === "chat" ? { model: "mini", messages: [{ role: "user", content: "Hello?" }] } : {};
    const body = Buffer.from(JSON.stringify({ ...usual, ...fields }));
    return {
      request: readRequest(operation, body, this.limits),
      caller: { secret: SECRET },
      departure: new Departure(),
    };
  }

  /** Makes a call as a client would, from the request's fields or from a whole request. */
  async call(
    fields: Record<string, unknown> = {},
    rest: Partial<CallRequest> = {},
    sink = new RecordingSink(),
  ): Promise<Ran> {
    return this.run({ ...this.request(fields), ...rest }, sink);
  }

  async run(call: CallRequest, sink = new RecordingSink()): Promise<Ran> {
    const outcome = await runCall(this.environment, call, sink);
    const reports = this.calls.filter((report) => report.call === outcome.call);
    expect(reports, "the observer hears of each call once").toHaveLength(1);
    return { outcome, sink };
  }

  /** The ledger's rows of a call, oldest first. */
  async entries(call?: string): Promise<EntriesTable[]> {
    const rows = this.store.query.selectFrom("entries").selectAll().orderBy("attempt").orderBy("phase").orderBy("n");
    return call === undefined ? rows.execute() : rows.where("attempt", "like", `${call}.%`).execute();
  }

  /** `hold settle`, and so on: what became of a call. */
  async fate(call: string): Promise<string> {
    return (await this.entries(call)).map(({ kind }) => kind).join(" ");
  }

  /** The one row by which a call was settled. */
  async settlement(call: string): Promise<EntriesTable> {
    const rows = (await this.entries(call)).filter(({ kind }) => kind === "settle");
    expect(rows).toHaveLength(1);
    return rows[0]!;
  }

  budget(id = "org-total"): { settled: string; held: string; left: string } {
    const { settled, held, left } = this.ledger.budget(id)!;
    return { settled: formatAmount(settled), held: formatAmount(held), left: formatAmount(left) };
  }

  /** The books balance, no budget is over its limit, and nothing is held. */
  async expectSoundBooks(): Promise<void> {
    expect((await this.ledger.audit()).problems).toEqual([]);
    expect(this.ledger.inFlight).toEqual({ holds: 0, waiting: 0 });
    for (const { left } of this.ledger.budgets()) expect(left).toBeGreaterThanOrEqual(0n);
  }

  /** All that the store holds. */
  stored(): Promise<string> {
    return contentsOfTestStore(this.folder);
  }
}

/** A cost of `mini`, in nano-units: 1 USD a million tokens in, 0.5 cached, 10 out. */
export function costOfMini(input: number, output: number, cached = 0): bigint {
  return BigInt(input) * 1_000n + BigInt(cached) * 500n + BigInt(output) * 10_000n;
}

export function usd(text: string): bigint {
  return parseAmount(text)!;
}
