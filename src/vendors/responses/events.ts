import type { Fault } from "../../base/faults.ts";

/** An event of a response's stream. */
export function eventOf(type: string, fields: object): Buffer {
  return Buffer.from(`event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`);
}

/** An error inside a stream, as clients of this protocol expect it. */
export function errorEvent(fault: Fault, message: string, number: number): Buffer {
  const { code, param = null } = fault;
  return eventOf("error", { code, message, param, sequence_number: number });
}
