import { describe, expect, test } from "vitest";
import { Fault } from "../base/faults.ts";
import type { AttemptReport, CallReport } from "../call/spec.ts";
import { Count, Distribution, MOST_SERIES } from "./metric-series.ts";
import { Metrics } from "./metrics.ts";

const NOTHING = {
  inFlight: () => 3,
  journalDepth: () => 7,
  budgets: () => [],
  unsettled: () => 2,
  endpoints: () => [],
};

const call: CallReport = {
  call: "call_1",
  payer: "support",
  model: "lab/mini",
  operation: "chat",
  stream: true,
  fault: undefined,
  durationMs: 120,
};
const attempt: AttemptReport = {
  attempt: "call_1.1",
  payer: "support",
  model: "lab/mini",
  operation: "chat",
  outcome: "settled",
  fault: undefined,
  usage: { input: 100, cachedInput: 20, output: 30, reasoning: 0 },
  cost: 1_500_000_000n,
  currency: "USD",
  firstByteMs: 40,
  durationMs: 110,
};

describe("metrics", () => {
  test("count calls, attempts, tokens and cost, and time them", async () => {
    const metrics = new Metrics(NOTHING);
    const fault = new Fault("budget_exhausted", () => "no");
    metrics.callFinished(call);
    metrics.callFinished({ ...call, fault, model: undefined });
    metrics.attemptFinished(attempt);
    metrics.attemptFinished({ ...attempt, outcome: "unsettled", usage: undefined, cost: undefined });
    metrics.journalCommitted(0.4);
    const { text } = await metrics.scrape();
    for (const line of [
      'maidan_calls_total{operation="chat",model="lab/mini",outcome="answered",code=""} 1',
      'maidan_calls_total{operation="chat",model="none",outcome="fault",code="budget_exhausted"} 1',
      'maidan_attempts_total{operation="chat",model="lab/mini",outcome="settled",code=""} 1',
      'maidan_attempts_total{operation="chat",model="lab/mini",outcome="unsettled",code=""} 1',
      'maidan_tokens_total{model="lab/mini",class="cachedInput"} 20',
      'maidan_cost_total{model="lab/mini",currency="USD"} 1.5',
      'maidan_call_duration_seconds_bucket{operation="chat",model="lab/mini",stream="true",le="0.1"} 0',
      'maidan_call_duration_seconds_bucket{operation="chat",model="lab/mini",stream="true",le="0.25"} 1',
      'maidan_first_byte_seconds_count{operation="chat",model="lab/mini"} 2',
      "maidan_journal_commit_seconds_count 1",
      "maidan_calls_in_flight 3",
      "maidan_journal_depth 7",
      "maidan_unsettled_attempts 2",
      'gen_ai_client_token_usage_sum{gen_ai_operation_name="chat",gen_ai_provider_name="lab",gen_ai_request_model="mini",gen_ai_token_type="input"} 120',
      'gen_ai_client_operation_duration_count{gen_ai_operation_name="chat",gen_ai_provider_name="lab",gen_ai_request_model="mini",error_type=""} 2',
    ]) {
      expect(text).toContain(line);
    }
    expect(text).not.toContain('class="reasoning"');
    // The attempt in doubt adds no tokens and no cost.
    expect(text).toContain(
      'gen_ai_usage_cost_amount{gen_ai_provider_name="lab",gen_ai_request_model="mini",gen_ai_usage_cost_currency="USD"} 1.5',
    );
  });

  test("a histogram's buckets add up, and a value on a bound is below it", async () => {
    const distribution = new Distribution("d", "d", [], [1, 2, 4]);
    for (const value of [0, 1, 1.5, 2, 3, 100]) distribution.series().observe(value);
    const { values } = await distribution.get();
    expect(values.map(({ labels, value }) => [labels.le ?? "", value])).toEqual([
      [1, 2],
      [2, 4],
      [4, 5],
      ["+Inf", 6],
      ["", 107.5],
      ["", 6],
    ]);
  });

  test("labels that never end fall together into one series", async () => {
    const count = new Count("c", "c", ["model"]);
    for (let n = 0; n < MOST_SERIES + 50; n++) count.series(`lab/m${n}`).value += 1;
    count.series("lab/m0").value += 1;
    const { values } = await count.get();
    expect(values).toHaveLength(MOST_SERIES + 1);
    expect(values.find(({ labels }) => labels.model === "other")!.value).toBe(50);
    expect(values.find(({ labels }) => labels.model === "lab/m0")!.value).toBe(2);
  });
});
