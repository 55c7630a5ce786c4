import { FAULTS, type Fault } from "../../base/faults.ts";
import type { JsonObject } from "../json-values.ts";
import { singlePayload } from "../sse.ts";
import { failureOf } from "./answer-shape.ts";

/** An event of a response's stream. */
export function eventOf(type: string, fields: object): Buffer {
  return Buffer.from(`event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`);
}

/**
 * How OpenAI ends a response that fails: an `error`, by which its own clients know, and `response.failed`, which others wait for. The
 * error's fields stand in `error`, where its servers put them, and beside it, where its documentation has them.
 *
 * @param response what the events so far have shown of it
 */
export function failureEvents(fault: Fault, message: string, number: number, response: JsonObject): Buffer {
  const { code, param = null } = fault;
  const error = { type: FAULTS[code].type, code, message, param };
  return Buffer.concat([
    eventOf("error", { code, message, param, error, sequence_number: number }),
    eventOf("response.failed", {
      response: { ...response, ...failureOf(code, message) },
      sequence_number: number + 1,
    }),
  ]);
}

/** Where the payload stands in an event (one character a byte) that is one line of `data:`, with or without its name before. */
export function payloadSpan(event: string): { readonly start: number; readonly end: number } | undefined {
  const skipped = /^event:[^\r\n]*(?:\r\n|\n|\r)/.exec(event)?.[0].length ?? 0;
  const at = singlePayload(event.slice(skipped));
  return at && { start: skipped + at.start, end: skipped + at.end };
}
