import { callWords } from "../base/messages/call.ts";
import type {
  AnswerFacts,
  AnswerHeaders,
  AnswerSink,
  Exchange,
  ModelRequest,
  Passage,
  Protocol,
  Quirks,
  StreamFollower,
  TransformFactory,
} from "../vendors/spec.ts";
import { reclassify, VendorFault } from "../vendors/vendor-fault.ts";
import type { Deadlines, Expiring } from "./deadlines.ts";
import type { CallSink } from "./spec.ts";

const ERROR_BODY_BYTES = 64 * 1024;
const NO_CHUNKS: Buffer[] = [];

/** How an exchange with a vendor came out. */
export type Answer =
  /** A whole answer. What is left of it (`last`) waits for the ledger. */
  | { readonly kind: "stream"; readonly follower: StreamFollower }
  | { readonly kind: "body"; readonly body: Buffer; readonly facts: AnswerFacts }
  /** The vendor said no, or was never reached: nothing was served. */
  | { readonly kind: "refused"; readonly fault: VendorFault }
  /** Sent, and no answer, half of one or a strange one came back. `facts`: of a whole answer that is no stream. */
  | {
      readonly kind: "broken";
      readonly fault: VendorFault;
      readonly follower: StreamFollower | undefined;
      readonly facts?: AnswerFacts | undefined;
    }
  /** Closed by Maidan: the client went away, or the budget had no room for more. */
  | { readonly kind: "stopped"; readonly why: "client" | "budget"; readonly follower: StreamFollower };

export interface RelayOptions {
  readonly protocol: Protocol;
  /** The way of the answer's bytes to this client: untouched or translated. */
  readonly passage: Passage;
  readonly request: ModelRequest;
  readonly model: string;
  readonly sink: CallSink;
  /** The client asked for no usage chunk: it is taken out. */
  readonly dropUsage: boolean;
  readonly eventBytes: number;
  readonly answerBytes: number;
  /** Codes by which this vendor means something of its own, and the class of error that they mean. */
  readonly errorCodes: Quirks["errors"];
  readonly clientStallMs: number;
  /** performance.now() at which the call's time runs out, which was `callMs` long. */
  readonly deadline: number;
  readonly deadlines: Deadlines;
  readonly callMs: number;
  readonly transform: TransformFactory | undefined;
  /** What a client's going away does to a stream. */
  readonly onDisconnect: "drain" | "abort";
  /** Bytes of the stream to keep for a replay, at most; 0 for none. */
  readonly keepBytes: number;
  /** Called at the first byte of a stream that goes to the client. */
  readonly start: (headers: AnswerHeaders) => void;
  /** Called after each piece of a stream; false when no more can be held for it. */
  readonly afford: ((follower: StreamFollower) => boolean) | undefined;
}

/**
 * The vendor's answer on its way to the client. Streams pass piece by piece, whole events at once and untouched, and
 * slow clients slow the vendor down; buffered answers are gathered. Whatever the vendor does, `done` resolves once; it
 * rejects only for a defect of Maidan's own.
 */
export class Relay implements AnswerSink, Expiring {
  place = 0;
  readonly done: Promise<Answer>;
  #resolve!: (answer: Answer) => void;
  #reject!: (defect: unknown) => void;
  readonly #options: RelayOptions;
  #exchange: Exchange | undefined;
  #finished = false;
  #status = 0;
  #headers: AnswerHeaders = {};
  #follower: StreamFollower | undefined;
  #chunks: Buffer[] = NO_CHUNKS;
  #gathered = 0;
  #kept: Buffer[] | undefined;
  #keptBytes = 0;
  #started = false;
  #clientGone = false;
  #stall: NodeJS.Timeout | undefined;
  /** Milliseconds (performance clock) at which the first byte of the answer came. */
  firstByteAt: number | undefined;

