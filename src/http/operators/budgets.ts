import { createRoute, z } from "@hono/zod-openapi";
import { Fault } from "../../base/faults.ts";
import { operatorWords } from "../../base/messages/operators.ts";
import { formatAmount } from "../../base/money.ts";
import { text } from "../../config/schemas.ts";
import type { BudgetState } from "../../ledger/spec.ts";
import { answer, body, explain, failure, type OperatorsApp, secured } from "./declare.ts";
import type { OperatorsDependencies } from "./dependencies.ts";
import { findDocument } from "./documents.ts";
import { pageOf, pageSize } from "./pages.ts";
import { patched, payersBelow, showInstant } from "./queries.ts";
import { amount, currency, idParams, instant, pageSchema, paging } from "./schemas.ts";

const WINDOWS = ["hour", "day", "week", "month", "total"] as const;

const budget = z
  .object({
    id: z.string(),
    payer: z.string(),
    limit: amount,
    currency,
    settled: amount.openapi({ description: "What was settled in the current window." }),
    held: amount.openapi({ description: "Set aside for attempts in flight and attempts in doubt." }),
    left: amount.openapi({ description: "limit − settled − held." }),
    window: z.enum(WINDOWS),
    resetsAt: instant.nullable().openapi({ description: "When the window ends; null for `total`." }),
    timezone: z.string(),
    kind: z.enum(["hard", "soft"]).openapi({ description: "A soft budget counts, but never refuses." }),
  })
  .openapi("Budget");

const limit = text("amount").openapi({ description: "A decimal of at most nine places.", example: "20000" });
const changeable = {
  limit: limit.optional(),
  amount: limit.optional().openapi({ description: "The same as `limit`, as the declarative file has it." }),
  currency: text("currency").optional(),
  window: z.enum(WINDOWS).optional(),
  timezone: text("timezone").optional(),
  kind: z.enum(["hard", "soft"]).optional(),
};

const base = { tags: ["budgets"], ...secured };

const list = createRoute({
  ...base,
  method: "get",
  path: "/api/v1/budgets",
  summary: "All budgets, as they stand",
  request: {
    query: z.strictObject({
      payer: z.string().optional().openapi({ description: "Of this payer and all below it." }),
      ...paging,
    }),
  },
  responses: { 200: answer("A page of budgets, by id.", pageSchema("BudgetPage", budget)), ...failure },
});

const create = createRoute({
  ...base,
  method: "post",
  path: "/api/v1/budgets",
  summary: "Make a budget",
  request: {
    body: body(
      z.strictObject({
        ...changeable,
        id: text("id"),
        payer: text("id"),
        currency: text("currency"),
        window: z.enum(WINDOWS),
      }),
    ),
  },
  responses: { 201: answer("The budget.", budget), ...failure },
});

const read = createRoute({
  ...base,
  method: "get",
  path: "/api/v1/budgets/{id}",
  summary: "One budget, as it stands",
  request: { params: idParams },
  responses: { 200: answer("The budget.", budget), ...failure },
});

const change = createRoute({
  ...base,
  method: "patch",
  path: "/api/v1/budgets/{id}",
  summary: "Change a budget",
  description: "Only the fields that are sent are changed. What was settled and is held stays.",
  request: { params: idParams, body: body(z.strictObject(changeable)) },
  responses: { 200: answer("The budget as it is now.", budget), ...failure },
});

const remove = createRoute({
  ...base,
  method: "delete",
  path: "/api/v1/budgets/{id}",
  summary: "Remove a budget",
  description: "From now on it limits nothing. Its entries stay in the ledger.",
  request: { params: idParams },
  responses: { 204: { description: "Removed." }, ...failure },
});

export function addBudgets(app: OperatorsApp, dependencies: OperatorsDependencies): void {
  const { control, ledger } = dependencies;
  const show = (state: BudgetState): z.infer<typeof budget> => {
    const { id, payer, currency: of, window, timezone, kind } = state.setting;
    return {
      id,
      payer,
      limit: formatAmount(state.limit),
      currency: of,
      settled: formatAmount(state.settled),
      held: formatAmount(state.held),
      left: formatAmount(state.left),
      window,
      resetsAt: state.resetsAt === undefined ? null : showInstant(state.resetsAt),
      timezone: timezone ?? "UTC",
      kind: kind ?? "hard",
    };
  };
  const showById = async (id: string) => {
    findDocument(control, "budgets", id);
    return show((await ledger.readBudgets()).find(({ setting }) => setting.id === id)!);
  };
  app.openapi(
    list,
    async (c) => {
      const query = c.req.valid("query");
      const payers = payersBelow(control, query.payer);
      const budgets = (await ledger.readBudgets()).filter(({ setting }) => !payers || payers.includes(setting.payer));
      const size = pageSize(query.limit, control.snapshot().limits);
      const page = pageOf("budgets", budgets, ({ setting }) => setting.id, size, query.cursor);
      return c.json({ items: page.items.map(show), next: page.next }, 200);
    },
    explain(list),
  );
  app.openapi(
    create,
    async (c) => {
      const { document } = await control.change("budgets", undefined, written(c.req.valid("json")), "api", "new");
      return c.json(await showById(document!.id), 201);
    },
    explain(create),
  );
  app.openapi(read, async (c) => c.json(await showById(c.req.valid("param").id), 200), explain(read));
  app.openapi(
    change,
    async (c) => {
      const { id } = c.req.valid("param");
      const document = patched(findDocument(control, "budgets", id), written(c.req.valid("json")));
      await control.change("budgets", id, document, "api", "existing");
      return c.json(await showById(id), 200);
    },
    explain(change),
  );
  app.openapi(
    remove,
    async (c) => {
      await control.change("budgets", c.req.valid("param").id, undefined);
      return c.body(null, 204);
    },
    explain(remove),
  );
}

/** A budget as settings have it: its limit is called `amount` there. */
function written<T extends { readonly limit?: string | undefined; readonly amount?: string | undefined }>(body: T) {
  const { limit: asked, amount: alias, ...rest } = body;
  if (asked !== undefined && alias !== undefined) {
    throw new Fault("invalid_request", operatorWords.twoLimits(), { param: "amount" });
  }
  return { ...rest, amount: asked ?? alias };
}
