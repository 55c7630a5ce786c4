import { type Splice, scanFields, splice } from "../json-fields.ts";
import { isObject, parseJson } from "../json-values.ts";
import type { FieldSpan, ShownCost } from "../spec.ts";

/** Events of this protocol: a name, and a JSON object whose `type` is the same name. */

export function writeEvent(name: string, fields: object): Buffer {
  return Buffer.from(`event: ${name}\ndata: ${JSON.stringify({ type: name, ...fields })}\n\n`);
}

/** Where the payload stands in an event (one character a byte) with one line of data; undefined in others. */
export function payloadSpan(event: string): FieldSpan | undefined {
  const mark = event.search(DATA);
  if (mark < 0) return undefined;
  const start = mark + DATA.exec(event)![0].length;
  const rest = event.slice(start);
  const length = rest.search(/[\r\n]|$/);
  return DATA.test(rest.slice(length)) ? undefined : { start, end: start + length };
}

const DATA = /(?<=^|[\r\n])data: ?/;

/** The JSON object that an event (one character a byte) carries, or undefined. */
export function parsePayload(payload: string | undefined): Record<string, unknown> | undefined {
  if (payload === undefined) return undefined;
  const read = parseJson(Buffer.from(payload, "latin1").toString("utf8"));
  return isObject(read) ? read : undefined;
}

/** An event with `"cost"` and `"cost_currency"` in its usage: clients of this protocol read on past fields they do not know. */
export function withCost(event: Buffer, cost: ShownCost): Buffer {
  const span = payloadSpan(event.toString("latin1"));
  if (!span) return event;
  const usage = scanFields(event, span.start).get("usage");
  if (!usage || event[usage.start] !== 0x7b) return event;
  const known = scanFields(event, usage.start);
  const pieces: Splice[] = [];
  let added = "";
  for (const [name, value] of [
    ["cost", cost.amount],
    ["cost_currency", JSON.stringify(cost.currency)],
  ] as const) {
    const place = known.get(name);
    if (place) pieces.push({ ...place, text: value });
    else added += `,"${name}":${value}`;
  }
  const end = usage.end - 1;
  if (added !== "") pieces.push({ start: end, end, text: known.size > 0 ? added : added.slice(1) });
  return splice(event, pieces);
}
