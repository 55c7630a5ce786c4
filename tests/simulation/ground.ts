import type { Limits } from "../../src/base/limits.ts";
import type { BudgetSetting } from "../../src/config/settings.ts";
import type { Sharing } from "../../src/ledger/leases/shared-books.ts";
import type { UnsettledAttempt } from "../../src/ledger/spec.ts";
import type { JournalRow, Store } from "../../src/store/spec.ts";
import type { Books } from "./books.ts";
import type { Chance } from "./chance.ts";
import type { SimulatedNode, SimulatedProcess } from "./node.ts";
import type { Owner } from "./schedule.ts";

export interface OpeningOptions {
  readonly chance: Chance;
  readonly owner: Owner;
  readonly journalQueue: number;
  /** Told of each row as it is queued. */
  readonly look: (row: JournalRow) => void;
}

/** What one node stands on. */
export interface Footing {
  readonly limits: Partial<Limits>;
  /** Opens the store as a process sees it. */
  open(options: OpeningOptions): Store;
  /** The process is gone, and with it all that it had not handed over. */
  crash(): void;
  /** The budgets with which a process starts, and how it learns of others. */
  follow(
    owner: Owner,
    isOpen: () => boolean,
    setBudgets: (budgets: readonly BudgetSetting[]) => Promise<void>,
  ): { readonly budgets: readonly BudgetSetting[]; readonly sharing: Sharing | undefined };
}

/** What a world stands on: the disk of one node, or a database that several share. */
export interface Ground {
  build(chance: Chance): SimulatedNode[];
  /** What the store holds at this instant. */
  read(sql: string): readonly unknown[];
  close(): void;
  /** The books by which what a process does is judged. */
  booksOf(): Books;
  queued(owner: Owner, books: Books, row: JournalRow, now: number): void;
  /** Which attempt of a call leaves the process now. */
  attemptOf(owner: Owner, books: Books, call: string): string;
  serves(process: SimulatedProcess): void;
  /** Looks at what a process has in memory. */
  look(process: SimulatedProcess): void;
  /** The same of all of them, whatever they are at. */
  inspect(): void;
  doubts(process: SimulatedProcess): Promise<readonly UnsettledAttempt[]>;
  changeBudgets(process: SimulatedProcess, budgets: readonly BudgetSetting[]): Promise<void>;
  /** Something goes wrong that only goes wrong on this ground. Tells whether anything did. */
  disturb(node: SimulatedNode, chance: Chance): boolean;
  /** From now on nothing fails. Returns the nodes that go on. */
  calm(): readonly SimulatedNode[];
  /** Resolves when nothing is under way any more, or long after it should be so. */
  quiet(nodes: readonly SimulatedNode[]): Promise<void>;
  /** How long a node that was killed stays away. */
  absenceMs(chance: Chance): number;
  /** Nothing is in doubt any more, and nobody calls: what must be true then. */
  rest(nodes: readonly SimulatedNode[]): Promise<void>;
  checkRows(): void;
}
