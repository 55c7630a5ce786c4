/**
 * The token of the vendors inside Maidan: up to four ASCII characters in a row, or one other character. English comes
 * to about what real models count, Chinese to one token a character; it is never more than one token a UTF-8 byte.
 * One piece of a stream is one token, and no character is ever cut.
 */

const ASCII_RUN = 4;

/** Where the piece ends that begins at `start`, in UTF-16 units. */
export function pieceEnd(text: string, start: number): number {
  const { length } = text;
  const first = text.charCodeAt(start);
  if (first > 127) return isPair(text, start) ? start + 2 : start + 1;
  let end = start + 1;
  const furthest = Math.min(length, start + ASCII_RUN);
  while (end < furthest && text.charCodeAt(end) <= 127) end += 1;
  return end;
}

/** How many tokens a text is. */
export function countPieces(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; at = pieceEnd(text, at)) count += 1;
  return count;
}

/** The first `most` tokens of a text, and how many they are. */
export function firstPieces(text: string, most: number): { readonly text: string; readonly tokens: number } {
  let at = 0;
  let tokens = 0;
  while (at < text.length && tokens < most) {
    at = pieceEnd(text, at);
    tokens += 1;
  }
  return { text: at === text.length ? text : text.slice(0, at), tokens };
}

/** A text of exactly `tokens` tokens: `text` over and over, or a filler where it is empty. */
export function repeatPieces(text: string, tokens: number): string {
  const seed = text === "" ? "word" : text;
  // Four ASCII characters that meet become one token, so that a seed may need as many repeats as it has characters.
  const units = tokens * ASCII_RUN;
  const repeated = seed.length >= units ? seed : seed.repeat(Math.ceil(units / seed.length));
  return firstPieces(repeated, tokens).text;
}

function isPair(text: string, at: number): boolean {
  const first = text.charCodeAt(at);
  if (first < 0xd800 || first > 0xdbff || at + 1 >= text.length) return false;
  const second = text.charCodeAt(at + 1);
  return second >= 0xdc00 && second <= 0xdfff;
}
