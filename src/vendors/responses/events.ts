import { FAULTS, type Fault } from "../../base/faults.ts";
import type { JsonObject } from "../json-values.ts";
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
