import { stringify } from "yaml";
import type { Rates } from "./arithmetic.ts";
import type { RunningUpstream } from "./start-upstream.ts";

/** Rates that leave fractions of nano-units, so that rounding is put to the proof. Per million tokens, USD. */
export const RATES: Rates = { input: "0.123456789", cachedInput: "0.0312345", output: "0.987654321" };

/** The price that stands for `RATES` in a declarative file. */
export const PRICE = { currency: "USD", ...RATES };

/** Rates at which a hundred tokens of output cost about 0.01. */
export const DEAR_RATES: Rates = { input: "3.000000001", output: "100.000000007" };
export const DEAR_PRICE = { currency: "USD", ...DEAR_RATES };

/** An endpoint that leads to the simulated vendor. */
export function endpoint(upstream: RunningUpstream, more: object = {}): object {
  return {
    id: "lab",
    protocol: "openai",
    baseUrl: upstream.baseUrl,
    credentials: { apiKey: "sk-lab" },
    models: [{ id: "mini", maxOutputTokens: 400, price: PRICE }],
    ...more,
  };
}

/** A payer with one total budget and one key, whose secret is `sk-test-<id>`. */
export function payer(id: string, amount: string, more: object = {}): object {
  return {
    id,
    budgets: [{ id: `${id}-total`, amount, currency: "USD", window: "total" }],
    keys: [{ id: `${id}-key`, secret: `sk-test-${id}` }],
    ...more,
  };
}

/** A declarative file. */
export function yaml(settings: object): string {
  return stringify({ currency: "USD", ...settings });
}

/** A chat request for the simulated vendor. */
export function chat(model: string, more: object = {}): Record<string, unknown> {
  return { model, messages: [{ role: "user", content: "Who pays? 谁买单？" }], ...more };
}
