import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Fault } from "../../base/faults.ts";
import { openaiClient } from "../inside/openai-client.suite.ts";
import { countPieces } from "../inside/pieces.ts";
import type { WireRequest } from "../spec.ts";
import { describeTransport, record } from "../transport.suite.ts";
import { openRecorded, type Recorded } from "./recorded.ts";
import { Recordings } from "./recordings.ts";
import { readSuites } from "./suite.ts";

const EXAMPLES = resolve("examples/recorded");
const CAREFUL = "first-questions/example__careful-1";
const HASTY = "first-questions/example__hasty-1";

const ask = (model: string, content: unknown, extra: object = {}): WireRequest => ({
  method: "POST",
  path: "/v1/chat/completions",
  headers: {},
  body: Buffer.from(JSON.stringify({ model, messages: [{ role: "user", content }], ...extra })),
});

const REASON = "recorded answers neither wait nor fail";
describeTransport(
  "recorded",
  async () => ({
    transport: (await openRecorded(await longSuite())).transport,
    scenes: {
      body: ask("long/example__long", "prompt"),
      stream: ask("long/example__long", "prompt", { stream: true }),
    },
  }),
  { error: REASON, slow: REASON, stall: REASON, broken: REASON, cut: REASON },
);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "maidan-recorded-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function longSuite(): Promise<string> {
  return writeSuite("with-long", "long", {
    "suite.json": JSON.stringify({ models: [{ vendor: "example", model: "long", file: "long.jsonl" }] }),
    "prompts.jsonl": '{"id":"1","prompt":"prompt"}\n',
    "answers/long.jsonl": `${JSON.stringify({ id: "1", answer: "很长的答案，".repeat(60) })}\n`,
  });
}

async function writeSuite(name: string, suite: string, files: Record<string, string>): Promise<string> {
  const root = join(folder, name);
  await mkdir(join(root, suite, "answers"), { recursive: true });
  for (const [file, text] of Object.entries(files)) await writeFile(join(root, suite, file), text);
  return root;
}

describe("the example suite", () => {
  let recorded: Recorded;
  beforeAll(async () => {
    recorded = await openRecorded(EXAMPLES);
  });

  test("lists its models, with prices as decimals", async () => {
    expect(recorded.models).toEqual([
      {
        id: CAREFUL,
        suite: "first-questions",
        suiteName: "First questions",
        vendor: "example",
        model: "careful-1",
        price: { currency: "USD", input: "1.2", output: "4.8", source: "suite.json (2026-11)" },
      },
      expect.objectContaining({ id: HASTY, price: expect.objectContaining({ input: "0.075", output: "0.3" }) }),
    ]);
    const listed = await openaiClient(recorded.transport).models.list();
    expect(listed.data.map(({ id }) => id)).toEqual([CAREFUL, HASTY]);
  });

  test("answers as recorded, in both forms, and marks its own count of tokens as estimated", async () => {
    const client = openaiClient(recorded.transport);
    const messages = [
      { role: "system" as const, content: "Be brief." },
      { role: "user" as const, content: "一打鸡蛋有几个？" },
    ];
    const buffered = await client.chat.completions.create({ model: HASTY, messages });
    expect(buffered.choices[0]).toMatchObject({ message: { content: "12 个 🥚" }, finish_reason: "stop" });
    // 3 for the request, 3 a message, "Be b|rief|." and eight characters; "12 |个| |🥚"
    expect(buffered.usage).toEqual({ prompt_tokens: 20, completion_tokens: 4, total_tokens: 24, estimated: true });
    const streamed = await client.chat.completions
      .stream({ model: HASTY, messages, stream_options: { include_usage: true } })
      .finalChatCompletion();
    expect(streamed.choices[0]!.message.content).toBe("12 个 🥚");
    expect(streamed.usage).toEqual(buffered.usage);
  });

  test("takes the last user message, also in parts", async () => {
    const parts = [
      { type: "text", text: "水在标准大气压下" },
      { type: "text", text: "多少摄氏度沸腾？" },
    ];
    const request = {
      ...ask(HASTY, parts),
      body: Buffer.from(
        JSON.stringify({
          model: HASTY,
          messages: [
            { role: "user", content: "一打鸡蛋有几个？" },
            { role: "user", content: parts },
            { role: "assistant", content: "Let me see." },
          ],
        }),
      ),
    };
    const { body } = await record(recorded.transport, request).done;
    expect(JSON.parse(body.toString()).choices[0].message.content).toBe("100 度。");
  });

  test("max_tokens cuts, n repeats", async () => {
    const { body } = await record(recorded.transport, ask(CAREFUL, "一打鸡蛋有几个？", { max_tokens: 3, n: 2 })).done;
    const { choices, usage } = JSON.parse(body.toString());
    expect(choices.map((choice: { message: { content: string } }) => choice.message.content)).toEqual([
      "一打是",
      "一打是",
    ]);
    expect([choices[0].finish_reason, usage.completion_tokens]).toEqual(["length", 6]);
  });

  test.each([
    ["another spelling of a prompt", ask(HASTY, "一打鸡蛋有几个"), 404, "first-questions", "prompt_not_recorded"],
    ["a prompt that this model lacks", ask(HASTY, "Write a haiku about a ledger."), 404, "en-6", "prompt_not_recorded"],
    ["an unknown model", ask("first-questions/example__careful", "x"), 404, CAREFUL, undefined],
    ["no text", ask(HASTY, null), 400, "user", undefined],
    ["no JSON", { ...ask(HASTY, ""), body: Buffer.from("{") }, 400, "JSON", undefined],
    ["another operation", { ...ask(HASTY, ""), path: "/v1/embeddings" }, 404, "/v1/embeddings", undefined],
  ])("%s is refused, and not charged", async (_what, request, status, words, vendorCode) => {
    const { events, fault } = await record(recorded.transport, request).done;
    expect(events).toEqual(["fail"]);
    expect(fault).toMatchObject({ status, vendorStatus: status, charged: "nothing", vendorCode });
    expect(fault!.text("en")).toContain(words);
    expect(fault!.text("zh")).toMatch(/[\u4e00-\u9fff]/);
  });
});

