import type { ReaderPool } from "./reader-pool.ts";
import type { StatementResult, ThreadError } from "./statements.ts";
import { type BatchOutcome, type DatabasePort, type SourcedBatch, StoreError, type ThreadRequest } from "./thread.ts";

/** A way to another process: messages are copied, and arrive in order. */
export interface Channel {
  send(message: unknown): void;
  onMessage(listener: (message: unknown) => void): void;
  /** The other process is gone. */
  onClose(listener: () => void): void;
}

/** What a process asks of the one that owns the store. */
export interface RemoteQuestion extends ThreadRequest {
  readonly store: "writer" | "reader";
}

export type RemoteMessage = RemoteQuestion | ({ readonly store: "batch" } & Pick<SourcedBatch, "batch">);

export interface RemoteAnswer {
  readonly store: "answer";
  readonly id: number;
  readonly result?: StatementResult;
  readonly error?: ThreadError;
}

export type RemoteOutcome = { readonly store: "outcome" } & Omit<BatchOutcome, "source">;

/** Lets other processes use the store of this one: it passes on what they ask, and the answers. */
export class StoreHub {
  readonly #writer: DatabasePort;
  readonly #readers: ReaderPool;
  readonly #channels = new Map<number, Channel>();
  #lastSource = 0;

  constructor(writer: DatabasePort, readers: ReaderPool) {
    this.#writer = writer;
    this.#readers = readers;
  }

  /** Serves a process until it is gone. */
  serve(channel: Channel): void {
    const source = ++this.#lastSource;
    this.#channels.set(source, channel);
    channel.onClose(() => this.#channels.delete(source));
    channel.onMessage((message) => {
      if (isOfStore(message)) void this.#hear(source, channel, message);
    });
  }

  /** What became of another process's batch. */
  tell({ source, ...outcome }: BatchOutcome): void {
    this.#channels.get(source)?.send({ store: "outcome", ...outcome } satisfies RemoteOutcome);
  }

  async #hear(source: number, channel: Channel, message: RemoteMessage): Promise<void> {
    if (message.store === "batch") {
      this.#writer.post({ source, batch: message.batch } satisfies SourcedBatch);
      return;
    }
    const { id, ask, sql, parameters, inside } = message;
    try {
      const port = message.store === "writer" ? this.#writer : this.#readers.pick();
      const result = await port.ask(ask, sql, parameters, inside);
      channel.send({ store: "answer", id, result } satisfies RemoteAnswer);
    } catch (error) {
      const { message: text } = error as Error;
      const sqliteCode = error instanceof StoreError ? error.sqliteCode : undefined;
      channel.send({ store: "answer", id, error: { message: text, sqliteCode } } satisfies RemoteAnswer);
    }
  }
}

function isOfStore(message: unknown): message is RemoteMessage {
  return typeof message === "object" && message !== null && "store" in message;
}
