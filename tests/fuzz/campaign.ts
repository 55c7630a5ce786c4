import { runInThisContext } from "node:vm";
import { expect } from "vitest";
import { Random } from "./random.ts";

/**
 * MAIDAN_FUZZ_SEED   the seed; default: another one on every run, which is printed
 * MAIDAN_FUZZ_CASES  how many times the usual number of cases: 0.1, 1 (default), 100
 * MAIDAN_FUZZ_INPUT  base64 of one input: it is run, and nothing else (choose its target with `-t`)
 */
const { MAIDAN_FUZZ_SEED, MAIDAN_FUZZ_CASES, MAIDAN_FUZZ_INPUT } = process.env;

export const SEED = MAIDAN_FUZZ_SEED || String(Date.now() % 1_000_000_000);

/** One thing that is fuzzed. What it does with an input follows from the bytes of the input alone. */
export interface FuzzTarget {
  readonly name: string;
  /** How many cases it gets in the usual run. */
  readonly cases: number;
  make(random: Random): Buffer;
  /** Throws where the program did what it must not. `random` follows from the input. */
  run(input: Buffer, random: Random): void | Promise<void>;
}

/** No input of a few kilobytes may take that long: it would be a hang, or something that grows with a power of its length. */
const HANG_MS = 20_000;

export function countOf(target: Pick<FuzzTarget, "cases">): number {
  return Math.max(1, Math.round(target.cases * Number(MAIDAN_FUZZ_CASES || 1)));
}

/** The inputs of a target: made from the seed, or the one that is to be run again. */
export function* inputsOf(target: FuzzTarget): Generator<{ readonly input: Buffer; readonly number: number }> {
  if (MAIDAN_FUZZ_INPUT) {
    yield { input: Buffer.from(MAIDAN_FUZZ_INPUT, "base64"), number: 0 };
    return;
  }
  for (let number = 0; number < countOf(target); number++) {
    yield { input: target.make(new Random(`${SEED} ${target.name} ${number}`)), number };
  }
}

/** A case that did what it must not, told so that anybody can run it again. */
export class Failures {
  readonly #name: string;
  /** One of each kind: by what was thrown, and where. */
  readonly #kinds = new Map<string, string>();
  #count = 0;

  constructor(name: string) {
    this.#name = name;
  }

  add(cause: unknown, input: Buffer, number: number): void {
    this.#count += 1;
    const { message, stack = "" } = cause instanceof Error ? cause : new Error(String(cause));
    const places = stack
      .split("\n")
      .filter((line) => /[/\\](?:src|dist|tests)[/\\]/.test(line) && !line.includes("campaign.ts"));
    const kind = message.replaceAll(/\d+/g, "n") + (places[0] ?? "");
    if (this.#kinds.has(kind) || this.#kinds.size >= MOST_TOLD) return;
    const again = `MAIDAN_FUZZ_INPUT=${input.toString("base64")} npx vitest run tests/fuzz.test.ts -t '${this.#name}'`;
    this.#kinds.set(
      kind,
      `case ${number}: ${message}\n${places.slice(0, 8).join("\n")}\n    to run it again:\n${again}`,
    );
  }

  /** Throws where there is one. */
  report(): void {
    if (this.#count === 0) return;
    const told = [...this.#kinds.values()].join("\n\n");
    throw new Error(
      `${this.#name}: ${this.#count} cases of MAIDAN_FUZZ_SEED=${SEED} failed; one of each kind:\n\n${told}\n`,
    );
  }
}

const MOST_TOLD = 12;

/** Runs a target, one case after the other. */
export async function fuzz(target: FuzzTarget): Promise<void> {
  const failures = new Failures(target.name);
  let ran = 0;
  for (const { input, number } of inputsOf(target)) {
    ran += 1;
    try {
      await interruptible(() => target.run(input, new Random(input)));
    } catch (cause) {
      failures.add(cause, input, number);
    }
  }
  failures.report();
  expect(ran).toBeGreaterThan(0);
}

/** Only the engine itself can interrupt a loop without an end. */
function interruptible<T>(run: () => T): T {
  const place = globalThis as { fuzzedRun?: () => T };
  place.fuzzedRun = run;
  return runInThisContext("fuzzedRun()", { timeout: HANG_MS }) as T;
}
