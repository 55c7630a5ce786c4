import type { Text } from "../base/language.ts";
import { vendorWords } from "../base/messages/vendors.ts";
import { describe, readRetryAfter, redact } from "./openai/vendor-errors.ts";
import type { AnswerHeaders, VendorErrorClass } from "./spec.ts";
import { VendorFault } from "./vendor-fault.ts";

/** An error of a vendor as its own protocol has told it. */
export interface NativeError {
  readonly errorClass: VendorErrorClass;
  /** The HTTP status: 200 where the error hid in an answer. */
  readonly status: number;
  readonly code?: string | undefined;
  /** The vendor's words; credentials in them are blacked out. */
  readonly message: string;
  /** Default: `nothing`. Inside a stream that had begun nobody knows. */
  readonly charged?: "nothing" | "unknown";
  /** Where a hint for a retry may stand. */
  readonly headers?: AnswerHeaders;
  readonly retryAfterMs?: number | undefined;
}

const MESSAGE_CHARACTERS = 1000;

/** The fault of an error that was told in a protocol which no client speaks: its body is not passed on. */
export function nativeFault(error: NativeError): VendorFault {
  const { errorClass, status, code, charged = "nothing", headers = {} } = error;
  const said = redact(error.message).slice(0, MESSAGE_CHARACTERS);
  const retryAfterMs = error.retryAfterMs ?? readRetryAfter(headers, said);
  return new VendorFault(describe(errorClass, status, said), {
    errorClass,
    charged,
    vendorStatus: status,
    vendorCode: code === undefined || code === "" ? undefined : code,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

/** A 2xx answer that is neither an answer nor an error of its protocol: what it cost nobody can tell. */
export function strangeAnswer(text: Text = vendorWords.strangeAnswer()): VendorFault {
  return new VendorFault(text, { errorClass: "server_error", charged: "unknown", vendorStatus: 200 });
}
