import { isObject, type JsonObject, objectAt, parseJson } from "../json-values.ts";

/** `status` of a frame: 0 the first, 1 one of the middle, 2 the last. */
const LAST = 2;
/** Most frames are not the last, and need not be parsed to know. Inside of a text the quotes would be escaped. */
const MAY_BE_LAST = /"status"\s*:\s*2\b|"code"\s*:\s*-?[1-9]/;

/** Whether nothing follows a frame: the answer ends with it, or it is an error. */
export function isLastFrame(frame: Buffer): boolean {
  if (!MAY_BE_LAST.test(frame.toString("latin1"))) return false;
  const document = parseJson(frame.toString("utf8"));
  return isObject(document) && (endsAnswer(document) || isError(document));
}

export function endsAnswer(document: JsonObject): boolean {
  const { header } = document;
  return isObject(header) && (header.status === LAST || choicesOf(document).status === LAST);
}

export function choicesOf(document: JsonObject): JsonObject {
  return objectAt(objectAt(document, "payload"), "choices");
}

function isError(document: JsonObject): boolean {
  const { code = 0 } = objectAt(document, "header");
  return code !== 0;
}
