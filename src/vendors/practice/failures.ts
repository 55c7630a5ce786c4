import type { Text } from "../../base/language.ts";
import { transportWords, practiceWords as words } from "../../base/messages/transports.ts";
import { BodyScript } from "../inside/body-script.ts";
import { JSON_HEADERS, STREAM_HEADERS } from "../inside/chat-answer.ts";
import type { Script } from "../inside/delivery.ts";
import { VendorFault } from "../vendor-fault.ts";
import type { PracticeFailure } from "./behaviour.ts";

interface Refusal {
  readonly status: number;
  readonly type: string;
  readonly code?: string;
  readonly param?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly firstByteMs?: number;
}

/** An error in OpenAI's shape. A vendor does not know its reader's language: the message is in both. */
export function refuse(text: Text, { status, type, code, param, headers, firstByteMs }: Refusal): Script {
  const message = `${text("en")} ${text("zh")}`;
  const body = JSON.stringify({ error: { message, type, param: param ?? null, code: code ?? null } });
  return new BodyScript(Buffer.from(body), { status, headers: { ...JSON_HEADERS, ...headers }, firstByteMs });
}

export function refuseUnreadable(reason: string, param: string | undefined): Script {
  return refuse(words.malformed(reason), { status: 400, type: "invalid_request_error", param });
}

export function refusePath(path: string): Script {
  return refuse(words.unknownPath(path), { status: 404, type: "invalid_request_error" });
}

export function refuseModel(name: string): Script {
  const shown = name.slice(0, 200);
  const type = "invalid_request_error";
  return refuse(words.unknownModel(shown), { status: 404, type, code: "model_not_found", param: "model" });
}

/** How an answer ends that is cut. */
export function brokenOff(): VendorFault {
  return new VendorFault(transportWords.closed("practice"), { errorClass: "server_error", charged: "unknown" });
}

const GARBAGE = Buffer.from('data: {"id": <html>not an answer\n\n');

/** A failure in which nothing is generated. */
export function fail(
  failure: Exclude<PracticeFailure, "cut">,
  model: string,
  stream: boolean,
  firstByteMs: number,
): Script {
  const text = words.error(model);
  switch (failure) {
    case "error":
      return refuse(text, { status: 500, type: "server_error", firstByteMs });
    case "rate_limit": {
      const headers = { "retry-after": "1" };
      return refuse(text, { status: 429, type: "rate_limit_error", code: "rate_limit_exceeded", headers, firstByteMs });
    }
    case "overloaded":
      return refuse(text, { status: 503, type: "server_error", code: "overloaded", firstByteMs });
    case "garbage":
      return new BodyScript(GARBAGE, { headers: stream ? STREAM_HEADERS : JSON_HEADERS, firstByteMs });
    case "reset":
      return new Silence(firstByteMs, brokenOff());
    case "hang":
      return new Silence(Number.POSITIVE_INFINITY, undefined);
  }
}

/** No answer at all. */
class Silence implements Script {
  readonly head = undefined;
  readonly betweenChunksMs = 0;
  readonly ended = true;
  readonly firstByteMs: number;
  readonly fault: VendorFault | undefined;

  constructor(firstByteMs: number, fault: VendorFault | undefined) {
    this.firstByteMs = firstByteMs;
    this.fault = fault;
  }

  next(): Buffer {
    return Buffer.alloc(0);
  }
}
