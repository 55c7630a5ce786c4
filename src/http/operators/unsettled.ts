import { createRoute, z } from "@hono/zod-openapi";
import { Fault } from "../../base/faults.ts";
import { operatorWords } from "../../base/messages/operators.ts";
import { formatAmount, type Nano } from "../../base/money.ts";
import { text } from "../../config/schemas.ts";
import type { Resolution, UnsettledAttempt } from "../../ledger/spec.ts";
import type { AttemptRecord } from "../../records/attempts.ts";
import { findCall } from "../../records/calls.ts";
import { callOfAttempt } from "../../records/entry-rows.ts";
import { answer, body, explain, failure, type OperatorsApp, secured } from "./declare.ts";
import type { OperatorsDependencies } from "./dependencies.ts";
import { pageOf, pageSize } from "./pages.ts";
import { payersBelow, readAmount, showInstant } from "./queries.ts";
import { amount, currency, instant, pageSchema, paging, usageSchema } from "./schemas.ts";

const unsettled = z
  .object({
    attempt: z.string(),
    call: z.string(),
    payer: z.string(),
    key: z.string(),
    model: z.string(),
    amount: amount.openapi({ description: "What goes on counting against the budgets: its bound." }),
    currency,
    since: instant,
    ageSeconds: z.int(),
    reason: z.string().openapi({ description: "`crash`, `timeout`, `broken`, …" }),
    estimate: amount.nullable().openapi({ description: "What it probably cost, where something is known of it." }),
  })
  .openapi("UnsettledAttempt");

const reason = z.string().min(1).max(1_000).openapi({ description: "Why: kept in the ledger." });
const resolution = z.strictObject({
  action: z.enum(["settle", "release"]),
  cost: z.string().optional().openapi({ description: "settle: what it cost; default: computed from `usage`." }),
  currency: text("currency").optional().openapi({ description: "Of `cost`: the one that the attempt is priced in." }),
  usage: z.strictObject(usageSchema.shape).optional(),
  basis: z
    .enum(["reported", "estimated", "vendor-bill"])
    .optional()
    .openapi({ description: "How the cost is known. Default: vendor-bill with a `cost`, else reported." }),
  reason,
});
const resolved = z
  .object({
    attempt: z.string(),
    state: z.enum(["settled", "released"]),
    cost: amount,
    currency,
  })
  .openapi("ResolvedAttempt");

const adjustment = z.strictObject({
  attempt: z.string().min(1).openapi({ description: "A settled attempt." }),
  amount: z.string().openapi({ description: "Added to its cost; below zero it is taken from it.", example: "-0.0002" }),
  currency: text("currency"),
  reason,
});
const adjusted = z.object({ attempt: z.string(), amount, currency, cost: amount, reason }).openapi("Adjustment");

const list = createRoute({
  tags: ["unsettled"],
  ...secured,
  method: "get",
  path: "/api/v1/unsettled",
  summary: "Attempts in doubt",
  description: "They may have been served and go on counting at their bound, until evidence or a person resolves them.",
  request: { query: z.strictObject({ payer: z.string().optional(), ...paging }) },
  responses: {
    200: answer("A page of attempts, the oldest first.", pageSchema("UnsettledPage", unsettled)),
    ...failure,
  },
});

const resolve = createRoute({
  tags: ["unsettled"],
  ...secured,
  method: "post",
  path: "/api/v1/unsettled/{attempt}",
  summary: "Resolve an attempt in doubt",
  request: { params: z.object({ attempt: z.string().min(1) }), body: body(resolution) },
  responses: { 200: answer("What became of it.", resolved), ...failure },
});

const adjust = createRoute({
  tags: ["entries"],
  ...secured,
  method: "post",
  path: "/api/v1/adjustments",
  summary: "Correct the cost of a settled attempt",
  description: "Nothing is edited: a new entry is added beside the old one.",
  request: { body: body(adjustment) },
  responses: { 201: answer("The adjustment, and the cost as it is now.", adjusted), ...failure },
});

