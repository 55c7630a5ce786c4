import { collectDefaultMetrics, type Metric, Registry } from "prom-client";
import type { Nano } from "../base/money.ts";
import { INPUT_CLASSES, OUTPUT_CLASSES, USAGE_CLASSES } from "../base/usage.ts";
import type { AttemptReport, CallReport } from "../call/spec.ts";
import type { BudgetState } from "../ledger/spec.ts";
import type { HealthState } from "../routing/health.ts";
import { Count, Distribution, type Histogram, type Labels, MOST_SERIES, Reading, type Total } from "./metric-series.ts";
import type { CallMetrics } from "./observer.ts";

/** What a scrape looks up at that moment. Each is called once a scrape; none may take long. */
export interface MetricSources {
  readonly inFlight: () => number;
  readonly journalDepth: () => number;
  readonly budgets: () => Iterable<BudgetState>;
  readonly unsettled: () => number;
  readonly endpoints: () => Iterable<HealthState>;
}

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900];
const COMMIT_SECONDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1, 5];
/** The buckets that OpenTelemetry's semantic conventions for generative AI advise. */
const GEN_AI_SECONDS = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
const GEN_AI_TOKENS = [1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216];

/** Longer names of models would only fill the scrape. */
const LONGEST_LABEL = 200;

/**
 * What Prometheus scrapes. It sees every finished call and attempt, at about a microsecond each, and is only for
 * looking: nothing is accounted from it, so costs may be floats here and nowhere else.
 */
