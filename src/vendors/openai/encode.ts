import { clampsFor } from "../clamps.ts";
import { type Splice, scanFields, skipSpace, splice } from "../json-fields.ts";
import type { Changes, FieldSpan, ModelRequest, Operation, Quirks, Target, WireRequest } from "../spec.ts";
import { clampFields } from "./clamp.ts";
import { compose } from "./compose.ts";
import { LENGTH_FIELDS } from "./request.ts";

const PATHS: Readonly<Record<Operation | "models", string>> = {
  chat: "/chat/completions",
  embeddings: "/embeddings",
  images: "/images/generations",
  models: "/models",
};
const NO_BODY = Buffer.alloc(0);

/** The request as the vendor shall have it: of a client that speaks this protocol, its own bytes but for `changes`. */
export function encode(request: ModelRequest, changes: Changes, target: Target): WireRequest {
  return {
    method: "POST",
    path: target.quirks.paths?.[request.operation] ?? PATHS[request.operation],
    headers: headersOf(target, request.stream),
    ...writeBody(request, changes, target.quirks),
  };
}

type Written = Pick<WireRequest, "body" | "adjusted">;

function writeBody(request: ModelRequest, changes: Changes, quirks: Quirks): Written {
  const { dialect, body, fields, stream } = request;
  if (dialect.id === "openai") return fitted(body, fields, changePieces(request, changes, quirks), changes, quirks);
  const composed = compose(request.content(), stream, changes, quirks);
  return fitted(composed, undefined, [], changes, quirks);
}

/** The body with `pieces` changed, and what else this vendor wants otherwise. */
function fitted(
  body: Buffer,
  known: ReadonlyMap<string, FieldSpan> | undefined,
  pieces: Splice[],
  { model }: Changes,
  { clamps, defaults }: Quirks,
): Written {
  const rules = clampsFor(clamps, model);
  if (!rules && !defaults) return { body: splice(body, pieces) };
  const fields = known ?? scanFields(body);
  const brace = skipSpace(body, 0);
  const changed = new Set(pieces.map(({ start }) => start));
  const clamped = rules && clampFields(body, fields, brace, rules, changed);
  pieces.push(...(clamped?.pieces ?? []));
  for (const [name, value] of Object.entries(defaults ?? {})) {
    if (!fields.has(name)) pieces.push(insertion(brace, `${JSON.stringify(name)}:${JSON.stringify(value)}`, fields));
  }
  const adjusted = clamped?.adjusted ?? [];
  return { body: splice(body, pieces), ...(adjusted.length > 0 && { adjusted }) };
}

/** A request that costs nothing: the list of models. */
export function probe(target: Target): WireRequest {
  return {
    method: "GET",
    path: target.quirks.paths?.models ?? PATHS.models,
    headers: authorize(target, "application/json"),
    body: NO_BODY,
  };
}

/** The headers of a target are the same for every request: made once, and never changed. */
function headersOf(target: Target, stream: boolean): Readonly<Record<string, string>> {
  const made = stream ? STREAM_HEADERS : BODY_HEADERS;
  let headers = made.get(target);
  if (headers) return headers;
  headers = authorize(target, stream ? "text/event-stream" : "application/json");
  headers["content-type"] ??= "application/json";
  made.set(target, Object.freeze(headers));
  return headers;
}

const STREAM_HEADERS = new WeakMap<Target, Record<string, string>>();
const BODY_HEADERS = new WeakMap<Target, Record<string, string>>();

/** Headers that the operator set win over those that the protocol sets. */
function authorize(target: Target, accept: string): Record<string, string> {
  const headers: Record<string, string> = { accept };
  const { apiKey } = target.credentials;
  const { keyHeader } = target.quirks;
  if (apiKey) {
    if (keyHeader === undefined || keyHeader.toLowerCase() === "authorization") {
      headers.authorization = `Bearer ${apiKey}`;
    } else headers[keyHeader.toLowerCase()] = apiKey;
  }
  for (const name in target.headers) headers[name.toLowerCase()] = target.headers[name]!;
  return headers;
}

function changePieces(request: ModelRequest, changes: Changes, quirks: Quirks): Splice[] {
  const pieces: Splice[] = [];
  if (changes.model !== request.model) {
    const { start, end } = request.fields.get("model")!;
    pieces.push({ start, end, text: JSON.stringify(changes.model) });
  }
  if (changes.maxOutputTokens !== undefined) limitLength(request, changes.maxOutputTokens, quirks, pieces);
  if (changes.includeUsage && request.stream && !request.wantsUsage && !quirks.noStreamOptions) {
    askForUsage(request, pieces);
  }
  return pieces;
}

/** Lowers every length that the request names; names one where it names none. */
function limitLength(request: ModelRequest, tokens: number, quirks: Quirks, pieces: Splice[]): void {
  let named = false;
  for (const field of LENGTH_FIELDS) {
    const span = request.fields.get(field);
    const spelling = span ? request.body.toString("latin1", span.start, span.end) : "null";
    if (spelling === "null") continue;
    named = true;
    const length = Number(spelling);
    if (length < 0 || length > tokens) pieces.push({ ...span!, text: String(tokens) });
  }
  if (!named) setField(request, quirks.maxOutputField ?? "max_tokens", String(tokens), pieces);
}

function askForUsage(request: ModelRequest, pieces: Splice[]): void {
  const options = request.fields.get("stream_options");
  if (!options || request.body[options.start] !== OPEN_BRACE) {
    setField(request, "stream_options", '{"include_usage":true}', pieces);
    return;
  }
  const known = scanFields(request.body, options.start);
  const asked = known.get("include_usage");
  if (asked) pieces.push({ ...asked, text: "true" });
  else pieces.push(insertion(options.start, '"include_usage":true', known));
}

const OPEN_BRACE = 0x7b;

/** Replaces the value of a top-level field, or puts the field first. */
function setField(request: ModelRequest, field: string, value: string, pieces: Splice[]): void {
  const span = request.fields.get(field);
  if (span) pieces.push({ ...span, text: value });
  else pieces.push(insertion(skipSpace(request.body, 0), `"${field}":${value}`, request.fields));
}

/** Puts a field first into the object that begins at `brace`. */
function insertion(brace: number, field: string, known: ReadonlyMap<string, FieldSpan>): Splice {
  return { start: brace + 1, end: brace + 1, text: known.size > 0 ? `${field},` : field };
}
