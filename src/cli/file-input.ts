import { readFile } from "node:fs/promises";
import { cliWords as words } from "../base/messages/cli.ts";
import { EXIT } from "./exit-codes.ts";
import { Failure } from "./failure.ts";

/** What people name on the command line may not be longer than this. */
const LONGEST_INPUT_BYTES = 64 * 1024 * 1024;

/** Reads a text file, or standard input for `-`. Throws a `Failure` where it cannot be read. */
export async function readInput(name: string, stdin: NodeJS.ReadableStream): Promise<string> {
  if (name === "-") return readAll(stdin);
  try {
    return await readFile(name, "utf8");
  } catch (cause) {
    throw new Failure(EXIT.failure, words.fileUnreadable(name, (cause as NodeJS.ErrnoException).code ?? "?"), {
      cause,
    });
  }
}

async function readAll(stdin: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stdin) {
    const piece = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    bytes += piece.length;
    if (bytes > LONGEST_INPUT_BYTES) throw new Failure(EXIT.failure, words.inputTooLong(LONGEST_INPUT_BYTES));
    chunks.push(piece);
  }
  return Buffer.concat(chunks).toString("utf8");
}
