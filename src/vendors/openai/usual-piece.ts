const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LF = 0x0a;

/** After so many forms, one after the other, that no second piece had, a stream is taken to have no usual one. */
const MOST_FAILURES = 3;

/**
 * The form in which a stream writes most of its pieces: from one to the next only the text changes. A piece of that form
 * is known by its bytes, at a fraction of what it costs to look for its fields.
 */
export class UsualPiece {
  #before: Buffer | undefined;
  /** From the quote that ends the text to the blank line that ends the event. */
  #after: Buffer = Buffer.alloc(0);
  #failures = 0;
  #matched = false;
  /** Bytes of the text of the last match. */
  textBytes = 0;

  get known(): boolean {
    return this.#before !== undefined;
  }

  /** Whether it is worth while to learn another form. */
  get learns(): boolean {
    return this.#failures < MOST_FAILURES;
  }

  /**
   * Takes the form of a piece that was looked into.
   * @param event a whole event with the blank line that ends it
   * @param start where its only text begins, after the quote; it ends at the next quote
   */
  learn(event: Buffer, start: number, end: number): void {
    if (this.#before && !this.#matched) this.#failures += 1;
    else this.#failures = 0;
    this.#matched = false;
    // After a CR the next byte decides; such streams are read the long way.
    this.#before = event.at(-1) === LF ? Buffer.from(event.subarray(0, start)) : undefined;
    this.#after = Buffer.from(event.subarray(end));
  }

  /** Where the piece that begins at `from` ends, of at most `most` bytes; −1 where none of this form does. */
  match(bytes: Buffer, from: number, most: number): number {
    const before = this.#before;
    const after = this.#after;
    if (!before || bytes.length - from < before.length + after.length) return -1;
    for (let at = 0; at < before.length; at++) if (bytes[from + at] !== before[at]) return -1;
    const start = from + before.length;
    let end = start;
    for (let byte = bytes[end]; byte !== QUOTE; byte = bytes[++end]) {
      if (byte === undefined || byte === BACKSLASH || byte < 0x20) return -1;
    }
    const next = end + after.length;
    if (next > bytes.length || next - from > most) return -1;
    for (let at = 1; at < after.length; at++) if (bytes[end + at] !== after[at]) return -1;
    this.#matched = true;
    this.textBytes = end - start;
    return next;
  }
}
