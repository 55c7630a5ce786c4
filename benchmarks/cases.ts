/** What is measured, and what of it is kept. */

export type Kind = "buffered" | "stream" | "paced";

export interface Case {
  readonly kind: Kind;
  readonly connections: number;
}

export const CONNECTIONS = [1, 50, 200] as const;
export const KINDS: readonly Kind[] = ["buffered", "stream", "paced"];
export const CASES: readonly Case[] = KINDS.flatMap((kind) =>
  CONNECTIONS.map((connections) => ({ kind, connections })),
);

export const STREAM_CHUNKS = 50;
export const PACE_MS = 4;
export const REQUEST_BYTES = 1_024;
export const ANSWER_BYTES = 2_048;

export const KIND_NAMES: Readonly<Record<Kind, string>> = {
  buffered: "buffered, 1 KB in, 2 KB out",
  stream: `stream, ${STREAM_CHUNKS} chunks at once`,
  paced: `stream, ${STREAM_CHUNKS} chunks ${PACE_MS} ms apart`,
};

/** One order to the load generator. */
export interface LoadOrder {
  readonly port: number;
  /** Headers beyond the usual ones, such as the key. */
  readonly headers: Readonly<Record<string, string>>;
  readonly model: string;
  readonly kind: Kind;
  readonly connections: number;
  readonly milliseconds: number;
  /** Requests a second, whether or not those before were answered; as many as can be where not set. */
  readonly rate?: number;
  /** Whether they come by chance, not evenly spaced. */
  readonly random?: boolean;
}

/** What the load generator saw. Times in milliseconds. */
export interface LoadResult {
  /** Whole answers in `milliseconds`, after the load had settled … */
  readonly completed: number;
  /** … and all of them. */
  readonly total: number;
  readonly failed: number;
  readonly milliseconds: number;
  /** From the request to the whole answer. */
  readonly whole: Quantiles;
  /** From the request to the first byte of the answer's body. */
  readonly first: Quantiles;
  /** What went wrong first, if anything did. */
  readonly failure: string | undefined;
}

export interface Quantiles {
  readonly p50: number;
  readonly p99: number;
}

/** The request's body: exactly `REQUEST_BYTES`. */
export function requestBody(model: string, kind: Kind): Buffer {
  const make = (filling: string): string =>
    JSON.stringify({
      model,
      messages: [
        { role: "system", content: "You answer questions about a town square." },
        { role: "user", content: filling },
      ],
      temperature: 0.5,
      max_tokens: 600,
      ...(kind === "buffered" ? {} : { stream: true }),
      ...(kind === "paced" ? { user: "paced" } : {}),
    });
  const text = "Who pays for the lanterns of the square, and since when? ".repeat(20);
  return Buffer.from(make(text.slice(0, REQUEST_BYTES - make("").length)));
}
