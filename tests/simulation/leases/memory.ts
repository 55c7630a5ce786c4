import type { BudgetAccount, WindowSums } from "../../../src/ledger/budget-account.ts";
import { BudgetBooks } from "../../../src/ledger/budget-books.ts";
import { WindowLease } from "../../../src/ledger/leases/window-lease.ts";
import type { Seat } from "../../../src/store/spec.ts";
import type { Owner } from "../schedule.ts";

/** What a process believes to have of every budget, looked at from outside. */
export class NodeMemory {
  seat: Seat | undefined;
  readonly #accounts = new Set<BudgetAccount>();
  readonly #windows = new Set<WindowSums>();

  /** Under a new seat nothing of what was before counts. */
  sit(seat: Seat): void {
    this.seat = seat;
    this.#windows.clear();
  }

  addAccount(account: BudgetAccount): void {
    this.#accounts.add(account);
  }

  addWindow(window: WindowSums): void {
    this.#windows.add(window);
  }

  /** Whether a book refuses what does not fit: not before its past is known. */
  isInForce(book: string): boolean {
    for (const account of this.#accounts) if (account.book === book) return account.refuses;
    return true;
  }

  /** Where something may be used: in windows that are open, and in those that have passed while something is in flight there. */
  *windows(): Iterable<WindowSums> {
    for (const { window } of this.#accounts) if (window.lease) yield window;
    for (const window of this.#windows) {
      const isCurrent = window.account.window === window && this.#accounts.has(window.account);
      if (window.lease && !isCurrent && window.bounds > 0n) yield window;
    }
  }
}

const memories = new WeakMap<Owner, NodeMemory>();

export function memoryOf(owner: Owner): NodeMemory {
  let memory = memories.get(owner);
  if (!memory) memories.set(owner, (memory = new NodeMemory()));
  return memory;
}

/** @param running whose code runs now */
export function watchMemory(running: () => Owner | undefined): void {
  const { add } = BudgetBooks.prototype;
  BudgetBooks.prototype.add = function (account) {
    const owner = running();
    if (owner) memoryOf(owner).addAccount(account);
    add.call(this, account);
  };
  const { touch } = WindowLease.prototype;
  WindowLease.prototype.touch = function (window) {
    const owner = running();
    if (owner) memoryOf(owner).addWindow(window);
    touch.call(this, window);
  };
}
