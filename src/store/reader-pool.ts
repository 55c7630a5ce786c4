import type { DatabaseThread } from "./thread.ts";

/** Threads that read. Each is started when it is first needed: one report may be long, and short questions do not wait for it. */
export class ReaderPool {
  readonly #start: () => DatabaseThread;
  readonly #most: number;
  #threads: DatabaseThread[] = [];
  #closed = false;

  constructor(start: () => DatabaseThread, most: number) {
    this.#start = start;
    this.#most = most;
  }

  /** The thread that has the least to do. */
  pick(): DatabaseThread {
    let least: DatabaseThread | undefined;
    for (const thread of this.#threads) if (!least || thread.depth < least.depth) least = thread;
    if (least && (least.depth === 0 || this.#threads.length >= this.#most)) return least;
    if (this.#closed) throw new Error("the store is closed");
    const thread = this.#start();
    // A thread that was lost is replaced by the next question.
    thread.onFatal = () => {
      this.#threads = this.#threads.filter((other) => other !== thread);
    };
    this.#threads.push(thread);
    return thread;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }
}
