import { describe, expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../../base/limits.ts";
import { openaiDialect } from "./dialect.ts";
import { encode } from "./encode.ts";
import { readPieces } from "./reader.ts";
import { readRequest } from "./request.ts";

const order = (fields: object) =>
  readRequest("images", Buffer.from(JSON.stringify({ model: "m", prompt: "一个方块", ...fields })), DEFAULT_LIMITS);
const read = (document: object) => readPieces("images", Buffer.from(JSON.stringify(document)));
const PICTURES = [{ url: "https://example.com/1.png" }, { b64_json: "AAAA", revised_prompt: "a square" }];

describe("an order for pictures", () => {
  test("is read, and passes byte for byte but for the model", () => {
    const request = order({ n: 2, size: "1024x1024", response_format: "b64_json", unknown: 1.5 });
    expect(request).toMatchObject({
      operation: "images",
      stream: false,
      choices: 2,
      images: 0,
      maxOutputTokens: undefined,
    });
    expect(request.inputTokens.bound).toBeGreaterThan(Buffer.byteLength("一个方块"));
    const target = { credentials: {}, headers: {}, quirks: {} };
    const wire = encode(request, { model: "big", includeUsage: false }, target);
    expect([wire.path, wire.body.toString()]).toEqual([
      "/images/generations",
      request.body.toString().replace('"m"', '"big"'),
    ]);
    expect(request.content()).toMatchObject({
      operation: "images",
      prompt: "一个方块",
      count: 2,
      size: "1024x1024",
      format: "base64",
    });
  });

  test.each([
    [{}, 1],
    [{ n: null }, 1],
    [{ n: 3 }, 3],
    [{ n: 1, batch_size: 4 }, 4],
    [{ sequential_image_generation: "disabled", sequential_image_generation_options: { max_images: 9 } }, 1],
    [{ sequential_image_generation: "auto", sequential_image_generation_options: { max_images: 9 } }, 9],
    [{ n: 2, sequential_image_generation: "auto" }, 15],
  ])("%j: as many are held for as may be drawn (%i)", (fields, count) => {
    expect(order(fields).choices).toBe(count);
  });

  test("pictures to begin with are counted", () => {
    expect([order({ image: "https://example.com/1.png" }).images, order({ image: ["a", "b"] }).images]).toEqual([1, 2]);
  });

  test.each([
    [{ prompt: "" }, "prompt"],
    [{ prompt: 7 }, "prompt"],
    [{ n: 0 }, "n"],
    [{ n: 1.5 }, "n"],
    [{ batch_size: "4" }, "batch_size"],
    [{ stream: true }, "stream"],
    [{ stream: "no" }, "stream"],
  ])("%j is refused for its %s", (fields, param) => {
    expect(() => order(fields)).toThrow(expect.objectContaining({ code: "invalid_request", param }));
  });

  test("a number that stands twice is refused: which one the vendor reads is not known", () => {
    const body = Buffer.from('{"model":"m","prompt":"p","n":1,"n":9}');
    expect(() => readRequest("images", body, DEFAULT_LIMITS)).toThrow(expect.objectContaining({ param: "n" }));
  });
});

describe("pictures that came", () => {
  test("are counted and read, with tokens where the vendor counts them", () => {
    const usage = {
      input_tokens: 50,
      output_tokens: 4_160,
      total_tokens: 4_210,
      input_tokens_details: { text_tokens: 10, image_tokens: 40 },
    };
    expect(read({ created: 7, data: PICTURES, usage })).toEqual([
      { type: "start", created: 7 },
      { type: "image", index: 0, url: "https://example.com/1.png" },
      { type: "image", index: 1, base64: "AAAA", revisedPrompt: "a square" },
      { type: "usage", usage: { input: 10, inputImage: 40, output: 4_160, images: 2 } },
    ]);
  });

  test.each([
    ["by the vendor, where it says how many it has drawn", { data: PICTURES, usage: { generated_images: 3 } }, 3],
    ["without those whose place an error has taken", { data: [PICTURES[0], { error: { code: "blocked" } }] }, 1],
    ["none, where all were struck", { data: [{ error: { code: "blocked" } }] }, 0],
    ["under their other name", { images: PICTURES, timings: { inference: 1 } }, 2],
  ])("are counted %s", (_name, document, images) => {
    const usage = read(document).find((piece) => piece.type === "usage");
    expect(usage).toMatchObject({ usage: { images } });
  });

  test("an error in their place is one", () => {
    expect(() => read({ error: { message: "blocked", code: "content_policy_violation" } })).toThrow(
      expect.objectContaining({ errorClass: "content_filter", charged: "nothing" }),
    );
    for (const none of [{}, { data: [] }, { data: "x" }]) expect(() => read(none)).toThrow();
  });

  test("of other vendors are written as OpenAI's clients expect them", () => {
    const pieces = [...read({ created: 7, data: PICTURES, usage: { input_tokens: 3, output_tokens: 9 } })];
    const written = openaiDialect.writeAnswer(order({}), pieces, { call: "c", model: "lab/mini", at: 0 });
    expect(JSON.parse(written.toString())).toMatchObject({
      created: 7,
      data: PICTURES,
      usage: {
        input_tokens: 3,
        input_tokens_details: { text_tokens: 3, image_tokens: 0 },
        output_tokens: 9,
        total_tokens: 12,
      },
    });
  });
});