describe("a suite that is not as it should be", () => {
  const good = {
    "suite.json": '{"models":[{"vendor":"v","model":"m","file":"v__m.jsonl"}]}',
    "prompts.jsonl": '{"id":"1","prompt":"p"}\n\n{"id":"2","prompt":"q"}\n',
    "answers/v__m.jsonl": '{"id":"1","answer":"a"}\r\n{"id":"2","answer":""}',
  };
  let count = 0;
  const make = (files: Partial<Record<keyof typeof good | string, string>>) => {
    count += 1;
    return writeSuite(`bad-${count}`, "s", { ...good, ...files } as Record<string, string>);
  };
  const failure = (promise: Promise<unknown>): Promise<Fault> =>
    promise.then(
      () => expect.unreachable("it is accepted"),
      (fault) => fault,
    );

  test("the good one is good: blank lines, carriage returns, an empty answer", async () => {
    const { transport } = await openRecorded(await make({}));
    const { body } = await record(transport, ask("s/v__m", "q")).done;
    const { choices, usage } = JSON.parse(body.toString());
    expect([choices[0].message.content, usage.completion_tokens]).toEqual(["", 0]);
  });

  test.each([
    ["no JSON", { "suite.json": "{" }, "s/suite.json"],
    ["no list of models", { "suite.json": "{}" }, '"models"'],
    ["a model without a vendor", { "suite.json": '{"models":[{"model":"m","file":"f"}]}' }, "models[0].vendor"],
    [
      "a file elsewhere",
      { "suite.json": '{"models":[{"vendor":"v","model":"m","file":"a/../../x"}]}' },
      "models[0].file",
    ],
    [
      "a file that is not there",
      { "suite.json": '{"models":[{"vendor":"v","model":"m","file":"none.jsonl"}]}' },
      "s/answers/none.jsonl",
    ],
    [
      "the same model twice",
      {
        "suite.json":
          '{"models":[{"vendor":"v","model":"m","file":"v__m.jsonl"},{"vendor":"v","model":"m","file":"v__m.jsonl"}]}',
      },
      "v__m",
    ],
    [
      "a price that is none",
      {
        "suite.json":
          '{"models":[{"vendor":"v","model":"m","file":"v__m.jsonl","priceUsdPerMillionTokens":{"input":-1}}]}',
      },
      "priceUsdPerMillionTokens.input",
    ],
  ])("%s is told at once", async (_what, files, words) => {
    const fault = await failure(openRecorded(await make(files)));
    expect(fault.code).toBe("invalid_request");
    expect(fault.text("en")).toContain(words);
    expect(fault.text("zh")).toContain("：");
  });

  test.each([
    ["no JSON", { "prompts.jsonl": '{"id":"1","prompt":"p"}\n{"id":\n' }, "s/prompts.jsonl, line 2"],
    ["no id", { "prompts.jsonl": '\n{"prompt":"p"}' }, "s/prompts.jsonl, line 2"],
    ["no prompt", { "prompts.jsonl": '{"id":"1"}' }, "s/prompts.jsonl, line 1"],
    [
      "an id twice",
      { "answers/v__m.jsonl": '{"id":"1","answer":"a"}\n{"id":"1","answer":"b"}' },
      "s/answers/v__m.jsonl, line 2",
    ],
    ["an answer that is no text", { "answers/v__m.jsonl": '{"id":"1","answer":1}' }, "s/answers/v__m.jsonl, line 1"],
  ])("%s is told when asked for, naming file and line; mended, it is read again", async (_what, files, words) => {
    const root = await make(files);
    const { transport } = await openRecorded(root);
    const { fault } = await record(transport, ask("s/v__m", "p")).done;
    expect(fault).toMatchObject({ code: "vendor_error", charged: "nothing" });
    expect(fault!.text("en")).toContain(words);
    for (const [name, text] of Object.entries(good)) await writeFile(join(root, "s", name), text);
    expect((await record(transport, ask("s/v__m", "p")).done).status).toBe(200);
  });

  test("no folder, no suite", async () => {
    expect((await failure(openRecorded(join(folder, "nowhere")))).message).toContain("nowhere");
    await mkdir(join(folder, "empty"));
    expect((await failure(openRecorded(join(folder, "empty")))).message).toContain("suite.json");
  });

  test("a prompt that stands twice is answered by whichever has an answer", async () => {
    const root = await make({
      "prompts.jsonl": '{"id":"1","prompt":"p"}\n{"id":"2","prompt":"p"}',
      "answers/v__m.jsonl": '{"id":"2","answer":"second"}',
    });
    const { transport } = await openRecorded(root);
    const { body } = await record(transport, ask("s/v__m", "p")).done;
    expect(JSON.parse(body.toString()).choices[0].message.content).toBe("second");
  });

  test("what does not fit into memory is read again", async () => {
    const root = join(folder, "copy");
    await cp(EXAMPLES, root, { recursive: true });
    const [suite] = await readSuites(root);
    const recordings = new Recordings(10);
    const look = (file: string) => recordings.findAnswer(suite!, `example__${file}.jsonl`, "en-1");
    expect(await look("hasty-1")).toBe("150");
    expect(await look("careful-1")).toContain("150");
    await writeFile(join(root, "first-questions/answers/example__hasty-1.jsonl"), '{"id":"en-1","answer":"other"}');
    await writeFile(join(root, "first-questions/answers/example__careful-1.jsonl"), '{"id":"en-1","answer":"other"}');
    expect(await look("careful-1")).toContain("150");
    expect(await look("hasty-1")).toBe("other");
    expect(await look("careful-1")).toBe("other");
  });
});

