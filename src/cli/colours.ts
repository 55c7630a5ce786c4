import type { CliDependencies } from "./spec.ts";

export type Paint = (text: string) => string;

export interface Colours {
  readonly bold: Paint;
  readonly dim: Paint;
  readonly green: Paint;
  readonly yellow: Paint;
  readonly red: Paint;
}

const paintWith =
  (on: number, off: number, used: boolean): Paint =>
  (text) =>
    used ? `\u001b[${on}m${text}\u001b[${off}m` : text;

/** Colours for a terminal; none elsewhere, nor where `NO_COLOR` is set (https://no-color.org). */
export function coloursOf({ isTerminal, environment }: Pick<CliDependencies, "isTerminal" | "environment">): Colours {
  const used = isTerminal && !environment.NO_COLOR && environment.TERM !== "dumb";
  return {
    bold: paintWith(1, 22, used),
    dim: paintWith(2, 22, used),
    green: paintWith(32, 39, used),
    yellow: paintWith(33, 39, used),
    red: paintWith(31, 39, used),
  };
}
