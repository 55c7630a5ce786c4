import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { costOf, halfEven, nano, type Rates, sum } from "./harness/arithmetic.ts";
import { budgetsOf, expectCleanAudit } from "./harness/books.ts";
import { PROJECT } from "./harness/compile.ts";
import { type RunningMaidan, startMaidan } from "./harness/maidan.ts";
import { PRICE, payer, RATES, yaml } from "./harness/settings.ts";

/** Recorded answers of real models, where this machine has them; else a small suite of our own. */
const FOLDER = [
  process.env.MAIDAN_RECORDED,
  join(PROJECT, "../shared/data/recorded"),
  join(PROJECT, "examples/recorded"),
].find((folder) => folder !== undefined && existsSync(folder))!;

/** Every prompt of every model, buffered and streamed; else every prompt once. */
const FULL = process.env.MAIDAN_RECORDED_FULL === "1";
const AT_ONCE = 16;
const PAYERS = ["north", "south", "east"];
const YUAN_A_DOLLAR = "7.1234567";

interface Question {
  /** As it is called: `recorded/…`. */
  readonly model: string;
  /** The suite's own price, or the endpoint's for models without one. */
  readonly rates: Rates;
  readonly prompt: string;
  /** One, or more where the suite asks the same twice. */
  readonly answers: readonly string[];
  readonly payer: string;
  readonly stream: boolean;
}

/** Issue: "the official openai npm client asks the recorded vendor all prompts of the suites … the ledger adds up to the nano-unit". */
describe(`recorded answers (${FULL ? "all models" : "each prompt once"})`, () => {
  let maidan: RunningMaidan;
  let questions: Question[];
  const costs = new Map<string, bigint[]>(PAYERS.map((id) => [id, []]));

  beforeAll(async () => {
    const yuan = { budgets: [{ id: "east-total", amount: "7000", currency: "CNY", window: "total" }] };
    maidan = await startMaidan({
      yaml: yaml({
        rates: [{ from: "USD", to: "CNY", rate: YUAN_A_DOLLAR, since: "2020-01-01" }],
        endpoints: [{ id: "recorded", vendor: "recorded", suites: FOLDER, price: PRICE }],
        payers: [
          {
            id: "company",
            budgets: [
              { id: "company-month", amount: "3000", currency: "USD", window: "month", timezone: "Asia/Shanghai" },
            ],
            payers: [payer("north", "1000"), payer("south", "1000"), payer("east", "0", yuan)],
          },
        ],
      }),
    });
    const models = await maidan.client("sk-test-north").models.list();
    questions = questionsOf(models.data.map((model) => model.id).filter((id) => id.startsWith("recorded/")));
  });
  afterAll(() => maidan?.stop());

  async function ask(client: OpenAI, question: Question): Promise<void> {
    const request = { model: question.model, messages: [{ role: "user" as const, content: question.prompt }] };
    let text = "";
    let usage: OpenAI.CompletionUsage | undefined;
    if (question.stream) {
      const stream = await client.chat.completions.create({
        ...request,
        stream: true,
        stream_options: { include_usage: true },
      });
      for await (const chunk of stream) {
        text += chunk.choices[0]?.delta.content ?? "";
        usage = chunk.usage ?? usage;
      }
    } else {
      const answer = await client.chat.completions.create(request);
      text = answer.choices[0]!.message.content ?? "";
      usage = answer.usage;
    }
    if (!question.answers.includes(text))
      throw new Error(`${question.model} did not answer as recorded: ${question.prompt}`);
    const counted = { input: usage!.prompt_tokens, cachedInput: 0, output: usage!.completion_tokens, reasoning: 0 };
    costs.get(question.payer)!.push(costOf(counted, question.rates));
  }

  it(
    "every prompt gets the recorded answer, buffered and streamed",
    async () => {
      expect(questions.length).toBeGreaterThan(FOLDER.includes("examples") ? 3 : 2_000);
      const clients = new Map(PAYERS.map((id) => [id, maidan.client(`sk-test-${id}`)]));
      let next = 0;
      const worker = async (): Promise<void> => {
        for (let question = questions[next++]; question; question = questions[next++]) {
          await ask(clients.get(question.payer)!, question);
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, worker));
    },
    FULL ? 3_600_000 : 120_000,
  );

  it("the ledger adds up to the nano-unit, and says that the usage is estimated", async () => {
    const budgets = await budgetsOf(maidan.admin);
    const dollars = (id: string) => sum(costs.get(id)!);
    expect(budgets.get("north-total")).toMatchObject({ settled: dollars("north"), held: 0n });
    expect(budgets.get("south-total")).toMatchObject({ settled: dollars("south"), held: 0n });
    const rate = BigInt(YUAN_A_DOLLAR.replace(".", ""));
    const yuan = sum(costs.get("east")!.map((cost) => halfEven(cost * rate, 10_000_000n)));
    expect(budgets.get("east-total")).toMatchObject({ settled: yuan, held: 0n });
    expect(budgets.get("company-month")).toMatchObject({ settled: sum(PAYERS.map(dollars)), held: 0n });

    const usage = (await maidan.admin.get("usage?by=payer&payer=company&currency=USD")).items;
    for (const row of usage) {
      expect(nano(row.cost), row.payer).toBe(dollars(row.payer));
      expect(row.calls).toBe(costs.get(row.payer)!.length);
      expect(Number(row.estimated)).toBe(row.calls);
    }
    await expectCleanAudit(maidan.admin);
  });

  it("a prompt that was never recorded is a clear error, and costs nothing", async () => {
    const body = { model: questions[0]!.model, messages: [{ role: "user", content: "a question nobody ever asked" }] };
    const before = (await budgetsOf(maidan.admin)).get("north-total")!.settled;
    const answer = await maidan.ask("/v1/chat/completions", "sk-test-north", { body });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(JSON.parse(answer.body.toString()).error.message).toEqual(expect.any(String));
    expect((await budgetsOf(maidan.admin)).get("north-total")).toMatchObject({ settled: before, held: 0n });
  });
});

