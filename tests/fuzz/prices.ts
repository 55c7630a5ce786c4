import { parse } from "yaml";
import { Fault } from "../../src/base/faults.ts";
import { USAGE_CLASSES, type Usage } from "../../src/base/usage.ts";
import { compilePrice, type PriceDocument, parsePriceDocument } from "../../src/catalogue/price-document.ts";
import { affordableOutput, boundCost, costOfUsage, priceUsage } from "../../src/catalogue/price-engine.ts";
import { priceSchema } from "../../src/config/schemas.ts";
import { isTooDeep } from "../../src/vendors/json-syntax.ts";
import type { FuzzTarget } from "./campaign.ts";
import { mutateJson } from "./mutate-json.ts";
import type { Random } from "./random.ts";

const RATES = {
  input: "2.5",
  cachedInput: "1.25",
  cacheWrite5m: "3",
  cacheWrite1h: "5",
  output: "10",
  reasoning: "12",
};
const DOCUMENTS: readonly object[] = [
  { currency: "USD", input: "0.15", output: "0.60" },
  {
    currency: "CNY",
    ...RATES,
    inputAudio: "40",
    outputAudio: "80",
    inputImage: "5",
    perCall: "0.01",
    perImage: "0.04",
  },
  {
    currency: "USD",
    ...RATES,
    perSecond: "0.000000001",
    perToolCall: "0.01",
    tiers: [
      { above: 32_000, of: "input", applies: "request", input: "6", output: "24" },
      { above: 128_000, of: "input", applies: "excess", input: "12" },
      { above: 1_000, of: "output", applies: "excess", output: "0.000000001", reasoning: "999999" },
    ],
    hours: [
      {
        from: "00:30",
        to: "08:30",
        timezone: "Asia/Shanghai",
        days: ["mon", "sun"],
        except: ["2026-10-01"],
        input: "2",
      },
      { from: "22:00", to: "02:00", timezone: "America/St_Johns", output: "8" },
    ],
    batch: { input: "2", output: "8" },
    since: "2026-11-01",
    source: "contract",
    checked: "2026-11-20",
  },
];

/** Price documents: refused with a fault, or prices by which any usage costs something that the hold covers. */
export function priceTarget(cases: number): FuzzTarget {
  return {
    name: "price document",
    cases,
    make: (random) => {
      const document = varied(random.pick(DOCUMENTS), random);
      return Buffer.from(random.once(2) ? JSON.stringify(document) : mutateJson(document, random));
    },
    run: (input, random) => {
      const setting = readText(input.toString());
      if (setting === undefined) return;
      // What a store may hold: whatever it is, there is one way to say that it is none.
      unlessFault(() => parsePriceDocument(JSON.stringify(setting)));
      // What operators write is held against the schema first.
      const { data } = priceSchema.safeParse(setting);
      const document = data && unlessFault(() => compilePrice(data, "price"));
      if (!document) return;
      const again = parsePriceDocument(document.json, document.id);
      for (let n = 0; n < 8; n++) checkCosts(document, again, random);
    },
  };
}

/** The document with other numbers in it, most of which may stand where they do. */
function varied(value: unknown, random: Random): unknown {
  if (Array.isArray(value)) return value.map((item) => varied(item, random));
  if (typeof value === "object" && value !== null) {
    const fields = Object.entries(value).filter(() => !random.once(12));
    return Object.fromEntries(fields.map(([name, field]) => [name, varied(field, random)]));
  }
  if (typeof value === "number") return random.pick([value, value + random.below(9), random.below(300_000)]);
  if (typeof value !== "string" || !/^\d+(\.\d+)?$/.test(value)) return value;
  const fraction = String(random.next()).slice(0, random.between(1, 10));
  return random.pick([
    value,
    `${random.below(1_000)}.${fraction}`,
    `0.00000000${random.below(10)}`,
    String(random.below(10 ** 9)),
  ]);
}

/** What JSON is not, YAML may be: there are numbers of its own in it. */
function readText(text: string): unknown {
  try {
    return isTooDeep(text) ? undefined : parse(text, { uniqueKeys: false, logLevel: "silent" });
  } catch {
    return undefined;
  }
}

function unlessFault<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    error.text("zh");
    return undefined;
  }
}

function checkCosts(document: PriceDocument, again: PriceDocument, random: Random): void {
  const usage: Partial<Record<(typeof USAGE_CLASSES)[number], number>> = {};
  for (const name of USAGE_CLASSES) {
    if (random.once(2))
      usage[name] = random.pick([0, 1, random.below(100_000), random.next(), Number.MAX_SAFE_INTEGER]);
  }
  const time = { at: random.next() * random.pick([1, 400, 1_000]), batch: random.once(3) };
  const cost = priceUsage(document, usage, time);
  if (cost.amount < 0n) throw new Error(`a cost of ${cost.amount}`);
  if (cost.lines.reduce((sum, line) => sum + line.amount, 0n) !== cost.amount)
    throw new Error("the lines are not the cost");
  if (costOfUsage(document, usage, time) !== cost.amount) throw new Error("the quick way costs something else");
  if (priceUsage(again, usage, time).amount !== cost.amount) throw new Error("read again it costs something else");
  checkBound(document, usage, time, cost.amount, random);
}

function checkBound(
  document: PriceDocument,
  usage: Usage,
  { at, batch }: { at: number; batch: boolean },
  amount: bigint,
  random: Random,
): void {
  const { input = 0, cachedInput = 0, cacheWrite5m = 0, cacheWrite1h = 0, inputAudio = 0, inputImage = 0 } = usage;
  const { output = 0, reasoning = 0, outputAudio = 0, images = 0, seconds = 0, toolCalls = 0 } = usage;
  const inputTokens = input + cachedInput + cacheWrite5m + cacheWrite1h + inputAudio + inputImage;
  const bound = { inputTokens, outputTokens: output + reasoning + outputAudio, images, seconds, toolCalls, batch };
  const held = boundCost(document, bound, at);
  // Above 2⁵³ a sum of counts is no longer exact, and no vendor counts so far.
  const isExact = inputTokens <= Number.MAX_SAFE_INTEGER && bound.outputTokens <= Number.MAX_SAFE_INTEGER;
  if (isExact && held < amount) throw new Error(`held ${held}, cost ${amount}`);
  const left = BigInt(random.next()) * BigInt(random.pick([1, 1_000_000]));
  const tokens = affordableOutput(document, left, bound, at);
  if (!Number.isSafeInteger(tokens) || tokens < -1) throw new Error(`${left} buys ${tokens} tokens`);
  if (tokens >= 0 && boundCost(document, { ...bound, outputTokens: tokens }, at) > left)
    throw new Error("it buys less");
}
