/** Something happened that must never happen. */
export class Violation extends Error {
  /** Of DESIGN.md, section 3, such as `I1`. */
  readonly invariant: string;

  constructor(invariant: string, what: string) {
    super(`${invariant}: ${what}`);
    this.name = "Violation";
    this.invariant = invariant;
  }
}

let first: Violation | undefined;

/** Throws where something does not hold. Remembered, too: the product may catch what is thrown through it. */
export function must(holds: boolean, invariant: string, what: () => string): asserts holds {
  if (holds) return;
  const violation = new Violation(invariant, what());
  first ??= violation;
  throw violation;
}

/** The first violation since the last time somebody asked. */
export function takeViolation(): Violation | undefined {
  const found = first;
  first = undefined;
  return found;
}
