import type { BudgetSetting } from "../../../src/config/settings.ts";
import type { Sharing } from "../../../src/ledger/leases/shared-books.ts";
import { SETTINGS_VERSION } from "../../../src/store/settings.ts";
import { Fenced, type JournalRow, PHASE } from "../../../src/store/spec.ts";
import { StoreError } from "../../../src/store/thread.ts";
import type { Books } from "../books.ts";
import type { Chance } from "../chance.ts";
import type { Footing, Ground } from "../ground.ts";
import { SimulatedNode, type SimulatedProcess } from "../node.ts";
import { checkPlaces, checkSettlement } from "../rules.ts";
import type { Owner } from "../schedule.ts";
import { must } from "../violation.ts";
import type { World } from "../world.ts";
import { type Commit, SimulatedDatabase } from "./database.ts";
import { checkAdmission } from "./last-call.ts";
import { LeaseRules } from "./lease-rules.ts";
import { NodeNetwork, openLinkedStore } from "./link.ts";
import { memoryOf, type NodeMemory } from "./memory.ts";
import { SharedSettings } from "./shared-settings.ts";

const SILENCE_MS = 3_000;
/** Longer than any call may last, and than it takes to see that a node is dead. */
const CALM_MS = 16_000;
/** What a node keeps ahead is given back by and by. */
const REST_MS = 14_000;
const LOOK_MS = 400;

/** Two or three nodes that share one database. */
export class SharedGround implements Ground {
  readonly #world: World;
  readonly #database: SimulatedDatabase;
  readonly #settings: SharedSettings;
  readonly #rules: LeaseRules;
  readonly #networks = new Map<SimulatedNode, NodeNetwork>();
  /** The attempt that each process queued last for a call. */
  readonly #queued = new Map<string, string>();
  #nodes: readonly SimulatedNode[] = [];
  /** The version of the database in which all that is open was a living seat's. */
  #foundWell = -1;
  /** How much goes wrong yet: what is over soon, and what lasts until other nodes give a node up. */
  #short: number;
  #long: number;

  constructor(world: World, chance: Chance) {
    this.#world = world;
    const tell = (what: string): void => world.tell(what);
    this.#database = new SimulatedDatabase(world.schedule, chance.fork(), tell);
    this.#settings = new SharedSettings(world.budgets);
    this.#rules = new LeaseRules(this.#database, world.durable, this.#settings, () => this.#memories());
    this.#short = chance.whole(0, 6);
    this.#long = chance.whole(0, 3);
    this.#writeVersion();
    this.#database.onCommit = (commit) => this.#committed(commit);
  }

  build(chance: Chance): SimulatedNode[] {
    const world = this.#world;
    const { schedule } = world;
    const habits = {
      delayMs: chance.pick([1, 5, 30]),
      slowRate: chance.pick([0, 0.02, 0.1]),
      slowMs: chance.pick([50, 400]),
      answerLossRate: chance.pick([0, 0, 0.003, 0.01]),
      batchLossRate: chance.pick([0, 0.02, 0.15]),
      patienceMs: chance.pick([600, 1_500]),
      awayMs: chance.pick([8_000, 60_000]),
    };
    const apartMs = chance.pick([0, 300_000, 2_000_000]);
    this.#nodes = Array.from({ length: chance.whole(2, 3) }, (_, i) => {
      const parts = { schedule, chance: chance.fork(), tell: (what: string) => world.tell(what) };
      const network = new NodeNetwork(this.#database, habits, parts);
      const name = `node-${i + 1}`;
      const node = new SimulatedNode(name, world, this.#footing(name, network, chance.fork()), chance.fork());
      node.skew = Math.round(chance.between(-1, 1) * apartMs);
      this.#networks.set(node, network);
      return node;
    });
    return [...this.#nodes];
  }

  #footing(name: string, network: NodeNetwork, chance: Chance): Footing {
    return {
      limits: { nodeSilenceMs: SILENCE_MS, callMs: chance.pick([3_000, 6_000]) },
      open: (options) => openLinkedStore(network, options, (seat) => memoryOf(options.owner).sit(seat)),
      crash: () => {},
      follow: (owner, isOpen, setBudgets) => {
        let { version } = this.#settings;
        const sharing: Sharing = {
          name,
          settingsVersion: () => version,
          onSettings: (newest) => {
            if (newest <= version || !isOpen()) return;
            const before = version;
            version = newest;
            setBudgets(this.#settings.at(newest)).catch((error) => {
              version = before;
              this.#trouble(owner, error);
            });
          },
          onTrouble: (cause) => this.#trouble(owner, cause),
        };
        return { budgets: this.#settings.at(version), sharing };
      },
    };
  }

