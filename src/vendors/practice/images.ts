import { UnreadableRequest } from "../inside/question.ts";
import { isObject, parseJson } from "../json-values.ts";

export interface PracticeOrder {
  readonly model: string;
  readonly count: number;
}

/** More at once are refused. */
const MOST_IMAGES = 10;
/** One grey pixel, as a PNG. */
const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/** Throws `UnreadableRequest`. */
export function readImageOrder(body: Buffer): PracticeOrder {
  const document = parseJson(body.toString("utf8"));
  if (!isObject(document)) throw new UnreadableRequest("the body must be a JSON object", undefined);
  const { model, prompt, n = 1 } = document;
  if (typeof model !== "string") throw new UnreadableRequest("model must be a string", "model");
  if (typeof prompt !== "string") throw new UnreadableRequest("prompt must be a string", "prompt");
  const count = n as number;
  if (!Number.isInteger(count) || count < 1 || count > MOST_IMAGES) {
    throw new UnreadableRequest(`n must be a whole number from 1 to ${MOST_IMAGES}`, "n");
  }
  return { model, count };
}

export function writeImages({ count }: PracticeOrder, created: number): Buffer {
  const data = Array.from({ length: count }, () => ({ b64_json: PIXEL }));
  return Buffer.from(JSON.stringify({ created, data }));
}
