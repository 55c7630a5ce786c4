import type { Fault } from "../base/faults.ts";
import type { Usage } from "../base/usage.ts";
import type { AnswerPiece, PieceReader } from "./answer-pieces.ts";
import type { Clamps } from "./clamps.ts";
import type { RequestContent } from "./conversation.ts";
import type { VendorFault } from "./vendor-fault.ts";

/**
 * The neutral contract between Maidan and a vendor. An adapter is two small things: a `Protocol`, which only
 * translates, and a `Transport`, which only sends. Neither sees the ledger, the client's connection or the store.
 */

export type Operation = "chat" | "embeddings" | "images";

/** A client's request, read once: its bytes as they came, and where in them the fields stand that Maidan looks at. */
export interface ModelRequest {
  readonly operation: Operation;
  /** What the client speaks: the wire protocol of `body`, and of the answer it shall get. */
  readonly dialect: Dialect;
  readonly body: Buffer;
  /** The top-level fields of `body`, in order, each with the bytes its value takes. */
  readonly fields: ReadonlyMap<string, FieldSpan>;
  /** The model as the client named it: a route, or `endpoint/model`. */
  readonly model: string;
  readonly stream: boolean;
  /** Whether the client asked for a usage chunk at the end of its stream. */
  readonly wantsUsage: boolean;
  /** The longest answer the client allows, in tokens, and in which field it said so. */
  readonly maxOutputTokens: number | undefined;
  readonly maxOutputField: string | undefined;
  /** How many answers the client wants at once (`n`). */
  readonly choices: number;
  /** How many input tokens this can be at the most, and a close guess. Both exclude images and audio. */
  readonly inputTokens: { readonly bound: number; readonly estimate: number };
  readonly images: number;
  readonly audioBytes: number;
  /** Texts or token lists of an embeddings request. */
  readonly inputs: number;
  /** The vendor adds to the input what it keeps, such as earlier turns: only the model's context bounds it. */
  readonly unseenInput?: boolean;
  /** Headers of the client that belong to its protocol (`anthropic-beta`), for a vendor that speaks it too. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The request's meaning, for a vendor of another protocol: read from `body` when it is asked for. Throws `invalid_request`. */
  content(): RequestContent;
}

/** Where a field's value stands in the body: `body.subarray(start, end)`. */
export interface FieldSpan {
  readonly start: number;
  readonly end: number;
}

/** What Maidan changes in a request before it is sent; all else passes as it came. */
export interface Changes {
  /** The name that the vendor knows the model by. */
  readonly model: string;
  /** Lower the longest answer to this many tokens. */
  readonly maxOutputTokens?: number;
  /** For protocols that must name a longest answer, where the client names none: one that the hold pays for. */
  readonly unnamedOutputTokens?: number;
  /** Ask the vendor for usage at the end of the stream. */
  readonly includeUsage: boolean;
}

/** One HTTP request to a vendor. In-process vendors answer the same shape. */
export interface WireRequest {
  readonly method: "POST" | "GET";
  /** Path and query, appended to the endpoint's base address. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** What was changed beside `Changes`, because this vendor takes no other: `temperature=1`, `-seed`. Clients are told. */
  readonly adjusted?: readonly string[];
}

/** What a protocol needs to know of an endpoint. */
export interface Target {
  /** Where the endpoint's API begins; some protocols sign it. */
  readonly baseUrl?: string | undefined;
  readonly credentials: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly quirks: Quirks;
}

/** The few declared ways in which a vendor differs from its protocol's original. */
export interface Quirks {
  /** The field that limits an answer's length where the client named none: `max_tokens` or `max_completion_tokens`. */
  readonly maxOutputField?: "max_tokens" | "max_completion_tokens";
  /** The vendor knows no `stream_options`; its streams carry usage (or none) without being asked. */
  readonly noStreamOptions?: boolean;
  /** Paths that differ from the protocol's own, by operation. */
  readonly paths?: Readonly<Partial<Record<Operation | "models", string>>>;
  /** `Authorization: Bearer` unless the vendor wants another header. */
  readonly keyHeader?: string;
  /** Values that it takes no others than. What is changed for them is told in `x-maidan-adjusted`. */
  readonly clamps?: Clamps;
  /** Its business codes that mean something else here than elsewhere, or that nobody else has: looked up before all else. */
  readonly errors?: Readonly<Record<string, VendorErrorClass>>;
  /** Top-level fields of the body that are sent unless the client names them itself, such as `reasoning_split`. */
  readonly defaults?: Readonly<Record<string, string | number | boolean>>;
}

