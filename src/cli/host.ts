import { type Command, InvalidArgumentError } from "commander";
import type { Language, Text } from "../base/language.ts";
import { cliWords as words } from "../base/messages/cli.ts";
import type { CliContext } from "./context.ts";
import type { ExitCode } from "./exit-codes.ts";

/** What a verb does. Without a code it ended well. */
// biome-ignore lint/suspicious/noConfusingVoidType: a verb that ends well says nothing
export type VerbAction<O> = (context: CliContext, args: readonly string[], options: O) => Promise<ExitCode | void>;

/** How verbs are declared: each file of `verbs/` exports one function that takes the program and this. */
export interface VerbHost {
  readonly language: Language;
  /** A text of the help, in the language of the person. */
  readonly say: (text: Text) => string;
  /** Makes `action` what the command does. */
  readonly does: <O>(command: Command, action: VerbAction<O>) => void;
}

/** Readers of option values for commander: what is wrong is said in the person's language. */
export function readers(host: VerbHost) {
  const refuse = (text: Text): never => {
    throw new InvalidArgumentError(host.say(text));
  };
  return {
    wholeNumber:
      (least: number, most: number) =>
      (value: string): number => {
        const number = Number(value);
        if (!/^\d{1,15}$/.test(value) || number < least || number > most) refuse(words.notWhole(least, most));
        return number;
      },
    decimal: (value: string): string => {
      if (!/^\d{1,18}(\.\d{1,9})?$/.test(value)) refuse(words.notDecimal());
      return value;
    },
    list: (value: string): string[] =>
      value
        .split(",")
        .map((one) => one.trim())
        .filter((one) => one !== ""),
    /** A day, an instant, or a span from now such as `30d`. Returns what the API takes. */
    instant: (value: string): string => {
      const span = /^(\d{1,5})([hdw])$/.exec(value);
      if (span) return new Date(Date.now() + Number(span[1]) * SPANS[span[2] as keyof typeof SPANS]).toISOString();
      if (Number.isNaN(Date.parse(value))) refuse(words.notInstant());
      return value;
    },
  };
}

const SPANS = { h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };
