import { createHash } from "node:crypto";

/** What happened in a run, line by line. Two runs with the same digest did the same at the same times. */
export class Trace {
  readonly #hash = createHash("sha256");
  readonly #print: ((line: string) => void) | undefined;
  lines = 0;

  constructor(print?: (line: string) => void) {
    this.#print = print;
  }

  add(now: number, what: string): void {
    const line = `${now.toFixed(3)} ${what}`;
    this.lines += 1;
    this.#hash.update(line);
    this.#print?.(line);
  }

  digest(): string {
    return this.#hash.copy().digest("hex");
  }
}
