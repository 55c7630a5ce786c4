import { Fault } from "../base/faults.ts";
import { storeWords } from "../base/messages/ledger.ts";
import { type Batch, BatchEncoder, newBatch } from "./batch.ts";
import type { Journal, JournalRow } from "./spec.ts";
import type { StoreError } from "./thread.ts";

/** All rows that become durable together. */
interface Group {
  readonly batch: Batch;
  rows: number;
  readonly durable: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (cause: unknown) => void;
}

/**
 * Group commit: while one group is on its way to the disk, the next one gathers, and leaves the moment the disk has
 * answered. No timer: under load the disk itself sets the pace, and without load nobody waits for company.
 */
export class GroupJournal implements Journal {
  readonly #post: (batch: Batch) => void;
  readonly #limit: number;
  readonly #listeners: ((cause: unknown) => void)[] = [];
  readonly #commitListeners: ((milliseconds: number) => void)[] = [];
  readonly #encoder = new BatchEncoder();
  #sentAt = 0;
  #gathering: Group | undefined;
  #committing: Group | undefined;
  #failure: Fault | undefined;
  #scheduled = false;
  readonly #leave = (): void => this.#send();

  /**
   * @param post hands a batch to the one who writes; exactly one of `committed` and `fail` answers it
   * @param limit rows that may wait before the journal says it is full
   */
  constructor(post: (batch: Batch) => void, limit: number) {
    this.#post = post;
    this.#limit = limit;
  }

  get depth(): number {
    return (this.#gathering?.rows ?? 0) + (this.#committing?.rows ?? 0);
  }

  get full(): boolean {
    return this.depth >= this.#limit;
  }

  append(row: JournalRow): Promise<void> {
    if (this.#failure) return quietly(Promise.reject(this.#failure));
    const group = (this.#gathering ??= newGroup());
    this.#encoder.add(group.batch, row);
    group.rows += 1;
    // Rows of the same turn of the event loop go together.
    if (!this.#committing && !this.#scheduled) {
      this.#scheduled = true;
      setImmediate(this.#leave);
    }
    return group.durable;
  }

  onFailure(listener: (cause: unknown) => void): void {
    this.#listeners.push(listener);
  }

  onCommit(listener: (milliseconds: number) => void): void {
    this.#commitListeners.push(listener);
  }

  /** The group under way is on the disk. */
  committed(): void {
    const took = performance.now() - this.#sentAt;
    for (const listener of this.#commitListeners) listener(took);
    const group = this.#committing;
    this.#committing = undefined;
    if (this.#gathering) this.#send();
    group?.resolve();
  }

  /** The disk failed, or the thread is gone. What waits will never be durable; nothing is tried again. */
  fail(cause: unknown): void {
    if (this.#failure) return;
    const failure = new Fault("internal_error", storeWords.diskFailed(messageOf(cause)), { cause });
    this.#failure = failure;
    this.#committing?.reject(failure);
    this.#gathering?.reject(failure);
    this.#committing = undefined;
    this.#gathering = undefined;
    for (const listener of this.#listeners) listener(cause);
  }

  /** Resolves when all that was queued is durable. */
  async drain(): Promise<void> {
    while (this.#gathering || this.#committing) await (this.#gathering ?? this.#committing)?.durable;
  }

  #send(): void {
    this.#scheduled = false;
    const group = this.#gathering;
    if (!group || this.#committing) return;
    this.#gathering = undefined;
    this.#committing = group;
    this.#sentAt = performance.now();
    this.#post(group.batch);
  }
}

function newGroup(): Group {
  let resolve!: () => void;
  let reject!: (cause: unknown) => void;
  const durable = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { batch: newBatch(), rows: 0, durable: quietly(durable), resolve, reject };
}

/** Some rows are appended without waiting: nobody must hear of their failure. Whoever waits still does. */
function quietly(durable: Promise<void>): Promise<void> {
  durable.catch(() => {});
  return durable;
}

function messageOf(cause: unknown): string {
  return (cause as StoreError | undefined)?.message ?? String(cause);
}
