import { createRoute, z } from "@hono/zod-openapi";
import { randomId } from "../../base/ids.ts";
import { admissionLimitsSchema, keyRoutesSchema, text } from "../../config/schemas.ts";
import type { KeySetting } from "../../config/settings.ts";
import { answer, body, explain, failure, type OperatorsApp, secured } from "./declare.ts";
import type { OperatorsDependencies } from "./dependencies.ts";
import { findDocument } from "./documents.ts";
import { pageOf, pageSize } from "./pages.ts";
import { patched, payersBelow, showInstant } from "./queries.ts";
import { idParams, instant, pageSchema, paging } from "./schemas.ts";

const fields = {
  id: z.string(),
  payer: z.string(),
  state: z.enum(["active", "expired", "revoked"]),
  createdAt: instant.nullable(),
  expiresAt: instant.nullable(),
  revokedAt: instant.nullable(),
  routes: z
    .array(z.string())
    .nullable()
    .openapi({ description: "Routes or `endpoint/model` (`*` at the end for any) that it may call; null for all." }),
  limits: admissionLimitsSchema.nullable(),
};
const key = z.object(fields).openapi("Key");
const newKey = z
  .object({ ...fields, secret: z.string().openapi({ description: "Shown once, and stored only as a hash." }) })
  .openapi("NewKey");

const base = { tags: ["keys"], ...secured };

const list = createRoute({
  ...base,
  method: "get",
  path: "/api/v1/keys",
  summary: "All keys",
  request: {
    query: z.strictObject({
      payer: z.string().optional().openapi({ description: "Of this payer and all below it." }),
      ...paging,
    }),
  },
  responses: {
    200: answer("A page of keys, by id. Secrets are never shown again.", pageSchema("KeyPage", key)),
    ...failure,
  },
});

const create = createRoute({
  ...base,
  method: "post",
  path: "/api/v1/keys",
  summary: "Make a key",
  request: {
    body: body(
      z.strictObject({
        id: text("id").optional().openapi({ description: "Made up when left out." }),
        payer: text("id"),
        secret: text("secret").optional().openapi({ description: "Made up, with 256 random bits, when left out." }),
        expiresAt: text("instant").optional(),
        routes: keyRoutesSchema.optional(),
        limits: admissionLimitsSchema.optional(),
      }),
    ),
  },
  responses: { 201: answer("The key, with its secret.", newKey), ...failure },
});

const read = createRoute({
  ...base,
  method: "get",
  path: "/api/v1/keys/{id}",
  summary: "One key",
  request: { params: idParams },
  responses: { 200: answer("The key.", key), ...failure },
});

const change = createRoute({
  ...base,
  method: "patch",
  path: "/api/v1/keys/{id}",
  summary: "Change a key",
  description: "Only the fields that are sent are changed; null takes one out.",
  request: {
    params: idParams,
    body: body(
      z.strictObject({
        expiresAt: text("instant").nullable().optional(),
        routes: keyRoutesSchema.nullable().optional(),
        limits: admissionLimitsSchema.nullable().optional(),
      }),
    ),
  },
  responses: { 200: answer("The key as it is now.", key), ...failure },
});

const revoke = createRoute({
  ...base,
  method: "delete",
  path: "/api/v1/keys/{id}",
  summary: "Revoke a key",
  description: "From now on calls with it are refused. The key stays listed, so that its entries can be explained.",
  request: { params: idParams },
  responses: { 200: answer("The key, revoked.", key), ...failure },
});

export function addKeys(app: OperatorsApp, { control, clock }: OperatorsDependencies): void {
  const show = (setting: KeySetting): z.infer<typeof key> => {
    const { id, payer, createdAt, expiresAt, revokedAt, routes, limits } = setting;
    const expired = expiresAt !== undefined && Date.parse(expiresAt) <= clock.now();
    return {
      id,
      payer,
      state: revokedAt !== undefined ? "revoked" : expired ? "expired" : "active",
      createdAt: createdAt ?? null,
      expiresAt: expiresAt ?? null,
      revokedAt: revokedAt ?? null,
      routes: routes ? [...routes] : null,
      limits: limits ?? null,
    };
  };
  app.openapi(
    list,
    (c) => {
      const { payer, limit, cursor } = c.req.valid("query");
      const { settings, limits } = control.snapshot();
      const payers = payersBelow(control, payer);
      const keys = settings.keys.filter((one) => !payers || payers.includes(one.payer));
      const page = pageOf("keys", keys, (one) => one.id, pageSize(limit, limits), cursor);
      return c.json({ items: page.items.map(show), next: page.next }, 200);
    },
    explain(list),
  );
  app.openapi(
    create,
    async (c) => {
      const written = c.req.valid("json");
      const id = written.id ?? randomId("key");
      const made = await control.change("keys", id, { ...written, id }, "api", "new");
      return c.json({ ...show(made.document!), secret: made.secret ?? written.secret! }, 201);
    },
    explain(create),
  );
  app.openapi(read, (c) => c.json(show(findDocument(control, "keys", c.req.valid("param").id)), 200), explain(read));
  const rewrite = async (id: string, patch: Readonly<Record<string, unknown>>) => {
    const written = patched(findDocument(control, "keys", id), patch);
    return show((await control.change("keys", id, written, "api", "existing")).document!);
  };
  app.openapi(
    change,
    async (c) => c.json(await rewrite(c.req.valid("param").id, c.req.valid("json")), 200),
    explain(change),
  );
  app.openapi(
    revoke,
    async (c) => {
      const { id } = c.req.valid("param");
      const { revokedAt } = findDocument(control, "keys", id);
      // Revoking twice keeps the first moment.
      return c.json(await rewrite(id, { revokedAt: revokedAt ?? showInstant(clock.now()) }), 200);
    },
    explain(revoke),
  );
}
