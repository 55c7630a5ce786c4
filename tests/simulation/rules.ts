import type { BudgetSetting } from "../../src/config/settings.ts";
import { type EntryRow, PHASE } from "../../src/store/spec.ts";
import { costOf as priced } from "../harness/arithmetic.ts";
import { type Books, charged, inCurrency, stateOf } from "./books.ts";
import type { DeclaredBudgets } from "./declared-budgets.ts";
import type { SimulatedProcess } from "./node.ts";
import { ENDPOINTS, TREE } from "./settings.ts";
import type { TallyRow } from "./vendor.ts";
import { must } from "./violation.ts";

/** What is known of an attempt outside the ledger. */
export interface Served {
  readonly tally: TallyRow | undefined;
  /** No more could be held for its stream. */
  readonly outgrown: boolean;
}

/** What must be true of an entry at the instant at which a process queues it. */
export function checkEntry(books: Books, budgets: DeclaredBudgets, served: Served, entry: EntryRow, now: number): void {
  if (entry.phase === PHASE.hold) {
    checkRoom(books, budgets, entry);
    if (entry.n === 0) checkPlaces(books, budgets, entry, now);
  } else if (entry.phase === PHASE.close && entry.kind === "settle") {
    checkSettlement(served, entry);
  }
}

/** I1: whatever is set aside fits beside all that is settled and held. */
function checkRoom(books: Books, budgets: DeclaredBudgets, entry: EntryRow): void {
  for (const { budget: book, window } of entry.shares) {
    const limit = books.gone.has(book) ? undefined : budgets.limitOf(budgetOf(book));
    if (limit === undefined) continue;
    const { settled, bounds } = books.window(book, window);
    must(settled + bounds <= limit, "I1", () => {
      return `${entry.kind} of ${entry.attempt}: ${book} has settled ${settled} and holds ${bounds} of ${limit}`;
    });
  }
}

/** I1: a call is held on every budget from its payer to the root, at its whole bound, in the window of this instant. */
export function checkPlaces(books: Books, budgets: DeclaredBudgets, entry: EntryRow, now: number): void {
  const path = TREE[entry.payer]!;
  for (const setting of budgets.certain()) {
    if (!path.includes(setting.payer)) continue;
    const share = entry.shares.find(({ budget }) => budgetOf(budget) === setting.id && !books.gone.has(budget));
    must(share !== undefined, "I1", () => `${entry.attempt} is not held on ${setting.id}`);
    const bound = inCurrency(entry.held, entry.currency, setting.currency);
    must(share.amount === bound, "I1", () => `${entry.attempt} holds ${share.amount} on ${setting.id}, not ${bound}`);
    const start = windowStart(setting, now);
    // A clock that goes back reopens no window.
    const latest = Math.max(start, books.latestWindow.get(share.budget) ?? 0);
    must(share.window >= start && share.window <= latest, "I1", () => {
      return `${entry.attempt} is held in window ${share.window} of ${setting.id}; it is ${start} (${latest} at the latest)`;
    });
  }
}

/** I7, I6: a settlement is what the vendor reports, to the nano-unit, streamed or not; estimated it is neither zero nor above the hold. */
export function checkSettlement({ tally, outgrown }: Served, entry: EntryRow): void {
  const { attempt, amount, held } = entry;
  must(tally?.answer !== undefined, "I2", () => `${attempt} is settled, and the vendor never saw it`);
  const { answer } = tally;
  if (entry.overrun) {
    // What is on its way when no more can be held, or comes in one piece where a stream was asked for, is spent already.
    const excused = outgrown || answer.fate === "overrun" || answer.fate === "not a stream";
    must(excused, "I1", () => {
      return `${attempt} costs ${amount} and held ${held}, though the vendor kept to its word`;
    });
  }
  const { rates } = ENDPOINTS[tally.endpoint]!;
  if (entry.basis === "reported") {
    const cost = priced(answer.usage, rates);
    must(amount === cost, "I7", () => `${attempt} is settled at ${amount}; what the vendor reports costs ${cost}`);
    return;
  }
  must(entry.basis === "estimated", "I4", () => `${attempt} is settled by ${entry.basis}`);
  must(amount > 0n, "I6", () => `${attempt} was served in part, and is settled at nothing`);
  must(answer.fate === "overrun" || amount <= held, "I6", () => `${attempt}: an estimate above the hold`);
  if (outgrown) return; // Never more tokens than were held for.
  const pieces = tally.delivered?.pieces ?? 0;
  const least = priced({ input: 0, cachedInput: 0, output: pieces, reasoning: 0 }, rates);
  must(amount >= (least < held ? least : held) || amount === held, "I6", () => {
    return `${attempt} is settled at ${amount}; ${pieces} pieces of it cost ${least}`;
  });
}

