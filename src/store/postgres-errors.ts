import { Fault } from "../base/faults.ts";
import { storeWords } from "../base/messages/ledger.ts";

/** Of a statement that surely changed nothing, and may succeed when it is tried again. */
const CONFLICTS = new Set(["40001" /* serialization_failure */, "40P01" /* deadlock_detected */]);

/** When it is worth while to try again: servers are stopped and started in seconds. */
const AWAY_MS = 2_000;

/** Classes of errors that will be the same however often one tries: wrong values, wrong statements, damage. */
const FINAL_CLASSES = new Set(["0A", "21", "22", "23", "42", "XX"]);

/** The five characters of SQLSTATE, or what Node calls the error of a socket. */
export function codeOf(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === "string" ? code : undefined;
}

function sqlStateOf(error: unknown): string | undefined {
  const code = codeOf(error);
  return code !== undefined && /^[0-9A-Z]{5}$/.test(code) && "severity" in (error as object) ? code : undefined;
}

/** The statement, or its whole transaction, lost against another one: it changed nothing, and may be tried again. */
export function isConflict(error: unknown): boolean {
  return CONFLICTS.has(sqlStateOf(error) ?? "");
}

/** The connection is gone, or of no use: a server that stops, restarts, has no room, or may only be read by now. */
export function isLostConnection(error: unknown): boolean {
  const state = sqlStateOf(error);
  if (state === undefined) return isOfDriver(error);
  return /^(?:08|53|57P|58|25006)/.test(state);
}

/** What whoever asked is told: that a database was lost is no defect, and another try may find it again. */
export function shownFault(error: unknown): unknown {
  if (!isLostConnection(error)) return error;
  return new Fault("overloaded", storeWords.databaseAwayNow(sayOf(error)), { retryAfterMs: AWAY_MS, cause: error });
}

/** Neither a complaint of the server nor a mistake of this program: the driver or the network failed. */
function isOfDriver(error: unknown): boolean {
  return codeOf(error) !== undefined || /connection|timeout|client/i.test((error as Error | undefined)?.message ?? "");
}

/** Trying again is of no use. */
export function isFinal(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state === undefined ? !isOfDriver(error) : FINAL_CLASSES.has(state.slice(0, 2));
}

/** What an error says, in one line: what hides several (one for each address of a host) says the first. */
export function sayOf(error: unknown): string {
  const { message, errors } = (error ?? {}) as { message?: string; errors?: readonly unknown[] };
  if (message) return message;
  return errors && errors.length > 0 ? sayOf(errors[0]) : (codeOf(error) ?? String(error));
}

/**
 * Why a store cannot be opened.
 *
 * @param place host, port and database, never a password, which `pg` does not repeat; empty where the URL names none
 */
export function openingFault(error: unknown, place: string): Fault {
  if (error instanceof Fault) return error;
  const text = wordsFor(sqlStateOf(error), place, sayOf(error));
  return new Fault("internal_error", text, { cause: error });
}

function wordsFor(state: string | undefined, place: string, cause: string): ReturnType<typeof storeWords.fenced> {
  switch (state) {
    case "28P01":
    case "28000":
      return storeWords.databaseRefuses(place, cause);
    case "3D000":
      return storeWords.databaseMissing(place);
    case "42501":
      return storeWords.databaseForbids(place, cause);
    case undefined:
      return place === "" ? storeWords.databaseUrlUnusable(cause) : storeWords.databaseUnreachable(place, cause);
    default:
      return storeWords.databaseUnusable(place, cause);
  }
}
