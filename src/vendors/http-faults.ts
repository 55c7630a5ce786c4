import type { Text } from "../base/language.ts";
import { transportWords as words } from "../base/messages/transports.ts";
import type { VendorErrorClass } from "./spec.ts";
import { VendorFault } from "./vendor-fault.ts";

/**
 * What a failed exchange means. Whether the vendor may bill it does not depend on the error but on one fact: `sent`, that
 * the first byte of the request was handed to a connection. Before that the vendor surely knows nothing of it; after
 * that nobody here can tell, not even where a kept-alive connection closed without a byte of answer.
 */
export function faultOfFailure(error: unknown, sent: boolean, place: Place): VendorFault {
  if (error instanceof VendorFault) return error;
  const code = codeOf(error);
  const [errorClass, text] = readFailure(code, sent, place);
  return new VendorFault(text, {
    errorClass,
    charged: sent ? "unknown" : "nothing",
    details: { address: place.address, cause: code },
    // A parser's error carries the bytes it choked on: an answer must not reach a log.
    ...(code !== NOT_HTTP && { cause: error }),
  });
}

/** Where requests go, and the bounds of the connections there. */
export interface Place {
  /** An origin, such as `https://api.example.com`. */
  readonly address: string;
  readonly headBytes: number;
  readonly connectMs: number;
}

function readFailure(code: string, sent: boolean, place: Place): Reading {
  const reading = READINGS[code];
  if (reading) return reading(place);
  if (CLOSED.has(code)) return server(sent ? words.closed(place.address) : words.unreachable(place.address, code));
  if (code === NOT_HTTP) return server(words.notHttp(place.address));
  if (CERTIFICATE_CODES.test(code)) return server(words.badCertificate(place.address, code));
  return server(sent ? words.failed(place.address, code) : words.unreachable(place.address, code));
}

type Reading = readonly [VendorErrorClass, Text];

const server = (text: Text): Reading => ["server_error", text];
const timeout = (text: Text): Reading => ["timeout", text];
const hostOf = (place: Place): string => new URL(place.address).hostname;

const READINGS: Readonly<Record<string, (place: Place) => Reading>> = {
  ECONNREFUSED: ({ address }) => server(words.refused(address)),
  ENOTFOUND: (place) => server(words.unknownHost(hostOf(place))),
  EAI_AGAIN: (place) => server(words.unknownHost(hostOf(place))),
  ETIMEDOUT: ({ address }) => timeout(words.unreachable(address, "ETIMEDOUT")),
  UND_ERR_CONNECT_TIMEOUT: ({ address, connectMs }) => timeout(words.noConnection(address, connectMs)),
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: ({ address }) => server(words.wrongLength(address)),
  UND_ERR_HEADERS_OVERFLOW: ({ address, headBytes }) => server(words.headTooLarge(address, headBytes)),
  UND_ERR_CLOSED: ({ address }) => server(words.shut(address)),
  UND_ERR_DESTROYED: ({ address }) => server(words.shut(address)),
  UND_ERR_INVALID_ARG: ({ address }) => server(words.unsendable(address, "UND_ERR_INVALID_ARG")),
  UND_ERR_NOT_SUPPORTED: ({ address }) => server(words.unsendable(address, "UND_ERR_NOT_SUPPORTED")),
};

const NOT_HTTP = "HTTPParserError";
const CLOSED = new Set(["ECONNRESET", "EPIPE", "UND_ERR_SOCKET", "UND_ERR_INFO"]);
const CERTIFICATE_CODES = /^(ERR_TLS_|ERR_SSL_|EPROTO$|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/;

/** The code of an error; of several tries at several addresses, the first one's. */
function codeOf(error: unknown): string {
  const { code, errors, name } = error as { code?: unknown; errors?: unknown; name?: unknown };
  if (typeof code === "string") return code;
  if (Array.isArray(errors) && errors.length > 0) return codeOf(errors[0]);
  return typeof name === "string" ? name : "Error";
}