/** The ledger in memory against the books kept here, and what it shows to people. */
export function checkMemory({ ledger, books }: SimulatedProcess, budgets: DeclaredBudgets): void {
  const listed = new Map(ledger.unsettled().map((doubt) => [doubt.attempt, doubt.amount]));
  let doubts = 0;
  for (const { attempt, close } of books.inDoubt()) {
    doubts += 1;
    must(listed.get(attempt) === close!.amount, "I8", () => {
      return `${attempt} is in doubt at ${close!.amount}, and listed at ${listed.get(attempt) ?? "nothing"}`;
    });
  }
  must(doubts === listed.size, "I8", () => `${listed.size} attempts are listed as in doubt, and ${doubts} are`);
  if (budgets.changing) return;
  for (const { setting, limit, settled, held, windowStart: start = 0 } of ledger.budgets()) {
    const declared = budgets.declared.find(({ id }) => id === setting.id);
    must(declared !== undefined, "I1", () => `${setting.id} is in force, and nobody declared it`);
    must(
      limit === budgets.limitOf(setting.id) || declared.kind === "soft",
      "I1",
      () => `${setting.id}: limit ${limit}`,
    );
    if (budgets.touched.has(setting.id)) continue;
    const sums = books.window(setting.id, start);
    must(settled === sums.settled, "I1", () => `${setting.id} shows ${settled} settled; ${sums.settled} are`);
    must(held === sums.held, "I1", () => `${setting.id} shows ${held} held in window ${start}; ${sums.held} are`);
  }
}

/** A settlement's or adjustment's shares are its amount in each budget's currency, as far as one entry alone can tell. */
export function checkShares(entry: EntryRow, currencies: ReadonlyMap<string, string>): void {
  if (entry.kind !== "settle") return;
  for (const { budget, amount } of entry.shares) {
    const currency = currencies.get(budgetOf(budget));
    if (currency === undefined) continue;
    const expected = charged(entry.amount, entry.currency, currency);
    must(amount === expected, "I5", () => `${entry.attempt} charges ${budget} ${amount}, not ${expected}`);
  }
}

export function budgetOf(book: string): string {
  return book.replace(/~\d+$/, "");
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Of Asia/Shanghai, which has had no summer time for long. */
const EAST_MS = 8 * HOUR_MS;

function windowStart({ window, timezone }: BudgetSetting, now: number): number {
  if (window === "total") return 0;
  const offset = timezone === "Asia/Shanghai" ? EAST_MS : 0;
  const length = window === "hour" ? HOUR_MS : DAY_MS;
  return Math.floor((now + offset) / length) * length - offset;
}

/** After recovery nothing is open: what was, is in doubt. */
export function checkRecovered(process: SimulatedProcess, budgets: DeclaredBudgets): void {
  for (const { attempt } of process.books.open()) must(false, "I8", () => `${attempt} is open after recovery`);
  for (const book of process.books.attempts.values()) {
    must(stateOf(book) !== "held", "I8", () => `${book.attempt} was forgotten`);
  }
  checkMemory(process, budgets);
}
