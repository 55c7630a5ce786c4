import { setTimeout as sleep } from "node:timers/promises";
import type { Admin } from "../../tests/harness/maidan.ts";
import type { RawRequest } from "../../tests/harness/requests.ts";

/** Waits no longer than so many seconds, and then says what for. What is waited for is not stopped. */
export async function within<T>(seconds: number, what: () => string, work: Promise<T>): Promise<T> {
  const over = new AbortController();
  const late = sleep(seconds * 1_000, undefined, { signal: over.signal }).then(() => {
    throw new Error(`waited ${seconds} s for ${what()}`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    over.abort();
    late.catch(() => {});
  }
}

/** The text of an answer of the operators' API; the connection is left where it takes longer than so many seconds. */
export async function ask(admin: Admin, path: string, seconds: number, request: RawRequest = {}): Promise<string> {
  const { status, body, broken } = await admin.raw(path, { ...request, leaveAfterMs: seconds * 1_000 });
  const text = body.toString();
  if (broken) throw new Error(`${path}: no whole answer in ${seconds} s, or the connection broke (status ${status})`);
  if (status < 200 || status > 299) throw new Error(`${path}: ${status} ${text.slice(0, 500)}`);
  return text;
}
