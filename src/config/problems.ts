import { Fault, type FaultCode } from "../base/faults.ts";
import type { Text } from "../base/language.ts";
import { fileWords } from "../base/messages/config.ts";

/** Steps from the top of a document to a value in it: names of fields and places in lists. */
export type Path = readonly (string | number)[];

/** Where a value stands in a file, both counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** One thing that is wrong with what an operator wrote. */
export interface Problem {
  readonly text: Text;
  readonly path: Path;
  readonly position?: Position | undefined;
  /** The right name, where the wrong one looks like it. */
  readonly near?: readonly string[] | undefined;
}

/** More are counted, but not shown. */
const MOST_SHOWN = 20;

/** `payers[0].budgets[1].amount` */
export function writePath(path: Path): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else text += text ? `.${step}` : step;
  }
  return text;
}

/**
 * All problems of a document as one fault: each on its line, in the order of the document, the first twenty shown.
 *
 * @param name what the document is called: a file's name, or "The file"
 */
export function refusal(name: Text, problems: readonly Problem[], code: FaultCode = "invalid_request"): Fault {
  const sorted = [...problems].sort(byPosition);
  const shown = sorted.slice(0, MOST_SHOWN);
  const rest = sorted.length - shown.length;
  const text: Text = (language) => {
    const lines = shown.map(({ text, position }) => {
      const line = position ? fileWords.place(position.line, position.column, text(language)) : text;
      return `  ${line(language)}`;
    });
    if (rest > 0) lines.push(`  ${fileWords.more(rest)(language)}`);
    return fileWords.refused(name(language), sorted.length, lines.join("\n"))(language);
  };
  const details = shown.map(({ text, path, position, near }) => ({
    message: text("en"),
    field: writePath(path),
    ...(position ? { line: position.line, column: position.column } : {}),
    ...(near && near.length > 0 ? { nearest: near } : {}),
  }));
  return new Fault(code, text, { details: { problems: details, total: sorted.length } });
}

function byPosition(a: Problem, b: Problem): number {
  const first = a.position;
  const second = b.position;
  if (!first || !second) return first ? -1 : second ? 1 : 0;
  return first.line - second.line || first.column - second.column;
}
