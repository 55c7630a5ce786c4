import { Fault } from "../base/faults.ts";
import { ledgerWords } from "../base/messages/ledger.ts";
import { type ExchangeRate, type Ratio, UNIT_RATIO } from "../base/money.ts";
import type { BudgetSetting } from "../config/settings.ts";
import type { BudgetAccount, WindowSums } from "./budget-account.ts";
import type { Places } from "./decision.ts";
import { writeRates } from "./rates.ts";
import type { HoldAsk } from "./spec.ts";

/** The budgets that one payer's calls ask. */
interface PayerPlaces {
  readonly path: readonly string[];
  readonly accounts: readonly BudgetAccount[];
  /** Set where all budgets have one currency: then calls in it need no rates. */
  readonly plain: { readonly currency: string; readonly places: Places } | undefined;
}

/** The accounts of all budgets: by budget, by book, and by the payers whose calls ask them. */
export class BudgetBooks {
  /** In force: what is shown, and what the settings name. */
  readonly #byBudget = new Map<string, BudgetAccount>();
  /** Asked by calls: those in force, and those whose past is still being read. */
  readonly #byBook = new Map<string, BudgetAccount>();
  readonly #byPayer = new Map<string, BudgetAccount[]>();
  readonly #places = new Map<string, PayerPlaces>();
  /** Windows that have passed and in which something is still in doubt. */
  readonly past = new Map<string, WindowSums>();

  *inForce(): Iterable<BudgetAccount> {
    yield* this.#byBudget.values();
  }

  budget(id: string): BudgetAccount | undefined {
    return this.#byBudget.get(id);
  }

  book(name: string): BudgetAccount | undefined {
    return this.#byBook.get(name);
  }

  /** The accounts that calls of a payer ask, from its own to the root's. */
  accountsOf(path: readonly string[]): BudgetAccount[] {
    return path.flatMap((payer) => this.#byPayer.get(payer) ?? []);
  }

  /** Calls ask it from now on. */
  add(account: BudgetAccount): void {
    const { payer } = account.setting;
    const others = this.#byPayer.get(payer);
    if (others) others.push(account);
    else this.#byPayer.set(payer, [account]);
    this.#byBook.set(account.book, account);
    this.#places.clear();
  }

  /** It is shown, and refuses what does not fit. */
  putInForce(account: BudgetAccount): void {
    account.enforce();
    this.#byBudget.set(account.setting.id, account);
  }

  /** Calls ask it no more. What is open in it stays open until it is closed. */
  remove(account: BudgetAccount): void {
    const { id, payer } = account.setting;
    const left = (this.#byPayer.get(payer) ?? []).filter((other) => other !== account);
    if (left.length > 0) this.#byPayer.set(payer, left);
    else this.#byPayer.delete(payer);
    this.#byBook.delete(account.book);
    if (this.#byBudget.get(id) === account) this.#byBudget.delete(id);
    this.#places.clear();
  }

  /** Throws `unpriced_model` where no rate leads from the price's currency to a budget's. */
  placesOf(ask: HoldAsk): Places {
    let known = this.#places.get(ask.payer);
    if (known?.path !== ask.path) known = this.#findPlaces(ask);
    if (known.plain?.currency === ask.currency) return known.plain.places;
    const rates = new Map<string, ExchangeRate>();
    const ratios = known.accounts.map(({ setting: { currency } }): Ratio => {
      if (currency === ask.currency) return UNIT_RATIO;
      const rate = rates.get(currency) ?? ask.rateTo(currency);
      if (!rate) throw new Fault("unpriced_model", ledgerWords.noRate(ask.model, ask.currency, currency));
      rates.set(currency, rate);
      return rate.ratio;
    });
    return { accounts: known.accounts, ratios, rates: writeRates(rates) };
  }

  #findPlaces(ask: HoldAsk): PayerPlaces {
    const accounts = this.accountsOf(ask.path);
    const currency = accounts[0]?.setting.currency ?? ask.currency;
    const isPlain = accounts.every((account) => account.setting.currency === currency);
    const places = { accounts, ratios: accounts.map(() => UNIT_RATIO), rates: "" };
    const found = { path: ask.path, accounts, plain: isPlain ? { currency, places } : undefined };
    if (this.#places.size >= MOST_PLACES) this.#places.clear();
    this.#places.set(ask.payer, found);
    return found;
  }
}

const MOST_PLACES = 100_000;

/** What a book stands for. A budget goes on in its book while this stays: its limit and its kind may change. */
export function configurationOf({ id, payer, currency, window, timezone }: BudgetSetting): string {
  return JSON.stringify([id, payer, currency, window, timezone ?? "UTC"]);
}
