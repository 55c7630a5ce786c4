import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { nano } from "../harness/arithmetic.ts";
import { expectCleanAudit } from "../harness/books.ts";
import type { RunningMaidan } from "../harness/maidan.ts";
import { Failures, type FuzzTarget, inputsOf } from "./campaign.ts";
import { Random } from "./random.ts";

/** Connections at once. */
const AT_ONCE = 24;
/** A connection on which nothing more comes for so long is left. */
const QUIET_MS = 120;
/** Nothing may keep the server from answering its health check for so long. */
const DEAD_MS = 20_000;

/** What must not stand in the log, whatever is sent. */
const DEFECT = /unhandled|uncaught|internal_error|"level":[56]0|FATAL|\bat .*dist\/.*:\d+:\d+/i;

export interface WireTarget extends Omit<FuzzTarget, "run"> {
  /** Between batches, such as to put the settings back. */
  readonly after?: () => Promise<void>;
}

/** Sends what a target makes to a running server, many connections at once, and looks at the server after each batch. */
export async function fuzzWire(maidan: RunningMaidan, target: WireTarget): Promise<void> {
  const failures = new Failures(target.name);
  let batch: { input: Buffer; number: number }[] = [];
  const judge = async (): Promise<void> => {
    const what = await send(
      maidan,
      batch.map(({ input }) => input),
    );
    if (what !== undefined) await blame(maidan, batch, what, failures);
    await target.after?.();
    batch = [];
  };
  for (const one of inputsOf({ ...target, run: () => {} })) {
    batch.push(one);
    if (batch.length === AT_ONCE) await judge();
  }
  if (batch.length > 0) await judge();
  failures.report();
}

/** Finds which connection of a batch did it, by sending each alone. */
async function blame(
  maidan: RunningMaidan,
  batch: readonly { readonly input: Buffer; readonly number: number }[],
  what: string,
  failures: Failures,
): Promise<void> {
  let found = false;
  for (const { input, number } of batch) {
    if (maidan.process.exitCode !== null || maidan.process.signalCode !== null) break;
    const alone = await send(maidan, [input]);
    if (alone === undefined) continue;
    failures.add(new Error(alone), input, number);
    found = true;
  }
  const numbers = `${batch[0]!.number} to ${batch.at(-1)!.number}`;
  if (!found)
    failures.add(new Error(`${what} (one of cases ${numbers}; none does it alone)`), batch[0]!.input, batch[0]!.number);
}

/** Sends all at once. What the server did wrong; undefined where it did nothing wrong. */
async function send(maidan: RunningMaidan, inputs: readonly Buffer[]): Promise<string | undefined> {
  const logged = maidan.printed.text.length;
  const answers = await Promise.all(inputs.map((input) => converse(maidan.address, input, new Random(input))));
  const alive = await isAlive(maidan);
  const log = maidan.printed.text.slice(Math.min(logged, maidan.printed.text.length));
  const line = log.split("\n").find((one) => DEFECT.test(one));
  if (!alive) return `the server does not answer any more: ${log.slice(-2_000)}`;
  if (line !== undefined) return `the log says ${line.slice(0, 1_000)}`;
  const failed = answers.find((answer) => /HTTP\/1\.1 500 |"code":"internal_error"/.test(answer));
  return failed && `it answers ${/HTTP\/1\.1 500 [\s\S]*/.exec(failed)?.[0].slice(0, 600) ?? failed.slice(0, 600)}`;
}

async function isAlive(maidan: RunningMaidan): Promise<boolean> {
  const answer = await maidan.ask("/livez", undefined, { leaveAfterMs: DEAD_MS });
  return answer.status === 200;
}

/** One connection: writes cut anywhere, then waits, closes its half, leaves in the middle, or does not read. */
function converse(address: string, input: Buffer, random: Random): Promise<string> {
  const { port } = new URL(address);
  const pieces = random.cut(input).slice(0, 400);
  const way = random.pick(["wait", "wait", "wait", "close", "leave", "deaf"] as const);
  const leaveAt = random.below(pieces.length + 1);
  return new Promise((resolve) => {
    const socket = connect(Number(port), "127.0.0.1");
    let answer = "";
    let quiet: NodeJS.Timeout | undefined;
    const listen = (): void => {
      clearTimeout(quiet);
      quiet = setTimeout(() => socket.destroy(), QUIET_MS);
    };
    socket.on("data", (chunk) => {
      answer = (answer + chunk.toString("latin1")).slice(-200_000);
      listen();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      clearTimeout(quiet);
      resolve(answer);
    });
    socket.on("connect", async () => {
      if (way === "deaf") socket.pause();
      for (const [index, piece] of pieces.entries()) {
        if (socket.destroyed) return;
        if (way === "leave" && index === leaveAt) socket.destroy();
        else socket.write(piece);
        if (index % 8 === 7) await sleep(1);
      }
      if (way === "close") socket.end();
      listen();
    });
  });
}

/** In the end nothing is under way any more, and the books are in order. */
export async function expectSound(maidan: RunningMaidan): Promise<void> {
  const until = Date.now() + 30_000;
  while ((await inFlight(maidan)) > 0) {
    if (Date.now() > until) throw new Error("calls are still under way, though nobody waits for them");
    await sleep(50);
  }
  await expectCleanAudit(maidan.admin);
  const unsettled = await maidan.admin.all("unsettled");
  const { items } = await maidan.admin.get("budgets?limit=1000");
  const held = items.find((one: { id: string }) => one.id === "acme-total")?.held as string | undefined;
  if (held === undefined) return;
  const doubtful = unsettled.reduce((sum, one) => sum + nano(one.amount), 0n);
  expect(nano(held)).toBe(doubtful);
}

async function inFlight(maidan: RunningMaidan): Promise<number> {
  const { body } = await maidan.ask("/metrics", undefined);
  return Number(/^maidan_calls_in_flight (\d+)/m.exec(body.toString())![1]);
}
