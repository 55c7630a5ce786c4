import type { Clock } from "../base/clock.ts";
import type { HealthState } from "../routing/health.ts";

/** What readiness is told from. */
export interface HealthSources {
  readonly clock: Clock;
  /** Resolves when the store answers. */
  readonly pingStore: () => Promise<unknown>;
  readonly journalDepth: () => number;
  /** Rows that may wait for the disk: `limits.journalQueue`. */
  readonly journalQueue: number;
  readonly endpoints: () => Iterable<HealthState>;
  /** The time of the last entry, milliseconds: a clock behind it is off. Undefined before the first. */
  readonly lastEntryAt: () => number | undefined;
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
    checkClock(sources),
    sources.stopping() ? { name: "process", state: "failed", detail: "stopping" } : { name: "process", state: "ok" },
  ];
  for (const health of sources.endpoints()) checks.push(checkEndpoint(health));
  return { ready: checks.every((check) => check.state !== "failed"), checks };
}

async function checkStore({ pingStore }: HealthSources): Promise<HealthCheck> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<HealthCheck>((resolve) => {
    timer = setTimeout(() => resolve({ name: "store", state: "failed", detail: "no answer" }), STORE_ANSWER_MS);
    timer.unref();
  });
  const answer = pingStore().then(
    (): HealthCheck => ({ name: "store", state: "ok" }),
    (cause: unknown): HealthCheck => ({ name: "store", state: "failed", detail: codeOf(cause) }),
  );
  const check = await Promise.race([answer, late]);
  clearTimeout(timer);
  return check;
}

function checkJournal({ journalDepth, journalQueue }: HealthSources): HealthCheck {
  const depth = journalDepth();
  const state = depth >= journalQueue ? "failed" : depth > journalQueue / 2 ? "warning" : "ok";
  return { name: "journal", state, detail: `${depth} rows waiting` };
}

function checkClock({ clock, lastEntryAt }: HealthSources): HealthCheck {
  const last = lastEntryAt();
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
  const code = (cause as { code?: unknown } | undefined)?.code;
  return typeof code === "string" ? code : "error";
}
