import { alive, also } from "./rows.ts";
import { compatibleVendor, model, type PriceConditions, priceList } from "./vendor.ts";

const list = priceList("USD", "models.dev f3fc69229", "2026-07-02");

const long = (input: string, cachedInput: string, output: string): PriceConditions["tiers"] => [
  { above: 272_000, input, cachedInput, output },
];

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
    ),
    model(
      "gpt-5.4",
      1_050_000,
      128_000,
      list({ input: "2.5", cachedInput: "0.25", output: "15", tiers: long("5", "0.5", "22.5") }),
    ),
    model("gpt-5.4-mini", 400_000, 128_000, list({ input: "0.75", cachedInput: "0.075", output: "4.5" })),
    model("gpt-5.4-nano", 400_000, 128_000, list({ input: "0.2", cachedInput: "0.02", output: "1.25" })),
    model("gpt-5.2", 400_000, 128_000, list({ input: "1.75", cachedInput: "0.175", output: "14" })),
    model("gpt-5", undefined, undefined, list({ input: "1.25", cachedInput: "0.125", output: "10" })),
    model("gpt-5-mini", 400_000, 128_000, list({ input: "0.25", cachedInput: "0.025", output: "2" })),
    model("gpt-4.1", 1_047_576, 32_768, list({ input: "2", cachedInput: "0.5", output: "8" })),
    model("gpt-4o", 128_000, 16_384, list({ input: "2.5", cachedInput: "1.25", output: "10" })),
    model("gpt-4o-mini", undefined, undefined, list({ input: "0.15", cachedInput: "0.075", output: "0.6" })),
    model("o3", 200_000, 100_000, list({ input: "2", cachedInput: "0.5", output: "8" })),
    model("text-embedding-3-small", 8_191, undefined, list({ input: "0.02", output: "0" })),
    model("text-embedding-3-large", 8_191, undefined, list({ input: "0.13", output: "0" })),
  ],
});
