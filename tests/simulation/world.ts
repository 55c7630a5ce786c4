import { type EntryRow, Fenced, PHASE } from "../../src/store/spec.ts";
import type { WireRequest } from "../../src/vendors/spec.ts";
import { Books, stateOf } from "./books.ts";
import { Chance } from "./chance.ts";
import { type ClientCall, type ClientHabits, SimulatedClient } from "./client.ts";
import { DeclaredBudgets } from "./declared-budgets.ts";
import { checkBooks, checkOutcome } from "./final-checks.ts";
import type { Ground } from "./ground.ts";
import type { SimulatedNode, SimulatedProcess } from "./node.ts";
import { SimulatedOperator } from "./operator.ts";
import { checkShares } from "./rules.ts";
import { type Owner, Schedule } from "./schedule.ts";
import { ENDPOINTS, type Installation } from "./settings.ts";
import type { Trace } from "./trace.ts";
import { SimulatedVendor, type TallyRow } from "./vendor.ts";
import { must } from "./violation.ts";

const INSPECTION_MS = 40;
const LOOKING_AWAY_MS = 3_000;

/** Everything there is in one run, drawn from one seed. */
export class World {
  readonly schedule = new Schedule();
  /** What the product itself draws. */
  readonly productChance: Chance;
  readonly installation: Installation;
  readonly trace: Trace;
  readonly durable = new Books();
  readonly budgets: DeclaredBudgets;
  /** What the nodes stand on. */
  readonly ground: Ground;
  readonly vendors: ReadonlyMap<string, SimulatedVendor>;
  readonly nodes: readonly SimulatedNode[];
  clientsGone = false;
  /** Attempts of which a person has said what became of them. */
  readonly resolving = new Set<string>();
  /** How each attempt ended, as the process that held it told its ledger first. */
  readonly endings = new Map<string, "settle" | "release" | "unsettled">();
  /** The processes whose disk failed. */
  readonly failed = new Set<Owner | undefined>();
  /** Attempts for whose stream no more could be held. */
  readonly outgrown = new Set<string>();
  readonly #chance: Chance;
  readonly #calls = new Map<string, ClientCall>();
  readonly #callOfTag = new Map<number, string>();
  /** What is to be told to those who wait for a process, should it end. */
  readonly #waiting = new Map<() => void, Owner>();
  /** Two desks, which do not ask each other. */
  readonly #operators: readonly SimulatedOperator[];
  #tags = 0;

  constructor(
    seed: number,
    installation: Installation,
    trace: Trace,
    layGround: (world: World, chance: Chance) => Ground,
  ) {
    const chance = new Chance(seed);
    this.#chance = chance;
    this.productChance = chance.fork();
    this.installation = installation;
    this.trace = trace;
    this.budgets = new DeclaredBudgets(chance.fork());
    const tell = (what: string): void => this.tell(what);
    const { schedule } = this;
    this.ground = layGround(this, chance);
    this.vendors = new Map(
      Object.entries(ENDPOINTS).map(([id, rules]) => {
        const habits = {
          unhappyRate: chance.pick([0, 0.1, 0.5]),
          firstByteMs: chance.pick([2, 200, 1_000]),
          betweenChunksMs: chance.pick([0, 10, 100]),
          chunkBytes: chance.pick([40, 400, 4_000]),
        };
        return [id, new SimulatedVendor(id, rules, habits, { schedule, chance: chance.fork(), tell })];
      }),
    );
    this.nodes = this.ground.build(chance);
    const restMs = chance.pick([100, 600, 4_000]);
    this.#operators = [1, 2].map(() => new SimulatedOperator(this, chance.fork(), restMs));
  }

  tell(what: string): void {
    this.trace.add(this.schedule.now, what);
  }

  nextTag(): number {
    return ++this.#tags;
  }

