import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { AnswerPiece } from "../answer-pieces.ts";
import type { Conversation } from "../conversation.ts";
import type { ModelRequest, Naming } from "../spec.ts";
import { TranslatedStream } from "../translation/translated-stream.ts";
import { compose } from "./compose.ts";
import { readContent } from "./content.ts";
import { openaiDialect } from "./dialect.ts";
import { OpenAiReader, readPieces } from "./reader.ts";
import { readRequest } from "./request.ts";
import { COST, cut, EACH_BYTE, follow, STREAMS } from "./stream-cases.suite.ts";

const NAMING: Naming = { call: "c1", model: "lab/mini", at: Date.UTC(2026, 10, 24) };
const request = (more: object = {}): ModelRequest =>
  readRequest(
    "chat",
    Buffer.from(JSON.stringify({ model: "m", messages: [{ role: "user", content: "hi" }], ...more })),
    {
      bodyBytes: 1_000_000,
    },
  );
const STREAMED = request({ stream: true, stream_options: { include_usage: true } });
const translated = (of = STREAMED): TranslatedStream =>
  new TranslatedStream(new OpenAiReader({ eventBytes: 1_000_000 }), openaiDialect.writeStream(of, NAMING));

function piecesOf(chunks: readonly Buffer[]): AnswerPiece[] {
  const reader = new OpenAiReader({ eventBytes: 1_000_000 });
  return [...chunks.flatMap((chunk) => reader.push(chunk)), ...reader.end()];
}

/** Faults compare by what they say. */
const comparable = (pieces: readonly AnswerPiece[]): unknown =>
  pieces.map((piece) => (piece.type === "fault" ? [piece.fault.errorClass, piece.fault.text("en")] : piece));

/** What a client sees of the pieces, whatever they were cut into. */
function seen(pieces: readonly AnswerPiece[]): unknown {
  const texts = new Map<string, string>();
  const add = (key: string, text: string) => texts.set(key, (texts.get(key) ?? "") + text);
  const others: AnswerPiece[] = [];
  for (const piece of pieces) {
    if (piece.type === "text-delta" || piece.type === "reasoning-delta")
      add(`${piece.type} ${piece.choice}`, piece.text);
    else if (piece.type === "tool-call-delta") add(`call ${piece.choice} ${piece.index}`, piece.text);
    else others.push(piece);
  }
  return { texts: Object.fromEntries(texts), others };
}

describe.each(Object.entries(STREAMS))("the recorded stream of %s", (name, stream) => {
  const bytes = Buffer.from(stream);

  test("is read alike wherever it is cut", () => {
    const whole = piecesOf([bytes]);
    expect(comparable(piecesOf(EACH_BYTE(bytes)))).toEqual(comparable(whole));
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 8 }), (places) => {
        expect(comparable(piecesOf(cut(bytes, places)))).toEqual(comparable(whole));
      }),
      { numRuns: 30 },
    );
    expect(whole.some((piece) => piece.type === (name === "error" ? "fault" : "finish"))).toBe(true);
  });

  test("written again, it is read as the same answer, with the same usage", () => {
    const { relayed, end, usage, fault } = follow(translated(), EACH_BYTE(bytes), COST);
    const before = piecesOf([bytes]);
    const after = piecesOf([Buffer.from(relayed + end, "latin1")]);
    if (fault !== undefined) {
      expect(after.at(-1)).toMatchObject({ type: "fault" });
      return;
    }
    const plain = (pieces: readonly AnswerPiece[]): unknown =>
      seen(pieces.filter(({ type }) => !["usage", "end", "start"].includes(type)));
    expect(plain(after)).toEqual(plain(before));
    expect(after.findLast(({ type }) => type === "usage")).toMatchObject({ usage: defined(usage) });
    expect(after.at(-1)).toEqual({ type: "end" });
    expect(end).toContain('"cost":0.000123,"cost_currency":"USD"');
  });
});

function defined(usage: object | undefined): object {
  return Object.fromEntries(Object.entries(usage ?? {}).filter(([, value]) => value));
}

describe("a buffered answer", () => {
  const message = {
    role: "assistant",
    content: "两 words 🌆",
    reasoning_content: "hm",
    tool_calls: [
      { id: "a", type: "function", function: { name: "one", arguments: '{"x":1}' } },
      { id: "", type: "function", function: { name: "two", arguments: {} } },
    ],
  };
  const usage = {
    prompt_tokens: 9,
    completion_tokens: 5,
    total_tokens: 14,
    prompt_tokens_details: { cached_tokens: 4 },
  };
  const body = Buffer.from(
    JSON.stringify({ id: "x", created: 1, model: "m", choices: [{ index: 0, message, finish_reason: "stop" }], usage }),
  );

  test("is read with its calls, whatever their spelling", () => {
    expect(seen(readPieces("chat", body))).toEqual({
      texts: { "text-delta 0": "两 words 🌆", "reasoning-delta 0": "hm", "call 0 0": '{"x":1}', "call 0 1": "{}" },
      others: [
        { type: "start", id: "x", model: "m", created: 1 },
        { type: "reasoning-end", choice: 0 },
        { type: "tool-call-start", choice: 0, index: 0, id: "a", name: "one" },
        { type: "tool-call-start", choice: 0, index: 1, id: "call_x_0_1", name: "two" },
        { type: "finish", choice: 0, reason: "tool_calls", raw: "stop" },
        { type: "usage", usage: expect.objectContaining({ input: 5, cachedInput: 4, output: 5 }) },
        { type: "end" },
      ],
    });
  });

  test("is written as it was read", () => {
    const written = openaiDialect.writeAnswer(request(), readPieces("chat", body), NAMING);
    expect(seen(readPieces("chat", written))).toEqual({
      ...(seen(readPieces("chat", body)) as object),
      others: expect.arrayContaining([{ type: "finish", choice: 0, reason: "tool_calls" }]),
    });
  });

  test.each(["{", "[]", '{"choices":[]}', "null"])("%s is none", (wrong) => {
    expect(() => readPieces("chat", Buffer.from(wrong))).toThrow();
  });
});