/** How one vendor's wire is written and read. Pure translation: nothing here sends, waits or keeps a state of its own. */
export interface Protocol {
  readonly id: string;
  readonly operations: readonly Operation[];
  /**
   * The bytes for the vendor: the client's own but for `changes` where the client speaks this very protocol, else written
   * from `request.content()`. Throws `VendorFault` (`unsupported`) where the vendor has no way to say it.
   *
   * @param sentAt milliseconds, for signatures
   */
  encode(request: ModelRequest, changes: Changes, target: Target, sentAt: number): WireRequest;
  /** A cheap request that proves address and credential without costing anything: for health and `doctor`. */
  probe(target: Target, sentAt: number): WireRequest;
  /** The error that hides in a 2xx answer to `probe`, where the vendor hides them there. */
  readProbe?(headers: AnswerHeaders, body: Buffer): VendorFault | undefined;
  /** What the vendor meant by an answer that is not 2xx, or by an error hidden in one that is. */
  readError(status: number, headers: AnswerHeaders, body: Buffer): VendorFault;
  /**
   * Reads a buffered answer; `stop` as in `ReadOptions`. Throws `VendorFault` where it is none: `charged: "nothing"` for an error in the place of an answer,
   * `"unknown"` for what is no JSON, was cut, or is neither.
   */
  readPieces(operation: Operation, body: Buffer, stop?: readonly string[]): readonly AnswerPiece[];
  /** Reads a streamed answer. */
  readStream(options: ReadOptions): PieceReader;
  /** False where the vendor cannot be told how long an answer may be: a hold then covers the longest that the model writes. */
  readonly limitsOutput?: boolean;
  /** Whether an answer with these headers is a stream. Default: `text/event-stream`. */
  isStream?(headers: AnswerHeaders): boolean;
  /** The way of untouched bytes, for clients who speak the vendor's own protocol; undefined where no surface does. */
  readonly passage?: OwnPassage;
}

/** How bytes pass untouched. Without the two ways of rewriting texts, these are read and written anew. */
export type OwnPassage = {
  readonly dialect: string;
  readonly counter?: TokenCounter;
} & Pick<Passage, "readAnswer" | "followStream"> &
  Partial<Pick<Passage, "decodeStream" | "transformAnswer">>;

/** Has a vendor count a request's input tokens, which costs nothing. For clients of the vendor's own protocol. */
export interface TokenCounter {
  encode(request: ModelRequest, model: string, target: Target, sentAt: number): WireRequest;
  /** Undefined where the answer holds no count. */
  read(body: Buffer): number | undefined;
}

export interface ReadOptions {
  /** The longest event or line that is taken. */
  readonly eventBytes: number;
  /** The stop sequences of the request, for vendors that show the one they stopped at. */
  readonly stop?: readonly string[];
  /** The model as the vendor knows it, for vendors whose models answer in different ways. */
  readonly model?: string | undefined;
}

/** The way of an answer to the client: the vendor's own bytes, or a translation of them. */
export interface Passage {
  /** Reads a buffered answer: what it used, and what it is called. Throws `VendorFault` where it is no answer at all. */
  readAnswer(operation: Operation, body: Buffer): AnswerFacts;
  /** Follows a streamed answer as it passes. */
  followStream(options: FollowOptions): StreamFollower;
  /** Decodes a streamed answer for transforms that rewrite text. */
  decodeStream(options: FollowOptions): StreamDecoder;
  /** Rewrites the texts of a buffered answer; all else stays as it is. */
  transformAnswer(body: Buffer, factory: TransformFactory): Buffer;
  /** Where the client gets other bytes than the vendor sent: the buffered answer as the client shall have it. */
  translateAnswer?(body: Buffer): Buffer;
  /** The content type for the client, where it is not the vendor's. */
  contentType?(stream: boolean): string;
}

/** How clients of one surface are answered. The counterpart of a `Protocol`: it writes what a protocol has read. */
export interface Dialect {
  readonly id: string;
  /** A buffered answer. `pieces` hold no `fault`. */
  writeAnswer(request: ModelRequest, pieces: readonly AnswerPiece[], naming: Naming): Buffer;
  writeStream(request: ModelRequest, naming: Naming): PieceWriter;
}

/** What a translated answer is called where its vendor does not say. */
export interface Naming {
  /** The call's id. */
  readonly call: string;
  /** `endpoint/model` */
  readonly model: string;
  /** The model as the vendor knows it. */
  readonly upstream?: string;
  /** Milliseconds. */
  readonly at: number;
}

/** Writes a streamed answer in a client's dialect, and keeps back what must wait for the ledger: usage and the end. */
export interface PieceWriter {
  /** The bytes for a piece, where it can go at once. It is given every piece but `usage`, `fault` and `end`. */
  write(piece: AnswerPiece): Buffer | undefined;
  /** The end of a whole answer, with its usage and, where the client asked for usage, its cost. */
  finish(usage: Usage | undefined, cost: ShownCost | undefined): Buffer;
  /** An error in the dialect's own shape, for a stream whose head has been sent. */
  error(fault: Fault, message: string): Buffer;
  /** Ends the choices that are open as if their longest answer had been reached, and then the stream. */
  stop(usage: Usage | undefined): Buffer;
}

