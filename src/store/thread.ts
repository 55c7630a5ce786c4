import { Worker } from "node:worker_threads";
import type { Batch } from "./batch.ts";
import type { LogStretch } from "./log/log-applier.ts";
import type { StatementResult, ThreadError } from "./statements.ts";

/** What a database thread is asked, beside batches. Each question has one answer with its id. */
export interface ThreadRequest {
  readonly id: number;
  readonly ask: "run" | "begin" | "commit" | "rollback" | "fold" | "close";
  readonly sql: string;
  readonly parameters: readonly unknown[];
  /** Part of the transaction that is open. */
  readonly inside: boolean;
}

export interface ThreadAnswer {
  readonly id: number;
  readonly result?: StatementResult;
  readonly error?: ThreadError;
  /** The disk failed: nothing more can be promised. */
  readonly fatal?: boolean;
  /** A batch was refused: its seat is another node's. */
  readonly fenced?: boolean;
}

/** A batch on its way to the one who writes, and what became of it. */
export interface SourcedBatch {
  /** The process that sends it: 0 for the one that owns the store. */
  readonly source: number;
  readonly batch: Batch;
}

/** A stretch of the log to be brought into the tables … */
export interface LogMessage {
  readonly stretch: LogStretch;
}

/** … and that it is there. */
export interface LogAnswer {
  readonly applied: LogStretch;
}

export interface BatchOutcome {
  readonly source: number;
  readonly error?: ThreadError;
  /** Refused: its seat is another node's. */
  readonly fenced?: boolean;
}

/** A database's complaint, as it came from a thread. */
export class StoreError extends Error {
  readonly sqliteCode: number | undefined;
  readonly awayMs: number | undefined;

  constructor(error: ThreadError) {
    super(error.message);
    this.name = "StoreError";
    this.sqliteCode = error.sqliteCode;
    this.awayMs = error.awayMs;
  }
}

interface Waiting {
  readonly resolve: (result: StatementResult) => void;
  readonly reject: (error: unknown) => void;
}

const NOTHING: StatementResult = { rows: [], changes: 0 };

/** The way to a database connection that lives elsewhere. Questions are answered in order. */
export interface DatabasePort {
  /** Questions without an answer yet. */
  readonly depth: number;
  /** Hears what is no answer to a question: the outcome of batches. */
  onMessage: (message: unknown) => void;
  /** Told once when the connection is lost or its disk failed. */
  onFatal: (cause: unknown) => void;
  post(message: unknown): void;
  ask(
    ask: ThreadRequest["ask"],
    sql?: string,
    parameters?: readonly unknown[],
    inside?: boolean,
  ): Promise<StatementResult>;
  close(): Promise<void>;
}

/** A thread with one database connection. */
export class DatabaseThread implements DatabasePort {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #dead: unknown;
  /** Hears what is no answer to a question: the outcome of batches. */
  onMessage: (message: unknown) => void = () => {};
  /** Told once when the thread is lost or its disk failed. */
  onFatal: (cause: unknown) => void = () => {};

  /** @param name the worker's file in this folder, without its ending. From source, Node must read TypeScript. */
  constructor(name: string, options: Readonly<Record<string, unknown>>) {
    const ending = import.meta.url.endsWith(".ts") ? ".ts" : ".js";
    this.#worker = new Worker(new URL(`./${name}${ending}`, import.meta.url), { workerData: options });
    this.#worker.on("message", (message: unknown) => this.#hear(message));
    this.#worker.on("error", (cause) => this.#die(cause));
    this.#worker.on("exit", (code) => this.#die(new Error(`the store's thread "${name}" ended (${code})`)));
  }

  /** Questions without an answer yet. */
  get depth(): number {
    return this.#waiting.size;
  }

  post(message: unknown): void {
    this.#worker.postMessage(message);
  }

  ask(
    ask: ThreadRequest["ask"],
    sql = "",
    parameters: readonly unknown[] = [],
    inside = false,
  ): Promise<StatementResult> {
    if (this.#dead !== undefined) return Promise.reject(this.#dead);
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, ask, sql, parameters, inside } satisfies ThreadRequest);
    });
  }

  /** Answers what was asked before, then ends. */
  async close(): Promise<void> {
    if (this.#dead === undefined) await this.ask("close").catch(() => NOTHING);
    this.#dead ??= new Error("the store is closed");
    await this.#worker.terminate();
  }

  #hear(message: unknown): void {
    const { id, result, error, fatal } = message as ThreadAnswer;
    const waiting = typeof message === "object" ? this.#waiting.get(id) : undefined;
    if (!waiting) {
      this.onMessage(message);
      return;
    }
    this.#waiting.delete(id);
    if (error) waiting.reject(new StoreError(error));
    else waiting.resolve(result ?? NOTHING);
    if (error && fatal) this.#die(new StoreError(error));
  }

  #die(cause: unknown): void {
    if (this.#dead !== undefined) return;
    this.#dead = cause;
    for (const { reject } of this.#waiting.values()) reject(cause);
    this.#waiting.clear();
    this.onFatal(cause);
  }
}
