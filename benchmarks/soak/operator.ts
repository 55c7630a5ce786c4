import type { RunningMaidan } from "../../tests/harness/maidan.ts";
import type { RunningUpstream } from "../../tests/harness/start-upstream.ts";
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

/** What operators do beside the load: read reports, change settings, resolve what is in doubt. */
export class Operator {
  readonly #maidan: RunningMaidan;
  readonly #upstream: RunningUpstream;
  #timers: NodeJS.Timeout[] = [];
  #turn = 0;
  #busy: Promise<unknown> = Promise.resolve();
  /** What went wrong first. */
  failure: string | undefined;

  constructor(maidan: RunningMaidan, upstream: RunningUpstream) {
    this.#maidan = maidan;
    this.#upstream = upstream;
  }

  start(): void {
    this.#timers = [
      setInterval(() => this.#queue(() => this.#read()), 5_000),
      setInterval(() => this.#queue(() => this.#change()), 20_000),
      setInterval(() => this.#queue(() => this.#resolve()), 3_000),
    ];
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.#busy;
    await this.#resolve();
  }

  /** Each report once, all at once, so that every thread that reads is there; and the settings as they stay. */
  async warm(): Promise<void> {
    await Promise.all(READ.map(() => this.#read()));
    await this.#maidan.admin.apply(settings(this.#upstream, 0));
  }

  /** One after the other: what takes longer than its interval is not piled up. */
  #queue(work: () => Promise<unknown>): void {
    this.#busy = this.#busy.then(work).catch((cause) => {
      this.failure ??= String(cause).slice(0, 500);
    });
  }

  async #read(): Promise<void> {
    this.#turn += 1;
    const answer = await this.#maidan.admin.raw(READ[this.#turn % READ.length]!);
    if (answer.status !== 200) throw new Error(`${READ[this.#turn % READ.length]}: ${answer.status} ${answer.body}`);
  }

  async #change(): Promise<void> {
    this.#turn += 1;
    await this.#maidan.admin.apply(settings(this.#upstream, this.#turn));
    // A little more for the one whose budget runs out, until it has run out again.
    const { settled } = await this.#maidan.admin.get(`budgets/${POOR}-total`);
    const amount = (Number(settled) + 0.05).toFixed(9);
    await this.#maidan.admin.patch(`budgets/${POOR}-total`, { amount });
  }

  async #resolve(): Promise<void> {
    const { items } = await this.#maidan.admin.get("unsettled?limit=200");
    for (const { attempt, estimate } of items) {
      const settle = estimate !== null && Number(estimate) > 0;
      const action = settle ? { action: "settle", cost: estimate, currency: "USD" } : { action: "release" };
      const answer = await this.#maidan.admin.raw(`unsettled/${attempt}`, {
        method: "POST",
        body: { ...action, reason: "the soak's operator has looked" },
      });
      // Evidence may have come in the meantime.
      if (answer.status >= 400 && answer.status !== 404 && answer.status !== 409) {
        throw new Error(`unsettled/${attempt}: ${answer.status} ${answer.body}`);
      }
    }
  }
}
