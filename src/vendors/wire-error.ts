/** Why an exchange failed that no system call has a code for. Operators see the code as `cause`. */
export const WIRE_CODES = {
  /** The other side closed, and its answer was not whole. */
  closed: "HTTP_CLOSED",
  /** An answer that is no HTTP/1.1, or one that could be read in two ways. */
  malformed: "HTTP_MALFORMED",
  headTooLarge: "HTTP_HEAD_TOO_LARGE",
  connectTimeout: "HTTP_CONNECT_TIMEOUT",
  /** The request cannot be written as HTTP/1.1. */
  unsendable: "HTTP_UNSENDABLE",
  /** This side has closed the endpoint. */
  shut: "HTTP_SHUT",
} as const;

export type WireCode = (typeof WIRE_CODES)[keyof typeof WIRE_CODES];

/** Never carries a byte of a request or of an answer: those must not reach a log. */
export class WireError extends Error {
  readonly code: WireCode;

  constructor(code: WireCode) {
    super(code);
    this.name = "WireError";
    this.code = code;
  }
}