/** A model as `suite.json` lists it. */
interface Listed {
  readonly model: string;
  readonly file: string;
  readonly priceUsdPerMillionTokens?: { readonly input: number; readonly output: number };
}

interface Suite {
  readonly name: string;
  readonly prompts: readonly string[];
  readonly models: readonly {
    readonly name: string;
    readonly rates: Rates;
    readonly answers: ReadonlyMap<string, string[]>;
  }[];
}

function lines(file: string): Record<string, string>[] {
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => JSON.parse(line));
}

function readSuite(name: string): Suite {
  const folder = join(FOLDER, name);
  const { models } = JSON.parse(readFileSync(join(folder, "suite.json"), "utf8"));
  const prompts = new Map(lines(join(folder, "prompts.jsonl")).map((one) => [one.id!, one.prompt!]));
  const answersIn = (file: string): Map<string, string[]> => {
    const answers = new Map<string, string[]>();
    for (const { id, answer } of lines(join(folder, "answers", file))) {
      const prompt = prompts.get(id!)!;
      answers.set(prompt, [...(answers.get(prompt) ?? []), answer!]);
    }
    return answers;
  };
  return {
    name,
    prompts: [...new Set(prompts.values())],
    models: models.map(({ model, file, priceUsdPerMillionTokens: price }: Listed) => ({
      name: model,
      rates: price ? { input: String(price.input), output: String(price.output) } : RATES,
      answers: answersIn(file),
    })),
  };
}

function questionsOf(served: readonly string[]): Question[] {
  const questions: Question[] = [];
  const add = (question: Omit<Question, "payer">): void => {
    questions.push({ ...question, payer: PAYERS[questions.length % PAYERS.length]! });
  };
  for (const name of readdirSync(FOLDER).filter((one) => existsSync(join(FOLDER, one, "suite.json")))) {
    const suite = readSuite(name);
    const models = suite.models.map((model) => ({ ...model, id: nameOf(served, suite.name, model.name) }));
    suite.prompts.forEach((prompt, turn) => {
      for (const model of FULL ? models : [models[turn % models.length]!]) {
        const answers = model.answers.get(prompt);
        const second = Math.floor(turn / models.length) % 2 === 1;
        if (!answers) continue;
        const { id, rates } = model;
        for (const stream of FULL ? [false, true] : [second]) add({ model: id, rates, prompt, answers, stream });
      }
    });
  }
  return questions;
}

/** What a recorded model is called: its suite and its own name are in it. */
function nameOf(served: readonly string[], suite: string, model: string): string {
  const found = served.filter((id) => id.endsWith(`/${model}`) || id.endsWith(`__${model}`));
  const name = found.find((id) => id.includes(suite)) ?? found[0];
  if (name === undefined) throw new Error(`no recorded model is called ${model}: ${served.join(", ")}`);
  return name;
}
