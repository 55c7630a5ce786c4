import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { PlantedBug } from "./planted/bugs.ts";
import type { RunResult } from "./run.ts";

const ROOT = join(import.meta.dirname, "../..");

export interface SimulationOptions {
  readonly firstSeed: number;
  readonly lastSeed: number;
  /** Ends at the first violation. */
  readonly stop?: boolean;
  /** Prints what happens to standard error. */
  readonly trace?: boolean;
  readonly bug?: PlantedBug;
  /** Only worlds of one kind. Without it, and without a bug that names one, one in four is shared. */
  readonly only?: "own" | "shared";
}

/** Runs seeds in a process of their own, from source. Throws where that process fails. */
export async function simulate({
  firstSeed,
  lastSeed,
  stop,
  trace,
  bug,
  only = bug?.ground,
}: SimulationOptions): Promise<RunResult[]> {
  const planting = bug ? ["--import", "./tests/simulation/planted/plant.mjs"] : [];
  const flags = [...(stop ? ["--stop"] : []), ...(trace ? ["--trace"] : []), ...(only ? [`--only=${only}`] : [])];
  const program = ["tests/simulation/run.ts", String(firstSeed), String(lastSeed), ...flags];
  const child = spawn(process.execPath, ["--import", "./tools/typescript.mjs", ...planting, ...program], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", trace ? "inherit" : "pipe"],
    env: { ...process.env, MAIDAN_PLANTED: JSON.stringify(bug) },
  });
  let complaint = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    complaint = (complaint + chunk.toString("utf8")).slice(-4_000);
  });
  const ended = once(child, "exit");
  const results: RunResult[] = [];
  for await (const line of createInterface(child.stdout!)) results.push(JSON.parse(line) as RunResult);
  const [code] = await ended;
  if (code !== 0) throw new Error(`the simulation ended with ${code}: ${complaint}`);
  return results;
}