  #trouble(owner: Owner, cause: unknown): void {
    const isExpected = cause instanceof StoreError || cause instanceof Fenced || this.#world.failed.has(owner);
    must(isExpected, "leases", () => `${owner.name}: ${String((cause as Error).stack ?? cause)}`);
    this.#world.tell(`${owner.name}: ${(cause as Error).message}`);
  }

  read(sql: string): readonly unknown[] {
    return this.#database.run(sql).rows;
  }

  close(): void {
    this.#database.close();
  }

  booksOf(): Books {
    return this.#world.durable;
  }

  queued(owner: Owner, _books: Books, row: JournalRow): void {
    if (row.op !== "entry") return;
    const { attempt, phase, n, kind, amount, held, detail } = row.entry;
    this.#world.tell(`${owner.name}: ${kind} ${attempt} ${amount} of ${held} ${detail}`);
    this.#rules.hearQueued(row.entry, memoryOf(owner));
    if (phase === PHASE.hold && n === 0) {
      this.#queued.set(`${owner.name} ${attempt.slice(0, attempt.lastIndexOf("."))}`, attempt);
    }
  }

  attemptOf(owner: Owner, _books: Books, call: string): string {
    const attempt = this.#queued.get(`${owner.name} ${call}`);
    must(attempt !== undefined, "I2", () => `${call} is sent without a hold`);
    return attempt;
  }

  serves(): void {
    this.#checkOpen();
  }

  look(): void {
    this.#rules.check();
    this.#checkOpen();
  }

  inspect(): void {
    this.look();
  }

  async doubts({ ledger }: SimulatedProcess) {
    return (await ledger.readUnsettled().catch(() => undefined)) ?? ledger.unsettled();
  }

  async changeBudgets(_process: SimulatedProcess, changed: readonly BudgetSetting[]): Promise<void> {
    // As whoever changes settings does it: between two transactions.
    while (this.#database.isBusy) await this.#world.schedule.rest(1);
    this.#settings.change(changed);
    this.#world.findGoneBooks();
    this.#writeVersion();
  }

  #writeVersion(): void {
    this.#database.run("insert or replace into meta (name, value) values (?, ?)", [
      SETTINGS_VERSION,
      String(this.#settings.version),
    ]);
  }

  disturb(node: SimulatedNode, chance: Chance): boolean {
    const { schedule } = this.#world;
    const network = this.#networks.get(node)!;
    const what = chance.pick(["cut", "pause", "away", "other", "other"] as const);
    if (what === "other") return false;
    // What lasts long begins where it hurts: while calls are in flight.
    const isLong = chance.happens(0.7) && (node.process?.ledger.inFlight.holds ?? 0) > 0;
    if ((isLong ? this.#long-- : this.#short--) <= 0) return true;
    const ms = isLong ? chance.between(SILENCE_MS, SILENCE_MS * 2) : chance.between(1, 800);
    if (what === "cut") {
      network.cutUntil = schedule.now + ms;
      this.#world.tell(`${node.name} is cut off from the database for ${Math.round(ms)} ms`);
    } else if (what === "pause") {
      node.stall(ms);
      this.#world.tell(`${node.name} stands still for ${Math.round(ms)} ms`);
    } else {
      this.#database.goAway(ms);
      this.#world.tell(`the database is away for ${Math.round(ms)} ms`);
    }
    return true;
  }

  /** What is dead by now may stay so. */
  calm(): readonly SimulatedNode[] {
    for (const network of this.#networks.values()) {
      network.calm = true;
      network.cutUntil = 0;
    }
    return this.#nodes;
  }

  async rest(nodes: readonly SimulatedNode[]): Promise<void> {
    const world = this.#world;
    await this.#until(REST_MS, () => this.#rules.isAtRest());
    while (this.#database.isBusy) await world.schedule.rest(1);
    this.#rules.check();
    this.#rules.checkRest();
    this.#checkOpen();
    const { rows } = this.#database.run("select name from nodes where ended_at is null");
    must(rows.length === nodes.length, "I8", () => `${rows.length} seats are taken by ${nodes.length} nodes`);
    const node = nodes[Math.floor(world.productChance.fraction() * nodes.length)]!;
    must(node.process !== undefined, "recovery", () => `${node.name} is gone`);
    await checkAdmission(world, node.process, this.#rules);
  }

  quiet(nodes: readonly SimulatedNode[]): Promise<void> {
    return this.#until(CALM_MS, () => {
      const { rows } = this.#database.run("select name from nodes where ended_at is null");
      const isIdle = nodes.every(({ process }) => {
        return process && process.ledger.inFlight.holds === 0 && process.environment.gate.inFlight === 0;
      });
      const open = [...this.#world.durable.open()];
      const areDone = [...this.#world.vendors.values()].every(({ tally }) =>
        tally.every(({ state }) => state !== "travelling" && state !== "running"),
      );
      return isIdle && areDone && open.length === 0 && rows.length === nodes.length;
    });
  }

  absenceMs(chance: Chance): number {
    return chance.happens(0.3) ? chance.between(SILENCE_MS, SILENCE_MS * 2) : chance.between(1, 600);
  }

  async #until(ms: number, isSo: () => boolean): Promise<void> {
    const { schedule } = this.#world;
    const deadline = schedule.now + ms;
    while (schedule.now < deadline) {
      await schedule.rest(LOOK_MS);
      if (isSo()) return;
    }
  }

  checkRows(): void {}

  *#memories(): Iterable<NodeMemory> {
    for (const { owner } of this.#nodes) if (owner?.alive) yield memoryOf(owner);
  }

  #committed({ entries }: Commit): void {
    const world = this.#world;
    for (const entry of entries) {
      const { attempt, phase, kind, at } = entry;
      world.tell(`database: ${kind} ${attempt} ${entry.detail}`);
      world.durable.add({ op: "entry", entry });
      this.#rules.hear(entry);
      if (phase === PHASE.hold && entry.n === 0) checkPlaces(world.durable, world.budgets, entry, at);
      if (kind === "settle" && phase === PHASE.close) {
        checkSettlement({ tally: world.tallyOf(attempt), outgrown: world.outgrown.has(attempt) }, entry);
      }
      // Where its seat was taken away meanwhile, what a node says of an attempt resolves a doubt.
      world.checkEntry(entry, world.endings.get(attempt) === kind);
    }
    this.#rules.check();
  }

  /** I8: what is open is a living seat's. */
  #checkOpen(): void {
    const { version } = this.#database;
    if (version === this.#foundWell) return;
    const rows = this.#database.peek(
      `select attempt, lease from entries as held where phase = 0 and n = 0 and attempt not in
         (select attempt from entry_rows where phase = 1)
       and lease not in (select seat || '.' || epoch from nodes where ended_at is null)`,
    );
    if (!rows) return;
    const [row] = rows as { attempt: string; lease: string }[];
    must(!row, "I8", () => `${row!.attempt} is open under ${row!.lease}, which has ended`);
    this.#foundWell = version;
  }
}