export function addUnsettled(app: OperatorsApp, dependencies: OperatorsDependencies): void {
  const { control, ledger, clock } = dependencies;
  app.openapi(
    list,
    async (c) => {
      const { payer, limit, cursor } = c.req.valid("query");
      const payers = payersBelow(control, payer);
      const all = (await ledger.readUnsettled()).filter((one) => !payers || payers.includes(one.payer));
      const page = pageOf("unsettled", all, (one) => one.attempt, pageSize(limit, control.snapshot().limits), cursor);
      return c.json({ items: page.items.map((one) => show(one, clock.now())), next: page.next }, 200);
    },
    explain(list),
  );
  app.openapi(
    resolve,
    async (c) => {
      const { attempt } = c.req.valid("param");
      const doubt = (await ledger.readUnsettled()).find((one) => one.attempt === attempt);
      if (!doubt) throw new Fault("not_found", operatorWords.notUnsettled(attempt), { param: "attempt" });
      const decision = await decide(dependencies, doubt, c.req.valid("json"));
      await ledger.resolve(attempt, decision);
      const cost = decision.action === "settle" ? decision.cost : 0n;
      const state = decision.action === "settle" ? "settled" : "released";
      return c.json({ attempt, state, cost: formatAmount(cost), currency: doubt.currency } as const, 200);
    },
    explain(resolve),
  );
  app.openapi(
    adjust,
    async (c) => {
      const { attempt, currency: of, reason: why, ...rest } = c.req.valid("json");
      const by = readAmount("amount", rest.amount);
      const record = await findAttempt(dependencies, attempt);
      if (record.state !== "settled" && record.state !== "released") {
        throw new Fault("conflict", operatorWords.notSettled(attempt), { param: "attempt" });
      }
      checkCurrency(of, record.currency);
      await ledger.adjust({ attempt, amount: by, currency: of, reason: why });
      const cost = formatAmount((record.cost ?? 0n) + by);
      return c.json({ attempt, amount: formatAmount(by), currency: of, cost, reason: why }, 201);
    },
    explain(adjust),
  );
}

function show(one: UnsettledAttempt, now: number): z.infer<typeof unsettled> {
  return {
    attempt: one.attempt,
    call: callOfAttempt(one.attempt),
    payer: one.payer,
    key: one.key,
    model: one.model,
    amount: formatAmount(one.amount),
    currency: one.currency,
    since: showInstant(one.since),
    ageSeconds: Math.max(0, Math.floor((now - one.since) / 1000)),
    reason: one.reason,
    estimate: one.estimate === undefined ? null : formatAmount(one.estimate),
  };
}

async function decide(
  dependencies: OperatorsDependencies,
  doubt: UnsettledAttempt,
  asked: z.infer<typeof resolution>,
): Promise<Resolution> {
  const { action, cost, usage, basis, reason: why } = asked;
  if (action === "release") {
    const wrong = cost !== undefined ? "cost" : usage ? "usage" : basis ? "basis" : undefined;
    if (wrong) throw new Fault("invalid_request", operatorWords.releaseTakesNoCost(), { param: wrong });
    return { action, reason: why };
  }
  if (asked.currency !== undefined) checkCurrency(asked.currency, doubt.currency);
  if (cost !== undefined) {
    if (asked.currency === undefined) missing("currency");
    const known = readAmount("cost", cost);
    if (known < 0n) throw new Fault("invalid_request", operatorWords.badAmount("cost"), { param: "cost" });
    return { action, cost: known, ...(usage && { usage }), basis: basis ?? "vendor-bill", reason: why };
  }
  if (!usage) return missing("cost");
  const computed = await costOfUsage(dependencies, doubt.attempt, usage);
  return { action, cost: computed, usage, basis: basis ?? "reported", reason: why };
}

function missing(param: string): never {
  throw new Fault("invalid_request", operatorWords.settleNeedsCost(), { param });
}

async function costOfUsage(
  dependencies: OperatorsDependencies,
  attempt: string,
  usage: z.infer<typeof usageSchema>,
): Promise<Nano> {
  const record = await findAttempt(dependencies, attempt);
  const cost = await dependencies.recalculation.costOf(record.priceId, usage, record.pricedAt);
  if (!cost) throw new Fault("unpriced_model", operatorWords.unpriced(record.model), { param: "usage" });
  return cost.amount;
}

async function findAttempt({ store }: OperatorsDependencies, id: string): Promise<AttemptRecord> {
  const call = await findCall(store.query, callOfAttempt(id));
  const found = call?.attempts.find((one) => one.id === id);
  if (!found) throw new Fault("not_found", operatorWords.noAttempt(id), { param: "attempt" });
  return found;
}

function checkCurrency(given: string, expected: string): void {
  if (given !== expected) {
    throw new Fault("invalid_request", operatorWords.wrongCurrency(given, expected), { param: "currency" });
  }
}