  constructor(options: RelayOptions) {
    this.#options = options;
    if (options.keepBytes > 0) this.#kept = [];
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** The exchange that this relay hears of, and watches the time of; to be told before anything can happen on it. */
  attach(exchange: Exchange): void {
    this.#exchange = exchange;
    if (this.#finished) exchange.abort();
    else this.#options.deadlines.add(this);
  }

  /** Whether a byte has reached the client: from then on the call cannot move to another vendor. */
  get started(): boolean {
    return this.#started;
  }

  get headers(): AnswerHeaders {
    return this.#headers;
  }

  /** What went to the client so far, for a replay; undefined when nothing is kept or it became too long. */
  get kept(): Buffer[] | undefined {
    return this.#kept;
  }

  onHead(status: number, headers: AnswerHeaders): void {
    this.#status = status;
    this.#headers = headers;
    const { protocol, passage, request, dropUsage, eventBytes, transform } = this.#options;
    if (status < 200 || status > 299 || !request.stream) return;
    if (!(protocol.isStream ? protocol.isStream(headers) : isEventStream(headers))) return;
    const options = { dropUsage, eventBytes, choices: request.choices };
    try {
      if (transform) {
        const decoder = passage.decodeStream(options);
        decoder.transform(transform);
        this.#follower = decoder;
      } else {
        this.#follower = passage.followStream(options);
      }
    } catch (error) {
      this.#giveUp(error);
    }
  }

  onChunk(chunk: Buffer): void {
    if (this.#finished) return;
    this.firstByteAt ??= performance.now();
    try {
      if (this.#follower) this.#follow(this.#follower, chunk);
      else this.#gather(chunk);
    } catch (error) {
      this.#giveUp(error);
    }
  }

  onEnd(): void {
    if (this.#finished) return;
    const follower = this.#follower;
    try {
      if (follower?.close) this.#passLast(follower);
      if (!follower) this.#finishBody();
      else if (follower.fault) this.#fail(follower.fault);
      else if (follower.finished || follower.ended) this.#finish({ kind: "stream", follower });
      else this.#fail(this.#brokenOff());
    } catch (error) {
      this.#giveUp(error);
    }
  }

  onFail(fault: VendorFault): void {
    if (!this.#finished) this.#fail(fault);
  }

  /** The client went away: read on to the end, or close, as the rule says. Buffered answers are always read on. */
  leave(): void {
    if (this.#finished || this.#clientGone) return;
    this.#clientGone = true;
    clearTimeout(this.#stall);
    if (this.#follower && this.#options.onDisconnect === "abort") {
      this.#stop("client", this.#follower);
    } else {
      this.#exchange?.resume();
    }
  }

  get deadline(): number {
    return this.#options.deadline;
  }

  /** Gives up, because the call's own time has run out. */
  expire(): void {
    if (this.#finished) return;
    this.#exchange?.abort();
    const seconds = Math.round(this.#options.callMs / 1000);
    this.#fail(new VendorFault(callWords.callTimeout(seconds), { errorClass: "timeout", charged: "unknown" }));
  }

  #follow(follower: StreamFollower, chunk: Buffer): void {
    const passed = follower.push(chunk);
    // An error that comes with text before it in one piece is an error in the middle all the same.
    if (follower.fault && !this.#started && !(passed && follower.textBytes > 0)) {
      this.#exchange?.abort();
      this.#fail(follower.fault);
      return;
    }
    if (passed) this.#pass(passed);
    const affordable = this.#options.afford?.(follower) ?? true;
    if (follower.ended) {
      if (follower.fault) this.#fail(follower.fault);
      else this.#finish({ kind: "stream", follower });
    } else if (this.#clientGone && this.#options.onDisconnect === "abort") this.#stop("client", follower);
    else if (!affordable) this.#stop("budget", follower);
  }

  /** What a stream lets go only now that the vendor has closed. */
  #passLast(follower: StreamFollower): void {
    const passed = follower.close?.();
    if (passed && (this.#started || !follower.fault)) this.#pass(passed);
  }

  #pass(bytes: Buffer): void {
    if (!this.#started) {
      this.#started = true;
      this.#options.start(this.#headers);
    }
    this.#keep(bytes);
    if (this.#clientGone) return;
    // A vendor may hand over a little more after it was asked to pause: then the client is waited for already.
    if (this.#options.sink.write(bytes) || this.#stall) return;
    this.#exchange?.pause();
    this.#stall = setTimeout(() => this.#stalled(), this.#options.clientStallMs);
    this.#options.sink.drained(() => {
      clearTimeout(this.#stall);
      this.#stall = undefined;
      if (!this.#finished && !this.#clientGone) this.#exchange?.resume();
    });
  }

  /** The client has not read for too long: it counts as gone, and must not take what it got for the whole answer. */
  #stalled(): void {
    if (this.#finished || this.#clientGone) return;
    this.#options.sink.cut();
    this.leave();
  }

  #keep(bytes: Buffer): void {
    if (!this.#kept) return;
    this.#keptBytes += bytes.length;
    if (this.#keptBytes > this.#options.keepBytes) this.#kept = undefined;
    else this.#kept.push(Buffer.from(bytes));
  }

  #gather(chunk: Buffer): void {
    const isError = this.#status < 200 || this.#status > 299;
    this.#gathered += chunk.length;
    if (this.#gathered <= (isError ? ERROR_BODY_BYTES : this.#options.answerBytes)) {
      if (this.#chunks === NO_CHUNKS) this.#chunks = [chunk];
      else this.#chunks.push(chunk);
      return;
    }
    this.#exchange?.abort();
    if (isError) this.#finishBody();
    else
      this.#fail(this.#fault("server_error", callWords.answerTooLarge(this.#options.model, this.#options.answerBytes)));
  }

  #finishBody(): void {
    const { protocol, passage, request, transform, model } = this.#options;
    const body = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    if (this.#status < 200 || this.#status > 299) {
      this.#fail(protocol.readError(this.#status, this.#headers, body));
      return;
    }
    const facts = passage.readAnswer(request.operation, body);
    if (request.stream) {
      const fault = this.#fault("server_error", callWords.notAStream(model));
      this.#finish({ kind: "broken", fault, follower: undefined, facts });
      return;
    }
    const shown = transform
      ? passage.transformAnswer(body, transform)
      : passage.translateAnswer
        ? passage.translateAnswer(body)
        : body;
    this.#finish({ kind: "body", body: shown, facts });
  }

  #brokenOff(): VendorFault {
    return this.#fault("server_error", callWords.broken(this.#options.model));
  }

  #fault(errorClass: "server_error", text: ReturnType<typeof callWords.broken>): VendorFault {
    return new VendorFault(text, { errorClass, charged: "unknown", vendorStatus: this.#status });
  }

  /** What was thrown on the way: by the vendor's fault, or by ours. */
  #giveUp(error: unknown): void {
    this.#exchange?.abort();
    if (error instanceof VendorFault) {
      this.#fail(error);
      return;
    }
    this.#close();
    this.#chunks = NO_CHUNKS;
    this.#reject(error);
  }

  #close(): void {
    if (this.#finished) return;
    this.#finished = true;
    if (this.#exchange) this.#options.deadlines.remove(this);
    clearTimeout(this.#stall);
  }

  #fail(told: VendorFault): void {
    const fault = reclassify(told, this.#options.errorCodes);
    const nothing = fault.charged === "nothing" && !this.#started;
    this.#finish(nothing ? { kind: "refused", fault } : { kind: "broken", fault, follower: this.#follower });
  }

  #stop(why: "client" | "budget", follower: StreamFollower): void {
    this.#exchange?.abort();
    this.#finish({ kind: "stopped", why, follower });
  }

  #finish(answer: Answer): void {
    this.#close();
    // A paused exchange would keep its connection for ever: what the vendor still sends (its last chunk) is read away.
    this.#exchange?.resume();
    this.#chunks = NO_CHUNKS;
    this.#resolve(answer);
  }
}

function isEventStream(headers: AnswerHeaders): boolean {
  const type = headers["content-type"];
  return typeof type === "string" && type.startsWith("text/event-stream");
}
