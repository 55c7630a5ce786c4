import { setTimeout as sleep } from "node:timers/promises";
import type { RunningMaidan } from "../../tests/harness/maidan.ts";
import type { RawRequest } from "../../tests/harness/requests.ts";
import type { RunningUpstream } from "../../tests/harness/start-upstream.ts";
import { ask, within } from "./bounds.ts";
import { POOR, settings } from "./settings.ts";

const READ = [
  "usage?by=payer,model,day",
  "usage?by=key&currency=CNY",
  "statements?format=focus",
  "calls?limit=100",
  "entries?limit=100",
  "budgets",
  "export",
  "status",
];
/** An operator has no patience for more. */
const ANSWER_SECONDS = 60;
/** Rounds of resolving after the load, each of a page: more than can be in doubt. */
const MOST_PAGES = 100;

export const RESOLVED = "the soak's operator has looked";

/** What operators do beside the load: read reports, change settings, resolve what is in doubt. */
export class Operator {
  readonly #maidan: RunningMaidan;
  readonly #upstream: RunningUpstream;
  readonly #over = new AbortController();
  readonly #work = new Map<string, Promise<void>>();
  /** The longest answer to each question, milliseconds. */
  readonly slowest = new Map<string, number>();
  #reads = 0;
  #changes = 0;
  resolved = 0;
  /** What went wrong first. */
  failure: string | undefined;

  constructor(maidan: RunningMaidan, upstream: RunningUpstream) {
    this.#maidan = maidan;
    this.#upstream = upstream;
  }

  start(): void {
    this.#repeat("reading reports", 5_000, () => this.#read());
    this.#repeat("changing settings", 20_000, () => this.#change());
    this.#repeat("resolving what is in doubt", 3_000, () => this.#resolve());
  }

  /** Ends what is under way, then resolves what is left. */
  async stop(): Promise<void> {
    this.#over.abort();
    const under = (): string => `operators who are ${[...this.#work.keys()].join(", ")}`;
    await within(4 * ANSWER_SECONDS, under, Promise.all(this.#work.values()));
    for (let page = 0; page < MOST_PAGES; page++) if ((await this.#resolve()) === 0) return;
    throw new Error(`attempts are still in doubt after ${MOST_PAGES} pages of them were resolved`);
  }

  /** Each report once, all at once, so that every thread that reads is there; and the settings as they stay. */
  async warm(): Promise<void> {
    await Promise.all(READ.map(() => this.#read()));
    await this.#maidan.admin.apply(settings(this.#upstream, 0));
  }

  /**
   * One person for each kind of work, who rests between two turns: work that takes longer than its interval is done less
   * often, and is never put on a pile that goes on long after the load is over.
   */
  #repeat(name: string, pauseMs: number, work: () => Promise<unknown>): void {
    const { signal } = this.#over;
    const repeating = async (): Promise<void> => {
      while (!signal.aborted) {
        await sleep(pauseMs, undefined, { signal }).catch(() => {});
        if (signal.aborted) break;
        await work().catch((cause) => {
          this.failure ??= String(cause).slice(0, 500);
        });
      }
      this.#work.delete(name);
    };
    this.#work.set(name, repeating());
  }

  async #ask(path: string, name: string, request?: RawRequest): Promise<string> {
    const began = performance.now();
    try {
      return await ask(this.#maidan.admin, path, ANSWER_SECONDS, request);
    } finally {
      this.slowest.set(name, Math.max(this.slowest.get(name) ?? 0, performance.now() - began));
    }
  }

  async #read(): Promise<void> {
    const path = READ[this.#reads++ % READ.length]!;
    await this.#ask(path, path);
  }

  async #change(): Promise<void> {
    this.#changes += 1;
    const body = settings(this.#upstream, this.#changes);
    await this.#ask("apply", "apply", { method: "POST", body, headers: { "content-type": "application/yaml" } });
    // A little more for the one whose budget runs out, until it has run out again.
    const { settled } = JSON.parse(await this.#ask(`budgets/${POOR}-total`, "a budget"));
    const amount = (Number(settled) + 0.05).toFixed(9);
    await this.#ask(`budgets/${POOR}-total`, "a budget", { method: "PATCH", body: { amount } });
  }

  /** Resolves a page of what is in doubt, and says how many there were. */
  async #resolve(): Promise<number> {
    const { items } = JSON.parse(await this.#ask("unsettled?limit=200", "unsettled"));
    for (const { attempt, estimate } of items) {
      const settle = estimate !== null && Number(estimate) > 0;
      const action = settle ? { action: "settle", cost: estimate, currency: "USD" } : { action: "release" };
      const body = { ...action, reason: RESOLVED };
      const answer = await this.#maidan.admin.raw(`unsettled/${attempt}`, {
        method: "POST",
        body,
        leaveAfterMs: ANSWER_SECONDS * 1_000,
      });
      // Evidence may have come in the meantime.
      if (answer.status === 404 || answer.status === 409) continue;
      if (answer.status !== 200) throw new Error(`unsettled/${attempt}: ${answer.status} ${answer.body}`);
      this.resolved += 1;
    }
    return items.length;
  }
}