export class Metrics implements CallMetrics {
  readonly #registry = new Registry();
  readonly #calls = new Count("maidan_calls_total", "Calls finished.", ["operation", "model", "outcome", "code"]);
  readonly #attempts = new Count("maidan_attempts_total", "Attempts finished, by what became of their hold.", [
    "operation",
    "model",
    "outcome",
    "code",
  ]);
  readonly #tokens = new Count("maidan_tokens_total", "Tokens of settled attempts, by class.", ["model", "class"]);
  readonly #cost = new Count("maidan_cost_total", "Cost of settled attempts: to look at, never to account from.", [
    "model",
    "currency",
  ]);
  readonly #duration = new Distribution(
    "maidan_call_duration_seconds",
    "From the request to the end of the answer.",
    ["operation", "model", "stream"],
    SECONDS,
  );
  readonly #firstByte = new Distribution(
    "maidan_first_byte_seconds",
    "From the start of an attempt to the vendor's first byte.",
    ["operation", "model"],
    SECONDS,
  );
  readonly #commit = new Distribution(
    "maidan_journal_commit_seconds",
    "From queueing a ledger row to its being durable.",
    [],
    COMMIT_SECONDS,
  );
  readonly #genAiTokens = new Distribution(
    "gen_ai_client_token_usage",
    "OpenTelemetry gen_ai.client.token.usage: tokens of an attempt.",
    ["gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "gen_ai_token_type"],
    GEN_AI_TOKENS,
  );
  readonly #genAiDuration = new Distribution(
    "gen_ai_client_operation_duration",
    "OpenTelemetry gen_ai.client.operation.duration: seconds of an attempt.",
    ["gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "error_type"],
    GEN_AI_SECONDS,
  );
  readonly #genAiCost = new Count(
    "gen_ai_usage_cost_amount",
    "OpenTelemetry's proposed gen_ai.usage.cost.amount: to look at, never to account from.",
    ["gen_ai_provider_name", "gen_ai_request_model", "gen_ai_usage_cost_currency"],
  );

  readonly #committed = this.#commit.series();
  readonly #callSeries = new Remembered<CallSeries>();
  readonly #attemptSeries = new Remembered<AttemptSeries>();

  constructor(sources: MetricSources) {
    const own = [this.#calls, this.#attempts, this.#tokens, this.#cost, this.#duration, this.#firstByte, this.#commit];
    const genAi = [this.#genAiTokens, this.#genAiDuration, this.#genAiCost];
    for (const metric of [...own, ...genAi, ...readings(sources)]) {
      // The registry reads `name` and `get` of a metric, and no more.
      this.#registry.registerMetric(metric as unknown as Metric);
    }
    collectDefaultMetrics({ register: this.#registry });
  }

  callFinished(report: CallReport): void {
    const { operation, model, fault, stream, durationMs } = report;
    const code = fault?.code ?? "";
    const series = this.#callSeries.find(
      model ?? "none",
      (one) => one.code === code && one.stream === stream && one.operation === operation,
      () => this.#makeCallSeries(report),
    );
    series.calls.value += 1;
    series.duration.observe(durationMs / 1000);
  }

  attemptFinished(report: AttemptReport): void {
    const { operation, model, outcome, fault, usage, cost, currency, firstByteMs, durationMs } = report;
    const code = fault?.code ?? "";
    const series = this.#attemptSeries.find(
      model,
      (one) => one.outcome === outcome && one.code === code && one.currency === currency && one.operation === operation,
      () => this.#makeAttemptSeries(report),
    );
    series.attempts.value += 1;
    series.genAiDuration.observe(durationMs / 1000);
    if (firstByteMs !== undefined) series.firstByte.observe(firstByteMs / 1000);
    if (outcome !== "settled") return;
    if (usage) {
      let input = 0;
      let output = 0;
      for (let i = 0; i < USAGE_CLASSES.length; i++) {
        const count = usage[USAGE_CLASSES[i]!];
        if (count === undefined || count === 0) continue;
        series.token(i).value += count;
        if (i < INPUT_CLASSES.length) input += count;
        else if (i < TOKEN_CLASSES) output += count;
      }
      if (input > 0) series.inputTokens.observe(input);
      if (output > 0) series.outputTokens.observe(output);
    }
    if (cost !== undefined) {
      const shown = unitsOf(cost);
      series.cost.value += shown;
      series.genAiCost.value += shown;
    }
  }

  #makeCallSeries({ operation, model, fault, stream }: CallReport): CallSeries {
    const label = labelOf(model);
    const code = fault?.code ?? "";
    return {
      operation,
      stream,
      code,
      calls: this.#calls.series(operation, label, fault ? "fault" : "answered", code),
      duration: this.#duration.series(operation, label, stream ? "true" : "false"),
    };
  }

  #makeAttemptSeries({ operation, model, outcome, fault, currency }: AttemptReport): AttemptSeries {
    const label = labelOf(model);
    const code = fault?.code ?? "";
    const inCurrency = currency ?? "";
    const slash = label.indexOf("/");
    const provider = label.slice(0, slash);
    const name = label.slice(slash + 1);
    const tokens: (Total | undefined)[] = [];
    return {
      operation,
      outcome,
      code,
      currency,
      attempts: this.#attempts.series(operation, label, outcome, code),
      firstByte: this.#firstByte.series(operation, label),
      genAiDuration: this.#genAiDuration.series(operation, provider, name, code),
      // A class that a model never uses needs no series.
      token: (i) => (tokens[i] ??= this.#tokens.series(label, USAGE_CLASSES[i]!)),
      inputTokens: this.#genAiTokens.series(operation, provider, name, "input"),
      outputTokens: this.#genAiTokens.series(operation, provider, name, "output"),
      cost: this.#cost.series(label, inCurrency),
      genAiCost: this.#genAiCost.series(provider, name, inCurrency),
    };
  }

  /** A ledger row (or a group of them) became durable, so long after it was queued. */
  journalCommitted(milliseconds: number): void {
    this.#committed.observe(milliseconds / 1000);
  }

  /** The text that Prometheus reads. */
  async scrape(): Promise<{ readonly text: string; readonly contentType: string }> {
    return { text: await this.#registry.metrics(), contentType: this.#registry.contentType };
  }
}

/** Everything that one kind of call adds to, found once. */
interface CallSeries {
  readonly operation: string;
  readonly stream: boolean;
  readonly code: string;
  readonly calls: Total;
  readonly duration: Histogram;
}

/** Everything that one kind of attempt adds to, found once. */
interface AttemptSeries {
  readonly operation: string;
  readonly outcome: string;
  readonly code: string;
  readonly currency: string | undefined;
  readonly attempts: Total;
  readonly firstByte: Histogram;
  readonly genAiDuration: Histogram;
  readonly token: (usageClass: number) => Total;
  readonly inputTokens: Histogram;
  readonly outputTokens: Histogram;
  readonly cost: Total;
  readonly genAiCost: Total;
}

/** The input classes stand first in `USAGE_CLASSES`, then the output's; what is counted by piece is no token. */
const TOKEN_CLASSES = INPUT_CLASSES.length + OUTPUT_CLASSES.length;

/** The kinds of calls of each model, few enough to look through; made when first met, forgotten when too many. */
class Remembered<T> {
  readonly #byModel = new Map<string, T[]>();
  #size = 0;

  find(model: string, fits: (one: T) => boolean, make: () => T): T {
    const known = this.#byModel.get(model);
    const found = known?.find(fits);
    if (found !== undefined) return found;
    if (this.#size >= MOST_SERIES) {
      this.#byModel.clear();
      this.#size = 0;
    }
    const made = make();
    const kinds = this.#byModel.get(model);
    if (kinds) kinds.push(made);
    else this.#byModel.set(model, [made]);
    this.#size += 1;
    return made;
  }
}

function readings(sources: MetricSources): Reading[] {
  const one = (read: () => number) => () => [{ labels: {}, value: read() }];
  const budget = (name: string, help: string, of: (state: BudgetState) => Nano) =>
    new Reading(`maidan_budget_${name}`, help, function* () {
      for (const state of sources.budgets()) yield { labels: budgetLabels(state), value: unitsOf(of(state)) };
    });
  return [
    new Reading("maidan_calls_in_flight", "Calls under way.", one(sources.inFlight)),
    new Reading("maidan_journal_depth", "Ledger rows that wait for the disk.", one(sources.journalDepth)),
    new Reading("maidan_unsettled_attempts", "Attempts in doubt.", one(sources.unsettled)),
    budget("limit", "The limit of a budget.", (state) => state.limit),
    budget("settled", "What was settled in the current window of a budget.", (state) => state.settled),
    budget("held", "What is set aside of a budget for attempts in flight and in doubt.", (state) => state.held),
    budget("left", "What is left of a budget.", (state) => state.left),
    new Reading("maidan_endpoint_up", "1 while an endpoint's circuit breaker lets attempts through.", function* () {
      for (const { endpoint, state } of sources.endpoints()) {
        yield { labels: { endpoint }, value: state === "open" ? 0 : 1 };
      }
    }),
  ];
}

function budgetLabels({ setting }: BudgetState): Labels {
  return { budget: setting.id, payer: setting.payer, currency: setting.currency, window: setting.window };
}

function labelOf(model: string | undefined): string {
  if (model === undefined) return "none";
  return model.length > LONGEST_LABEL ? "other" : model;
}

/** Nano-units as a float of units, for a gauge. */
function unitsOf(amount: Nano): number {
  return Number(amount) / 1e9;
}