  /** From the first call to the last, with all that goes wrong between; then the books are looked at as a whole. */
  async live(): Promise<void> {
    const chance = this.#chance;
    for (const node of this.nodes) node.start();
    const habits: ClientHabits = {
      calls: chance.whole(2, 6),
      thinkMs: chance.pick([5, 200, 2_000]),
      leaveRate: chance.pick([0, 0.2, 0.6]),
      slowRate: chance.pick([0, 0.02, 0.2]),
      keyRate: chance.pick([0, 0.3, 0.8]),
    };
    const clients = Array.from({ length: chance.whole(2, 9) }, (_, i) =>
      new SimulatedClient(this, chance.fork(), habits, `client ${i + 1}`).live(),
    );
    const operators = this.#operators.map((operator) => operator.live());
    const others = [...operators, this.#disturb(), this.#inspect()];
    await Promise.all(clients);
    this.clientsGone = true;
    await Promise.all(others);
    await this.#end();
  }

  /** Runs something inside a process. Resolves with what it tells, or with undefined once the process is gone. */
  inProcess<T>(process: SimulatedProcess, run: (tell: (result: T) => void) => void): Promise<T | undefined> {
    return new Promise((resolve) => {
      const lost = (): void => {
        this.schedule.after(this.#chance.between(0, 30), () => resolve(undefined), undefined);
      };
      if (!process.owner.alive) {
        lost();
        return;
      }
      this.#waiting.set(lost, process.owner);
      const tell = (result: T): void => {
        this.#waiting.delete(lost);
        this.schedule.after(this.#chance.between(0, 5), () => resolve(result), undefined);
      };
      this.schedule.after(this.#chance.between(0, 5), () => run(tell), process.owner);
    });
  }

  callBegan(id: string, call: ClientCall): void {
    this.#calls.set(id, call);
    this.#callOfTag.set(call.tag, id);
  }

  tallyOf(attempt: string): TallyRow | undefined {
    for (const { tally } of this.vendors.values()) {
      const row = tally.find((one) => one.attempt === attempt);
      if (row) return row;
    }
    return undefined;
  }

  /** What an entry must be, whoever writes it. */
  checkEntry(entry: EntryRow, asked: boolean): void {
    const known = entry.phase !== PHASE.resolve || asked || this.resolving.has(entry.attempt);
    must(known, "I8", () => `${entry.attempt} is resolved, and nobody asked for it`);
    if (this.budgets.touched.size === 0) {
      checkShares(entry, new Map(this.budgets.declared.map(({ id, currency }) => [id, currency])));
    }
  }

  /** A request leaves a process: which attempt it is, by the books, and whether it may leave. */
  attemptSent(owner: Owner, books: Books, wire: WireRequest): string {
    const tag = Number(/#(\d+)/.exec(wire.body.toString("utf8"))?.[1]);
    const call = this.#callOfTag.get(tag)!;
    const attempt = this.ground.attemptOf(owner, books, call);
    must(this.durable.attempts.has(attempt), "I2", () => `${attempt} is sent, and its hold is not on the disk`);
    must(!this.tallyOf(attempt), "I2", () => `${attempt} is sent twice`);
    this.#mayDispatch(call, books);
    this.tell(`${attempt} is sent`);
    return attempt;
  }

  /** No second dispatch for a key: unless the first call with it surely cost nothing. */
  #mayDispatch(call: string, books: Books): void {
    const key = this.#calls.get(call)!.key;
    if (key === undefined) return;
    for (const [other, one] of this.#calls) {
      if (other === call || one.key !== key) continue;
      for (const book of books.byCall.get(other) ?? []) {
        must(stateOf(book) === "released", "I2", () => {
          return `${call} is sent for key ${key}, for which ${book.attempt} is ${stateOf(book)}`;
        });
      }
    }
  }

  /** The ledger has said that it has the end of an attempt. @param mayBeDoubt whether the end is that nobody knows it */
  endedWell(attempt: string, mayBeDoubt: boolean): void {
    const book = this.durable.attempts.get(attempt);
    must(book !== undefined, "I2", () => `${attempt} has ended, and is not in the ledger`);
    const state = stateOf(book);
    must(state !== "held", "I2", () => `${attempt} has ended, and is held on the disk`);
    must(mayBeDoubt || state !== "unsettled", "I2", () => `${attempt} has ended, and is in doubt on the disk`);
  }

  /** The ledger has not taken the end of an attempt: its store failed. That a seat was taken away is no reason. */
  endedBadly(attempt: string, cause: unknown): void {
    must(!(cause instanceof Fenced), "I8", () => `${attempt} has ended, and its end is lost with the seat`);
  }

  /** A kept answer is the one that was given before. */
  replayed(call: string, earlier: string, body: Buffer): void {
    const before = this.#calls.get(earlier)?.sink.whole;
    must(
      !before || before.equals(body),
      "surface",
      () => `${call} is answered otherwise than ${earlier}: ${body} instead of ${before}`,
    );
    must(!this.durable.byCall.has(call), "I3", () => `${call} is a kept answer, and billed`);
  }

  processServes(node: SimulatedNode, process: SimulatedProcess): void {
    this.findGoneBooks();
    this.tell(`${process.owner.name} serves`);
    this.ground.serves(process);
    must(node.process === process, "simulation", () => "two processes on one node");
  }

  /** The disk has failed under a process: it stops, soon. */
  processFailed(node: SimulatedNode, cause: unknown): void {
    this.tell(`${node.owner?.name}: ${String((cause as Error).message)}`);
    const { owner } = node;
    this.failed.add(owner);
    const stop = (): void => {
      if (owner === node.owner && owner?.alive) void this.#restart(node, "its disk failed");
    };
    this.schedule.after(this.#chance.between(0, 20), stop, undefined);
  }

  /** Books whose budget was taken away or changed are told nothing more. */
  findGoneBooks(): void {
    const declared = new Map(this.budgets.declared.map((budget) => [budget.id, budget]));
    const rows = this.ground.read("select * from budget_books");
    for (const row of rows as { book: string; budget: string; closed_at: number | null; [name: string]: unknown }[]) {
      const budget = declared.get(row.budget);
      const same =
        budget !== undefined &&
        budget.currency === row.currency &&
        budget.window === row.period &&
        (budget.timezone ?? "UTC") === row.timezone;
      if (!same || row.closed_at !== null) this.durable.gone.add(row.book);
    }
  }

  /** Crashes, power cuts, clocks, stalls, partitions. */
  async #disturb(): Promise<void> {
    const chance = this.#chance.fork();
    const restMs = chance.pick([100, 700, 3_000]);
    let crashes = chance.whole(0, 4);
    while (!this.clientsGone) {
      await this.schedule.rest(chance.between(1, restMs));
      const node = chance.pick(this.nodes);
      if (this.ground.disturb(node, chance)) continue;
      const what = chance.pick(["crash", "crash", "crash", "stall", "partition", "clock"] as const);
      if (what === "crash" && crashes-- > 0) {
        const isEverywhere = this.nodes.length > 1 && chance.happens(0.3);
        const why = chance.happens(0.5) ? "killed" : "the power is cut";
        await Promise.all((isEverywhere ? this.nodes : [node]).map((one) => this.#restart(one, why)));
      } else if (what === "stall") node.stall(chance.between(1, 400));
      else if (what === "clock" && chance.happens(0.3)) this.#moveClock(node, chance);
      else if (what === "partition") {
        const vendor = chance.pick([...this.vendors.values()]);
        vendor.partitionedUntil = this.schedule.now + chance.between(1, 2_500);
        this.tell(`${vendor.id} is cut off`);
      }
    }
  }

  #moveClock(node: SimulatedNode, chance: Chance): void {
    node.skew += Math.round(chance.between(-1, 1) * chance.pick([50, 60_000, 4_000_000]));
    this.tell(`the clock of ${node.name} moves to ${new Date(node.clock.now()).toISOString()}`);
  }

  /** Ends the process and starts another one, which may not live for long either. */
  async #restart(node: SimulatedNode, why: string): Promise<void> {
    const chance = this.#chance;
    const restart = ++node.restarts;
    this.#crash(node, why);
    if (chance.happens(0.5)) this.#moveClock(node, chance);
    await this.schedule.rest(this.ground.absenceMs(chance));
    if (restart !== node.restarts) return;
    node.start();
    if (!chance.happens(0.3)) return;
    await this.schedule.rest(chance.between(0, 8));
    if (restart === node.restarts) await this.#restart(node, "killed again");
  }

  #crash(node: SimulatedNode, why: string): void {
    const { owner } = node;
    node.crash(why);
    for (const [lost, waitsFor] of this.#waiting) {
      if (waitsFor !== owner) continue;
      this.#waiting.delete(lost);
      lost();
    }
  }

  /** Looks at the ledger in memory now and then, while something goes on. */
  async #inspect(): Promise<void> {
    const chance = this.#chance.fork();
    while (!this.clientsGone) {
      await this.schedule.rest(chance.between(1, this.#waiting.size > 0 ? INSPECTION_MS : LOOKING_AWAY_MS));
      this.ground.inspect();
    }
  }

  /** All calm, a last restart, and then: does everything add up? */
  async #end(): Promise<void> {
    for (const vendor of this.vendors.values()) vendor.partitionedUntil = 0;
    const staying = this.ground.calm();
    for (const node of staying) await this.#running(node);
    await this.ground.quiet(staying);
    for (const node of staying) {
      const process = await this.#running(node);
      const { ledger, environment } = process;
      must(ledger.inFlight.holds === 0 && ledger.inFlight.waiting === 0, "I1", () => "something is held for nobody");
      must(environment.gate.inFlight === 0, "surface", () => "a call never left the gate");
      this.ground.look(process);
    }
    checkOutcome(this);
    for (const node of staying) {
      if (this.#chance.happens(0.5)) continue;
      this.#crash(node, "the last one");
      node.start();
    }
    for (const node of staying) await this.#settleAll(node);
    await this.ground.rest(staying);
    await checkBooks(this, await this.#running(staying[0]!));
  }

  async #running(node: SimulatedNode): Promise<SimulatedProcess> {
    for (let patience = 1_000; !node.process; patience--) {
      must(patience > 0, "recovery", () => "the process does not come back");
      await this.schedule.rest(50);
    }
    return node.process;
  }

  /** The vendors' invoices come: nothing stays in doubt. */
  async #settleAll(node: SimulatedNode): Promise<void> {
    for (let patience = 200; ; patience--) {
      must(patience > 0, "recovery", () => "doubts do not end");
      const process = await this.#running(node);
      const [doubt] = await this.ground.doubts(process);
      if (!doubt) return;
      const { attempt } = doubt;
      this.resolving.add(attempt);
      await this.inProcess<true>(process, (tell) => {
        const resolution = this.#operators[0]!.resolutionOf(attempt);
        process.ledger.resolve(attempt, resolution).then(
          () => tell(true),
          () => tell(true),
        );
      });
    }
  }
}
