import type { Text } from "../base/language.ts";
import { transportWords as words } from "../base/messages/transports.ts";
import type { VendorErrorClass } from "./spec.ts";
import { VendorFault } from "./vendor-fault.ts";
import { WIRE_CODES } from "./wire-error.ts";

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
    cause: error,
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
  [WIRE_CODES.connectTimeout]: ({ address, connectMs }) => timeout(words.noConnection(address, connectMs)),
  [WIRE_CODES.malformed]: ({ address }) => server(words.notHttp(address)),
  [WIRE_CODES.headTooLarge]: ({ address, headBytes }) => server(words.headTooLarge(address, headBytes)),
  [WIRE_CODES.shut]: ({ address }) => server(words.shut(address)),
  [WIRE_CODES.unsendable]: ({ address }) => server(words.unsendable(address, WIRE_CODES.unsendable)),
};

const CLOSED: ReadonlySet<string> = new Set(["ECONNRESET", "EPIPE", WIRE_CODES.closed]);
const CERTIFICATE_CODES = /^(ERR_TLS_|ERR_SSL_|EPROTO$|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/;

/** The code of an error; of several tries at several addresses, the first one's. */
function codeOf(error: unknown): string {
  const { code, errors, name } = error as { code?: unknown; errors?: unknown; name?: unknown };
  if (typeof code === "string") return code;
  if (Array.isArray(errors) && errors.length > 0) return codeOf(errors[0]);
  return typeof name === "string" ? name : "Error";
}
