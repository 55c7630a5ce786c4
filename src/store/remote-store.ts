import { Kysely } from "kysely";
import type { Limits } from "../base/limits.ts";
import { GroupJournal } from "./group-journal.ts";
import type { Schema } from "./schema.ts";
import type { Store } from "./spec.ts";
import { ThreadedSqliteDialect } from "./sqlite-dialect.ts";
import type { StatementResult } from "./statements.ts";
import type { Channel, RemoteAnswer, RemoteMessage, RemoteOutcome, RemoteQuestion } from "./store-hub.ts";
import { type DatabasePort, StoreError, type ThreadRequest } from "./thread.ts";

/** The store of another process of this machine, which owns the file: see `StoreHub`. */
export function openRemoteStore(channel: Channel, limits: Pick<Limits, "journalQueue">): Store {
  const questions = new Questions(channel);
  const [writer, reader] = [new RemotePort("writer", questions), new RemotePort("reader", questions)];
  const journal = new GroupJournal(
    (batch) => channel.send({ store: "batch", batch } satisfies RemoteMessage),
    limits.journalQueue,
  );
  questions.onOutcome = (outcome) => journal.answered(outcome);
  channel.onClose(() => {
    const cause = new Error("the process that owns the store is gone");
    questions.abandon(cause);
    journal.fail(cause);
  });
  const query = new Kysely<Schema>({ dialect: new ThreadedSqliteDialect(writer, { pick: () => reader }) });
  const close = async (): Promise<void> => {
    await journal.drain().catch(() => {});
    questions.abandon(new Error("the store is closed"));
  };
  const setLimits = ({ journalQueue }: Pick<Limits, "journalQueue">): void => {
    journal.limit = journalQueue;
  };
  return { engine: "sqlite", query, journal, warnings: [], setLimits, close };
}

interface Waiting {
  readonly resolve: (result: StatementResult) => void;
  readonly reject: (error: unknown) => void;
}

/** Questions that were sent, and wait for their answers. */
class Questions {
  readonly #channel: Channel;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #lost: Error | undefined;
  onOutcome: (outcome: RemoteOutcome) => void = () => {};

  constructor(channel: Channel) {
    this.#channel = channel;
    channel.onMessage((message) => this.#hear(message as RemoteAnswer | RemoteOutcome));
  }

  ask(question: Omit<RemoteQuestion, "id">): Promise<StatementResult> {
    if (this.#lost) return Promise.reject(this.#lost);
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      this.#waiting.set(id, { resolve, reject });
      this.#channel.send({ ...question, id } satisfies RemoteQuestion);
    });
  }

  abandon(cause: Error): void {
    this.#lost = cause;
    for (const { reject } of this.#waiting.values()) reject(cause);
    this.#waiting.clear();
  }

  #hear(message: RemoteAnswer | RemoteOutcome): void {
    if (message.store === "outcome") this.onOutcome(message);
    if (message.store !== "answer") return;
    const { id, result, error } = message;
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error) waiting?.reject(new StoreError(error));
    else waiting?.resolve(result ?? { rows: [], changes: 0 });
  }
}

class RemotePort implements DatabasePort {
  readonly #store: RemoteQuestion["store"];
  readonly #questions: Questions;
  #depth = 0;
  onMessage: (message: unknown) => void = () => {};
  onFatal: (cause: unknown) => void = () => {};

  constructor(store: RemoteQuestion["store"], questions: Questions) {
    this.#store = store;
    this.#questions = questions;
  }

  get depth(): number {
    return this.#depth;
  }

  post(): void {
    throw new TypeError("batches have a way of their own");
  }

  async ask(ask: ThreadRequest["ask"], sql = "", parameters: readonly unknown[] = [], inside = false) {
    this.#depth += 1;
    try {
      return await this.#questions.ask({ store: this.#store, ask, sql, parameters, inside });
    } finally {
      this.#depth -= 1;
    }
  }

  /** The other process keeps its connection. */
  async close(): Promise<void> {}
}
