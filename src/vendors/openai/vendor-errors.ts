import { systemClock } from "../../base/clock.ts";
import type { Text } from "../../base/language.ts";
import { vendorWords } from "../../base/messages/vendors.ts";
import { parseJson } from "../json-values.ts";
import type { AnswerHeaders, VendorErrorClass } from "../spec.ts";
import { VendorFault } from "../vendor-fault.ts";
import { classify, type ErrorEnvelope } from "./error-classes.ts";
import { isRecord } from "./input-size.ts";

/** Of a longer error body only so much is read and kept. */
const BODY_BYTES = 64 * 1024;
const MESSAGE_CHARACTERS = 1000;
const LONGEST_WAIT_MS = 24 * 3_600_000;

/**
 * What a vendor meant by an answer that is not 2xx, or by an error in the body of one that is. An error status bills
 * nothing. The vendor's body is kept to be passed on, redacted, but not where it refuses Maidan's own credential.
 */
export function readError(status: number, headers: AnswerHeaders, body: Buffer): VendorFault {
  const text = redact(body.toString("utf8", 0, BODY_BYTES));
  const envelope = findEnvelope(parseJson(text));
  const errorClass = classify(status, envelope);
  const said = envelope?.message || titleOf(text);
  return makeFault(errorClass, status, said, {
    envelope,
    retryAfterMs: readRetryAfter(headers, said),
    body: errorClass === "auth" || body.length === 0 || body.length > BODY_BYTES ? undefined : Buffer.from(text),
    charged: "nothing",
  });
}

/** An error that came inside a stream. Nothing is charged for it where the model had written nothing before. */
export function readStreamError(document: unknown, wroteBefore: boolean): VendorFault | undefined {
  const envelope = findEnvelope(document);
  if (!envelope) return undefined;
  const status = /^[45]\d\d$/.test(envelope.code) ? Number(envelope.code) : 200;
  const clean = { ...envelope, message: redact(envelope.message) };
  return makeFault(classify(status, clean), status, clean.message, {
    envelope: clean,
    retryAfterMs: readRetryAfter({}, clean.message),
    body: undefined,
    charged: wroteBefore ? "unknown" : "nothing",
  });
}

interface Facts {
  readonly envelope: ErrorEnvelope | undefined;
  readonly retryAfterMs: number | undefined;
  readonly body: Buffer | undefined;
  readonly charged: "nothing" | "unknown";
}

