import { costOf as priced } from "../harness/arithmetic.ts";
import { type AttemptBook, charged, costOf, stateOf } from "./books.ts";
import type { SimulatedProcess } from "./node.ts";
import { ENDPOINTS, TREE } from "./settings.ts";
import { must } from "./violation.ts";
import type { World } from "./world.ts";

/** Once all is calm: what each vendor has in its books against what the ledger has. Each served call is there, once. */
export function checkOutcome(world: World): void {
  for (const { tally } of world.vendors.values()) {
    for (const row of tally) {
      const book = world.durable.attempts.get(row.attempt);
      must(row.state !== "travelling" && row.state !== "running", "simulation", () => `${row.attempt} is ${row.state}`);
      must(book !== undefined, "I2", () => `${row.attempt} is ${row.state}, and not in the ledger`);
      const state = stateOf(book);
      must(state !== "held", "I8", () => `${row.attempt} is open, though nobody works on it`);
      if (row.billed) {
        must(state !== "released" || book.resolution !== undefined, "I2", () => {
          return `${row.attempt} is ${row.state} and billed by ${row.endpoint}, and the ledger has given it back`;
        });
      } else if (row.state === "lost" || row.state === "refused") {
        must(state !== "settled", "I6", () => `${row.attempt} is ${row.state}, and the ledger has settled it`);
      }
    }
  }
}

/** The books as a whole, when nothing is in doubt any more. */
export async function checkBooks(world: World, process: SimulatedProcess): Promise<void> {
  const { ledger } = process;
  await world.inProcess<true>(process, (tell) => {
    void ledger.audit().then(({ problems, balances }) => {
      must(problems.length === 0, "I3", () => problems.map(({ where, what }) => `${where}: ${what("en")}`).join("; "));
      for (const { currency, held, unsettled, spent } of balances) {
        must(
          held === 0n && unsettled === 0n,
          "I3",
          () => `${currency}: ${held} held and ${unsettled} in doubt at the end`,
        );
        let sum = 0n;
        for (const book of world.durable.attempts.values()) if (book.hold.currency === currency) sum += costOf(book);
        must(spent === sum, "I3", () => `${currency}: the ledger has spent ${spent}, its rows ${sum}`);
      }
      tell(true);
    });
  });
  world.ground.checkRows();
  checkBases(world);
  for (const book of world.durable.attempts.values()) checkCost(world, book);
}

/** I2, and the vendor's bill to the nano-unit, where it was not estimated. */
function checkCost(world: World, book: AttemptBook): void {
  const row = world.tallyOf(book.attempt);
  const entry = book.resolution ?? book.close;
  if (entry?.kind !== "settle" || entry.basis === "estimated") return;
  must(row !== undefined, "I2", () => `${book.attempt} is settled, and no vendor knows it`);
  if (entry.basis === "reported") {
    must(row.billed !== undefined, "I6", () => `${book.attempt} is settled, and not billed`);
    const billed = priced(row.billed, ENDPOINTS[row.endpoint]!.rates);
    must(entry.amount === billed, "I2", () => `${book.attempt} is settled at ${entry.amount} and billed ${billed}`);
  }
}

/** I3: what the store holds is what was queued, row by row: nothing missing, changed or added. */
export function checkRows({ durable }: World, rows: readonly unknown[]): void {
  const expected = [...durable.attempts.values()].flatMap(({ hold, topUps, close, resolution, adjustments }) =>
    [hold, ...topUps, close, resolution, ...adjustments].filter((entry) => entry !== undefined),
  );
  must(rows.length === expected.length, "I3", () => `the store has ${rows.length} entries, not ${expected.length}`);
  const kept = new Map((rows as Record<string, unknown>[]).map((row) => [`${row.attempt} ${row.phase} ${row.n}`, row]));
  for (const entry of expected) {
    const row = kept.get(`${entry.attempt} ${entry.phase} ${entry.n}`);
    const shares = JSON.stringify(entry.shares.map(({ budget, window, amount }) => [budget, window, String(amount)]));
    const same =
      row?.kind === entry.kind &&
      row.amount === entry.amount &&
      row.held === entry.held &&
      row.at === entry.at &&
      row.payer === entry.payer &&
      row.model === entry.model &&
      row.price === entry.price &&
      row.input === (entry.input ?? null) &&
      row.cached_input === (entry.cachedInput ?? null) &&
      row.output === (entry.output ?? null) &&
      row.reasoning === (entry.reasoning ?? null) &&
      row.overrun === Number(entry.overrun) &&
      row.detail === entry.detail &&
      row.shares === shares;
    must(same, "I3", () => `${entry.attempt} ${entry.phase} ${entry.n} is not as it was written`);
  }
}

interface BookRow {
  readonly book: string;
  readonly start: number;
  readonly settled: bigint;
  readonly base: bigint | null;
  readonly base_window: number;
  readonly payer: string;
  readonly currency: string;
  readonly closed_at: number | null;
}

/** Every sum of a budget's window is that of its entries, and of what was spent before its book was opened. */
function checkBases(world: World): void {
  const rows = world.ground.read(
    `select books.*, windows."window" as start, sum(windows.settled) as settled
     from (select book, "window", settled from budget_windows
           union all select book, "window", settled from node_windows) as windows
     join budget_books as books on books.book = windows.book group by windows.book, windows."window"`,
  );
  for (const row of rows as BookRow[]) {
    const before = row.base_window === row.start ? (row.base ?? 0n) : 0n;
    const { settled } = world.durable.window(row.book, row.start);
    must(
      row.settled === settled + before,
      "I3",
      () => `${row.book} has ${row.settled}; its entries ${settled + before}`,
    );
    // Of a window that never ends, all is there that the payers below ever spent.
    if (row.closed_at !== null || row.base === null || row.start !== 0 || row.base_window !== 0) continue;
    const base = spentBefore(world, row);
    must(row.base === base, "I1", () => `${row.book} began with ${row.base}; its payers had spent ${base}`);
  }
}

/** What the payers below a budget spent without its book being told. */
function spentBefore(world: World, { book, payer, currency }: BookRow): bigint {
  const sums = new Map<string, { readonly currency: string; amount: bigint }>();
  for (const { hold, close, resolution, adjustments } of world.durable.attempts.values()) {
    if (!TREE[hold.payer]!.includes(payer)) continue;
    for (const entry of [close, resolution, ...adjustments]) {
      if (entry?.kind !== "settle" && entry?.kind !== "adjust") continue;
      if (entry.shares.some(({ budget }) => budget === book)) continue;
      const name = `${entry.payer} ${entry.currency} ${entry.rates}`;
      const sum = sums.get(name) ?? { currency: entry.currency, amount: 0n };
      sum.amount += entry.amount;
      sums.set(name, sum);
    }
  }
  let base = 0n;
  for (const sum of sums.values()) base += charged(sum.amount, sum.currency, currency);
  return base;
}