export type AnswerHeaders = Readonly<Record<string, string | string[] | undefined>>;

export interface AnswerFacts {
  readonly usage: Usage | undefined;
  /** The vendor itself says that its usage is an estimate. */
  readonly usageEstimated?: boolean;
  /** Bytes of text the model wrote, for an estimate where it reports no usage. */
  readonly textBytes: number;
  readonly finish: string | undefined;
  /** What the vendor itself says it charged, as a decimal string, where it says so. */
  readonly vendorCost?: string | undefined;
}

export interface FollowOptions {
  /** Keep back the usage chunk that only Maidan asked for. */
  readonly dropUsage: boolean;
  readonly eventBytes: number;
  /** How many answers were asked for (`n`): what `stop` has to end. Default 1. */
  readonly choices?: number;
}

/** What a followed stream has shown so far. */
export interface StreamProgress {
  readonly usage: Usage | undefined;
  readonly usageEstimated?: boolean;
  readonly vendorCost: string | undefined;
  /** Pieces of the answer so far, about one a token. */
  readonly events: number;
  /** Bytes of text, reasoning and tool arguments so far. */
  readonly textBytes: number;
  /** The protocol's own end (`[DONE]`) was seen. */
  readonly ended: boolean;
  /** An answer was finished (`finish_reason`), even where the protocol's end is missing. */
  readonly finished: boolean;
  /** The vendor reported an error inside the stream. */
  readonly fault: VendorFault | undefined;
}

/**
 * Watches the vendor's bytes on their way to the client. Whole events pass at once and untouched; the end of the
 * stream (usage chunk, `[DONE]`) is kept back, because the ledger must know the cost first.
 */
export interface StreamFollower extends StreamProgress {
  /** The bytes that may go on now, in order; often the very chunk that came. Throws `VendorFault` at a bound. */
  push(chunk: Buffer): Buffer | undefined;
  /**
   * Everything kept back, once the ledger has settled: the usage chunk with its cost (or without the chunk, as
   * asked), then the protocol's end.
   */
  finish(cost: ShownCost | undefined): Buffer;
  /** An error in the protocol's own shape, for a stream whose head has been sent. */
  error(fault: Fault, message: string): Buffer;
  /** A clean early stop in the protocol's own shape (`finish_reason: "length"`), for a stream that cannot go on. */
  stop(): Buffer;
  /** The vendor has closed. What may go on now that no more comes; read `finished`, `ended` and `fault` after this. */
  close?(): Buffer | undefined;
}

/** A cost as clients see it: `amount` is a decimal. */
export interface ShownCost {
  readonly amount: string;
  readonly currency: string;
}

/** A transform of the answer's text: may hold text back, rewrite it, and let it go later. One for each text of an answer. */
export interface TextTransform {
  /** The text that may go on now. */
  push(text: string): string;
  /** The rest, at the end of the answer. */
  end(): string;
}

/** Makes a transform for one text of an answer: choice 0's `content`, choice 1's `reasoning_content`, … */
export type TransformFactory = (choice: number, field: "content" | "reasoning") => TextTransform;

/** The second path: events decoded, texts rewritten, everything else passed through as raw JSON. */
export interface StreamDecoder extends StreamFollower {
  /** Call before the first `push`. */
  transform(factory: TransformFactory): void;
}

export type VendorErrorClass =
  | "invalid_request"
  /** The vendor's protocol has no way to say what was asked: nothing was sent. A route moves on to its next model. */
  | "unsupported"
  | "context_length"
  | "content_filter"
  | "auth"
  | "permission"
  | "billing"
  | "not_found"
  | "rate_limit"
  | "quota"
  | "overloaded"
  | "timeout"
  | "server_error";

/** Told what comes back of a request. Exactly one of `onEnd` and `onFail` is called, once, and last. */
export interface AnswerSink {
  onHead(status: number, headers: AnswerHeaders): void;
  onChunk(chunk: Buffer): void;
  onEnd(): void;
  onFail(fault: VendorFault): void;
}

export interface SendBounds {
  readonly connectMs: number;
  readonly firstByteMs: number;
  readonly betweenBytesMs: number;
}

/** A request under way. */
export interface Exchange {
  pause(): void;
  resume(): void;
  /** Gives the request up: the vendor sees the connection close. The sink hears nothing more. */
  abort(): void;
}

/** The one way by which requests leave: HTTP, or a vendor inside this process. */
export interface Transport {
  send(request: WireRequest, sink: AnswerSink, bounds: SendBounds): Exchange;
  close(): Promise<void>;
}
