import { alive, also } from "./rows.ts";
import {
  billions,
  CHAT,
  compatibleVendor,
  DRAWS,
  EMBEDS,
  type ModelFacts,
  model,
  type PriceConditions,
  priceList,
  SEES_THINKS,
  SEES_TOOLS,
} from "./vendor.ts";

const list = priceList("USD", "models.dev f3fc69229", "2026-07-02");

const long = (input: string, cachedInput: string, output: string): PriceConditions["tiers"] => [
  { above: 272_000, input, cachedInput, output },
];

/** What they can do is from third-party lists. OpenAI publishes the size of none. */
const SEES: ModelFacts = { ...SEES_TOOLS, reasoning: false, confidence: "medium" };
const REASONS: ModelFacts = { ...SEES_THINKS, confidence: "medium" };

export const openai = compatibleVendor({
  id: "openai",
  name: { zh: "OpenAI", en: "OpenAI" },
  baseUrl: "https://api.openai.com/v1",
  variable: "OPENAI_API_KEY",
  company: { zh: "OpenAI", en: "OpenAI" },
  family: { zh: "GPT", en: "GPT" },
  status: alive("2026-08-22", "在营", "In service"),
  currency: "USD",
  also: [also("responses", "https://api.openai.com/v1", "high")],
  documentation: "https://platform.openai.com/docs",
  confidence: "high",
  quirks: { maxOutputField: "max_completion_tokens" },
  models: [
    model(
      "gpt-5.5",
      1_050_000,
      128_000,
      list({ input: "5", cachedInput: "0.5", output: "30", tiers: long("10", "1", "45") }),
      REASONS,
    ),
    model(
      "gpt-5.4",
      1_050_000,
      128_000,
      list({ input: "2.5", cachedInput: "0.25", output: "15", tiers: long("5", "0.5", "22.5") }),
      REASONS,
    ),
    model("gpt-5.4-mini", 400_000, 128_000, list({ input: "0.75", cachedInput: "0.075", output: "4.5" }), REASONS),
    model("gpt-5.4-nano", 400_000, 128_000, list({ input: "0.2", cachedInput: "0.02", output: "1.25" }), REASONS),
    model("gpt-5.2", 400_000, 128_000, list({ input: "1.75", cachedInput: "0.175", output: "14" }), REASONS),
    model("gpt-5", 400_000, 128_000, list({ input: "1.25", cachedInput: "0.125", output: "10" }), REASONS),
    model("gpt-5-mini", 400_000, 128_000, list({ input: "0.25", cachedInput: "0.025", output: "2" }), REASONS),
    model("gpt-4.1", 1_047_576, 32_768, list({ input: "2", cachedInput: "0.5", output: "8" }), SEES),
    model("gpt-4o", 128_000, 16_384, list({ input: "2.5", cachedInput: "1.25", output: "10" }), SEES),
    model("gpt-4o-mini", undefined, undefined, list({ input: "0.15", cachedInput: "0.075", output: "0.6" }), SEES),
    model("o3", 200_000, 100_000, list({ input: "2", cachedInput: "0.5", output: "8" }), REASONS),
    model("text-embedding-3-small", 8_191, undefined, list({ input: "0.02", output: "0" }), EMBEDS),
    model("text-embedding-3-large", 8_191, undefined, list({ input: "0.13", output: "0" }), EMBEDS),
    // Paid by the token of text and of picture; the rates were not found in a list.
    model("gpt-image-1", undefined, undefined, undefined, {
      ...DRAWS,
      input: ["text", "image"],
      confidence: "medium",
    }),
  ],
  published: [
    { id: "GPT-3", year: 2020, ...CHAT, ...billions(175, "Language Models are Few-Shot Learners (2020)", "high") },
  ],
});
