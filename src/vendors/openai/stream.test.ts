import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Fault } from "../../base/faults.ts";
import type { FollowOptions } from "../spec.ts";
import { VendorFault } from "../vendor-fault.ts";
import { OpenAiFollower } from "./stream.ts";
import {
  anyCuts,
  anyStream,
  COST,
  cut,
  EACH_BYTE,
  follow,
  LINE_ENDS,
  payloads,
  STREAMS,
  withLineEnds,
} from "./stream-cases.suite.ts";

const OPTIONS: FollowOptions = { dropUsage: false, eventBytes: 64 * 1024 };
const DROPPING: FollowOptions = { ...OPTIONS, dropUsage: true };

const bytesOf = (name: string): Buffer => Buffer.from(STREAMS[name]!);
const followed = (name: string, options = OPTIONS) => follow(new OpenAiFollower(options), [bytesOf(name)], COST);
const usageOf = (name: string) => JSON.parse(JSON.stringify(followed(name).usage));

describe("what recorded streams used", () => {
  test.each([
    ["openai", { input: 176, cachedInput: 1024, inputAudio: 0, output: 14, reasoning: 0, outputAudio: 0 }],
    ["openai-two", { input: 21, output: 19 }],
    ["deepseek", { input: 19, cachedInput: 320, output: 44, reasoning: 39 }],
    ["kimi", { input: 5, cachedInput: 4, output: 5, reasoning: 7 }],
    ["alibaba", { input: 63, cachedInput: 32, cacheWrite5m: 200, output: 22 }],
    ["zhipu", { input: 6, cachedInput: 0, output: 3, reasoning: 8 }],
    ["vllm", { input: 12, output: 3 }],
    ["openrouter", { input: 20, cachedInput: 0, output: 3, reasoning: 3 }],
    ["minimax", { input: 50, output: 8 }],
  ])("%s", (name, usage) => expect(usageOf(name)).toEqual(usage));

  test("a vendor's own cost is told as a decimal", () => {
    expect(followed("openrouter").vendorCost).toBe("0.0000123");
  });

  test("text is counted in bytes of UTF-8, however it is spelled", () => {
    expect(followed("openai").textBytes).toBe(Buffer.byteLength('The "usage":{} of a ledger\nends in [DONE].'));
    expect(followed("openai-two").textBytes).toBe(Buffer.byteLength("买单，结账🙂。买单 🚀 lift"));
    expect(followed("deepseek").textBytes).toBe(
      Buffer.byteLength('The user asks for the weather.Let me look.{"city": "杭州"}'),
    );
    expect(followed("openai").events).toBe(3);
  });

  test.each(Object.keys(STREAMS))("%s is finished, or failed", (name) => {
    const { finished, fault } = followed(name);
    expect(finished).toBe(name !== "error");
    expect(fault !== undefined).toBe(name === "error");
  });
});

