import type { Text } from "../../base/language.ts";
import { transportWords as words } from "../../base/messages/transports.ts";
import type { AnswerHeaders, AnswerSink, Exchange, SendBounds } from "../spec.ts";
import { VendorFault } from "../vendor-fault.ts";

/** What a vendor inside this process answers: asked for piece by piece, as the receiver takes it. */
export interface Script {
  /** None where the vendor breaks before any answer. */
  readonly head: { readonly status: number; readonly headers: AnswerHeaders } | undefined;
  /** Milliseconds to the head and the first piece, and between pieces; `Infinity` is never. */
  readonly firstByteMs: number;
  readonly betweenChunksMs: number;
  /** The next bytes. Called only while `ended` is false, and only when they go out at once. */
  next(): Buffer;
  /** Nothing more comes. */
  readonly ended: boolean;
  /** How it ends where it does not end well. */
  readonly fault?: VendorFault | undefined;
  /** Told once, at the very last: `aborted` where the receiver gave up or ran out of patience. */
  close?(aborted: boolean): void;
}

/** Delivers a script to a sink in turns of the event loop: never from inside a call of its receiver. */
export class Delivery implements Exchange {
  readonly #vendor: string;
  readonly #sink: AnswerSink;
  readonly #bounds: SendBounds;
  readonly #onOver: () => void;
  #script: Script | undefined;
  #timer: NodeJS.Timeout | NodeJS.Immediate | undefined;
  #headed = false;
  #paused = false;
  #over = false;
  /** The next step fell due while paused. */
  #due = false;
  /** The next step is the end of the receiver's patience. */
  #late: { readonly text: Text } | undefined;

  /**
   * @param vendor what the vendor is called in messages
   * @param onOver called once, when nothing more will happen
   */
  constructor(vendor: string, sink: AnswerSink, bounds: SendBounds, onOver: () => void) {
    this.#vendor = vendor;
    this.#sink = sink;
    this.#bounds = bounds;
    this.#onOver = onOver;
  }

  begin(script: Script): void {
    if (this.#over) {
      script.close?.(true);
      return;
    }
    this.#script = script;
    this.#schedule();
  }

  /** Ends it in a turn of its own, with a fault instead of an answer. */
  refuse(fault: VendorFault): void {
    this.#timer = setImmediate(() => this.#finish(fault));
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (!this.#due || this.#over) return;
    this.#due = false;
    // What the receiver would not have had the patience for counts anew: it had stopped listening.
    if (this.#late) this.#schedule();
    else this.#timer = setImmediate(() => this.#step());
  }

  abort(): void {
    if (this.#over) return;
    this.#close(true);
  }

  #schedule(): void {
    const script = this.#script!;
    const delay = this.#headed ? script.betweenChunksMs : script.firstByteMs;
    const bound = this.#headed ? this.#bounds.betweenBytesMs : this.#bounds.firstByteMs;
    if (delay > bound) {
      const { noAnswer, stalled } = words;
      this.#late = { text: this.#headed ? stalled(this.#vendor, bound) : noAnswer(this.#vendor, bound) };
    } else {
      this.#late = undefined;
    }
    const wait = Math.min(delay, bound);
    this.#timer = wait > 0 ? setTimeout(() => this.#step(), wait) : setImmediate(() => this.#step());
  }

  #step(): void {
    this.#timer = undefined;
    if (this.#waits()) return;
    if (this.#late) {
      this.#finish(new VendorFault(this.#late.text, { errorClass: "timeout", charged: "unknown" }));
      return;
    }
    const script = this.#script!;
    if (!script.head) {
      this.#finish(script.fault);
      return;
    }
    if (!this.#headed) {
      this.#headed = true;
      this.#sink.onHead(script.head.status, script.head.headers);
      if (this.#over || this.#waits()) return;
    }
    if (!script.ended) this.#sink.onChunk(script.next());
    if (this.#over) return;
    if (!script.ended) this.#schedule();
    else if (!this.#waits()) this.#finish(script.fault);
  }

  #waits(): boolean {
    this.#due = this.#paused && (this.#headed || !this.#late);
    return this.#due;
  }

  #finish(fault: VendorFault | undefined): void {
    this.#close(this.#late !== undefined);
    if (fault) this.#sink.onFail(fault);
    else this.#sink.onEnd();
  }

  #close(aborted: boolean): void {
    this.#over = true;
    clearTimeout(this.#timer as NodeJS.Timeout | undefined);
    clearImmediate(this.#timer as NodeJS.Immediate | undefined);
    this.#script?.close?.(aborted);
    this.#onOver();
  }
}
