import { AdmissionGate } from "../../src/admission/gate.ts";
import type { Clock } from "../../src/base/clock.ts";
import { CallIds } from "../../src/base/ids.ts";
import { DEFAULT_LIMITS, type Limits } from "../../src/base/limits.ts";
import { Deadlines } from "../../src/call/deadlines.ts";
import { KeptAnswers } from "../../src/call/kept-answers.ts";
import { PriceBook } from "../../src/call/price-book.ts";
import type { CallEnvironment, Connection } from "../../src/call/spec.ts";
import { Ledger } from "../../src/ledger/ledger.ts";
import type { Hold, LedgerWorld } from "../../src/ledger/spec.ts";
import { EndpointHealth } from "../../src/routing/health.ts";
import { openai } from "../../src/vendors/openai/protocol.ts";
import type { WireRequest } from "../../src/vendors/spec.ts";
import type { Books } from "./books.ts";
import type { Chance } from "./chance.ts";
import { EPOCH } from "./globals.ts";
import type { Footing } from "./ground.ts";
import type { Owner, Schedule } from "./schedule.ts";
import { STEP_TOKENS } from "./settings.ts";
import { SimulatedTransport } from "./vendor.ts";
import type { World } from "./world.ts";

function limitsOf(chance: Chance, { limits }: Footing): Limits {
  return {
    ...DEFAULT_LIMITS,
    ...limits,
    stepOutputTokens: STEP_TOKENS,
    holdWaitMs: chance.pick([0, 300, 3_000]),
    callMs: chance.pick([4_000, 15_000]),
    clientStallMs: 700,
    attempts: chance.whole(2, 5),
    keptAnswerBytes: chance.happens(0.2) ? 600 : DEFAULT_LIMITS.keptAnswerBytes,
  };
}

/** Says which call was begun last: ids are made in the same turn in which a call begins. */
class WatchedIds extends CallIds {
  last = "";

  override next(now: number): string {
    this.last = super.next(now);
    return this.last;
  }
}

/** One life of a process: from its start to its end by a crash. */
export class SimulatedProcess {
  readonly owner: Owner;
  /** What its ledger should hold, by the rows that it has queued. */
  readonly books: Books;
  readonly environment: CallEnvironment;
  readonly ids: WatchedIds;
  readonly ledger: Ledger;
  readonly transports: readonly SimulatedTransport[];

  constructor(
    owner: Owner,
    books: Books,
    parts: { environment: CallEnvironment; ids: WatchedIds; ledger: Ledger; transports: readonly SimulatedTransport[] },
  ) {
    this.owner = owner;
    this.books = books;
    this.environment = parts.environment;
    this.ids = parts.ids;
    this.ledger = parts.ledger;
    this.transports = parts.transports;
  }
}

/** A machine on which one process after the other runs, with a clock of its own. */
export class SimulatedNode {
  readonly name: string;
  readonly #world: World;
  readonly #footing: Footing;
  readonly #schedule: Schedule;
  readonly #chance: Chance;
  readonly #limits: Limits;
  readonly clock: Clock;
  /** By how many milliseconds the clock is ahead. */
  skew = 0;
  #lives = 0;
  /** How often somebody has restarted it. */
  restarts = 0;
  #owner: Owner | undefined;
  #transports: readonly SimulatedTransport[] = [];
  /** Set while a process serves. */
  process: SimulatedProcess | undefined;

