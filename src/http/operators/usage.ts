import { createRoute, z } from "@hono/zod-openapi";
import { Fault } from "../../base/faults.ts";
import { operatorWords } from "../../base/messages/operators.ts";
import { formatAmount } from "../../base/money.ts";
import { nearest } from "../../base/nearest.ts";
import { instantOf } from "../../config/formats.ts";
import { text } from "../../config/schemas.ts";
import { reportUsage } from "../../reports/usage.ts";
import { USAGE_KEYS, type UsageKey } from "../../reports/usage-ask.ts";
import { answer, explain, failure, type OperatorsApp, secured } from "./declare.ts";
import type { OperatorsDependencies } from "./dependencies.ts";
import { pageSize, readCursor, writeCursor } from "./pages.ts";
import { payersBelow, readInstant } from "./queries.ts";
import { amount, currency, pageSchema, paging } from "./schemas.ts";

const row = z
  .object({
    payer: z.string().optional(),
    model: z.string().optional(),
    endpoint: z.string().optional(),
    key: z.string().optional(),
    route: z.string().optional(),
    month: z.string().optional().openapi({ example: "2026-11" }),
    day: z.string().optional().openapi({ example: "2026-11-24" }),
    hour: z.string().optional().openapi({ example: "2026-11-24T14:00:00+08:00" }),
    calls: z.int().openapi({ description: "Counted once each, with the first of their attempts that was settled." }),
    attempts: z.int(),
    inputTokens: z.int(),
    outputTokens: z.int(),
    cost: amount,
    currency,
    estimated: z.int().openapi({ description: "Attempts whose usage or cost was estimated." }),
  })
  .openapi("UsageRow");

const read = createRoute({
  tags: ["usage"],
  ...secured,
  method: "get",
  path: "/api/v1/usage",
  summary: "What was used, and what it cost",
  description:
    "Rows by any of payer, model, endpoint, key, route, month, day and hour. With `currency`, costs are converted at the rate in force in the hour of use and rounded once a row, half to even; without it there is a row of each currency.",
  request: {
    query: z.strictObject({
      by: z
        .string()
        .optional()
        .openapi({ description: "With commas between; none for a single sum.", example: "payer,model" }),
      from: text("instant")
        .optional()
        .openapi({ description: "A day (in `timezone`) or an instant.", example: "2026-11-01" }),
      to: text("instant").optional().openapi({ description: "Not included." }),
      currency: text("currency").optional(),
      timezone: text("timezone").optional().openapi({ description: "Whose days and hours. Default UTC." }),
      payer: z.string().optional().openapi({ description: "Of this payer and all below it." }),
      ...paging,
      limit: paging.limit.openapi({ description: "Rows of a page: `limits.pageRows` unless told." }),
    }),
  },
  responses: { 200: answer("A page of rows, sorted by their keys.", pageSchema("UsagePage", row)), ...failure },
});

export function addUsage(app: OperatorsApp, { control, store }: OperatorsDependencies): void {
  app.openapi(
    read,
    async (c) => {
      const query = c.req.valid("query");
      const { catalogue, limits, settings } = control.snapshot();
      const timezone = query.timezone ?? "UTC";
      const ask = {
        by: readKeys(query.by),
        from: readInstant("from", query.from, timezone),
        to: readInstant("to", query.to, timezone),
        timezone,
        currency: query.currency,
        payers: payersBelow(control, query.payer),
      };
      const size = pageSize(query.limit ?? limits.pageRows, limits);
      const start = query.cursor === undefined ? 0 : readCursor("usage", query.cursor, ["number"])[0];
      const changes = settings.rates.map(({ since }) => instantOf(since) ?? 0);
      const rateOf = (from: string, to: string, at: number) => catalogue.rate(from, to, at);
      const rows = await reportUsage(store.query, ask, rateOf, changes, limits);
      const items = rows.slice(start, start + size).map(({ keys, cost, ...rest }) => ({
        ...keys,
        ...rest,
        cost: formatAmount(cost),
      }));
      const next = start + size < rows.length ? writeCursor("usage", [start + size]) : null;
      return c.json({ items, next }, 200);
    },
    explain(read),
  );
}

/** The keys of `by`, each once. Throws `invalid_request`, with the nearest, for one that there is not. */
function readKeys(by: string | undefined): UsageKey[] {
  const names = (by ?? "").split(",").flatMap((name) => name.trim() || []);
  for (const name of names) {
    if (!USAGE_KEYS.includes(name as UsageKey)) {
      const near = nearest(name, USAGE_KEYS);
      throw new Fault("invalid_request", operatorWords.unknownKey(name, near, USAGE_KEYS), {
        param: "by",
        details: { nearest: near },
      });
    }
  }
  return [...new Set(names)] as UsageKey[];
}
