import type { Clock } from "../base/clock.ts";
import { Fault } from "../base/faults.ts";
import type { HealthState } from "../routing/health.ts";

/** What readiness is told from. */
export interface HealthSources {
  readonly clock: Clock;
  /** Resolves when the store answers. */
  readonly pingStore: () => Promise<unknown>;
  readonly journalDepth: () => number;
  /** Rows that may wait for the disk: `limits.journalQueue`. */
  readonly journalQueue: () => number;
  readonly endpoints: () => Iterable<HealthState>;
  /** The time of the last entry, milliseconds: a clock behind it is off. Undefined before the first. */
  readonly lastEntryAt: () => number | undefined | Promise<number | undefined>;
  /** The process is told to stop and takes no new calls. */
  readonly stopping: () => boolean;
}

export interface HealthCheck {
  readonly name: "store" | "journal" | "clock" | "process" | "endpoint";
  /** `warning` does not make Maidan unready: other endpoints may do. */
  readonly state: "ok" | "warning" | "failed";
  readonly endpoint?: string;
  readonly breaker?: HealthState["state"];
  readonly detail?: string;
}

export interface Readiness {
  readonly ready: boolean;
  readonly checks: readonly HealthCheck[];
}

const STORE_ANSWER_MS = 5_000;
/** Clocks of one machine may step back by so much without anybody's doing wrong. */
const CLOCK_SLACK_MS = 5_000;

/** Whether calls can be served and accounted for, and why not. Never throws. */
export async function checkReadiness(sources: HealthSources): Promise<Readiness> {
  const checks: HealthCheck[] = [
    await checkStore(sources),
    checkJournal(sources),
    await checkClock(sources),
    sources.stopping() ? { name: "process", state: "failed", detail: "stopping" } : { name: "process", state: "ok" },
  ];
  for (const health of sources.endpoints()) checks.push(checkEndpoint(health));
  return { ready: checks.every((check) => check.state !== "failed"), checks };
}

async function checkStore({ pingStore }: HealthSources): Promise<HealthCheck> {
  try {
    await withinBound(pingStore());
    return { name: "store", state: "ok" };
  } catch (cause) {
    return { name: "store", state: "failed", detail: codeOf(cause) };
  }
}

/** Rejects when the store takes too long. */
async function withinBound<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(Object.assign(new Error("no answer"), { code: "no-answer" })), STORE_ANSWER_MS);
    timer.unref();
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

function checkJournal({ journalDepth, journalQueue }: HealthSources): HealthCheck {
  const depth = journalDepth();
  const queue = journalQueue();
  const state = depth >= queue ? "failed" : depth > queue / 2 ? "warning" : "ok";
  return { name: "journal", state, detail: `${depth} rows waiting` };
}

async function checkClock({ clock, lastEntryAt }: HealthSources): Promise<HealthCheck> {
  const last = await withinBound(Promise.resolve().then(lastEntryAt)).catch(() => undefined);
  const behind = last === undefined ? 0 : last - clock.now();
  if (behind <= CLOCK_SLACK_MS) return { name: "clock", state: "ok" };
  return { name: "clock", state: "warning", detail: `${Math.round(behind / 1000)} s behind the last ledger entry` };
}

function checkEndpoint(health: HealthState): HealthCheck {
  const { endpoint, state, lastFault, until } = health;
  const detail =
    state === "closed" ? undefined : `${lastFault ?? "failing"} until ${new Date(until ?? 0).toISOString()}`;
  return {
    name: "endpoint",
    endpoint,
    state: state === "closed" ? "ok" : "warning",
    breaker: state,
    ...(detail !== undefined && { detail }),
  };
}

/** The code of a system error, never its message: a path or a row may stand in it. */
function codeOf(cause: unknown): string {
  const { code } = ((cause instanceof Fault ? cause.cause : cause) ?? {}) as { code?: unknown };
  return typeof code === "string" ? code : "error";
}
