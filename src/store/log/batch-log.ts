import { closeSync, fdatasync, write, writeSync } from "node:fs";
import type { Durability } from "../../config/environment.ts";
import type { Batch } from "../batch.ts";
import { encodeFrame } from "./frames.ts";
import type { LogStretch } from "./log-applier.ts";
import { LOG_FILE_BYTES, LOG_FILES, NEEDS_SYNC, openLogFile, reserveLogFile, syncFolder } from "./log-files.ts";

export interface BatchLogOptions {
  readonly folder: string;
  readonly durability: Durability;
  /** The number of the newest frame that was ever written: all of them are in the tables. */
  readonly newest: number;
  /** Makes the file large at once: worth its time for a server, not for one command. */
  readonly reserve: boolean;
  /** Asks for a stretch to be brought into the tables; answered by `applied`, in order. */
  readonly apply: (stretch: LogStretch) => void;
  /** The batch under way is durable. */
  readonly onDurable: () => void;
  readonly onFailure: (cause: unknown) => void;
  /** The file has grown long: the next batch should be a fresh one, for the other file. */
  readonly onLong: () => void;
}

/** So long after a batch it is brought into the tables, where no more come … */
const LINGER_MS = 100;
/** … and at once where so many bytes wait. */
const LINGER_BYTES = 1024 * 1024;

/** A frame so small, with nothing beside it, is written at once where the disk took no longer for the last one. */
const BRIEF_BYTES = 1_024;
const QUICK_MS = 0.4;

interface Waiting {
  readonly number: number;
  readonly resolve: () => void;
}

/**
 * The newest batches of a ledger, one behind the other in a file: a batch is durable as soon as it stands here, after a
 * single write. Into the tables they are brought later, many in one transaction, by the thread that writes those.
 *
 * One batch is under way at a time, as the journal has it.
 */
export class BatchLog {
  readonly #options: BatchLogOptions;
  readonly #descriptors: readonly number[];
  /** The file that is written, the number of its first frame, and where its next one begins. */
  #file = 0;
  #since: number;
  #end = 0;
  /** The newest frame that is durable here, and the newest that is in the tables. */
  #written: number;
  #applied: number;
  /** Of the file: so far it was asked to be brought into the tables. */
  #asked = 0;
  #asks = 0;
  /** Not all that stands in the other file is durable in the tables. */
  #otherIsNeeded = false;
  /** The first batch of the other file waits for it. */
  #held: Batch | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** The last write. */
  #tookMs = 0;
  #failed = false;
  #isClosed = false;
  #waiting: Waiting[] = [];
  #finished: ((durable: boolean) => void) | undefined;

  constructor(options: BatchLogOptions) {
    const { folder, durability, newest, reserve } = options;
    this.#options = options;
    if (reserve) for (const file of LOG_FILES.keys()) reserveLogFile(folder, file);
    this.#descriptors = LOG_FILES.map((_, file) => openLogFile(folder, file, durability));
    if (durability === "disk") syncFolder(folder);
    this.#written = newest;
    this.#applied = newest;
    this.#since = newest + 1;
  }

