import type { Counted } from "../harness/upstream-behaviour.ts";
import type { Chance } from "./chance.ts";
import { type EndpointRules, MOST_OUTPUT } from "./settings.ts";

/** How a vendor treats one request. */
export type Fate =
  | "well"
  /** Well, but nothing is said of the usage. */
  | "no usage"
  /** The usage is said twice, or in every piece as it is so far. */
  | "usage twice"
  | "usage everywhere"
  /** More is reported than the request allowed. */
  | "overrun"
  /** A stream was asked for, and a whole answer comes. */
  | "not a stream"
  | "rate limit"
  | "server error"
  | "error in the stream"
  /** The connection is cut before the head, or midway. */
  | "cut"
  | "cut midway"
  /** Nothing comes (any more). */
  | "silence"
  | "silence midway"
  | "unreachable";

/** Rare fates are drawn as often as all others together need them. */
const UNHAPPY: readonly Fate[] = [
  "no usage",
  "usage twice",
  "usage everywhere",
  "overrun",
  "not a stream",
  "rate limit",
  "server error",
  "error in the stream",
  "cut",
  "cut midway",
  "silence",
  "silence midway",
  "unreachable",
];

export interface VendorHabits {
  readonly unhappyRate: number;
  readonly firstByteMs: number;
  readonly betweenChunksMs: number;
  /** The longest piece of a network, in bytes. */
  readonly chunkBytes: number;
}

/** An answer as the vendor has it in mind before the first byte. */
export interface PlannedAnswer {
  readonly fate: Fate;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly streams: boolean;
  readonly chunks: readonly PlannedChunk[];
  /** What the vendor has served, and will report, when it is whole. */
  readonly usage: Counted;
  /** Bytes of text, and pieces with text in it, of the whole answer. */
  readonly textBytes: number;
  readonly pieces: number;
}

export interface PlannedChunk {
  readonly bytes: Buffer;
  /** Visible tokens that the vendor has generated once this is sent. */
  readonly tokens: number;
  /** Pieces with text in them, and bytes of text, that are whole once this has come. */
  readonly pieces: number;
  readonly textBytes: number;
}

interface ReadBody {
  readonly stream?: boolean;
  readonly stream_options?: { readonly include_usage?: boolean };
  readonly max_tokens?: number;
  readonly messages: readonly { readonly content: string }[];
}

/** Draws what becomes of a request, as an honest vendor would serve it, or one that fails. */
export function planAnswer(body: Buffer, rules: EndpointRules, habits: VendorHabits, chance: Chance): PlannedAnswer {
  const request = JSON.parse(body.toString("utf8")) as ReadBody;
  const drawn = chance.happens(habits.unhappyRate) ? chance.pick(UNHAPPY) : "well";
  const fate = drawn === "error in the stream" && request.stream !== true ? "well" : drawn;
  const text = request.messages.map(({ content }) => content).join("");
  const input = Math.max(1, Math.floor(Buffer.byteLength(text) * chance.between(0.2, 1)));
  const cachedInput = chance.happens(0.3) ? chance.whole(0, input) : 0;
  const allowed = Math.min(request.max_tokens ?? MOST_OUTPUT, MOST_OUTPUT);
  const written = chance.happens(0.2) ? allowed : chance.whole(1, allowed);
  const reasoning = rules.currency === "CNY" && chance.happens(0.3) ? chance.whole(0, written - 1) : 0;
  const usage: Counted = { input: input - cachedInput, cachedInput, output: written - reasoning, reasoning };
  if (fate === "rate limit" || fate === "server error") return refusal(fate, usage);
  const reported = fate === "overrun" ? { ...usage, output: usage.output + MOST_OUTPUT * chance.whole(1, 3) } : usage;
  const streams = request.stream === true && fate !== "not a stream";
  const planned = streams
    ? planStream(fate, reported, usage.output, request.stream_options?.include_usage === true, habits, chance)
    : planBody(fate, reported, usage.output, habits, chance);
  return { fate, status: 200, usage: reported, streams, ...planned };
}

function refusal(fate: Fate, usage: Counted): PlannedAnswer {
  const status = fate === "rate limit" ? 429 : 500;
  const bytes = Buffer.from(JSON.stringify({ error: { message: fate, type: fate, code: String(status) } }));
  const chunks = [{ bytes, tokens: 0, pieces: 0, textBytes: 0 }];
  return { fate, status, headers: JSON_TYPE, chunks, usage, streams: false, textBytes: 0, pieces: 0 };
}

