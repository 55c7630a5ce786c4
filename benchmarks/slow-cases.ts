/** Many slow streams at once: what is sent, and what is measured of it. */

/** Between two chunks of one stream. */
export const INTERVAL_MS = 500;
/** Digits of a time in nanoseconds, so that every chunk is of the same length. */
export const TIME_DIGITS = 20;
export const TIME_MARK = "@";

/** The body of a request for a stream of so many chunks. */
export function slowRequest(model: string, chunks: number): string {
  return JSON.stringify({
    model,
    messages: [{ role: "user", content: "Who pays for the lanterns of the square?" }],
    stream: true,
    user: `chunks=${chunks}`,
  });
}

/** One order to the client. */
export interface SlowOrder {
  readonly port: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly model: string;
  readonly streams: number;
  /** Over which the streams begin, evenly. */
  readonly openMs: number;
  /** For which all are open and measured. */
  readonly measureMs: number;
}

/** Milliseconds from the upstream's write of a chunk to the client's read of it. */
export interface SlowResult {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
  readonly chunks: number;
  /** Streams that had begun when the measuring did, and those that came to their own end. */
  readonly begun: number;
  readonly ended: number;
  readonly failure: string | undefined;
}
