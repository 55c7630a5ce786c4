import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Fault } from "../../base/faults.ts";
import { DEFAULT_LIMITS } from "../../base/limits.ts";
import { readRequest } from "./request.ts";

const PLAIN = { model: "m", max_tokens: 100, messages: [{ role: "user", content: "hi" }] };
const read = (document: object | string, options = {}) =>
  readRequest(Buffer.from(typeof document === "string" ? document : JSON.stringify(document)), DEFAULT_LIMITS, options);

function faultOf(document: object | string): Fault {
  try {
    read(document);
  } catch (fault) {
    if (fault instanceof Fault) return fault;
  }
  return expect.unreachable("nothing was refused") as never;
}

describe("a request in Anthropic's protocol", () => {
  test("is read once, with where its fields stand", () => {
    const request = read({ ...PLAIN, stream: true });
    expect(request).toMatchObject({
      operation: "chat",
      model: "m",
      stream: true,
      wantsUsage: true,
      maxOutputTokens: 100,
      maxOutputField: "max_tokens",
      choices: 1,
      images: 0,
    });
    const { start, end } = request.fields.get("max_tokens")!;
    expect(request.body.toString("utf8", start, end)).toBe("100");
    expect(request.dialect.id).toBe("anthropic");
  });

  test.each([
    ["model", { ...PLAIN, model: "" }],
    ["model", { ...PLAIN, model: undefined }],
    ["messages", { ...PLAIN, messages: [] }],
    ["messages", { ...PLAIN, messages: undefined }],
    ["messages[0]", { ...PLAIN, messages: ["hi"] }],
    ["messages[1].content", { ...PLAIN, messages: [...PLAIN.messages, { role: "assistant" }] }],
    ["max_tokens", { ...PLAIN, max_tokens: undefined }],
    ["max_tokens", { ...PLAIN, max_tokens: -1 }],
    ["max_tokens", { ...PLAIN, max_tokens: "100" }],
    ["stream", { ...PLAIN, stream: "yes" }],
    ["system", { ...PLAIN, system: 1 }],
    ["tools", { ...PLAIN, tools: {} }],
    ["tools[0]", { ...PLAIN, tools: [1] }],
    ["thinking", { ...PLAIN, thinking: "much" }],
    ["max_tokens", `{"max_tokens":1,${JSON.stringify(PLAIN).slice(1)}`],
    ["Max_Tokens", { ...PLAIN, Max_Tokens: 1_000_000 }],
    ["STREAM", { ...PLAIN, STREAM: true }],
  ])("with a wrong %s is refused by that name", (param, document) => {
    const fault = faultOf(document);
    expect(fault).toMatchObject({ code: "invalid_request", param });
    expect(fault.text("zh")).not.toBe(fault.text("en"));
  });

  test("may leave its longest answer out where only tokens are counted", () => {
    const { max_tokens: _, ...rest } = PLAIN;
    expect(read(rest, { counting: true }).maxOutputTokens).toBeUndefined();
  });

  test("may ask for no answer at all, to fill the cache", () => {
    expect(read({ ...PLAIN, max_tokens: 0 }).maxOutputTokens).toBe(0);
  });

  test("has fields of its own that nobody here knows", () => {
    expect(read({ ...PLAIN, context_management: { edits: [] }, betas: ["x"], new_field: 1 }).model).toBe("m");
  });

  test("pictures are counted apart, in results of tools, too, and their bytes are no text", () => {
    const image = { type: "image", source: { type: "base64", media_type: "image/png", data: "A".repeat(10_000) } };
    const document = {
      ...PLAIN,
      messages: [
        { role: "user", content: [image, { type: "tool_result", tool_use_id: "t", content: [image] }] },
        { role: "user", content: [{ type: "image", source: { type: "url", url: "https://i" } }] },
      ],
    };
    const request = read(document);
    expect(request.images).toBe(3);
    expect(request.inputTokens.bound).toBeLessThan(1_500);
    // What only looks like a picture stays text.
    const fake = { ...PLAIN, messages: [{ role: "user", content: [{ ...image, type: "text", text: "x" }] }] };
    expect(read(fake).inputTokens.bound).toBeGreaterThan(10_000);
  });

  test("tools that Anthropic describes itself are allowed for", () => {
    const plain = read(PLAIN).inputTokens;
    const search = read({ ...PLAIN, tools: [{ type: "web_search_20250305", name: "web_search" }] }).inputTokens;
    expect(search.bound - plain.bound).toBeGreaterThan(8_000);
    expect(search.estimate).toBeGreaterThan(plain.estimate + 500);
  });

  test("the bound is above a token a byte of all texts, and never below the guess", () => {
    const text = fc.string({ unit: "grapheme", maxLength: 60 });
    const block = fc.oneof(
      fc.record({ type: fc.constant("text"), text }),
      fc.record({ type: fc.constant("thinking"), thinking: text, signature: text }),
      fc.record({ type: fc.constant("tool_use"), id: text, name: text, input: fc.dictionary(text, text) }),
      fc.record({ type: fc.constant("tool_result"), tool_use_id: text, content: fc.oneof(text, fc.constant(null)) }),
    );
    const message = fc.record({
      role: fc.constantFrom("user", "assistant"),
      content: fc.oneof(text, fc.array(block, { maxLength: 4 })),
    });
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 5 }), text, (messages, system) => {
        const { bound, estimate } = read({ ...PLAIN, messages, system }).inputTokens;
        const texts = JSON.stringify([messages.map(({ content }) => content), system]);
        expect(bound).toBeGreaterThan(Buffer.byteLength(texts));
        expect(estimate).toBeLessThanOrEqual(bound);
        expect(estimate).toBeGreaterThan(0);
      }),
    );
  });
});