const JSON_TYPE = { "content-type": "application/json" };

function reportOf({ input, cachedInput, output, reasoning }: Counted): Record<string, unknown> {
  return {
    prompt_tokens: input + cachedInput,
    completion_tokens: output + reasoning,
    total_tokens: input + cachedInput + output + reasoning,
    prompt_tokens_details: { cached_tokens: cachedInput },
    completion_tokens_details: { reasoning_tokens: reasoning },
  };
}

type Planned = Pick<PlannedAnswer, "headers" | "chunks" | "textBytes" | "pieces">;

function planBody(fate: Fate, usage: Counted, visible: number, habits: VendorHabits, chance: Chance): Planned {
  const content = wordsOf(visible, chance).join("");
  const choices = [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }];
  const said = fate === "no usage" ? {} : { usage: reportOf(usage) };
  const answer = { id: "chatcmpl-1", object: "chat.completion", created: 1, model: "mini", choices, ...said };
  const bytes = Buffer.from(JSON.stringify(answer));
  const textBytes = Buffer.byteLength(content);
  const ends = [{ at: bytes.length, tokens: visible, pieces: 1, textBytes }];
  // A buffered answer is generated in full before its first byte.
  const chunks = cut(bytes, ends, habits, chance).map((chunk) => ({ ...chunk, tokens: visible }));
  return { headers: JSON_TYPE, chunks, textBytes, pieces: 1 };
}

interface EventEnd {
  readonly at: number;
  readonly tokens: number;
  readonly pieces: number;
  readonly textBytes: number;
}

function planStream(
  fate: Fate,
  usage: Counted,
  visible: number,
  asked: boolean,
  habits: VendorHabits,
  chance: Chance,
): Planned {
  const events: string[] = [];
  const ends: EventEnd[] = [];
  let at = 0;
  let pieces = 0;
  let textBytes = 0;
  const add = (event: string): void => {
    at += Buffer.byteLength(event);
    events.push(event);
    ends.push({ at, tokens: pieces, pieces, textBytes });
  };
  const named = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "mini" };
  const piece = (delta: Record<string, unknown>, finish: string | null, extra: Record<string, unknown> = {}): string =>
    `data: ${JSON.stringify({ ...named, choices: [{ index: 0, delta, finish_reason: finish }], ...extra })}\n\n`;
  const report = { usage: reportOf(usage) };
  add(piece({ role: "assistant", content: "" }, null));
  for (const [place, word] of wordsOf(visible, chance).entries()) {
    pieces += 1;
    textBytes += Buffer.byteLength(word);
    add(
      piece(
        { content: word },
        null,
        fate === "usage everywhere" ? { usage: reportOf({ ...usage, output: pieces }) } : {},
      ),
    );
    if (fate === "error in the stream" && place === visible >> 1) {
      add(`data: ${JSON.stringify({ error: { message: "overloaded", type: "server_error", code: "503" } })}\n\n`);
    }
  }
  add(piece({}, "stop"));
  if (asked && fate !== "no usage") {
    const last = `data: ${JSON.stringify({ ...named, choices: [], ...report })}\n\n`;
    add(last);
    if (fate === "usage twice") add(last);
  }
  add("data: [DONE]\n\n");
  const chunks = cut(Buffer.from(events.join("")), ends, habits, chance);
  return { headers: { "content-type": "text/event-stream" }, chunks, textBytes, pieces };
}

const WORDS = ["a", " call", " is", " an", " entry", "。", "买单", ' "quoted"', "\n"];

function wordsOf(count: number, chance: Chance): string[] {
  return Array.from({ length: count }, () => chance.pick(WORDS));
}

/** Cuts bytes where it pleases the network. */
function cut(bytes: Buffer, ends: readonly EventEnd[], { chunkBytes }: VendorHabits, chance: Chance): PlannedChunk[] {
  const chunks: PlannedChunk[] = [];
  let next = 0;
  let whole: Omit<EventEnd, "at"> = { tokens: 0, pieces: 0, textBytes: 0 };
  for (let from = 0; from < bytes.length; ) {
    const to = Math.min(bytes.length, from + chance.whole(1, chunkBytes));
    while (next < ends.length && ends[next]!.at <= to) whole = ends[next++]!;
    const { tokens, pieces, textBytes } = whole;
    chunks.push({ bytes: bytes.subarray(from, to), tokens, pieces, textBytes });
    from = to;
  }
  return chunks;
}