describe("a request", () => {
  const BODY = {
    model: "m",
    messages: [
      { role: "system", content: "Be brief." },
      {
        role: "user",
        content: [
          { type: "text", text: "看" },
          { type: "image_url", image_url: { url: "https://x/y.png", detail: "low" } },
        ],
      },
      {
        role: "assistant",
        content: null,
        reasoning_content: "hm",
        tool_calls: [{ id: "c", type: "function", function: { name: "f", arguments: "{}" } }],
      },
      { role: "tool", tool_call_id: "c", content: "42" },
    ],
    tools: [{ type: "function", function: { name: "f", description: "d", parameters: { type: "object" } } }],
    tool_choice: { type: "function", function: { name: "f" } },
    max_tokens: 9,
    temperature: 0.5,
    stop: ["x"],
    reasoning_effort: "low",
    response_format: { type: "json_object" },
    user: "u",
  };

  test("is understood, written again and understood alike", () => {
    const content = readContent("chat", Buffer.from(JSON.stringify({ ...BODY, enable_search: true }))) as Conversation;
    expect(content.extra).toEqual({ enable_search: true });
    expect(content.messages[3]).toEqual({
      role: "tool",
      callId: "c",
      name: "f",
      parts: [{ type: "text", text: "42" }],
    });
    const changes = { model: "upstream", maxOutputTokens: 7, includeUsage: true };
    const again = JSON.parse(compose(content, true, changes, {}).toString());
    expect(again).toEqual({
      ...BODY,
      model: "upstream",
      max_tokens: 7,
      stream: true,
      stream_options: { include_usage: true },
    });
  });

  test.each([
    [{ thinking: { type: "disabled" } }, { effort: "none" }],
    [{ enable_thinking: true, thinking_budget: 100 }, { budgetTokens: 100 }],
    [{ reasoning: { effort: "high" } }, { effort: "high", budgetTokens: undefined }],
    [{}, undefined],
  ])("%j wishes %j", (fields, wish) => {
    const content = readContent(
      "chat",
      Buffer.from(JSON.stringify({ ...BODY, reasoning_effort: undefined, ...fields })),
    );
    expect((content as Conversation).reasoning).toEqual(wish);
  });
});

test("transforms hold text back and rewrite it, and what is left goes out before the end", () => {
  const stream = translated();
  let held = "";
  stream.transform(() => ({
    push: (text) => {
      held += text;
      return "";
    },
    end: () => held.toUpperCase(),
  }));
  const chunk = (delta: object, finish: string | null = null) =>
    Buffer.from(`data: ${JSON.stringify({ id: "x", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`);
  expect(stream.push(chunk({ content: "ab" }))).toBeUndefined();
  expect(stream.push(chunk({ content: "c" }))).toBeUndefined();
  expect(stream.push(chunk({}, "stop"))!.toString()).toMatch(/"content":"ABC".*\n\n.*"finish_reason":"stop"/);
});

test("a stream that breaks off is told to be over in the dialect's own shape", () => {
  const stream = translated();
  stream.push(Buffer.from('data: {"id":"x","choices":[{"index":0,"delta":{"content":"a"}}]}\n\n'));
  expect(stream.finished).toBe(false);
  expect(stream.stop().toString()).toMatch(/"finish_reason":"length".*\n\ndata: \[DONE\]\n\n$/);
});

test("choices and calls stand in the order of the vendor's count, whatever it leaves out", () => {
  const finish: AnswerPiece = { type: "finish", choice: 2_147_483_647, reason: "tool_calls" };
  const call = (index: number): AnswerPiece[] => [
    { type: "tool-call-start", choice: 2_147_483_647, index, id: `c${index}`, name: "f" },
    { type: "tool-call-delta", choice: 2_147_483_647, index, text: "{}" },
  ];
  const pieces = [...call(4_294_967_295), ...call(7), finish, { type: "text-delta", choice: 2, text: "hi" } as const];
  const { choices } = JSON.parse(openaiDialect.writeAnswer(request(), pieces, NAMING).toString());
  expect(choices.map(({ index }: { index: number }) => index)).toEqual([2, 2_147_483_647]);
  expect(choices[1].message.tool_calls.map(({ id }: { id: string }) => id)).toEqual(["c7", "c4294967295"]);
});