describe("what goes on", () => {
  test.each(Object.keys(STREAMS))("%s: every byte but the usage chunk, whose end has the cost", (name) => {
    const { relayed, end } = followed(name);
    const shown = Buffer.from(relayed + end, "latin1").toString();
    const done = name === "minimax" ? "data: [DONE]\n\n" : "";
    // Every stream whose usage stands alone carries the cost there, and nothing else differs.
    expect(shown.replaceAll(/(,"cost":0.000123)?,"cost_currency":"USD"/g, "")).toBe(
      STREAMS[name]!.replace("0.0000123", "0.000123") + done,
    );
    const alone = payloads(STREAMS[name]!).some((payload) => payload.includes('"choices":[],'));
    expect(shown.includes('"cost_currency":"USD"')).toBe(alone);
  });

  test.each(Object.keys(STREAMS))("%s: without the usage chunk, where nobody asked for it", (name) => {
    const { relayed, end } = followed(name, DROPPING);
    const kept = payloads(STREAMS[name]!).filter((payload) => !payload.includes('"choices":[],'));
    if (name === "minimax") kept.push("[DONE]");
    expect(payloads(Buffer.from(relayed + end, "latin1").toString())).toEqual(kept);
  });

  test("a whole event goes on in the very buffer it came in", () => {
    const follower = new OpenAiFollower(OPTIONS);
    const first = Buffer.from('data: {"choices":[{"delta":{"content":"a"}}],"usage":null}\n\n');
    const second = Buffer.concat([first, first]);
    expect(follower.push(first)).toBe(first);
    expect(follower.push(second)).toBe(second);
    const comment = Buffer.from(": ping\n");
    expect(follower.push(comment)).toBe(comment);
  });

  test("usage in the middle does not hold the answer up", () => {
    const piece = 'data: {"choices":[{"delta":{"content":"a"}}]}\n\n';
    const usage = 'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}\n\n';
    const stream = Buffer.from(`${piece + usage}: ping\n\n${piece}`);
    expect(new OpenAiFollower(OPTIONS).push(stream)?.toString()).toBe(stream.toString());
    expect(new OpenAiFollower(DROPPING).push(stream)?.toString()).toBe(`${piece}: ping\n\n${piece}`);
  });

  test("of two usage chunks at the end, the last carries the cost", () => {
    const usage = (tokens: number) =>
      `data: {"choices":[],"usage":{"prompt_tokens":${tokens},"completion_tokens":1}}\n\n`;
    const { end, usage: last } = follow(new OpenAiFollower(OPTIONS), [Buffer.from(usage(1) + usage(2))], COST);
    expect(end).toBe(usage(1) + usage(2).replace("1}}", '1,"cost":0.000123,"cost_currency":"USD"}}'));
    expect(last?.input).toBe(2);
  });

  test("a finished answer always ends in [DONE]; one that broke off does not", () => {
    const finish = 'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}';
    const piece = 'data: {"choices":[{"delta":{"content":"a"},"finish_reason":"null"}]}';
    const end = (text: string): string => {
      const { relayed, end } = follow(new OpenAiFollower(OPTIONS), [Buffer.from(text)], undefined);
      return relayed + end;
    };
    expect(end(`${finish}\n\n`)).toBe(`${finish}\n\ndata: [DONE]\n\n`);
    expect(end(`${finish}\n`)).toBe(`${finish}\n\ndata: [DONE]\n\n`);
    expect(end(finish)).toBe(`${finish}\n\ndata: [DONE]\n\n`);
    expect(end(`${piece}\n\n`)).toBe(`${piece}\n\n`);
    expect(end(`${piece}\n\n${piece.slice(0, -3)}`)).toBe(`${piece}\n\n`);
  });

  test("an end without its blank line is read", () => {
    const usage = 'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}';
    const follower = new OpenAiFollower(OPTIONS);
    expect(follower.push(Buffer.from(usage))).toBeUndefined();
    expect(follower.usage).toMatchObject({ input: 1, output: 2 });
    const last = new OpenAiFollower(OPTIONS);
    last.push(Buffer.from("data: [DONE]\n"));
    expect(last.finished).toBe(true);
    expect(last.ended).toBe(false);
    expect(last.finish(COST).toString()).toBe("data: [DONE]\n");
  });
});

