import OpenAI from "openai";
import { describe, expect, test } from "vitest";
import { Fault } from "../../base/faults.ts";
import type { StreamFollower } from "../spec.ts";
import { OpenAiDecoder } from "./decoder.ts";
import { errorBody } from "./errors.ts";
import { OpenAiFollower } from "./stream.ts";
import { COST, holdingBack, STREAMS } from "./stream-cases.suite.ts";

/** The vendor's own client, given the bytes that a client of Maidan would get. */
function clientOf(bytes: Buffer, status = 200): OpenAI {
  const type = status === 200 ? "text/event-stream" : "application/json";
  const answer = async (): Promise<Response> =>
    new Response(new Uint8Array(bytes), { status, headers: { "content-type": type } });
  return new OpenAI({ apiKey: "test", baseURL: "http://127.0.0.1:9/v1", fetch: answer, maxRetries: 0 });
}

const ASKED = { model: "m", messages: [{ role: "user" as const, content: "hi" }] };

function relayed(follower: StreamFollower, stream: string, end: (follower: StreamFollower) => Buffer): Buffer {
  const passed = follower.push(Buffer.from(stream)) ?? Buffer.alloc(0);
  return Buffer.concat([passed, end(follower)]);
}

const options = { dropUsage: false, eventBytes: 100_000 };

describe("OpenAI's own client reads", () => {
  test.each(Object.keys(STREAMS).filter((name) => name !== "error"))("%s, with its cost", async (name) => {
    const bytes = relayed(new OpenAiFollower(options), STREAMS[name]!, (follower) => follower.finish(COST));
    const answer = await clientOf(bytes).chat.completions.stream(ASKED).finalChatCompletion();
    expect(answer.choices.every((choice) => choice.finish_reason)).toBe(true);
    expect(answer.usage?.prompt_tokens).toBeGreaterThan(0);
    const alone = STREAMS[name]!.includes('"choices":[],');
    if (alone) expect(answer.usage).toMatchObject({ cost: 0.000123, cost_currency: "USD" });
    else expect(answer.usage).not.toHaveProperty("cost");
  });

  test("texts that were rewritten", async () => {
    const decoder = new OpenAiDecoder(options);
    decoder.transform(holdingBack(4));
    const bytes = relayed(decoder, STREAMS["openai-two"]!, (follower) => follower.finish(COST));
    const answer = await clientOf(bytes).chat.completions.stream(ASKED).finalChatCompletion();
    expect(answer.choices.map((choice) => choice.message.content)).toEqual(["买单，结账🙂。", "买单 🚀 LIFT"]);
  });

  test("an early stop, as an answer that reached its longest", async () => {
    const follower = new OpenAiFollower({ ...options, choices: 2 });
    const bytes = relayed(
      follower,
      STREAMS["openai-two"]!.split("\n\n").slice(0, 5).join("\n\n").concat("\n\n"),
      (one) => one.stop(),
    );
    const answer = await clientOf(bytes).chat.completions.stream(ASKED).finalChatCompletion();
    expect(answer.choices.map((choice) => [choice.message.content, choice.finish_reason])).toEqual([
      ["买单，结账🙂。", "length"],
      ["买单 🚀 lift", "length"],
    ]);
  });

  test("an error in the middle, as an error", async () => {
    const fault = new Fault("timeout", () => "too slow");
    const bytes = relayed(
      new OpenAiFollower(options),
      STREAMS.kimi!.split("\n\n").slice(0, 3).join("\n\n").concat("\n\n"),
      (one) => one.error(fault, "too slow"),
    );
    const reading = clientOf(bytes).chat.completions.stream(ASKED).finalChatCompletion();
    await expect(reading).rejects.toMatchObject({ code: "timeout", type: "server_error" });
  });

  test("a refusal", async () => {
    const fault = new Fault("budget_exhausted", () => "no money", { details: { budget: "b" } });
    const reading = clientOf(errorBody(fault, "en"), fault.status).chat.completions.create(ASKED);
    await expect(reading).rejects.toMatchObject({ status: 402, code: "budget_exhausted", error: { budget: "b" } });
  });
});
