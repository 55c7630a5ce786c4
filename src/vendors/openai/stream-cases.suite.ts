import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import type { Usage } from "../../base/usage.ts";
import type { ShownCost, StreamFollower, TextTransform } from "../spec.ts";

/** What the tests of streams share: recorded streams, ways to cut them, and a plain reading to compare with. */

const folder = new URL("./fixtures/", import.meta.url);

export const STREAMS: Readonly<Record<string, string>> = Object.fromEntries(
  readdirSync(folder)
    .filter((name) => name.endsWith(".sse"))
    .map((name) => [name.slice(0, -4), readFileSync(new URL(name, folder), "utf8")]),
);

export const COST: ShownCost = { amount: "0.000123", currency: "USD" };

/** Everything that a follower gives out and says, so that two ways of cutting can be compared. */
export interface Followed {
  readonly relayed: string;
  readonly end: string;
  readonly usage: Usage | undefined;
  readonly vendorCost: string | undefined;
  readonly events: number;
  readonly textBytes: number;
  readonly ended: boolean;
  readonly finished: boolean;
  readonly fault: string | undefined;
}

export function follow(follower: StreamFollower, chunks: readonly Buffer[], cost: ShownCost | undefined): Followed {
  const relayed: Buffer[] = [];
  for (const chunk of chunks) {
    const passed = follower.push(chunk);
    if (passed) relayed.push(passed);
  }
  const { usage, vendorCost, events, textBytes, ended, finished, fault } = follower;
  const end = follower.finish(cost).toString("latin1");
  return {
    relayed: Buffer.concat(relayed).toString("latin1"),
    end,
    usage,
    vendorCost,
    events,
    textBytes,
    ended,
    finished,
    fault: fault?.message,
  };
}

export function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  const chunks: Buffer[] = [];
  let from = 0;
  for (const place of [...sorted, bytes.length]) {
    if (place > from) chunks.push(bytes.subarray(from, place));
    from = Math.max(from, place);
  }
  return chunks;
}

export const EACH_BYTE = (bytes: Buffer): Buffer[] => Array.from(bytes, (byte) => Buffer.from([byte]));

/** A stream with other line ends: taken in turn from `ends`, but never so that two become one. */
export function withLineEnds(stream: string, ends: readonly string[]): Buffer {
  let next = 0;
  let last = "";
  return Buffer.from(
    stream.replaceAll(/\n|[^\n]+/g, (part) => {
      if (part !== "\n") last = "";
      else {
        const end = ends[next++ % ends.length]!;
        last = last === "\r" && end === "\n" ? "\r\n" : end;
      }
      return last || part;
    }),
  );
}

export const LINE_ENDS: Readonly<Record<string, readonly string[]>> = {
  LF: ["\n"],
  CRLF: ["\r\n"],
  CR: ["\r"],
  mixed: ["\n", "\r\n", "\r", "\r\n", "\n"],
};

/** The payloads of a stream as the standard reads it: lines, fields, blank lines. Independent of the code under test. */
export function payloads(stream: string): string[] {
  const found: string[] = [];
  let data: string[] = [];
  const lines = stream.replace(/^\ufeff/, "").split(/\r\n|\n|\r/);
  for (const line of lines) {
    if (line === "") {
      if (data.length > 0) found.push(data.join("\n"));
      data = [];
    } else if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
  }
  return found;
}

/** The texts that a client puts together from a stream, by choice and field. */
export function textsOf(stream: string): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const payload of payloads(stream)) {
    if (payload === "[DONE]") continue;
    for (const choice of (JSON.parse(payload) as { choices?: Choice[] }).choices ?? []) {
      for (const field of ["content", "reasoning", "reasoning_content"] as const) {
        const text = choice.delta?.[field];
        if (typeof text === "string" && text !== "") {
          texts[`${choice.index}.${field}`] = (texts[`${choice.index}.${field}`] ?? "") + text;
        }
      }
    }
  }
  return texts;
}

