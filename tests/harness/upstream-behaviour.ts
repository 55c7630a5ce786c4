/** How the simulated vendor answers, and what it says it served. Shared by its process and by the tests. */

export type Failure =
  /** 500 before anything was served. */
  | "error"
  /** 429, with `retry-after`. */
  | "rate_limit"
  /** 503. */
  | "overloaded"
  /** 401: the vendor refuses the gateway's own credential. */
  | "unauthorized"
  /** 400, with the vendor's own message. */
  | "bad_request"
  /** The connection is reset before the head of an answer. */
  | "reset"
  /** Nothing comes, ever. */
  | "hang"
  /** Half a stream comes, then nothing. */
  | "hang_midway"
  /** 200, and a body that is no answer. */
  | "garbage"
  /** Half an answer comes, then the connection closes. */
  | "cut"
  /** `content-length` promises more than comes. */
  | "promises_more"
  /** `content-length` promises less than comes. */
  | "promises_less"
  /** A stream that reports an error in its middle, and ends. */
  | "error_event";

export interface Behaviour {
  /** Counted from the body (a token for four bytes) where not set. */
  readonly inputTokens?: number;
  readonly cachedInputTokens?: number;
  /** Visible tokens of each choice; a request's `max_tokens` ends an answer earlier, as with real vendors. */
  readonly outputTokens?: number;
  readonly reasoningTokens?: number;
  readonly firstByteMs?: number;
  readonly betweenChunksMs?: number;
  readonly failure?: Failure;
  /** Only the first so many requests of this model fail; the following succeed. */
  readonly failures?: number;
  readonly retryAfterSeconds?: number;
  /** Whether usage is reported at all. */
  readonly reportsUsage?: boolean;
  /** Every chunk of a stream carries `"usage":null`, as some vendors have it. */
  readonly nullUsage?: boolean;
  /** What is billed when the client closes a stream early. */
  readonly billsOnAbort?: "generated" | "full";
  readonly lineEnding?: "\n" | "\r\n";
  /** SSE comments between the events. */
  readonly comments?: boolean;
  /** Answer with a call of the first tool of the request. */
  readonly callsTool?: boolean;
}

/** Tokens by the vendor's own count, in classes that do not overlap. */
export interface Counted {
  readonly input: number;
  readonly cachedInput: number;
  readonly output: number;
  readonly reasoning: number;
}

/**
 * One request, as the vendor has it in its books. `served`: answered in full. `aborted`: the client closed a stream
 * early. `refused`: an error status, nothing billed. `broken`: the vendor itself broke off.
 */
export interface TallyRow {
  /** As sent in `x-request-id`. */
  readonly id: string;
  readonly model: string;
  /** What the test wrote into the request's `simulate.tag`. */
  readonly tag: string | undefined;
  readonly stream: boolean;
  readonly state: "running" | "served" | "aborted" | "refused" | "broken";
  /** What is billed for it; nothing while it runs, or when it was refused. */
  readonly billed: Counted | undefined;
  /** Milliseconds on the vendor's monotonic clock at which the request had come. */
  readonly at: number;
}

/** The very bytes of one request and of its answer. */
export interface ExchangedBytes {
  readonly path: string;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly request: string;
  readonly answer: string;
}

export interface UpstreamOptions {
  /** Behaviours of models by name; `*` is the one of all others. */
  readonly models?: Readonly<Record<string, Behaviour>>;
  /** Rows of the tally are appended here as JSON lines, each before the bytes that it speaks of leave. */
  readonly tallyFile?: string;
  /** The credential that the vendor expects; default: any. */
  readonly apiKey?: string;
}

/** What a request may say in its own body, in the field `simulate`, to steer the vendor for itself alone. */
export interface Simulate extends Behaviour {
  readonly tag?: string;
}
