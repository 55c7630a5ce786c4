/** What a practice model counted for one answer, or for all of them. Tokens of all choices. */
export interface ServedUsage {
  readonly input: number;
  readonly cachedInput: number;
  readonly output: number;
  readonly reasoning: number;
}

export interface ServedAnswer extends ServedUsage {
  /** The `x-request-id` of the answer. */
  readonly id: string;
  readonly model: string;
  /** `aborted`: the receiver gave up; what had been generated counts. `cut`: by its own failure. */
  readonly ended: "whole" | "cut" | "aborted";
}

export interface ServedTotals extends ServedUsage {
  readonly answers: number;
}

export interface Served {
  readonly models: ReadonlyMap<string, ServedTotals>;
  /** The latest answers, oldest first. */
  readonly answers: readonly ServedAnswer[];
}

/** Counts what was served, so that a test can hold the ledger against it. */
export class ServedCount {
  readonly #keep: number;
  readonly #models = new Map<string, ServedTotals>();
  #answers: ServedAnswer[] = [];

  /** @param keep how many of the latest answers are remembered one by one */
  constructor(keep: number) {
    this.#keep = keep;
  }

  add(answer: ServedAnswer): void {
    const before = this.#models.get(answer.model) ?? { answers: 0, input: 0, cachedInput: 0, output: 0, reasoning: 0 };
    this.#models.set(answer.model, {
      answers: before.answers + 1,
      input: before.input + answer.input,
      cachedInput: before.cachedInput + answer.cachedInput,
      output: before.output + answer.output,
      reasoning: before.reasoning + answer.reasoning,
    });
    if (this.#keep === 0) return;
    this.#answers.push(answer);
    if (this.#answers.length >= this.#keep * 2) this.#answers = this.#answers.slice(-this.#keep);
  }

  read(): Served {
    return { models: new Map(this.#models), answers: this.#keep === 0 ? [] : this.#answers.slice(-this.#keep) };
  }
}