const REAL = resolve(process.env.MAIDAN_RECORDED ?? "../shared/data/recorded");
const reason = existsSync(REAL) ? "" : ` (skipped: ${REAL} is not there; MAIDAN_RECORDED names the folder)`;

describe.skipIf(reason !== "")(`real recorded answers${reason}`, () => {
  test("every prompt of every model, streamed and buffered alike", async () => {
    const { models, transport } = await openRecorded(REAL);
    expect(models.length).toBeGreaterThan(0);
    let asked = 0;
    for (const model of models) {
      const rows = async (file: string): Promise<Record<string, string>[]> =>
        (await readFile(join(REAL, model.suite, file), "utf8"))
          .split("\n")
          .filter(Boolean)
          .map((line) => JSON.parse(line));
      const prompts = new Map((await rows("prompts.jsonl")).map((row) => [row.id, row.prompt!]));
      const spelt = new Map<string, number>();
      for (const prompt of prompts.values()) spelt.set(prompt, (spelt.get(prompt) ?? 0) + 1);
      const answers = await rows(`answers/${model.vendor}__${model.model}.jsonl`);
      // All of them buffered, every tenth streamed too.
      for (const [index, { id, answer }] of answers.entries()) {
        const prompt = prompts.get(id)!;
        const { body } = await record(transport, ask(model.id, prompt)).done;
        const { choices, usage } = JSON.parse(body.toString());
        asked += 1;
        const twin = spelt.get(prompt)! > 1;
        if (!twin) expect(choices[0].message.content).toBe(answer);
        expect(usage).toMatchObject({ completion_tokens: countPieces(choices[0].message.content), estimated: true });
        if (index % 10 > 0) continue;
        const stream = await record(transport, ask(model.id, prompt, { stream: true })).done;
        const events = stream.body
          .toString()
          .split("\n\n")
          .filter((event) => event.startsWith("data: {"));
        const pieces = events.map((event) => JSON.parse(event.slice(6)).choices[0].delta.content ?? "");
        expect(pieces.join("")).toBe(choices[0].message.content);
      }
    }
    expect(asked).toBeGreaterThan(models.length);
  });
});