  /** Answered by `onDurable` or `onFailure`. @param isFresh see `GroupJournal`: only such a batch may be the first of a file */
  append(batch: Batch, isFresh: boolean): void {
    if (this.#failed) return;
    if (this.#isClosed) {
      this.#break(new Error("the store is closed"));
      return;
    }
    if (isFresh && this.#end >= LOG_FILE_BYTES) {
      if (this.#otherIsNeeded) {
        this.#held = batch;
        return;
      }
      this.#turnOver();
    }
    const frame = encodeFrame(batch, this.#since, this.#written + 1);
    if (this.#options.durability === "process" || this.#isQuick(frame)) this.#writeHere(frame);
    else this.#writeElsewhere(frame);
  }

  /** Resolves when all that is durable is in the tables; undefined where it is. */
  caughtUp(): Promise<void> | undefined {
    const number = this.#written;
    if (this.#failed || this.#applied >= number) return undefined;
    return new Promise((resolve) => {
      this.#waiting.push({ number, resolve });
      if (this.#asks === 0) this.#ask(false);
    });
  }

  /** Makes all of it durable in the tables; false where that failed. Nothing is appended any more. */
  async finish(): Promise<boolean> {
    await this.caughtUp();
    if (this.#failed) return false;
    return new Promise((resolve) => {
      this.#finished = resolve;
      this.#ask(true);
    });
  }

  /** A stretch is in the tables. */
  applied({ number, final }: Pick<LogStretch, "number" | "final">): void {
    this.#asks -= 1;
    this.#applied = number;
    const waiting = this.#waiting;
    this.#waiting = waiting.filter((one) => one.number > number);
    for (const one of waiting) if (one.number <= number) one.resolve();
    if (final) {
      this.#finished?.(true);
      this.#useOther();
    }
    if (this.#asks > 0 || this.#failed) return;
    if (this.#waiting.length > 0 || this.#end - this.#asked >= LINGER_BYTES) this.#ask(false);
    else this.#linger();
  }

  /** Nothing more is promised: nobody waits for ever. */
  fail(): void {
    this.#failed = true;
    clearTimeout(this.#timer);
    for (const { resolve } of this.#waiting) resolve();
    this.#waiting = [];
    this.#finished?.(false);
  }

  /** When nothing is under way; nothing can be appended any more. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const descriptor of this.#descriptors) closeSync(descriptor);
  }

  /** Whether the disk takes no longer for it than it takes to hand it to another thread and to be told by that. */
  #isQuick(frame: Buffer): boolean {
    return frame.length <= BRIEF_BYTES && this.#tookMs <= QUICK_MS && !NEEDS_SYNC;
  }

  #writeHere(frame: Buffer): void {
    const began = performance.now();
    const descriptor = this.#descriptors[this.#file]!;
    try {
      for (let at = 0; at < frame.length; ) at += writeSync(descriptor, frame, at, frame.length - at, this.#end + at);
    } catch (error) {
      this.#break(error);
      return;
    }
    this.#tookMs = performance.now() - began;
    this.#isWritten(frame.length);
  }

  #writeElsewhere(frame: Buffer): void {
    const began = performance.now();
    writeDurably(this.#descriptors[this.#file]!, frame, this.#end, (error) => {
      this.#tookMs = performance.now() - began;
      if (error) this.#break(error);
      else this.#isWritten(frame.length);
    });
  }

  #isWritten(bytes: number): void {
    this.#end += bytes;
    this.#written += 1;
    if (this.#end >= LOG_FILE_BYTES) this.#options.onLong();
    if (this.#asks === 0) {
      if (this.#end - this.#asked >= LINGER_BYTES) this.#ask(false);
      else this.#linger();
    }
    this.#options.onDurable();
  }

  #break(error: unknown): void {
    this.fail();
    this.#options.onFailure(error);
  }

  #linger(): void {
    if (this.#timer || this.#end === this.#asked) return;
    this.#timer = setTimeout(() => this.#ask(false), LINGER_MS);
  }

  #ask(final: boolean): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!final && this.#end === this.#asked) return;
    this.#asks += 1;
    this.#options.apply({ file: this.#file, from: this.#asked, to: this.#end, number: this.#written, final });
    this.#asked = this.#end;
  }

  /** From now on the other file is written. */
  #turnOver(): void {
    this.#ask(true);
    this.#otherIsNeeded = true;
    this.#file = 1 - this.#file;
    this.#since = this.#written + 1;
    this.#end = 0;
    this.#asked = 0;
  }

  #useOther(): void {
    this.#otherIsNeeded = false;
    const batch = this.#held;
    this.#held = undefined;
    if (batch) this.append(batch, true);
  }
}

function writeDurably(
  descriptor: number,
  bytes: Buffer,
  position: number,
  done: (error: Error | undefined) => void,
): void {
  write(descriptor, bytes, 0, bytes.length, position, (error, written) => {
    if (error) done(error);
    else if (written < bytes.length) writeDurably(descriptor, bytes.subarray(written), position + written, done);
    else if (NEEDS_SYNC) fdatasync(descriptor, (failure) => done(failure ?? undefined));
    else done(undefined);
  });
}
