/**
 * How many input tokens a request can be: a bound that holds, and a close guess.
 *
 * The bound. A byte-level tokenizer yields at most one token a UTF-8 byte of text, and the JSON spelling of a text is
 * never shorter than the text. So the bytes of the body bound the tokens of its texts, less the base64 of images and
 * audio, which are counted apart. A vendor's chat template adds a little to each message and may add instructions of
 * its own; tools are written into the prompt again, in a wider layout: they count twice. The allowances are above what the
 * public templates of the known families add. What a vendor adds beyond (search results, a longer prompt of its own) is
 * its own report above the hold.
 *
 * The guess. Latin text is about four bytes a token and JSON about three: 3.5 here. A Chinese, Japanese or Korean
 * character is about one token.
 */

/** Instructions that a template may put before a request. */
export const REQUEST_BOUND_TOKENS = 128;
/** What a template puts around a message: begin, role, end, line breaks. */
export const MESSAGE_BOUND_TOKENS = 16;
/** What a template says before its list of tools, and around each of them. */
export const TOOLS_BOUND_TOKENS = 512;
/** Begin and end marks of one text to embed. */
export const EMBEDDED_BOUND_TOKENS = 8;

const MESSAGE_TOKENS = 4;
const BYTES_A_TOKEN = 3.5;

/** What was counted while walking through the messages of a request. */
export interface MessageCount {
  images: number;
  /** Bytes of audio, decoded from base64. */
  audioBytes: number;
  /** Characters of the body that are base64 of images and audio, and so no text. */
  payload: number;
  /** Tokens of text, guessed. */
  tokens: number;
}

/** A guess at the tokens of a text. */
export function guessTokens(text: string): number {
  const units = text.length;
  // One a character of two bytes, two a character of three, and two a pair of surrogates.
  const wide = (Buffer.byteLength(text) - units) / 2;
  return (units - wide) / BYTES_A_TOKEN + wide;
}

/** A guess at the tokens of `bytes` bytes of JSON. */
export function guessJsonTokens(bytes: number): number {
  return bytes / BYTES_A_TOKEN;
}

export function countMessages(messages: readonly object[]): MessageCount {
  const count: MessageCount = { images: 0, audioBytes: 0, payload: 0, tokens: 3 };
  for (const message of messages as readonly Record<string, unknown>[]) {
    count.tokens += MESSAGE_TOKENS;
    const { content } = message;
    if (typeof content === "string") count.tokens += guessTokens(content);
    else if (Array.isArray(content)) for (const part of content) countPart(part, count);
    for (const name of ["name", "reasoning_content", "reasoning"]) {
      const text = message[name];
      if (typeof text === "string") count.tokens += guessTokens(text);
    }
    if (Array.isArray(message.tool_calls)) for (const call of message.tool_calls) countToolCall(call, count);
  }
  return count;
}

function countPart(part: unknown, count: MessageCount): void {
  if (typeof part === "string") {
    count.tokens += guessTokens(part);
    return;
  }
  if (!isRecord(part)) return;
  const { type } = part;
  if (typeof part.text === "string") count.tokens += guessTokens(part.text);
  if (type === "input_audio" && isRecord(part.input_audio) && typeof part.input_audio.data === "string") {
    const { data } = part.input_audio;
    count.audioBytes += Math.ceil((data.length * 3) / 4);
    count.payload += data.length;
    return;
  }
  const named = type === "image_url" || type === "input_image" || type === "image";
  if (!named && part.image_url === undefined) return;
  count.images += 1;
  // Only what the vendor will surely take as an image is no text.
  if (named) count.payload += imagePayload(part.image_url ?? part.image);
}

/** Characters of base64 in `data:image/png;base64,…`; 0 for an address. */
function imagePayload(image: unknown): number {
  const address = isRecord(image) ? image.url : image;
  if (typeof address !== "string" || !/^data:image\//i.test(address.slice(0, 11))) return 0;
  const comma = address.slice(0, 256).indexOf(",");
  return comma < 0 ? 0 : address.length - comma - 1;
}

function countToolCall(call: unknown, count: MessageCount): void {
  if (!isRecord(call) || !isRecord(call.function)) return;
  const { name, arguments: given } = call.function;
  count.tokens += MESSAGE_TOKENS;
  if (typeof name === "string") count.tokens += guessTokens(name);
  if (typeof given === "string") count.tokens += guessTokens(given);
}

/** How many texts (or lists of tokens) an embeddings request has, and a guess at their tokens; undefined for no input. */
export function countInputs(input: unknown): { readonly inputs: number; readonly tokens: number } | undefined {
  if (typeof input === "string") return { inputs: 1, tokens: guessTokens(input) };
  if (!Array.isArray(input) || input.length === 0) return undefined;
  if (typeof input[0] === "number") return { inputs: 1, tokens: input.length };
  let tokens = 0;
  for (const item of input as readonly unknown[]) {
    if (typeof item === "string") tokens += guessTokens(item);
    else if (Array.isArray(item)) tokens += item.length;
    else if (isRecord(item) && typeof item.text === "string") tokens += guessTokens(item.text);
    else if (!isRecord(item)) return undefined;
  }
  return { inputs: input.length, tokens };
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
