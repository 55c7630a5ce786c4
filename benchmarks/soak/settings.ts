import { DEAR_PRICE, endpoint, PRICE, payer, yaml } from "../../tests/harness/settings.ts";
import type { RunningUpstream } from "../../tests/harness/start-upstream.ts";
import type { Behaviour } from "../../tests/harness/upstream-behaviour.ts";

/** The behaviour of the upstream's models; a request may ask for another one. */
export const MODELS: Readonly<Record<string, Behaviour>> = {
  "*": { outputTokens: 30, cachedInputTokens: 5, firstByteMs: 20, betweenChunksMs: 2 },
  shaky: { outputTokens: 30, firstByteMs: 5, failure: "overloaded" },
};

/** Teams that call, each with a budget that is large, and one whose budget runs out. */
export const TEAMS = ["support", "sales", "research"] as const;
export const POOR = "poor";

/** @param extra a number that changes: a team that comes and goes, and a price of another time */
export function settings(upstream: RunningUpstream, extra: number): string {
  const models = [
    { id: "mini", maxOutputTokens: 400, price: PRICE },
    { id: "shaky", maxOutputTokens: 400, price: PRICE },
    { id: "dear", maxOutputTokens: 400, price: DEAR_PRICE },
  ];
  const month = { id: "group-month", amount: String(1_000_000 + extra), currency: "CNY", window: "month" };
  const passing = Array.from({ length: extra % 3 }, (_, n) => payer(`passing-${n}`, "1.00"));
  return yaml({
    rates: [{ from: "USD", to: "CNY", rate: "7.10", since: "2020-01-01" }],
    endpoints: [
      endpoint(upstream, { models, timeouts: { firstByteMs: 1_500, betweenBytesMs: 1_500 } }),
      endpoint(upstream, { id: "spare", models: [models[0]], onDisconnect: "abort", billsOnAbort: "generated" }),
    ],
    prices: [
      { model: "spare/mini", currency: "USD", input: "0.1", output: "0.2", since: `2099-01-${10 + (extra % 20)}` },
    ],
    routes: [{ id: "careful", to: ["lab/shaky", "spare/mini"], on: ["error", "timeout", "rate_limit", "overloaded"] }],
    payers: [
      {
        id: "group",
        budgets: [month],
        payers: [...TEAMS.map((id) => payer(id, "100000")), payer(POOR, "0.05"), ...passing],
      },
    ],
  });
}