interface Choice {
  readonly index: number;
  readonly delta?: Readonly<Record<string, unknown>>;
}

/** Changes nothing and holds nothing back. */
export const identity = (): TextTransform => ({ push: (text) => text, end: () => "" });

/** Upper case, the last `held` characters kept back until more comes. */
export function holdingBack(held: number): () => TextTransform {
  return () => {
    let kept = "";
    return {
      push(text) {
        kept += text;
        const free = kept.slice(0, Math.max(0, kept.length - held));
        kept = kept.slice(free.length);
        return free.toUpperCase();
      },
      end() {
        const rest = kept.toUpperCase();
        kept = "";
        return rest;
      },
    };
  };
}

const text = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 12 }),
  fc.constantFrom('"usage":{"a":1}', "[DONE]", 'data: {"error":1}', "\r\n\r\n", "买单🙂", "\\", ' "content":"x"'),
);
const spaced = fc.boolean();

function json(value: unknown, spaces: boolean): string {
  return spaces ? JSON.stringify(value, undefined, 1).replaceAll(/\n */g, " ") : JSON.stringify(value);
}

const piece = fc
  .record({
    content: fc.option(text, { nil: undefined }),
    reasoning_content: fc.option(text, { nil: undefined }),
    index: fc.constantFrom(0, 1),
    finish: fc.constantFrom(null, null, null, "stop"),
    usage: fc.oneof(
      fc.constantFrom(undefined, undefined, null),
      fc.record({ prompt_tokens: fc.nat(9), completion_tokens: fc.nat(9) }),
    ),
    spaces: spaced,
  })
  .map(({ content, reasoning_content, index, finish, usage, spaces }) =>
    json(
      { id: "x", choices: [{ index, delta: { reasoning_content, content }, finish_reason: finish }], usage, n: 1.5 },
      spaces,
    ),
  );
const usageChunk = fc
  .record({ prompt: fc.nat(1000), completion: fc.nat(1000), cost: fc.constantFrom(undefined, 0.5), spaces: spaced })
  .map(({ prompt, completion, cost, spaces }) =>
    json({ choices: [], usage: { prompt_tokens: prompt, completion_tokens: completion, cost } }, spaces),
  );
const payload = fc.oneof(
  { weight: 8, arbitrary: piece },
  { weight: 1, arbitrary: usageChunk },
  {
    weight: 1,
    arbitrary: fc.constantFrom('{"choices":[]}', '{"ping":1}', "not json", '{"choices":[{"delta":{"content":"ab'),
  },
);
const unit = fc.oneof(
  { weight: 6, arbitrary: payload.map((data) => `data: ${data}\n\n`) },
  { weight: 2, arbitrary: payload.map((data) => `id: 7\ndata:${data}\n: inside\n\n`) },
  { weight: 1, arbitrary: fc.constantFrom(": ping\n\n", ": ping\n", "\n", "retry: 5\n\n", "event: x\ndata: {}\n\n") },
  { weight: 1, arbitrary: usageChunk.map((data) => `data: ${data.replace(',"usage"', ',\ndata: "usage"')}\n\n`) },
);

/** Streams of all that may come, with any line ends, with and without an end. */
export const anyStream: fc.Arbitrary<Buffer> = fc
  .record({
    units: fc.array(unit, { maxLength: 8 }),
    usage: fc.option(usageChunk, { nil: undefined }),
    done: fc.constantFrom("", "data: [DONE]\n\n", "data:[DONE]\n\n", "data: [DONE]\n", "data: [DONE]"),
    mark: fc.constantFrom("", "", "\ufeff"),
    ends: fc.array(fc.constantFrom("\n", "\r\n", "\r"), { minLength: 1, maxLength: 5 }),
  })
  .map(({ units, usage, done, mark, ends }) => {
    const stream = mark + units.join("") + (usage ? `data: ${usage}\n\n` : "") + done;
    return withLineEnds(stream, ends);
  });

export const anyCuts = fc.array(fc.nat(5000), { maxLength: 12 });
