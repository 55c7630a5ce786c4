import { formatAmount } from "../../src/base/money.ts";
import { sum } from "../harness/arithmetic.ts";
import type { BooksAfter, Doubt } from "./books-after.ts";

/** One crash, what it left behind and how that was resolved. */
export interface Crash extends BooksAfter {
  readonly round: number;
  readonly killedAfterMs: number;
  /** It was killed once more while it was recovering, so many milliseconds after its start. */
  readonly killedAgainAfterMs: number | undefined;
  /** From the start to the first answer. */
  readonly restartMs: number;
  /** Budgets that were over their limit. */
  readonly over: readonly string[];
}

/** What the vendor's books say is settled at its bill; what they do not have is released. */
export function isBilled({ bill }: Doubt): boolean {
  return bill !== undefined && bill > 0n;
}

/** A line for one crash. */
export function tellCrash(store: string, crash: Crash): string {
  const { round, killedAfterMs, killedAgainAfterMs, restartMs, served, settled, doubts } = crash;
  const billed = doubts.filter(isBilled);
  const again = killedAgainAfterMs === undefined ? "" : `, again ${ms(killedAgainAfterMs)} into recovery`;
  const held = sum(doubts.map(({ bound }) => bound));
  const resolved =
    doubts.length === 0
      ? ""
      : ` (${formatAmount(held)} USD), resolved by the vendor's books: ${billed.length} settled at its bill ` +
        `(${formatAmount(sum(billed.map(({ bill }) => bill!)))} USD), ${doubts.length - billed.length} released, never served`;
  return (
    `${store} crash ${round}: after ${ms(killedAfterMs)}${again}; back in ${ms(restartMs)}; ` +
    `served ${served}, settled ${settled.size}, in doubt ${doubts.length}${resolved}`
  );
}

function ms(milliseconds: number): string {
  return `${milliseconds.toFixed(0)} ms`;
}

const COLUMNS: readonly [name: string, of: (crashes: readonly Crash[]) => number][] = [
  ["crashes", (crashes) => crashes.length],
  ["and while recovering", (crashes) => crashes.filter((crash) => crash.killedAgainAfterMs !== undefined).length],
  ["served", (crashes) => total(crashes, ({ served }) => served)],
  ["settled", (crashes) => total(crashes, ({ settled }) => settled.size)],
  ["in doubt", (crashes) => total(crashes, ({ doubts }) => doubts.length)],
  ["settled at the bill", (crashes) => total(crashes, ({ doubts }) => doubts.filter(isBilled).length)],
  ["released", (crashes) => total(crashes, ({ doubts }) => doubts.filter((doubt) => !isBilled(doubt)).length)],
  ["lost", (crashes) => total(crashes, ({ lost }) => lost.length)],
  ["doubled", (crashes) => total(crashes, ({ doubled }) => doubled.length)],
  ["wrong", (crashes) => total(crashes, ({ wrong }) => wrong.length)],
  ["over budget", (crashes) => total(crashes, ({ over }) => over.length)],
];

function total(crashes: readonly Crash[], of: (crash: Crash) => number): number {
  return crashes.reduce((all, crash) => all + of(crash), 0);
}

/** The sums of a run, a row a store. */
export function crashTable(stores: ReadonlyMap<string, readonly Crash[]>): string {
  const head = ["store", ...COLUMNS.map(([name]) => name)];
  const rows = [...stores].map(([store, crashes]) => [store, ...COLUMNS.map(([, of]) => String(of(crashes)))]);
  const widths = head.map((_, n) => Math.max(...[head, ...rows].map((row) => row[n]!.length)));
  const lines = [head, ...rows].map((row) => row.map((text, n) => text.padStart(widths[n]!)).join("  "));
  return `${lines.join("\n")}\n`;
}
