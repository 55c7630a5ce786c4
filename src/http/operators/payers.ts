import { createRoute, z } from "@hono/zod-openapi";
import { admissionLimitsSchema, nameSchema, payerSchema, text } from "../../config/schemas.ts";
import type { PayerSetting } from "../../config/settings.ts";
import { answer, body, explain, failure, type OperatorsApp, secured } from "./declare.ts";
import type { OperatorsDependencies } from "./dependencies.ts";
import { findDocument } from "./documents.ts";
import { pageOf, pageSize } from "./pages.ts";
import { patched } from "./queries.ts";
import { idParams, pageSchema, paging } from "./schemas.ts";

const payer = z
  .object({
    id: z.string(),
    name: nameSchema.nullable(),
    parent: z.string().nullable().openapi({ description: "Who pays for it; null for a root." }),
    children: z.array(z.string()).openapi({ description: "The payers directly below." }),
    limits: admissionLimitsSchema.nullable(),
  })
  .openapi("Payer");

const base = { tags: ["payers"], ...secured };

const list = createRoute({
  ...base,
  method: "get",
  path: "/api/v1/payers",
  summary: "All payers",
  request: { query: z.strictObject({ parent: z.string().optional(), ...paging }) },
  responses: { 200: answer("A page of payers, by id.", pageSchema("PayerPage", payer)), ...failure },
});

const create = createRoute({
  ...base,
  method: "post",
  path: "/api/v1/payers",
  summary: "Make a payer",
  request: { body: body(payerSchema) },
  responses: { 201: answer("The payer.", payer), ...failure },
});

const read = createRoute({
  ...base,
  method: "get",
  path: "/api/v1/payers/{id}",
  summary: "One payer",
  request: { params: idParams },
  responses: { 200: answer("The payer.", payer), ...failure },
});

const change = createRoute({
  ...base,
  method: "patch",
  path: "/api/v1/payers/{id}",
  summary: "Change a payer",
  description: "Only the fields that are sent are changed; null takes one out.",
  request: {
    params: idParams,
    body: body(
      z.strictObject({
        name: nameSchema.nullable().optional(),
        parent: text("id").nullable().optional(),
        limits: admissionLimitsSchema.nullable().optional(),
      }),
    ),
  },
  responses: { 200: answer("The payer as it is now.", payer), ...failure },
});

const remove = createRoute({
  ...base,
  method: "delete",
  path: "/api/v1/payers/{id}",
  summary: "Remove a payer",
  description: "Refused while payers, budgets or keys belong to it. Its entries stay in the ledger.",
  request: { params: idParams },
  responses: { 204: { description: "Removed." }, ...failure },
});

export function addPayers(app: OperatorsApp, { control }: OperatorsDependencies): void {
  const show = ({ id, name, parent, limits }: PayerSetting): z.infer<typeof payer> => ({
    id,
    name: name ?? null,
    parent: parent ?? null,
    children: [...control.snapshot().payers.children(id)].sort(),
    limits: limits ?? null,
  });
  app.openapi(
    list,
    (c) => {
      const { parent, limit, cursor } = c.req.valid("query");
      const { settings, limits } = control.snapshot();
      const payers = settings.payers.filter((one) => parent === undefined || one.parent === parent);
      const page = pageOf("payers", payers, (one) => one.id, pageSize(limit, limits), cursor);
      return c.json({ items: page.items.map(show), next: page.next }, 200);
    },
    explain(list),
  );
  app.openapi(
    create,
    async (c) => {
      const { document } = await control.change("payers", undefined, c.req.valid("json"), "api", "new");
      return c.json(show(document!), 201);
    },
    explain(create),
  );
  app.openapi(read, (c) => c.json(show(findDocument(control, "payers", c.req.valid("param").id)), 200), explain(read));
  app.openapi(
    change,
    async (c) => {
      const { id } = c.req.valid("param");
      const written = patched(findDocument(control, "payers", id), c.req.valid("json"));
      const { document } = await control.change("payers", id, written, "api", "existing");
      return c.json(show(document!), 200);
    },
    explain(change),
  );
  app.openapi(
    remove,
    async (c) => {
      await control.change("payers", c.req.valid("param").id, undefined);
      return c.body(null, 204);
    },
    explain(remove),
  );
}
