import { readdirSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import type { RunningMaidan } from "../../tests/harness/maidan.ts";

const ANSWER_SECONDS = 60;

/** What the program says of itself at one moment. */
export interface Level {
  /** Seconds since the load began. */
  readonly at: number;
  readonly residentMb: number;
  readonly heapMb: number;
  readonly externalMb: number;
  /** The ledger's file: its readers keep up to 32 MiB each of it, so that memory grows with it until then. */
  readonly databaseMb: number;
  readonly descriptors: number;
  /** Timers that keep the process alive. */
  readonly timers: number;
  readonly resources: number;
  readonly inFlight: number;
  readonly unsettled: number;
}

export async function readLevel(maidan: RunningMaidan, at: number): Promise<Level> {
  const { status, body, broken } = await maidan.ask("/metrics", undefined, { leaveAfterMs: ANSWER_SECONDS * 1_000 });
  if (status !== 200 || broken) throw new Error(`/metrics: no answer in ${ANSWER_SECONDS} s, or ${status}`);
  const text = body.toString();
  const value = (name: string): number => {
    const found = new RegExp(`^${name.replaceAll(/[{}"]/g, "\\$&")} ([-+.\\deE]+)$`, "m").exec(text);
    return found ? Number(found[1]) : 0;
  };
  const mb = (name: string): number => value(name) / 2 ** 20;
  return {
    at,
    residentMb: mb("process_resident_memory_bytes"),
    heapMb: mb("nodejs_heap_size_used_bytes"),
    externalMb: mb("nodejs_external_memory_bytes"),
    databaseMb: statSync(join(maidan.dataFolder, "maidan.db")).size / 2 ** 20,
    descriptors: value("process_open_fds"),
    timers: value('nodejs_active_resources{type="Timeout"}'),
    resources: value("nodejs_active_resources_total"),
    inFlight: value("maidan_calls_in_flight"),
    unsettled: value("maidan_unsettled_attempts"),
  };
}

const COLUMNS: readonly [name: string, of: (level: Level) => string][] = [
  ["minute", ({ at }) => (at / 60).toFixed(1)],
  ["resident MB", ({ residentMb }) => residentMb.toFixed(1)],
  ["heap MB", ({ heapMb }) => heapMb.toFixed(1)],
  ["external MB", ({ externalMb }) => externalMb.toFixed(1)],
  ["database MB", ({ databaseMb }) => databaseMb.toFixed(1)],
  ["descriptors", ({ descriptors }) => String(descriptors)],
  ["timers", ({ timers }) => String(timers)],
  ["resources", ({ resources }) => String(resources)],
  ["in flight", ({ inFlight }) => String(inFlight)],
  ["in doubt", ({ unsettled }) => String(unsettled)],
];

export const LEVEL_HEAD = COLUMNS.map(([name]) => name.padStart(12)).join("");

export function levelRow(level: Level): string {
  return COLUMNS.map(([, of]) => of(level).padStart(12)).join("");
}

/** The median of a figure over the levels of a span of time, in seconds. */
export function medianBetween(
  levels: readonly Level[],
  from: number,
  to: number,
  of: (level: Level) => number,
): number {
  const values = levels.filter(({ at }) => at >= from && at <= to).map(of);
  values.sort((a, b) => a - b);
  return values[values.length >> 1] ?? Number.NaN;
}

/** What a process has open, where the system says so: names of files, and of kinds of what has none. */
export function openFiles(maidan: RunningMaidan): string[] {
  const folder = `/proc/${maidan.process.pid}/fd`;
  try {
    return readdirSync(folder).flatMap((name) => {
      try {
        return [readlinkSync(`${folder}/${name}`).replace(/\[\d+\]$/, "")];
      } catch {
        return []; // closed in the meantime
      }
    });
  } catch {
    return [];
  }
}

/** What is in `after` more often than in `before`. */
export function added(before: readonly string[], after: readonly string[]): string[] {
  const left = [...after];
  for (const name of before) {
    const at = left.indexOf(name);
    if (at >= 0) left.splice(at, 1);
  }
  return left;
}
