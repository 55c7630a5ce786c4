import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PROJECT } from "../../tests/harness/compile.ts";
import type { Comparison } from "./books.ts";
import { type Level, medianBetween } from "./levels.ts";
import type { Load } from "./load.ts";
import type { Operator } from "./operator.ts";

const WINDOW_SECONDS = 300;
const SETTLED_MINUTES = 10;
const MOST_GROWTH = 1.1;

export interface Outcome {
  readonly load: Load;
  readonly operator: Operator;
  readonly levels: readonly Level[];
  readonly before: Level;
  readonly after: Level;
  /** What is open and was not before. */
  readonly left: readonly string[];
  readonly seconds: number;
  /** What the ledger finds in itself, empty where it is in order; undefined: it did not say. */
  readonly audit: string | undefined;
  readonly comparison: Comparison | undefined;
  /** Waits that were longer than they may be, and other steps of the end that failed. */
  readonly failures: readonly string[];
  /** Lines of the log that nobody should ever see. */
  readonly defects: readonly string[];
}

/** Prints what was found and keeps it in a file. Returns whether all of it is as it must be. */
export function judge(outcome: Outcome): boolean {
  const { load, operator, levels, before, after } = outcome;
  const checks = checksOf(outcome);
  const statuses = [...load.statuses].sort(([a], [b]) => a - b).map(([status, count]) => `${status}: ${count}`);
  const { used } = memory(outcome);
  const slowest = [...operator.slowest].map(([path, took]) => `${path} ${(took / 1_000).toFixed(2)}`);
  const lines = [
    "",
    `Calls by status (0: left, or broken): ${statuses.join(", ")}`,
    `Calls that were not made, because too many were under way: ${load.skipped}`,
    `Attempts in doubt that operators resolved: ${operator.resolved}`,
    `Longest answers to operators, seconds: ${slowest.join("; ")}`,
    `Heap and external memory ${ratio(used)}`,
    "",
    ...checks.map(([what, right]) => `${right ? "passed" : "FAILED"}  ${what}`),
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
  const folder = join(PROJECT, "benchmarks/results");
  mkdirSync(folder, { recursive: true });
  const calls = Object.fromEntries(load.statuses);
  writeFileSync(join(folder, "soak.json"), JSON.stringify({ checks, before, after, calls, levels }, undefined, 1));
  process.stdout.write("\nEvery sample is in benchmarks/results/soak.json.\n");
  return checks.every(([, right]) => right);
}

function checksOf(outcome: Outcome): [what: string, right: boolean][] {
  const { operator, before, after, left, seconds, audit, comparison, failures, defects } = outcome;
  const { resident } = memory(outcome);
  return [
    [
      `resident memory ${ratio(resident)} of its level after ${settledAt(seconds) / 60} minutes`,
      resident.late <= resident.early * MOST_GROWTH,
    ],
    [
      `descriptors ${before.descriptors} before, ${after.descriptors} after ${left.join(" ")}`,
      after.descriptors <= before.descriptors,
    ],
    [`timers ${before.timers} before, ${after.timers} after`, after.timers <= before.timers],
    [`calls in flight ${after.inFlight}, in doubt ${after.unsettled}`, after.inFlight === 0 && after.unsettled === 0],
    [`the ledger's audit${audit === undefined ? ": no answer" : some(audit)}`, audit === ""],
    [comparisonText(comparison), comparison?.defects.length === 0 && comparison.served > 0],
    [`no defect in the log${some(defects[0])}`, defects.length === 0],
    [`operators' work${some(operator.failure)}`, operator.failure === undefined],
    [`nothing waited for in vain${some(failures.join("; "))}`, failures.length === 0],
  ];
}

function some(what: string | undefined): string {
  return what ? `: ${what.slice(0, 1_000)}` : "";
}

function comparisonText(comparison: Comparison | undefined): string {
  const promise = "each request that the vendor served is in the ledger once";
  if (!comparison) return `${promise}: not compared`;
  const { served, found, defects } = comparison;
  const how = `${found.id} by the vendor's id, ${found.tag} by the client's tag, ${found.number} by their number`;
  return `${promise}: of ${served}, ${how}; ${defects.length} defects${some(defects.slice(0, 5).join("; "))}`;
}

interface Ratio {
  readonly early: number;
  readonly late: number;
}

function memory({ levels, seconds }: Outcome): { resident: Ratio; used: Ratio } {
  const settled = settledAt(seconds);
  const span = Math.min(WINDOW_SECONDS, seconds / 4);
  const ratioOf = (of: (level: Level) => number): Ratio => ({
    early: medianBetween(levels, settled, settled + span, of),
    late: medianBetween(levels, seconds - span, seconds + span, of),
  });
  return {
    resident: ratioOf(({ residentMb }) => residentMb),
    used: ratioOf(({ heapMb, externalMb }) => heapMb + externalMb),
  };
}

/** In a short run half of it counts as the beginning. */
function settledAt(seconds: number): number {
  return Math.min(SETTLED_MINUTES * 60, seconds / 2);
}

function ratio({ early, late }: Ratio): string {
  return `${early.toFixed(1)} → ${late.toFixed(1)} MB, ${(late / early).toFixed(3)}`;
}
