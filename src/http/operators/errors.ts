import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import { FAULTS, Fault } from "../../base/faults.ts";
import { type Language, languageOfHeader } from "../../base/language.ts";
import { httpWords } from "../../base/messages/http.ts";
import { operatorWords } from "../../base/messages/operators.ts";
import { nearest } from "../../base/nearest.ts";

/** An error as every operator sees it: the shape of the clients' errors, and what machines may want beside it. */
export function answerFault(c: Context, fault: Fault, fallback: Language): Response {
  const language = languageOfHeader(c.req.header("accept-language"), fallback);
  const { code, param, details, retryAfterMs } = fault;
  const body = {
    error: { ...details, message: fault.text(language), type: FAULTS[code].type, param: param ?? null, code },
  };
  c.header("x-maidan-origin", fault.origin);
  c.header("content-language", language);
  if (retryAfterMs !== undefined) c.header("retry-after", String(Math.ceil(retryAfterMs / 1000)));
  return c.json(body, FAULTS[code].status);
}

/** Whatever was thrown, as a fault that may be shown. What nobody expected is told to `report`, not to the caller. */
export function faultOf(error: unknown, report: (cause: unknown) => void): Fault {
  if (error instanceof Fault) return error;
  if (error instanceof HTTPException) {
    if (error.status === 415) return new Fault("invalid_request", operatorWords.jsonType());
    if (error.status === 400) return new Fault("invalid_request", operatorWords.notJson());
  }
  if (isBrokenOff(error)) return new Fault("invalid_request", httpWords.bodyBrokenOff(), { cause: error });
  report(error);
  return new Fault("internal_error", operatorWords.internal(), { cause: error });
}

/** What Node throws where the client goes away before its body is complete. */
function isBrokenOff(error: unknown): boolean {
  return error instanceof Error && error.message === "aborted" && "code" in error && error.code === "ECONNRESET";
}

const API = "/api/v1/";

interface Declared {
  readonly method: string;
  /** As declared: `/api/v1/payers/{id}`. */
  readonly path: string;
}

/** What is wrong with a path or method that nothing is declared for: 405 with the right methods, or 404 with the nearest. */
export function missingPath(
  method: string,
  path: string,
  declared: readonly Declared[],
): { fault: Fault; allow: string[] } {
  const allow = [...new Set(declared.filter((one) => matches(one.path, path)).map((one) => one.method.toUpperCase()))];
  if (allow.length > 0) {
    return { fault: new Fault("method_not_allowed", operatorWords.wrongMethod(method, path, allow)), allow };
  }
  // What all paths have in common would make any of them look near.
  const begin = path.startsWith(API) ? API : "";
  const known = new Set(declared.map((one) => fillIn(one.path, path)).filter((one) => one.startsWith(begin)));
  const near = nearest(
    path.slice(begin.length),
    [...known].map((one) => one.slice(begin.length)),
  ).map((one) => begin + one);
  return {
    fault: new Fault("not_found", operatorWords.unknownPath(method, path, near), { details: { nearest: near } }),
    allow,
  };
}

function matches(pattern: string, path: string): boolean {
  const wanted = pattern.split("/");
  const given = path.split("/");
  return wanted.length === given.length && wanted.every((step, i) => step.startsWith("{") || step === given[i]);
}

/** The declared path with the ids of the one that was asked for: what its writer may have meant. */
function fillIn(pattern: string, path: string): string {
  const given = path.split("/");
  return pattern
    .split("/")
    .map((step, i) => (step.startsWith("{") && given[i] ? given[i] : step))
    .join("/");
}
