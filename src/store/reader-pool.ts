import type { DatabasePort } from "./thread.ts";

/** Whom to ask what is only read. */
export interface Readers {
  pick(): DatabasePort;
}

/** Threads that read. Each is started when it is first needed: one report may be long, and short questions do not wait for it. */
export class ReaderPool implements Readers {
  readonly #start: () => DatabasePort;
  readonly #most: number;
  #threads: DatabasePort[] = [];
  #closed = false;

  constructor(start: () => DatabasePort, most: number) {
    this.#start = start;
    this.#most = most;
  }

  /** The thread that has the least to do. */
  pick(): DatabasePort {
    let least: DatabasePort | undefined;
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
