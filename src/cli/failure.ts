import type { Text } from "../base/language.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";

/** Why a verb ends early: a text for people, and the code with which the program ends. */
export class Failure extends Error {
  readonly exitCode: ExitCode;
  readonly text: Text;
  /** The error as the gateway wrote it, for `--json`. */
  readonly body: unknown;

  constructor(exitCode: ExitCode, text: Text, options: { readonly body?: unknown; readonly cause?: unknown } = {}) {
    super(text("en"), options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "Failure";
    this.exitCode = exitCode;
    this.text = text;
    this.body = options.body;
  }
}

/** The code for an answer that is an error. */
export function exitCodeOf(status: number, origin: string | undefined): ExitCode {
  if (origin === "vendor" && (status >= 500 || status === 429)) return EXIT.vendor;
  return status < 500 ? EXIT.refused : EXIT.failure;
}
