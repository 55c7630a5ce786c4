import { Agent } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { RunningMaidan } from "../../tests/harness/maidan.ts";
import { type RawAnswer, type RawRequest, send } from "../../tests/harness/requests.ts";
import { chat } from "../../tests/harness/settings.ts";
import type { Failure, Simulate } from "../../tests/harness/upstream-behaviour.ts";
import { within } from "./bounds.ts";
import { POOR, TEAMS } from "./settings.ts";

const CHAT = "/v1/chat/completions";
const FAILURES: readonly Failure[] = [
  ...(["error", "rate_limit", "overloaded", "bad_request", "reset", "cut", "garbage"] as const),
  ...(["error_event", "promises_more", "promises_less", "hang", "hang_midway"] as const),
];
/** Where bodies reach the vendor as they are. */
const PASSED = [CHAT, "/v1/embeddings"];
/** Answers that a client waits for at the most. */
const PATIENCE_MS = 20_000;
const MOST_IN_FLIGHT = 400;

/** How often each kind of call is made, of a hundred. */
const KINDS: readonly [share: number, make: (load: Load) => Order][] = [
  [36, () => ({ path: CHAT, body: chat("lab/mini") })],
  [20, () => ({ path: CHAT, body: chat("lab/mini", STREAM) })],
  [5, () => ({ path: "/v1/messages", body: chat("lab/mini", { max_tokens: 60, stream: true }) })],
  [5, () => ({ path: "/v1/responses", body: { model: "spare/mini", input: "Who pays?", stream: true } })],
  [3, () => ({ path: "/v1/embeddings", body: { model: "lab/mini", input: ["one", "two"] } })],
  // Clients that leave: in the middle of a stream, and before a buffered answer.
  [6, (load) => ({ path: CHAT, body: chat("spare/mini", STREAM), leaveAfterEvents: load.below(12) })],
  [4, (load) => ({ path: CHAT, body: chat("lab/mini", STREAM), leaveAfterEvents: load.below(12) })],
  [3, (load) => ({ path: CHAT, body: chat("lab/mini"), leaveAfterMs: load.below(30) })],
  // The first model of the route is overloaded: the second answers.
  [6, (load) => ({ path: CHAT, body: chat("careful", load.below(2) === 0 ? {} : STREAM) })],
  [
    5,
    (load) => ({
      path: CHAT,
      body: chat("lab/mini", { stream: load.below(2) === 0, simulate: { failure: load.pick(FAILURES) } }),
    }),
  ],
  [4, (load) => ({ path: CHAT, body: chat("lab/mini"), headers: { "idempotency-key": load.idempotencyKey() } })],
  [2, () => ({ path: CHAT, body: chat("lab/dear", { max_tokens: 100 }), payer: POOR })],
  [1, () => ({ path: CHAT, body: '{"model":"lab/mini","messages":' })],
];
const STREAM = { stream: true, stream_options: { include_usage: true } };

interface Order extends RawRequest {
  readonly path: string;
  readonly payer?: string;
  readonly body: string | { readonly [field: string]: unknown; readonly simulate?: Simulate };
}

function withTag(body: Exclude<Order["body"], string>, tag: string): object {
  return { ...body, simulate: { ...body.simulate, tag } };
}

/**
 * Calls of clients, so many a second, of every kind; each is awaited or left, and counted by its status. Each tells the
 * vendor a tag, by which its books are laid beside the ledger; only one that is translated cannot.
 */
export class Load {
  /** Calls by status; 0: without one. */
  readonly statuses = new Map<number, number>();
  /** Calls that were not made, because too many were under way. */
  skipped = 0;
  inFlight = 0;
  /** The tag of each call whose id its client has learned. */
  readonly tags = new Map<string, string>();
  readonly #maidan: RunningMaidan;
  readonly #perSecond: number;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: MOST_IN_FLIGHT });
  #timer: NodeJS.Timeout | undefined;
  #state: number;
  #keys = 0;
  #calls = 0;

  constructor(maidan: RunningMaidan, perSecond: number, seed: number) {
    this.#maidan = maidan;
    this.#perSecond = perSecond;
    this.#state = seed >>> 0 || 1;
  }

  start(): void {
    const began = performance.now();
    let made = 0;
    this.#timer = setInterval(() => {
      const due = Math.floor(((performance.now() - began) * this.#perSecond) / 1_000);
      // After a pause of the whole machine the rate goes on; what was missed is not made up for.
      if (due - made > this.#perSecond) made = due - this.#perSecond;
      for (; made < due; made++) void this.#call();
    }, 10);
  }

  /** No more calls; resolves when those under way have ended, and no connection is open any more. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    const ended = async (): Promise<void> => {
      while (this.inFlight > 0) await sleep(50);
    };
    try {
      // Every client leaves after its patience; some seconds more for a machine that is busy.
      await within(PATIENCE_MS / 1_000 + 40, () => `${this.inFlight} calls of clients`, ended());
    } finally {
      this.inFlight = 0;
      this.#agent.destroy();
    }
  }

  /** One of each kind. */
  async warm(): Promise<void> {
    for (const [, make] of KINDS) await this.#send(make(this));
  }

  below(below: number): number {
    // xorshift: the same load for the same seed
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return Math.floor(((this.#state >>> 0) / 2 ** 32) * below);
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  /** A new key, or one of the last ones again. */
  idempotencyKey(): string {
    if (this.below(3) > 0) this.#keys += 1;
    return `soak-${this.#keys - this.below(Math.min(3, this.#keys + 1))}`;
  }

  async #call(): Promise<void> {
    if (this.inFlight >= MOST_IN_FLIGHT) {
      this.skipped += 1;
      return;
    }
    let roll = this.below(100);
    const kind = KINDS.find(([share]) => {
      roll -= share;
      return roll < 0;
    })!;
    this.inFlight += 1;
    const { status } = await this.#send(kind[1](this));
    this.inFlight -= 1;
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
  }

  async #send({ path, payer = this.pick(TEAMS), headers, body, ...order }: Order): Promise<RawAnswer> {
    const authorization = `Bearer sk-test-${payer}`;
    this.#calls += 1;
    // The same key must come with the same body.
    const tag = `${payer} ${headers?.["idempotency-key"] ?? this.#calls}`;
    const answer = await send(`${this.#maidan.address}${path}`, {
      agent: this.#agent,
      leaveAfterMs: PATIENCE_MS,
      ...order,
      body: typeof body === "string" || !PASSED.includes(path) ? body : withTag(body, tag),
      headers: { authorization, ...headers },
    });
    const call = answer.headers["x-maidan-call"];
    if (typeof call === "string") this.tags.set(call, tag);
    return answer;
  }
}
