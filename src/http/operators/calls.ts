import { createRoute, z } from "@hono/zod-openapi";
import { Fault } from "../../base/faults.ts";
import { operatorWords } from "../../base/messages/operators.ts";
import { formatAmount } from "../../base/money.ts";
import { showLine } from "../../catalogue/cost-lines.ts";
import { text } from "../../config/schemas.ts";
import type { AttemptRecord } from "../../records/attempts.ts";
import { type CallRecord, findCall, listCalls } from "../../records/calls.ts";
import { answer, explain, failure, type OperatorsApp, secured } from "./declare.ts";
import type { OperatorsDependencies } from "./dependencies.ts";
import { pageSize, readCursor, writeCursor } from "./pages.ts";
import { payersBelow, readInstant, showInstant } from "./queries.ts";
import { amount, currency, idParams, instant, lineSchema, pageSchema, paging, usageSchema } from "./schemas.ts";

const STATES = ["held", "settled", "released", "unsettled"] as const;

const attempt = z
  .object({
    id: z.string(),
    model: z.string().openapi({ description: "`endpoint/model`." }),
    state: z.enum(STATES),
    startedAt: instant,
    endedAt: instant.nullable(),
    hold: amount.openapi({ description: "What was set aside for it: a close estimate." }),
    bound: amount.openapi({ description: "The most that it could provably cost." }),
    cost: amount.nullable().openapi({ description: "Adjustments included; null while nobody knows." }),
    currency,
    usage: usageSchema.nullable(),
    basis: z.enum(["reported", "estimated", "vendor-bill"]).nullable(),
    priceId: z.string(),
    vendorRequestId: z.string().nullable(),
    overrun: z.boolean().openapi({ description: "The vendor reported more than was held." }),
    adjustments: z.array(z.object({ amount, at: instant, reason: z.string().nullable() })),
    detail: z
      .record(z.string(), z.unknown())
      .openapi({ description: "Timing, finish, fault: never a body or secret." }),
  })
  .openapi("Attempt");

const costs = z.array(z.object({ amount, currency }));
const callFields = {
  id: z.string(),
  payer: z.string(),
  key: z.string(),
  route: z.string(),
  model: z.string().openapi({ description: "`endpoint/model` of the last attempt." }),
  startedAt: instant,
  state: z.enum(STATES),
  cost: amount.nullable().openapi({ description: "Null while nobody knows, or where it is in several currencies." }),
  currency: currency.nullable(),
  costs: costs.openapi({ description: "One amount a currency: attempts of one call may be priced in several." }),
};

const call = z.object({ ...callFields, attempts: z.array(attempt) }).openapi("Call");
const explainedAttempt = z
  .object({
    ...attempt.shape,
    lines: z.array(lineSchema).openapi({ description: "The arithmetic of the cost, adjustments left out." }),
    recomputed: z.boolean().nullable().openapi({
      description:
        "Whether usage and price of the ledger's own row give the same cost again, to the nano-unit; null where the cost does not come from them.",
    }),
  })
  .openapi("ExplainedAttempt");
const explainedCall = z.object({ ...callFields, attempts: z.array(explainedAttempt) }).openapi("ExplainedCall");

const base = { tags: ["calls"], ...secured };

const list = createRoute({
  ...base,
  method: "get",
  path: "/api/v1/calls",
  summary: "Calls, the newest first",
  description:
    "A page may be shorter than asked for and still have a next one, where few calls have the `state` asked for.",
  request: {
    query: z.strictObject({
      payer: z.string().optional().openapi({ description: "Of this payer and all below it." }),
      subtree: z
        .enum(["true", "false"])
        .optional()
        .openapi({ description: "false: of the payer itself only. Default true." }),
      key: z.string().optional(),
      model: z.string().optional().openapi({ description: "`endpoint/model` of any attempt." }),
      route: z.string().optional(),
      state: z.enum(STATES).optional(),
      from: text("instant").optional().openapi({ description: "Begun then or later." }),
      to: text("instant").optional().openapi({ description: "Begun before." }),
      ...paging,
    }),
  },
  responses: { 200: answer("A page of calls.", pageSchema("CallPage", call)), ...failure },
});

const read = createRoute({
  ...base,
  method: "get",
  path: "/api/v1/calls/{id}",
  summary: "One call, with the arithmetic of its cost",
  request: { params: idParams },
  responses: { 200: answer("The call.", explainedCall), ...failure },
});

export function addCalls(app: OperatorsApp, { control, store, recalculation }: OperatorsDependencies): void {
  app.openapi(
    list,
    async (c) => {
      const { payer, subtree, from, to, limit, cursor, ...filter } = c.req.valid("query");
      const payers = subtree === "false" && payer !== undefined ? [payer] : payersBelow(control, payer);
      const before = cursor === undefined ? undefined : readCursor("calls", cursor, ["string"])[0];
      const asked = { ...filter, payers, before, from: readInstant("from", from), to: readInstant("to", to) };
      const page = await listCalls(store.query, asked, pageSize(limit, control.snapshot().limits));
      const items = page.calls.map((one) => ({ ...showCall(one), attempts: one.attempts.map(showAttempt) }));
      return c.json({ items, next: page.next === undefined ? null : writeCursor("calls", [page.next]) }, 200);
    },
    explain(list),
  );
  app.openapi(
    read,
    async (c) => {
      const { id } = c.req.valid("param");
      const found = await findCall(store.query, id);
      if (!found) throw new Fault("not_found", operatorWords.noCall(id));
      const attempts = await Promise.all(
        found.attempts.map(async (one) => {
          const computed = one.settlement && (await recalculation.recompute(one.settlement));
          const lines = computed?.lines.map(showLine) ?? [];
          return { ...showAttempt(one), lines, recomputed: computed?.equal ?? null };
        }),
      );
      return c.json({ ...showCall(found), attempts }, 200);
    },
    explain(read),
  );
}

function showCall(record: CallRecord) {
  const { id, payer, key, route, model, startedAt, state, costs: all } = record;
  const only = all.length === 1 ? all[0] : undefined;
  return {
    id,
    payer,
    key,
    route,
    model,
    startedAt: showInstant(startedAt),
    state,
    cost: only ? formatAmount(only.amount) : null,
    currency: only?.currency ?? (all.length === 0 ? (record.attempts.at(-1)?.currency ?? null) : null),
    costs: all.map((one) => ({ amount: formatAmount(one.amount), currency: one.currency })),
  };
}

function showAttempt(record: AttemptRecord): z.infer<typeof attempt> {
  const { vendorRequestId, ...detail } = record.detail;
  return {
    id: record.id,
    model: record.model,
    state: record.state,
    startedAt: showInstant(record.startedAt),
    endedAt: record.endedAt === undefined ? null : showInstant(record.endedAt),
    hold: formatAmount(record.hold),
    bound: formatAmount(record.bound),
    cost: record.cost === undefined ? null : formatAmount(record.cost),
    currency: record.currency,
    usage: record.usage ?? null,
    basis: record.basis ?? null,
    priceId: record.priceId,
    vendorRequestId: typeof vendorRequestId === "string" ? vendorRequestId : null,
    overrun: record.overrun,
    adjustments: record.adjustments.map((one) => ({
      amount: formatAmount(one.amount),
      at: showInstant(one.at),
      reason: one.reason ?? null,
    })),
    detail: { ...detail },
  };
}