  /** @param footing where its store stands */
  constructor(name: string, world: World, footing: Footing, chance: Chance) {
    this.name = name;
    this.#world = world;
    this.#footing = footing;
    this.#schedule = world.schedule;
    this.#chance = chance;
    this.#limits = limitsOf(chance, footing);
    this.clock = { now: () => EPOCH + Math.floor(this.#schedule.now) + this.skew };
  }

  get owner(): Owner | undefined {
    return this.#owner;
  }

  /** Starts a process. It serves once its ledger is open, should it live until then. */
  start(): void {
    const owner: Owner = { name: `${this.name}.${++this.#lives}`, alive: true, stalledUntil: 0 };
    this.#owner = owner;
    this.#world.tell(`${owner.name} starts, its clock at ${new Date(this.clock.now()).toISOString()}`);
    this.#schedule.after(
      0,
      () => {
        this.#open(owner).catch((error) => {
          // A disk that fails while the ledger opens stops the process, as the journal's failure does.
          if (owner.alive) this.#world.processFailed(this, error);
        });
      },
      owner,
    );
  }

  /** The process ends this instant: nothing of it runs any more. */
  crash(why: string): void {
    const owner = this.#owner;
    if (!owner?.alive) return;
    this.#world.tell(`${owner.name} ends: ${why}`);
    owner.alive = false;
    this.process = undefined;
    this.#footing.crash();
    for (const transport of this.#transports) transport.crash();
    this.#transports = [];
  }

  /** The process does nothing for a while. */
  stall(ms: number): void {
    const owner = this.#owner;
    if (owner) owner.stalledUntil = Math.max(owner.stalledUntil, this.#schedule.now + ms);
  }

  async #open(owner: Owner): Promise<void> {
    const world = this.#world;
    const { installation } = world;
    const books = world.ground.booksOf();
    const store = this.#footing.open({
      chance: this.#chance.fork(),
      owner,
      journalQueue: this.#limits.journalQueue,
      look: (row) => world.ground.queued(owner, books, row, this.clock.now()),
    });
    store.journal.onFailure((cause) => world.processFailed(this, cause));
    const ledgerWorld: LedgerWorld = {
      pathOf: (payer) => installation.payers.path(payer),
      rate: (from, to, at) => installation.catalogue.rate(from, to, at),
    };
    const { clock } = this;
    const limits = this.#limits;
    let opened: Ledger | undefined;
    const { budgets, sharing } = this.#footing.follow(
      owner,
      () => opened !== undefined,
      (budgets) => opened!.setBudgets(budgets, ledgerWorld),
    );
    const ledger = await Ledger.open({ store, clock, limits, budgets, world: ledgerWorld, sharing });
    opened = ledger;
    this.#repeatEndings(ledger, owner);
    const whose = (wire: WireRequest): string => world.attemptSent(owner, books, wire);
    const transports = [...world.vendors.values()].map((vendor) => new SimulatedTransport(vendor, owner, whose));
    const connections = new Map<string, Connection>(
      [...world.vendors.keys()].map((id, i) => [id, { protocol: openai, transport: transports[i]! }]),
    );
    const snapshot = { ...installation, connections };
    const ids = new WatchedIds(ledger.lastAttempt);
    const environment: CallEnvironment = {
      clock,
      limits,
      ids,
      ledger,
      gate: new AdmissionGate(clock, limits),
      health: new EndpointHealth(clock),
      keptAnswers: new KeptAnswers(store.query, store.journal, installation.sealer, clock, limits, sharing?.name),
      priceBook: new PriceBook(store.query),
      deadlines: new Deadlines(),
      snapshot: () => snapshot,
      observer: { attemptFinished: () => {}, callFinished: () => {}, broke: () => {} },
    };
    this.#transports = transports;
    this.process = new SimulatedProcess(owner, books, { environment, ids, ledger, transports });
    world.processServes(this, this.process);
  }

  /**
   * Now and then the end of an attempt is told again, or another end later: it must change nothing. And what found no more
   * room is remembered.
   */
  #repeatEndings(ledger: Ledger, owner: Owner): void {
    const chance = this.#chance.fork();
    const topUp = ledger.topUp.bind(ledger);
    ledger.topUp = (hold, more) => {
      const grows = topUp(hold, more);
      if (!grows) this.#world.outgrown.add(hold.attempt);
      return grows;
    };
    const ended = new WeakSet<Hold>();
    const repeat = (hold: Hold): void => {
      if (!chance.happens(0.15)) return;
      const ms = chance.pick([0, 1, 50, 2_000]);
      const again = (): void => {
        const settlement = { cost: 12_345n, usage: { input: 1, output: 1 }, basis: "reported", detail: {} } as const;
        const how = chance.whole(0, 3);
        if (how === 0) ledger.topUp(hold, { amount: 1_000n, bound: 1_000n });
        else if (how === 1) void ledger.release(hold, "late", {}).catch(() => {});
        else if (how === 2) void ledger.leaveUnsettled(hold, "late", {}).catch(() => {});
        else void ledger.settle(hold, settlement).catch(() => {});
      };
      if (ms === 0) again();
      else this.#schedule.after(ms, again, owner);
    };
    for (const name of ["settle", "release", "leaveUnsettled"] as const) {
      const tell = ledger[name].bind(ledger) as (hold: Hold, ...rest: unknown[]) => Promise<void>;
      Object.assign(ledger, {
        [name]: (hold: Hold, ...rest: unknown[]) => {
          const told = tell(hold, ...rest);
          if (!ended.has(hold))
            told.then(() => this.#world.endedWell(hold.attempt, name === "leaveUnsettled")).catch(() => {});
          ended.add(hold);
          repeat(hold);
          return told;
        },
      });
    }
  }
}