function makeFault(errorClass: VendorErrorClass, status: number, said: string, facts: Facts): VendorFault {
  const { envelope, retryAfterMs, body, charged } = facts;
  return new VendorFault(describe(errorClass, status, said), {
    errorClass,
    charged,
    vendorStatus: status,
    vendorCode: envelope?.code || envelope?.type || undefined,
    body,
    ...(envelope?.param !== undefined && { param: envelope.param }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

export function describe(errorClass: VendorErrorClass, status: number, said: string): Text {
  // A vendor that refuses a credential likes to quote it.
  if (errorClass === "auth") return vendorWords.auth();
  return (language) => vendorWords[errorClass](said || vendorWords.nothingSaid(status)(language))(language);
}

/** Finds the error in a JSON document, in whichever envelope; undefined where there is none. */
export function findEnvelope(document: unknown): ErrorEnvelope | undefined {
  const value = Array.isArray(document) ? document[0] : document;
  if (!isRecord(value)) return undefined;
  const { error } = value;
  if (isRecord(error) && Object.keys(error).length > 0)
    return envelope(error.message, error.type ?? error.status, error.code, error.param);
  // Ollama writes the text alone; OAuth writes a code here and the text beside it.
  if (typeof error === "string" && error !== "") {
    const beside = value.error_description ?? value.message;
    return typeof beside === "string" ? envelope(beside, undefined, error) : envelope(error, undefined, value.code);
  }
  if (isSet(value.error_code)) return envelope(value.error_msg, undefined, value.error_code);
  const base = value.base_resp;
  if (isRecord(base) && isSet(base.status_code)) return envelope(base.status_msg, undefined, base.status_code);
  if (value.choices !== undefined) return undefined;
  if (value.object === "error") return envelope(value.message, value.type, value.code, value.param);
  if (isSet(value.code) && value.code !== 200) {
    const message = value.message ?? value.msg ?? value.code_msg;
    if (typeof message === "string") return envelope(message, undefined, value.code);
  }
  if (value.detail !== undefined) return envelope(spell(value.detail), undefined, undefined);
  return undefined;
}

function isSet(code: unknown): boolean {
  return (typeof code === "number" && code !== 0) || (typeof code === "string" && code !== "" && code !== "0");
}

function envelope(message: unknown, type: unknown, code: unknown, param?: unknown): ErrorEnvelope {
  return {
    message: spell(message).slice(0, MESSAGE_CHARACTERS),
    type: typeof type === "string" ? type : "",
    code: typeof code === "string" || typeof code === "number" ? String(code) : "",
    param: typeof param === "string" && param !== "" ? param : undefined,
  };
}

function spell(message: unknown): string {
  if (typeof message === "string") return message;
  return message === undefined || message === null ? "" : JSON.stringify(message);
}

/** The title of an HTML page, or the first line of a plain text. */
function titleOf(text: string): string {
  const title = /<title[^>]*>([^<]{1,200})/i.exec(text)?.[1] ?? (/^\s*[<{[]/.test(text) ? "" : text);
  return title.trim().split("\n")[0]!.slice(0, 200).trim();
}

const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/\bBearer\s+[^\s"',}]+/gi, "Bearer [redacted]"],
  [/\b(?:sk|rk|pk|ak|gsk|xai|sess)-[\w.*-]{6,}/gi, "[redacted]"],
  [/\bbce-v3\/[\w./*-]+/gi, "[redacted]"],
  [/\bAIza[\w-]{20,}/g, "[redacted]"],
  [/\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*/g, "[redacted]"],
  [/(api[_ -]?key(?: provided)?["']?\s*[:=]\s*["']?)[\w.*/-]{6,}/gi, "$1[redacted]"],
];

/** Takes out what looks like a credential: some vendors quote the one they refuse. */
export function redact(text: string): string {
  let clean = text;
  for (const [pattern, replacement] of SECRETS) clean = clean.replace(pattern, replacement);
  return clean;
}

/** `retry-after-ms`, `retry-after` in seconds or as a date, or "try again in 1.5s" in the message. */
export function readRetryAfter(headers: AnswerHeaders, said: string): number | undefined {
  const exact = Number.parseFloat(first(headers["retry-after-ms"]) ?? "");
  if (exact >= 0) return bounded(exact);
  const header = first(headers["retry-after"]);
  if (header !== undefined) {
    if (/^\s*\d+(\.\d+)?\s*$/.test(header)) return bounded(Number(header) * 1000);
    // JavaScript takes "-5" for a date, too.
    const date = /[a-z]{3}/i.test(header) ? Date.parse(header) : Number.NaN;
    // The vendor's own clock, where it tells it: this machine's may be off.
    const now = Date.parse(first(headers.date) ?? "");
    if (!Number.isNaN(date)) return bounded(date - (Number.isNaN(now) ? systemClock.now() : now));
  }
  const hint = /try again in (?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)(ms|s))?/i.exec(said);
  if (!hint || (hint[1] ?? hint[2] ?? hint[3]) === undefined) return undefined;
  const [, hours = "0", minutes = "0", rest = "0", unit] = hint;
  return bounded(Number(hours) * 3_600_000 + Number(minutes) * 60_000 + Number(rest) * (unit === "ms" ? 1 : 1000));
}

function first(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}

function bounded(milliseconds: number): number {
  return Math.min(LONGEST_WAIT_MS, Math.max(0, Math.ceil(milliseconds)));
}
