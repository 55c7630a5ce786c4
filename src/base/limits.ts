/** Every bound of Maidan, with its default. Operators set them in the declarative file under `limits`. */
export interface Limits {
  /** Bytes of a client's request body. */
  readonly bodyBytes: number;
  /** Bytes of all headers of a request or an answer. */
  readonly headerBytes: number;
  /** Bytes of one event of a stream. */
  readonly eventBytes: number;
  /** Bytes of a buffered answer of a vendor. */
  readonly answerBytes: number;
  /** Bytes of an answer kept for an `Idempotency-Key`; a longer one is not kept. */
  readonly keptAnswerBytes: number;
  /** How long an answer is kept for an `Idempotency-Key`. */
  readonly keptAnswerMs: number;
  /** To open a connection to a vendor. */
  readonly connectMs: number;
  /** From sending a request to the first byte of the answer. */
  readonly firstByteMs: number;
  /** Between two pieces of an answer. */
  readonly betweenBytesMs: number;
  /** A whole call, all attempts and waits included. */
  readonly callMs: number;
  /** How long a client that does not read may hold a stream up. */
  readonly clientStallMs: number;
  /** Attempts in one call. */
  readonly attempts: number;
  /** Calls in flight on a node; above it new ones are told to come back. */
  readonly callsInFlight: number;
  /** Ledger rows waiting for the disk. */
  readonly journalQueue: number;
  /** How long a database on another machine may be away before nothing more is promised and the process stops. */
  readonly storeAwayMs: number;
  /** How long a call that does not fit beside the holds in flight waits for them to settle. */
  readonly holdWaitMs: number;
  /** Calls waiting for room in budgets. */
  readonly holdWaiters: number;
  /** How long a node that shares the store may give no sign of life before another takes its seat away. */
  readonly nodeSilenceMs: number;
  /** Fewer output tokens than this are no useful answer: the call is refused instead. */
  readonly usefulOutputTokens: number;
  /** Assumed longest answer of a model that does not say. */
  readonly unknownOutputTokens: number;
  /** Output tokens held at first, and by each top-up, where a stream is held in steps. */
  readonly stepOutputTokens: number;
  /** Rows of one page of a list. */
  readonly pageRows: number;
  /** Rows of one report, before it is cut into pages. */
  readonly reportRows: number;
  /** Bytes of a declarative file. */
  readonly fileBytes: number;
}

export const DEFAULT_LIMITS: Limits = {
  bodyBytes: 20 * 1024 * 1024,
  headerBytes: 32 * 1024,
  eventBytes: 4 * 1024 * 1024,
  answerBytes: 64 * 1024 * 1024,
  keptAnswerBytes: 4 * 1024 * 1024,
  keptAnswerMs: 24 * 3_600_000,
  connectMs: 10_000,
  firstByteMs: 120_000,
  betweenBytesMs: 60_000,
  callMs: 900_000,
  clientStallMs: 120_000,
  attempts: 4,
  callsInFlight: 10_000,
  journalQueue: 100_000,
  storeAwayMs: 60_000,
  holdWaitMs: 30_000,
  holdWaiters: 10_000,
  nodeSilenceMs: 10_000,
  usefulOutputTokens: 16,
  unknownOutputTokens: 32_768,
  stepOutputTokens: 1_024,
  pageRows: 1_000,
  reportRows: 200_000,
  fileBytes: 4 * 1024 * 1024,
};
