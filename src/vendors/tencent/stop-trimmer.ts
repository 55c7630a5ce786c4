/**
 * Takes the stop sequence off the end of a text: this vendor stops after it and shows it, clients expect the text before it. What
 * could be the beginning of one is held back until more comes.
 */
export class StopTrimmer {
  readonly #stops: readonly string[];
  #held = "";

  constructor(stops: readonly string[]) {
    this.#stops = stops.filter((stop) => stop !== "");
  }

  /** The text that may go on now. */
  push(text: string): string {
    if (this.#stops.length === 0) return text;
    const all = this.#held + text;
    const kept = Math.max(...this.#stops.map((stop) => overlap(all, stop)));
    this.#held = all.slice(all.length - kept);
    return all.slice(0, all.length - kept);
  }

  /** The rest, at the end: nothing where it is a stop sequence. */
  end(): string {
    const rest = this.#held;
    this.#held = "";
    const stop = this.#stops.find((one) => rest.endsWith(one));
    return stop === undefined ? rest : rest.slice(0, rest.length - stop.length);
  }
}

/** Length of the longest end of `text` with which `stop` begins. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length); length > 0; length--) {
    if (text.endsWith(stop.slice(0, length))) return length;
  }
  return 0;
}
