import { createRoute, z } from "@hono/zod-openapi";
import { Fault } from "../../base/faults.ts";
import { languageOfHeader } from "../../base/language.ts";
import { reportWords } from "../../base/messages/operators.ts";
import { nearest } from "../../base/nearest.ts";
import { text } from "../../config/schemas.ts";
import type { Name } from "../../config/settings.ts";
import { type FocusNames, writeFocus } from "../../reports/focus.ts";
import { dayOf } from "../../reports/periods.ts";
import { makeStatement, type StatementAsk } from "../../reports/statement.ts";
import { showStatement, writeStatementCsv, writeStatementTable } from "../../reports/statement-formats.ts";
import { explain, failure, type OperatorsApp, secured } from "./declare.ts";
import type { OperatorsDependencies } from "./dependencies.ts";
import { readMonth } from "./queries.ts";
import { amount, currency, instant } from "./schemas.ts";

const statement = z
  .object({
    payer: z.string().nullable(),
    month: z.string(),
    timezone: z.string(),
    from: instant,
    to: instant,
    calls: z.int(),
    attempts: z.int(),
    estimated: z.int(),
    lines: z.array(
      z.object({
        model: z.string(),
        class: z
          .string()
          .openapi({ description: "A token class, `call`, or `as-settled` where no price explains the amount." }),
        quantity: z.number(),
        unitPrice: z.string().nullable(),
        per: z.string().nullable(),
        amount,
        currency,
        priceId: z.string(),
      }),
    ),
    adjustments: z.array(
      z.object({
        attempt: z.string(),
        at: instant,
        payer: z.string(),
        model: z.string(),
        amount,
        currency,
        reason: z.string().nullable(),
      }),
    ),
    moreAdjustments: z.int(),
    unsettled: z.array(
      z.object({
        attempt: z.string(),
        since: instant,
        payer: z.string(),
        model: z.string(),
        amount,
        currency,
        reason: z.string(),
      }),
    ),
    moreUnsettled: z.boolean(),
    totals: z.array(z.object({ currency, usage: amount, adjustments: amount, total: amount })),
    converted: z.object({ currency, total: amount }).nullable(),
  })
  .openapi("Statement");

const csv = { schema: z.string() };

const read = createRoute({
  tags: ["statements"],
  ...secured,
  method: "get",
  path: "/api/v1/statements",
  summary: "The statement of a payer for a month",
  description:
    "What a payer and all below it owe for a calendar month: lines by model, token class and price, adjustments, and what was in doubt at its end. The amounts add up to the ledger's, to the nano-unit. `focus` is FOCUS 1.4 as CSV, a row a token type and day.",
  request: {
    query: z.strictObject({
      payer: z.string().optional().openapi({ description: "Default: all payers." }),
      month: z.string().optional().openapi({ description: "Default: this month.", example: "2026-11" }),
      timezone: text("timezone").optional().openapi({ description: "Whose calendar. Default UTC." }),
      format: z.enum(["json", "csv", "focus", "table"]).optional().openapi({ description: "Default json." }),
      currency: text("currency").optional().openapi({ description: "Converts the total as well." }),
    }),
  },
  responses: {
    200: {
      description: "The statement.",
      content: { "application/json": { schema: statement }, "text/csv": csv, "text/plain": csv },
    },
    ...failure,
  },
});

export function addStatements(app: OperatorsApp, dependencies: OperatorsDependencies): void {
  const { control, store, recalculation, clock, language } = dependencies;
  app.openapi(
    read,
    async (c) => {
      const query = c.req.valid("query");
      const { catalogue, limits } = control.snapshot();
      const timezone = query.timezone ?? "UTC";
      const month = readMonth(query.month ?? dayOf(clock.now(), timezone).slice(0, 7));
      const payers = await payersOf(dependencies, query.payer);
      const ask: StatementAsk = { payer: query.payer, payers, month, timezone, currency: query.currency };
      if (query.format === "focus") {
        const focus = await writeFocus(store.query, ask, recalculation, focusNames(dependencies), limits);
        return c.body(focus, 200, asFile(`focus-${month}.csv`)) as never;
      }
      const rateOf = (from: string, to: string, at: number) => catalogue.rate(from, to, at);
      const made = await makeStatement(store.query, ask, recalculation, rateOf, limits);
      if (query.format === "csv") {
        return c.body(writeStatementCsv(made), 200, asFile(`statement-${month}.csv`)) as never;
      }
      if (query.format === "table") {
        const asked = languageOfHeader(c.req.header("accept-language"), language);
        return c.text(writeStatementTable(made, asked), 200) as never;
      }
      return c.json(showStatement(made), 200);
    },
    explain(read),
  );
}

function asFile(name: string): Record<string, string> {
  return { "content-type": "text/csv; charset=utf-8", "content-disposition": `attachment; filename="${name}"` };
}

/** The payer and all below it. Throws `not_found` where it is neither in the settings nor in the ledger. */
async function payersOf(
  { control, store }: OperatorsDependencies,
  payer: string | undefined,
): Promise<readonly string[] | undefined> {
  if (payer === undefined) return undefined;
  const { payers, settings } = control.snapshot();
  const below = payers.subtree(payer);
  if (below.length > 0) return below;
  const used = await store.query
    .selectFrom("usage_hourly")
    .select("payer")
    .where("payer", "=", payer)
    .limit(1)
    .executeTakeFirst();
  if (used) return [payer];
  const near = nearest(
    payer,
    settings.payers.map((one) => one.id),
  );
  throw new Fault("not_found", reportWords.unknownPayer(payer, near), { param: "payer", details: { nearest: near } });
}

function focusNames({ control, language }: OperatorsDependencies): FocusNames {
  const { payers, catalogue } = control.snapshot();
  const shown = (name: Name | undefined, id: string): string => {
    if (name === undefined || typeof name === "string") return name ?? id;
    return name[language] ?? name.en ?? name.zh ?? id;
  };
  return {
    payerName: (id) => shown(payers.payer(id)?.name, id),
    rootOf: (id) => payers.path(id).at(-1) ?? id,
    vendorOf: (endpoint) => shown(catalogue.endpoint(endpoint)?.name, endpoint),
  };
}
