import { Fault } from "../base/faults.ts";
import type { Text } from "../base/language.ts";
import { storeWords } from "../base/messages/ledger.ts";
import { type Batch, BatchEncoder, newBatch, sealBatch } from "./batch.ts";
import { Fenced, type Journal, type JournalRow, type Seated } from "./spec.ts";
import { type BatchOutcome, StoreError } from "./thread.ts";

/** All rows that become durable together. */
interface Group {
  readonly batch: Batch;
  rows: number;
  /** Under which it was sent. */
  seat: Seated | undefined;
  /** It describes its circumstances itself, all of them. */
  readonly isFresh: boolean;
  readonly durable: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (cause: unknown) => void;
}

/**
 * Group commit: while one group is on its way to the disk, the next one gathers, and leaves in the very turn of the event loop in
 * which the disk has answered. No timer: under load the disk itself sets the pace, and without load nobody waits for company.
 */
export class GroupJournal implements Journal {
  readonly #post: (batch: Batch, isFresh: boolean) => void;
  /** Rows that may wait before the journal says it is full. */
  limit: number;
  readonly #listeners: ((cause: unknown) => void)[] = [];
  readonly #commitListeners: ((milliseconds: number) => void)[] = [];
  readonly #fenceListeners: (() => void)[] = [];
  #encoder = new BatchEncoder();
  #isFresh = true;
  #renews = false;
  #seat: Seated | undefined;
  #fenced: Fenced | undefined;
  #sentAt = 0;
  #gathering: Group | undefined;
  #committing: Group | undefined;
  #failure: Fault | undefined;
  #scheduled = false;
  readonly #leave = (): void => this.#send();

  /**
   * @param post hands a batch to the one who writes; exactly one of `committed` and `fail` answers it. It is fresh where
   *   it names no circumstances that only an earlier batch describes
   */
  constructor(post: (batch: Batch, isFresh: boolean) => void, limit: number) {
    this.#post = post;
    this.limit = limit;
  }

  get depth(): number {
    return (this.#gathering?.rows ?? 0) + (this.#committing?.rows ?? 0);
  }

  get full(): boolean {
    return this.depth >= this.limit;
  }

  append(row: JournalRow): Promise<void> {
    const refusal = this.#failure ?? this.#fenced;
    if (refusal) return quietly(Promise.reject(refusal));
    const group = (this.#gathering ??= this.#newGroup());
    this.#encoder.add(group.batch, row);
    group.rows += 1;
    // Rows of the same turn of the event loop go together.
    if (!this.#committing) this.#schedule();
    return group.durable;
  }

  sit(seat: Seated): void {
    // What waits was held under an earlier seat, and is in doubt by now: under this one it would count nowhere.
    if (this.#seat) {
      this.#gathering?.reject(new Fenced());
      this.#gathering = undefined;
    }
    this.#seat = seat;
    this.#fenced = undefined;
    this.#encoder = new BatchEncoder(seat);
    this.#isFresh = true;
  }

  /** The next batch that begins to gather shall be fresh. */
  renew(): void {
    if (this.#isFresh) return;
    this.#isFresh = true;
    this.#renews = true;
  }

  onFenced(listener: () => void): void {
    this.#fenceListeners.push(listener);
  }

  onFailure(listener: (cause: unknown) => void): void {
    this.#listeners.push(listener);
  }

  onCommit(listener: (milliseconds: number) => void): void {
    this.#commitListeners.push(listener);
  }

  /** What became of the group under way. */
  answered({ error, fenced }: Pick<BatchOutcome, "error" | "fenced">): void {
    if (fenced) this.fenced();
    else if (error) this.fail(new StoreError(error));
    else this.committed();
  }

  /** The group under way is on the disk. */
  committed(): void {
    const took = performance.now() - this.#sentAt;
    for (const listener of this.#commitListeners) listener(took);
    const group = this.#committing;
    this.#committing = undefined;
    group?.resolve();
    // What others bring in this turn of the event loop goes with it.
    if (this.#gathering) this.#schedule();
  }

  /** The group under way was refused: the seat is another node's. What waits behind it would be, too. */
  fenced(): void {
    const group = this.#committing;
    if (group && group.seat !== this.#seat) {
      // An earlier seat, as is known already.
      this.#committing = undefined;
      group.reject(new Fenced());
      if (this.#gathering) this.#send();
      return;
    }
    this.#fenced = new Fenced();
    this.#abandon(this.#fenced);
    for (const listener of this.#fenceListeners) listener();
  }

  /** The disk or the database failed, or the thread is gone. What waits will never be durable; nothing is tried again. */
  fail(cause: unknown): void {
    if (this.#failure) return;
    const failure = new Fault("internal_error", wordsOf(cause), { cause });
    this.#failure = failure;
    this.#abandon(failure);
    for (const listener of this.#listeners) listener(cause);
  }

  #abandon(refusal: Fault): void {
    this.#committing?.reject(refusal);
    this.#gathering?.reject(refusal);
    this.#committing = undefined;
    this.#gathering = undefined;
  }

  /** Resolves (or rejects) with all that was queued so far; undefined where nothing waits. */
  get queued(): Promise<void> | undefined {
    return (this.#gathering ?? this.#committing)?.durable;
  }

  /** Resolves when all that was queued is durable. */
  async drain(): Promise<void> {
    while (this.queued) await this.queued;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#leave);
  }

  #send(): void {
    this.#scheduled = false;
    const group = this.#gathering;
    if (!group || this.#committing) return;
    this.#gathering = undefined;
    this.#committing = group;
    group.seat = this.#seat;
    this.#sentAt = performance.now();
    if (this.#seat) sealBatch(group.batch, this.#seat);
    this.#post(group.batch, group.isFresh);
  }

  #newGroup(): Group {
    if (this.#renews) this.#encoder = new BatchEncoder(this.#seat);
    this.#renews = false;
    const group = newGroup(this.#isFresh);
    this.#isFresh = false;
    return group;
  }
}

function newGroup(isFresh: boolean): Group {
  let resolve!: () => void;
  let reject!: (cause: unknown) => void;
  const durable = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { batch: newBatch(), rows: 0, seat: undefined, isFresh, durable: quietly(durable), resolve, reject };
}

/** Some rows are appended without waiting: nobody must hear of their failure. Whoever waits still does. */
function quietly(durable: Promise<void>): Promise<void> {
  durable.catch(() => {});
  return durable;
}

function wordsOf(cause: unknown): Text {
  const { message, awayMs } = (cause ?? {}) as Partial<StoreError>;
  const says = message ?? String(cause);
  return awayMs === undefined ? storeWords.diskFailed(says) : storeWords.databaseAway(Math.round(awayMs / 1_000), says);
}
