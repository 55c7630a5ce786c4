import { Fault } from "../base/faults.ts";
import type { Text } from "../base/language.ts";
import { ledgerWords } from "../base/messages/ledger.ts";
import { type ExchangeRate, type Nano, parseAmount, UNIT_RATIO } from "../base/money.ts";
import type { Roster } from "../base/roster.ts";
import type { BudgetSetting } from "../config/settings.ts";
import type { Store } from "../store/spec.ts";
import type { AttemptHold } from "./attempt-hold.ts";
import { BudgetAccount, type WindowSums } from "./budget-account.ts";
import { type BudgetBooks, configurationOf } from "./budget-books.ts";
import { readBase, registerBooks, writeBases } from "./budget-opening.ts";
import type { Doubts } from "./doubts.ts";
import { addRate } from "./rates.ts";
import type { LedgerWorld } from "./spec.ts";

/** What only the start knows: books whose past was not read before the program ended, and where to say what went wrong. */
export interface StartOptions {
  readonly unread: readonly { readonly account: BudgetAccount; readonly baseWindow: number }[];
  readonly problems: Text[];
}

/** A budget that comes into force once its past is known. */
interface Opening {
  readonly account: BudgetAccount;
  /** The window whose past is read. */
  readonly window: WindowSums;
}

/** Puts budgets into force while calls go on. */
export class BudgetChanges {
  readonly #store: Store;
  readonly #books: BudgetBooks;
  readonly #doubts: Doubts;
  readonly #holds: Roster<AttemptHold>;
  #last: Promise<unknown> = Promise.resolve();

  constructor(store: Store, books: BudgetBooks, doubts: Doubts, holds: Roster<AttemptHold>) {
    this.#store = store;
    this.#books = books;
    this.#doubts = doubts;
    this.#holds = holds;
  }

  /** Returns the accounts in which something may have changed. One change after the other. */
  set(
    budgets: readonly BudgetSetting[],
    world: LedgerWorld,
    now: number,
    start?: StartOptions,
  ): Promise<BudgetAccount[]> {
    const done = this.#last.then(() => this.#set(budgets, world, now, start));
    this.#last = done.catch(() => {});
    return done;
  }