describe("cuts make no difference", () => {
  for (const [name, stream] of Object.entries(STREAMS)) {
    for (const [ends, lineEnds] of Object.entries(LINE_ENDS)) {
      test(`${name}, ${ends}: two pieces cut at every byte, and byte by byte`, () => {
        const bytes = withLineEnds(stream, lineEnds);
        for (const options of [OPTIONS, DROPPING]) {
          const whole = follow(new OpenAiFollower(options), [bytes], COST);
          for (let place = 1; place < bytes.length; place++) {
            const parts = [bytes.subarray(0, place), bytes.subarray(place)];
            const { relayed, end, ...rest } = follow(new OpenAiFollower(options), parts, COST);
            if (relayed + end !== whole.relayed + whole.end) expect(relayed + end, `cut at ${place}`).toBe("");
            expect(rest).toEqual({ ...whole, relayed: undefined, end: undefined });
          }
          const { relayed, end, ...rest } = follow(new OpenAiFollower(options), EACH_BYTE(bytes), COST);
          expect(relayed + end).toBe(whole.relayed + whole.end);
          expect(rest).toEqual({ ...whole, relayed: undefined, end: undefined });
        }
      });
    }
  }

  test("any stream, any line ends, any cuts", () => {
    fc.assert(
      fc.property(anyStream, anyCuts, fc.boolean(), (bytes, places, dropUsage) => {
        const options = { ...OPTIONS, dropUsage };
        const whole = follow(new OpenAiFollower(options), [bytes], COST);
        const { relayed, end, ...rest } = follow(new OpenAiFollower(options), cut(bytes, places), COST);
        expect(relayed + end).toBe(whole.relayed + whole.end);
        expect(rest).toEqual({ ...whole, relayed: undefined, end: undefined });
      }),
      { numRuns: 2000 },
    );
  });

  test("any stream passes as a plain reading says", () => {
    fc.assert(
      fc.property(anyStream, fc.boolean(), (bytes, dropUsage) => {
        const { relayed, end, finished, ended, usage } = follow(
          new OpenAiFollower({ ...OPTIONS, dropUsage }),
          [bytes],
          undefined,
        );
        const expected = plainly(`${bytes.toString()}\n\n`, dropUsage);
        const shown = Buffer.from(relayed + end, "latin1").toString();
        expect(payloads(`${shown}\n\n`).filter((payload) => payload !== "[DONE]")).toEqual(expected.payloads);
        expect(finished || ended).toBe(expected.finished);
        expect(usage && [usage.input, usage.output]).toEqual(expected.usage);
        // But for usage left out and an end put in, nothing is changed.
        if (!dropUsage)
          expect(bytes.toString().startsWith(shown.replace(/(\n\n?)?data: \[DONE\]\n\n$/, ""))).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

/** The same by `JSON.parse`, event by event. */
function plainly(stream: string, dropUsage: boolean) {
  let usage: number[] | undefined;
  let finished = false;
  const kept = payloads(stream).filter((payload) => {
    if (payload === "[DONE]") {
      finished = true;
      return false;
    }
    let document: { choices?: { finish_reason?: string }[]; usage?: Record<string, number> };
    try {
      document = JSON.parse(payload);
    } catch {
      return true;
    }
    if (document.choices?.some((choice) => choice.finish_reason)) finished = true;
    if (!document.usage) return true;
    usage = [document.usage.prompt_tokens!, document.usage.completion_tokens!];
    return !(dropUsage && !document.choices?.length);
  });
  return { payloads: kept, finished, usage };
}

describe("bounds", () => {
  test("an event longer than the limit is a fault, wherever it is cut", () => {
    const options = { dropUsage: false, eventBytes: 100 };
    const long = Buffer.from(`data: {"choices":[{"delta":{"content":"${"x".repeat(100)}"}}]}\n\n`);
    for (const chunks of [[long], EACH_BYTE(long), cut(long, [50])]) {
      expect(() => follow(new OpenAiFollower(options), chunks, undefined)).toThrow(VendorFault);
    }
    const short = Buffer.from('data: {"choices":[{"delta":{"content":"x"}}]}\n\n');
    expect(new OpenAiFollower(options).push(Buffer.concat([short, short, short, short]))?.length).toBe(
      4 * short.length,
    );
  });

  test("what is kept back has a limit too", () => {
    const follower = new OpenAiFollower({ dropUsage: false, eventBytes: 100 });
    follower.push(Buffer.from("data: [DONE]\n\n"));
    expect(() => {
      for (let count = 0; count < 20; count++) follower.push(Buffer.from(": ping\n\n"));
    }).toThrow(/longer than 100 bytes/);
  });
});

describe("errors inside a stream", () => {
  const fault = (text: string): VendorFault | undefined => {
    const follower = new OpenAiFollower(OPTIONS);
    const bytes = Buffer.from(text);
    const passed = follower.push(bytes);
    if (passed) expect(passed.toString()).toBe(text);
    return follower.fault;
  };

  test.each([
    ['data: {"error":{"message":"slow down","code":"rate_limit_exceeded"}}\n\n', "rate_limit"],
    ['data:{"error":{"message":"busy","type":"engine_overloaded_error"}}\n\n', "overloaded"],
    ['event:error\ndata:{"code":"DataInspectionFailed","message":"no","request_id":"1"}\n\n', "content_filter"],
    ['event: error\ndata: {"message":"something broke"}\n\n', "server_error"],
    ['data: {"error_code":336003,"error_msg":"bad"}\n\n', "server_error"],
    ['data: {"base_resp":{"status_code":1008,"status_msg":"insufficient balance"}}\n\n', "billing"],
    [
      'data: {"error":{"code":502,"message":"upstream"},"choices":[{"delta":{},"finish_reason":"error"}]}\n\n',
      "server_error",
    ],
    ['{"error":{"message":"context length exceeded","code":"context_length_exceeded"}}\n\n', "context_length"],
    ['{"error":"model runner has stopped"}', "server_error"],
  ])("%j is %s", (text, errorClass) => expect(fault(text)?.errorClass).toBe(errorClass));

  test.each([
    'data: {"choices":[{"delta":{"content":"an \\"error\\": here"}}],"error":null}\n\n',
    'data: {"choices":[{"delta":{"content":"x"}}],"base_resp":{"status_code":0,"status_msg":""}}\n\n',
    ": error\n\n",
    'data: {"code":0,"message":"ok"}\n\n',
  ])("%j is none", (text) => expect(fault(text)).toBeUndefined());

  test("what is charged depends on what was written before", () => {
    expect(fault('data: {"error":{"message":"x"}}\n\n')?.charged).toBe("nothing");
    const { fault: late } = followedStream("error");
    expect(late?.charged).toBe("unknown");
    expect(late?.message).toContain("请稍后再试");
  });

  test("Maidan's own error has the protocol's shape", () => {
    const text = (language: string) => (language === "zh" ? "断开" : "broken off");
    const shown = new OpenAiFollower(OPTIONS).error(
      new Fault("vendor_error", text, { details: { attempt: 1n } }),
      "断开",
    );
    expect(JSON.parse(payloads(shown.toString())[0]!)).toEqual({
      error: { message: "断开", type: "server_error", param: null, code: "vendor_error", attempt: "1" },
    });
  });
});

function followedStream(name: string): OpenAiFollower {
  const follower = new OpenAiFollower(OPTIONS);
  follower.push(bytesOf(name));
  return follower;
}

describe("an early stop", () => {
  test("ends the open choices in the answer's own name", () => {
    const follower = new OpenAiFollower({ ...OPTIONS, choices: 2 });
    const stream = STREAMS["openai-two"]!;
    follower.push(
      Buffer.from(
        stream.slice(
          0,
          stream.indexOf(
            'data: {"id":"chatcmpl-CkQ8b2","object":"chat.completion.chunk","created":1793000100,"model":"gpt-4o","choices":[{"index":0,"delta":{},',
          ),
        ),
      ),
    );
    const [chunk, done] = payloads(follower.stop().toString());
    expect(JSON.parse(chunk!)).toEqual({
      id: "chatcmpl-CkQ8b2",
      object: "chat.completion.chunk",
      created: 1793000100,
      model: "gpt-4o",
      choices: [{ index: 0, delta: {}, finish_reason: "length" }],
    });
    expect(done).toBe("[DONE]");
  });

  test("before anything came, and after everything came", () => {
    const [chunk, done] = payloads(new OpenAiFollower(OPTIONS).stop().toString());
    expect(JSON.parse(chunk!).choices).toEqual([{ index: 0, delta: {}, finish_reason: "length" }]);
    expect(done).toBe("[DONE]");
    expect(payloads(followedStream("openai").stop().toString())).toEqual(["[DONE]"]);
  });
});
