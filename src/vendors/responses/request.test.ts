import { describe, expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../../base/limits.ts";
import { readRequest } from "./request.ts";

const read = (fields: object) => readRequest(Buffer.from(JSON.stringify({ model: "m", ...fields })), DEFAULT_LIMITS);
const readText = (body: string) => readRequest(Buffer.from(body), DEFAULT_LIMITS);

describe("a request for a response", () => {
  test("is read as far as Maidan must understand it", () => {
    expect(read({ input: "hi", stream: true, max_output_tokens: 9 })).toMatchObject({
      operation: "chat",
      model: "m",
      stream: true,
      wantsUsage: true,
      maxOutputTokens: 9,
      maxOutputField: "max_output_tokens",
      choices: 1,
      images: 0,
      audioBytes: 0,
      unseenInput: false,
    });
    expect(read({ input: [{ role: "user", content: "hi" }], max_output_tokens: null })).toMatchObject({
      stream: false,
      wantsUsage: false,
      maxOutputTokens: undefined,
      maxOutputField: undefined,
    });
  });

  test.each([
    [{}, "input"],
    [{ input: "" }, "input"],
    [{ input: [] }, "input"],
    [{ input: 7 }, "input"],
    [{ input: 7, previous_response_id: "resp_1" }, "input"],
    [{ input: ["hi"] }, "input[0]"],
    [{ input: "hi", stream: "yes" }, "stream"],
    [{ input: "hi", max_output_tokens: 0 }, "max_output_tokens"],
    [{ input: "hi", max_output_tokens: 1.5 }, "max_output_tokens"],
    [{ input: "hi", background: true }, "background"],
  ])("%j is refused for its %s", (fields, param) => {
    expect(() => read(fields)).toThrow(expect.objectContaining({ code: "invalid_request", param }));
  });

  test("what the vendor could read in another way than Maidan is refused", () => {
    for (const body of [
      '{"model":"m","input":"hi","background":false,"background":true}',
      '{"model":"m","input":"hi","max_output_tokens":1,"MAX_OUTPUT_TOKENS":100000}',
    ]) {
      expect(() => readText(body)).toThrow(expect.objectContaining({ code: "invalid_request" }));
    }
  });
});

describe("the size of a request", () => {
  test("is bounded by its bytes, without those of pictures and sound, and with its tools twice", () => {
    const base64 = "A".repeat(40_000);
    const plain = read({ input: [{ role: "user", content: "hi" }] });
    const picture = read({
      input: [
        {
          role: "user",
          content: [
            { type: "input_text", text: "hi" },
            { type: "input_image", image_url: `data:image/png;base64,${base64}` },
            { type: "input_audio", input_audio: { data: base64, format: "wav" } },
          ],
        },
      ],
    });
    expect(picture).toMatchObject({ images: 1, audioBytes: 30_000 });
    expect(picture.inputTokens.bound).toBeLessThan(plain.inputTokens.bound + 1_000);
    const tools = [{ type: "function", name: "f", parameters: {}, description: "d".repeat(1_000) }];
    expect(read({ input: "hi", tools }).inputTokens.bound).toBeGreaterThan(2_500);
  });

  test("a bound holds for every text, wherever it stands", () => {
    const text = "买单 ".repeat(500);
    const items = [
      { role: "user", content: text },
      { type: "function_call", call_id: "c", name: "f", arguments: text },
      { type: "function_call_output", call_id: "c", output: text },
      { type: "custom_tool_call", call_id: "d", name: "g", input: text },
      { type: "custom_tool_call_output", call_id: "d", output: [{ type: "input_text", text }] },
      { type: "reasoning", summary: [{ type: "summary_text", text }] },
    ];
    for (const item of items) {
      const { bound, estimate } = read({ input: [item] }).inputTokens;
      expect(bound).toBeGreaterThan(Buffer.byteLength(text));
      expect(estimate).toBeGreaterThan(1_000);
      expect(estimate).toBeLessThanOrEqual(bound);
    }
  });

  test("what the vendor keeps, or fetches, is not bounded by the request", () => {
    for (const field of ["previous_response_id", "conversation", "prompt"]) {
      expect(read({ [field]: "kept_1" }).unseenInput).toBe(true);
      expect(read({ input: "hi", [field]: null }).unseenInput).toBe(false);
    }
    const file = { type: "input_file", file_url: "https://example.com/a.pdf" };
    expect(read({ input: [{ role: "user", content: [file] }] }).images).toBe(20);
  });
});
