import { execFileSync } from "node:child_process";
import { closeSync, fdatasyncSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from "node:fs";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { median } from "./run.ts";

/** What the figures depend on beside the program: cores, disk, and who else is at work. */

export const GATEWAY_CORE = "0";
export const LOAD_CORE = "1";
export const CORES = availableParallelism();
/** A database is another machine's work: where there is no core for it, it shares that of load and upstream. */
export const DATABASE_CORE = CORES > 2 ? "2" : LOAD_CORE;

/** A machine on which so many others want the processor, on average over a minute, measures them and not us. */
const BUSY_LOAD = 0.7;

/** Whether processes can be bound to cores here. Where not, the ratios still stand, though they are noisier. */
export const PINNED = canPin();

function canPin(): boolean {
  try {
    execFileSync("taskset", ["-c", `${GATEWAY_CORE},${LOAD_CORE}`, "true"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** What a command begins with where it shall keep to some cores; nothing where it may use all. */
export function boundTo(cores: string | undefined): string[] {
  return PINNED && cores !== undefined ? ["taskset", "-c", cores] : [];
}

/** The load of the last minute, and what to think of it. Asked before a benchmark makes a load of its own. */
export function describeLoad(): string {
  const load = loadavg()[0]!;
  const doubt = load > BUSY_LOAD ? ": others are using this machine, take no figure for the program's" : "";
  return `${CORES} cores, load before ${load.toFixed(1)}${doubt}`;
}

/** The load before the run, where it is too high for figures that mean something. */
export function busyLoad(): number | undefined {
  const load = loadavg()[0]!;
  return load > BUSY_LOAD ? load : undefined;
}

/** Milliseconds of processor time that a process and those it started have used, all their threads; undefined where the system does not say. */
export function processorMs(pid: number): number | undefined {
  const own = usedMs(pid);
  return own === undefined ? undefined : childrenOf(pid).reduce((sum, child) => sum + (usedMs(child) ?? 0), own);
}

/** Its own, and that of those it started and saw end. */
function usedMs(pid: number): number | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]!.split(" ");
    return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks) * 10, 0); // in ticks of 1/100 s
  } catch {
    return undefined;
  }
}

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) => {
      const listed = readFileSync(`/proc/${pid}/task/${thread}/children`, "latin1").trim();
      return listed === "" ? [] : listed.split(" ").map(Number);
    });
  } catch {
    return [];
  }
}

/** Megabytes of memory in use; undefined where the system does not say. */
export function memoryMb(pid: number): number | undefined {
  try {
    const match = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "latin1"));
    return Number(match![1]) / 1024;
  } catch {
    return undefined;
  }
}

/** How long this disk takes to make four kilobytes durable, milliseconds, the median: a call waits for it twice. */
export function syncMs(): number {
  const folder = mkdtempSync(join(tmpdir(), "maidan-sync-"));
  const file = openSync(join(folder, "sync"), "w");
  const block = Buffer.alloc(4_096);
  const times = Array.from({ length: 200 }, () => {
    writeSync(file, block);
    const began = performance.now();
    fdatasyncSync(file);
    return performance.now() - began;
  });
  closeSync(file);
  rmSync(folder, { recursive: true, force: true });
  return median(times);
}
