import type { BudgetSetting } from "../../src/config/settings.ts";
import type { JournalRow } from "../../src/store/spec.ts";
import type { Books } from "./books.ts";
import type { Chance } from "./chance.ts";
import { SimulatedDisk } from "./disk.ts";
import { checkRows } from "./final-checks.ts";
import type { Ground } from "./ground.ts";
import { SimulatedNode, type SimulatedProcess } from "./node.ts";
import { checkEntry, checkMemory, checkRecovered } from "./rules.ts";
import type { Owner } from "./schedule.ts";
import { openSimulatedStore } from "./store.ts";
import { must } from "./violation.ts";
import type { World } from "./world.ts";

/** Longer than any call may last. */
const CALM_MS = 30_000;

/** One node that has its disk alone. */
export class OwnGround implements Ground {
  readonly #world: World;
  readonly #disk: SimulatedDisk;

  constructor(world: World, chance: Chance) {
    this.#world = world;
    const habits = {
      fsyncMs: chance.pick([0.3, 2, 20]),
      slowRate: chance.pick([0, 0.05, 0.3]),
      slowMs: chance.pick([50, 900]),
      failureRate: chance.pick([0, 0, 0.01, 0.03]),
    };
    this.#disk = new SimulatedDisk(world.schedule, chance.fork(), habits, (what) => world.tell(what));
    this.#disk.onDurable = (rows) => this.#becameDurable(rows);
  }

  build(chance: Chance): SimulatedNode[] {
    const world = this.#world;
    const disk = this.#disk;
    const footing = {
      limits: {},
      open: (options: Omit<Parameters<typeof openSimulatedStore>[0], "disk" | "schedule">) =>
        openSimulatedStore({ ...options, disk, schedule: world.schedule }),
      crash: () => disk.crash(),
      follow: () => ({ budgets: world.budgets.declared, sharing: undefined }),
    };
    return [new SimulatedNode("node", world, footing, chance.fork())];
  }

  read(sql: string): readonly unknown[] {
    return this.#disk.read(sql, []).rows;
  }

  close(): void {
    this.#disk.close();
  }

  booksOf(): Books {
    return this.#world.durable.clone();
  }

  queued(owner: Owner, books: Books, row: JournalRow, now: number): void {
    const world = this.#world;
    const entry = books.add(row);
    if (!entry) return;
    const { attempt } = entry;
    world.tell(`${owner.name}: ${entry.kind} ${attempt} ${entry.amount} of ${entry.held} ${entry.detail}`);
    const served = { tally: world.tallyOf(attempt), outgrown: world.outgrown.has(attempt) };
    checkEntry(books, world.budgets, served, entry, now);
    world.checkEntry(entry, false);
  }

  attemptOf(_owner: Owner, books: Books, call: string): string {
    const open = (books.byCall.get(call) ?? []).filter(({ close }) => !close);
    must(open.length === 1, "I2", () => `${call} is sent with ${open.length} holds`);
    return open[0]!.attempt;
  }

  serves(process: SimulatedProcess): void {
    this.#world.budgets.inForce();
    checkRecovered(process, this.#world.budgets);
  }

  look(process: SimulatedProcess): void {
    checkMemory(process, this.#world.budgets);
  }

  inspect(): void {
    const { nodes, schedule, failed } = this.#world;
    for (const { process } of nodes) {
      if (!process) continue;
      const look = (): void => {
        // Under a disk that has failed, memory is ahead of it until the process stops.
        if (!failed.has(process.owner)) this.look(process);
      };
      schedule.after(0, look, process.owner);
    }
  }

  async doubts({ ledger }: SimulatedProcess) {
    return ledger.unsettled();
  }

  async changeBudgets({ ledger }: SimulatedProcess, changed: readonly BudgetSetting[]): Promise<void> {
    const { budgets, installation } = this.#world;
    const change = budgets.change(changed);
    this.#world.findGoneBooks();
    const { payers, catalogue } = installation;
    await ledger.setBudgets(changed, {
      pathOf: (payer) => payers.path(payer),
      rate: (from, to, at) => catalogue.rate(from, to, at),
    });
    budgets.inForce(change);
  }

  disturb(): boolean {
    return false;
  }

  calm(): readonly SimulatedNode[] {
    this.#disk.calm = true;
    return this.#world.nodes;
  }

  quiet(): Promise<void> {
    return this.#world.schedule.rest(CALM_MS);
  }

  absenceMs(chance: Chance): number {
    return chance.between(1, 600);
  }

  async rest(): Promise<void> {}

  checkRows(): void {
    checkRows(this.#world, this.read("select * from entries order by attempt, phase, n"));
  }

  #becameDurable(rows: readonly JournalRow[]): void {
    for (const row of rows) {
      const entry = this.#world.durable.add(row);
      if (entry) this.#world.tell(`disk: ${entry.kind} ${entry.attempt}`);
    }
  }
}