  async #set(
    budgets: readonly BudgetSetting[],
    world: LedgerWorld,
    now: number,
    start: StartOptions | undefined,
  ): Promise<BudgetAccount[]> {
    const live = [...(start?.unread ?? []).map(({ account }) => account), ...this.#books.inForce()];
    const known = new Map(live.map((account) => [configurationOf(account.setting), account]));
    const kept = new Map<BudgetAccount, BudgetSetting>();
    const fresh: { setting: BudgetSetting; window: number }[] = [];
    for (const setting of budgets) {
      const { window } = checkedAccount("", setting, now);
      const account = known.get(configurationOf(setting));
      if (account) kept.set(account, setting);
      else fresh.push({ setting, window: window.start });
    }
    const leaving = live.filter((account) => !kept.has(account));
    const openings = await this.#open(fresh, kept, now, start);
    if (start) for (const account of kept.keys()) this.#join(account, account.window, world, start);
    if (openings.length > 0) await this.#readPast(openings, leaving, world, now, start);
    for (const [account, setting] of kept) {
      account.configure(setting);
      this.#books.putInForce(account);
    }
    for (const { account } of openings) this.#books.putInForce(account);
    for (const account of leaving) this.#books.remove(account);
    if (openings.length === 0) await writeBases(this.#store.query, [], booksOf(leaving), now);
    return [...this.#books.inForce(), ...leaving];
  }

  /** Makes the accounts that calls are told of from now on. They refuse nobody before their past is known. */
  async #open(
    fresh: readonly { readonly setting: BudgetSetting; readonly window: number }[],
    kept: ReadonlyMap<BudgetAccount, BudgetSetting>,
    now: number,
    start: StartOptions | undefined,
  ): Promise<Opening[]> {
    const openings: Opening[] = (start?.unread ?? [])
      .filter(({ account }) => kept.has(account))
      .map(({ account, baseWindow }) => ({ account, window: account.windowFrom(baseWindow, new Map()) }));
    if (fresh.length === 0) return openings;
    const settings = fresh.map(({ setting }) => setting);
    const windows = fresh.map(({ window }) => window);
    const names = await registerBooks(this.#store.query, settings, windows, now);
    for (const [i, setting] of settings.entries()) {
      const account = checkedAccount(names[i]!, setting, now);
      openings.push({ account, window: account.window });
    }
    return openings;
  }

  async #readPast(
    openings: readonly Opening[],
    leaving: readonly BudgetAccount[],
    world: LedgerWorld,
    now: number,
    start: StartOptions | undefined,
  ): Promise<void> {
    const { query, journal } = this.#store;
    try {
      for (const { account, window } of openings) {
        this.#join(account, window, world, start);
        if (!this.#books.book(account.book)) this.#books.add(account);
      }
      // Entries queued until here do not name the new books, entries from here on do: the past is what is on the disk now.
      await journal.append({ op: "mark", name: LAST_OPENING, value: String(now) });
      const bases: { window: WindowSums; base: Nano }[] = [];
      for (const { account, window } of openings) {
        const base = await this.#readBase(account, window, world, now, start);
        if (base !== undefined) bases.push({ window, base });
      }
      await writeBases(query, bases, booksOf(leaving), now);
      for (const { window, base } of bases) window.settled += base;
    } catch (error) {
      for (const { account } of openings) this.#books.remove(account);
      await writeBases(query, [], booksOf(openings.map(({ account }) => account)), now).catch(() => {});
      throw error;
    }
  }

  async #readBase(
    account: BudgetAccount,
    window: WindowSums,
    world: LedgerWorld,
    now: number,
    start: StartOptions | undefined,
  ): Promise<Nano | undefined> {
    try {
      return await readBase(this.#store.query, account, window, world, now);
    } catch (error) {
      if (!start || !(error instanceof Fault)) throw error;
      start.problems.push(error.text);
      return undefined;
    }
  }

  /** What is in flight and in doubt below a budget, and was held in its window, counts in it too. All or nothing. */
  #join(account: BudgetAccount, window: WindowSums, world: LedgerWorld, start: StartOptions | undefined): void {
    const { payer, currency } = account.setting;
    const within = (heldAt: number): boolean => heldAt >= window.start && heldAt < window.end;
    const joins: (() => void)[] = [];
    const missing = (from: string): void => {
      const text = ledgerWords.noRateForBudget(account.setting.id, from, currency);
      if (!start) throw new Fault("invalid_request", text);
      start.problems.push(text);
    };
    for (const hold of this.#holds) {
      if (!within(hold.heldAt) || !hold.ask.path.includes(payer)) continue;
      const rate = rateInto(currency, hold.ask.currency, () => hold.ask.rateTo(currency));
      if (!rate) {
        missing(hold.ask.currency);
        continue;
      }
      joins.push(() => {
        hold.rates = addRate(hold.rates, currency, rate);
        hold.join(window, rate.ratio, 0n);
      });
    }
    for (const doubt of this.#doubts.values()) {
      const { facts, heldAt, shares } = doubt;
      if (!within(heldAt) || !world.pathOf(facts.payer).includes(payer)) continue;
      if (shares.some((share) => share.window.account === account)) continue;
      const rate = rateInto(currency, facts.currency, () => world.rate(facts.currency, currency, heldAt));
      if (!rate) {
        missing(facts.currency);
        continue;
      }
      joins.push(() => {
        doubt.rates = addRate(doubt.rates, currency, rate);
        this.#doubts.join(doubt, window, rate.ratio);
      });
    }
    for (const join of joins) join();
  }
}

/** The row of `meta` that says when budgets were last opened. */
const LAST_OPENING = "last-opening";

const SAME: ExchangeRate = { ratio: UNIT_RATIO, text: "" };

function rateInto(currency: string, from: string, rate: () => ExchangeRate | undefined): ExchangeRate | undefined {
  return currency === from ? SAME : rate();
}

function checkedAccount(book: string, setting: BudgetSetting, now: number): BudgetAccount {
  if (parseAmount(setting.amount) === undefined) {
    throw new Fault("invalid_request", ledgerWords.badAmount(setting.id, setting.amount), { param: "amount" });
  }
  return new BudgetAccount(book, setting, now);
}

function booksOf(accounts: readonly BudgetAccount[]): string[] {
  return accounts.map(({ book }) => book);
}
