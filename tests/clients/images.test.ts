import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { SIMULATORS } from "../../src/simulators/registry.ts";
import { type ServedSimulators, serveSimulators } from "../../src/simulators/serve.ts";
import { expectCleanAudit } from "../harness/books.ts";
import { type RunningMaidan, startMaidan } from "../harness/maidan.ts";

/** Pictures, ordered by OpenAI's own client through the whole gateway, of every vendor that draws: held first, and paid as they came. */

const KEY = "sk-test-images";
const POOR = "sk-test-images-poor";
const SELLERS = SIMULATORS.filter(({ models }) => models.includes("practice-image")).map(({ protocol }) => protocol);

let simulators: ServedSimulators;
let maidan: RunningMaidan;
let client: OpenAI;

beforeAll(async () => {
  simulators = await serveSimulators({ host: "127.0.0.1", port: 0, protocols: SELLERS });
  const settings = parse(simulators.settings);
  const openai = settings.endpoints.find(({ protocol }: { protocol: string }) => protocol === "openai");
  const priced = (id: string, price: object) => ({
    ...openai,
    id,
    models: [{ id: "practice-image", price: { currency: "USD", ...price } }],
  });
  const payer = (id: string, secret: string, amount: string) => ({
    id,
    budgets: [{ id: `${id}-total`, amount, currency: "USD", window: "total" }],
    keys: [{ id: `${id}-key`, secret }],
  });
  const endpoints = [
    ...settings.endpoints,
    priced("by-piece", { perImage: "0.04" }),
    priced("by-token", { input: "5", output: "40" }),
  ];
  const payers = [payer("images", KEY, "1000"), payer("poor", POOR, "0.1")];
  maidan = await startMaidan({ yaml: stringify({ currency: "USD", endpoints, payers }) });
  client = clientOf(KEY);
}, 60_000);

afterAll(async () => {
  await maidan?.stop();
  await simulators?.close();
});

function clientOf(apiKey: string): OpenAI {
  return new OpenAI({ apiKey, baseURL: `${maidan.address}/v1`, maxRetries: 0 });
}

async function draw(order: OpenAI.ImageGenerateParamsNonStreaming, by = client) {
  const { data, response } = await by.images.generate(order).withResponse();
  const call = await maidan.admin.get(`calls/${response.headers.get("x-maidan-call")}`);
  return { pictures: data.data!, cost: response.headers.get("x-maidan-cost"), call };
}

describe("pictures", () => {
  test.each(SELLERS)("of %s: those that came are paid", async (protocol) => {
    // The others draw one at a time.
    const n = protocol === "gemini" ? 1 : 2;
    const { pictures, call } = await draw({ model: `sim-${protocol}/practice-image`, prompt: "一个方块", n });
    expect(pictures).toHaveLength(n);
    for (const { url, b64_json: base64 } of pictures) expect(url ?? base64).toEqual(expect.any(String));
    expect([call.state, call.attempts[0].basis, call.attempts[0].usage.images]).toEqual(["settled", "reported", n]);
  });

  test("of practice need no key of anybody", async () => {
    const { pictures, cost, call } = await draw({ model: "practice/image", prompt: "a square", n: 3 });
    expect(pictures.map(({ b64_json: base64 }) => Buffer.from(base64!, "base64").toString("latin1", 1, 4))).toEqual(
      Array(3).fill("PNG"),
    );
    expect([cost, call.attempts[0].basis]).toEqual(["0.003 USD", "reported"]);
  });

  test("by the piece", async () => {
    const { cost, call } = await draw({ model: "by-piece/practice-image", prompt: "a square", n: 2 });
    expect([cost, call.attempts[0].hold]).toEqual(["0.08 USD", "0.08"]);
  });

  test("by the token, as the vendor counts them", async () => {
    const { cost, call } = await draw({ model: "by-token/practice-image", prompt: "a square", n: 2 });
    expect(call.attempts[0].usage).toMatchObject({ input: 8, output: 200, images: 2 });
    // 8 × 5 + 200 × 40, a million.
    expect([cost, call.attempts[0].basis]).toEqual(["0.00804 USD", "reported"]);
  });

  test("are not drawn where the budget has no room for them", async () => {
    const poor = clientOf(POOR);
    const order = { model: "by-piece/practice-image", prompt: "a square" };
    await expect(draw({ ...order, n: 3 }, poor)).rejects.toMatchObject({ status: 402, code: "budget_exhausted" });
    expect((await draw({ ...order, n: 2 }, poor)).cost).toBe("0.08 USD");
    await expect(draw(order, poor)).rejects.toMatchObject({ status: 402 });
  });

  test("are not drawn piece by piece, nor for an order that cannot be understood", async () => {
    const order = { model: "by-piece/practice-image", prompt: "a square" };
    await expect(client.images.generate({ ...order, stream: true })).rejects.toMatchObject({
      status: 400,
      param: "stream",
    });
    await expect(client.images.generate({ ...order, n: 0 })).rejects.toMatchObject({ status: 400, param: "n" });
    await expect(client.images.generate({ ...order, prompt: "" })).rejects.toMatchObject({
      status: 400,
      param: "prompt",
    });
  });

  test("more than a vendor draws at once are refused by it", async () => {
    const order = { model: "practice/image", prompt: "a square", n: 11 };
    await expect(client.images.generate(order)).rejects.toMatchObject({ status: 400 });
  });

  test("and the books are in order", () => expectCleanAudit(maidan.admin));
});
