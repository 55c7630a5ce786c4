import { createRoute, z } from "@hono/zod-openapi";
import type { Language } from "../../base/language.ts";
import { languageOfHeader } from "../../base/language.ts";
import { operatorWords } from "../../base/messages/operators.ts";
import { writeCredential } from "../../config/credentials.ts";
import { endpointSchema } from "../../config/schemas.ts";
import type { Credential, EndpointSetting } from "../../config/settings.ts";
import type { EndpointProbe } from "../../control/doctor/probe.ts";
import { answer, body, explain, failure, type OperatorsApp, secured } from "./declare.ts";
import type { OperatorsDependencies } from "./dependencies.ts";
import { findDocument } from "./documents.ts";
import { pageOf, pageSize } from "./pages.ts";
import { showInstant } from "./queries.ts";
import { idParams, instant, pageSchema, paging } from "./schemas.ts";

/** What stands in place of a credential, and, sent back, keeps the one that there is. */
const HIDDEN = "********";

const health = z
  .object({
    state: z.enum(["closed", "open", "half-open"]).openapi({ description: "Of its circuit breaker: closed is well." }),
    failures: z.int().openapi({ description: "In a row." }),
    until: instant.nullable().openapi({ description: "When an open breaker lets the next attempt through." }),
    lastFault: z.string().nullable(),
  })
  .openapi("EndpointHealth");

const endpoint = z
  .object({
    ...endpointSchema.shape,
    credentials: z.record(z.string(), z.string()).openapi({
      description: `Each the variable that it comes from, such as \${NAME}, or ${HIDDEN}. Sent back, ${HIDDEN} keeps what there is.`,
    }),
    health,
  })
  .openapi("Endpoint");

const probe = z
  .object({
    id: z.string(),
    ok: z.boolean(),
    message: z.string().openapi({ description: "What came of it, and what to do." }),
    status: z.int().nullable().openapi({ description: "The vendor's HTTP status; null without an answer." }),
    elapsedMs: z.number(),
  })
  .openapi("EndpointCheck");

const base = { tags: ["endpoints"], ...secured };

const list = createRoute({
  ...base,
  method: "get",
  path: "/api/v1/endpoints",
  summary: "All endpoints",
  description: "The endpoints that were set. `practice` is built in, and listed only where a setting replaces it.",
  request: { query: z.strictObject(paging) },
  responses: { 200: answer("A page of endpoints, by id.", pageSchema("EndpointPage", endpoint)), ...failure },
});

const create = createRoute({
  ...base,
  method: "post",
  path: "/api/v1/endpoints",
  summary: "Make an endpoint",
  description: `Credentials are encrypted, or read from the environment where they are written \${NAME}.`,
  request: { body: body(endpointSchema) },
  responses: { 201: answer("The endpoint.", endpoint), ...failure },
});

const read = createRoute({
  ...base,
  method: "get",
  path: "/api/v1/endpoints/{id}",
  summary: "One endpoint",
  request: { params: idParams },
  responses: { 200: answer("The endpoint.", endpoint), ...failure },
});

const replace = createRoute({
  ...base,
  method: "put",
  path: "/api/v1/endpoints/{id}",
  summary: "Replace an endpoint",
  description: `The whole document. Credentials that are left out, or sent as ${HIDDEN}, stay as they are.`,
  request: { params: idParams, body: body(endpointSchema.extend({ id: z.string().optional() })) },
  responses: { 200: answer("The endpoint as it is now.", endpoint), ...failure },
});

const remove = createRoute({
  ...base,
  method: "delete",
  path: "/api/v1/endpoints/{id}",
  summary: "Remove an endpoint",
  description: "Refused while a route leads to it.",
  request: { params: idParams },
  responses: { 204: { description: "Removed." }, ...failure },
});

const check = createRoute({
  ...base,
  method: "post",
  path: "/api/v1/endpoints/{id}/check",
  summary: "Ask an endpoint whether it is there",
  description: "Proves the address and the credential by a request that costs nothing.",
  request: { params: idParams },
  responses: { 200: answer("What came of it.", probe), ...failure },
});

export function addEndpoints(app: OperatorsApp, dependencies: OperatorsDependencies): void {
  const { control, endpoints, language } = dependencies;
  const show = (setting: EndpointSetting) => {
    const { failures, lastFault, state, until } = endpoints.health(setting.id);
    const shown = {
      ...setting,
      credentials: mapValues(setting.credentials, showCredential),
      health: {
        state,
        failures,
        until: until === undefined ? null : showInstant(until),
        lastFault: lastFault ?? null,
      },
    };
    return shown as unknown as z.infer<typeof endpoint>;
  };
  app.openapi(
    list,
    (c) => {
      const { limit, cursor } = c.req.valid("query");
      const { settings, limits } = control.snapshot();
      const page = pageOf("endpoints", settings.endpoints, (one) => one.id, pageSize(limit, limits), cursor);
      return c.json({ items: page.items.map(show), next: page.next }, 200);
    },
    explain(list),
  );
  app.openapi(
    create,
    async (c) => {
      const { document } = await control.change("endpoints", undefined, c.req.valid("json"), "api", "new");
      return c.json(show(document!), 201);
    },
    explain(create),
  );
  app.openapi(
    read,
    (c) => c.json(show(findDocument(control, "endpoints", c.req.valid("param").id)), 200),
    explain(read),
  );
  app.openapi(
    replace,
    async (c) => {
      const { id } = c.req.valid("param");
      const written = c.req.valid("json");
      const { credentials } = findDocument(control, "endpoints", id);
      const kept = { id, ...written, credentials: keepHidden(written.credentials, credentials) };
      const { document } = await control.change("endpoints", id, kept, "api", "existing");
      return c.json(show(document!), 200);
    },
    explain(replace),
  );
  app.openapi(
    remove,
    async (c) => {
      await control.change("endpoints", c.req.valid("param").id, undefined);
      return c.body(null, 204);
    },
    explain(remove),
  );
  app.openapi(
    check,
    async (c) => {
      const { id } = c.req.valid("param");
      // Built-in endpoints can be asked too, though no setting speaks of them.
      if (!control.snapshot().catalogue.endpoint(id)) findDocument(control, "endpoints", id);
      const asked = languageOfHeader(c.req.header("accept-language"), language);
      return c.json(showProbe(id, await endpoints.probe(id), asked), 200);
    },
    explain(check),
  );
}

function showProbe(id: string, result: EndpointProbe, language: Language): z.infer<typeof probe> {
  const { fault, status, elapsedMs } = result;
  const message = fault ? fault.text : operatorWords.probeReached(Math.round(elapsedMs));
  return { id, ok: !fault, message: message(language), status: status ?? null, elapsedMs };
}

function showCredential(credential: Credential): string {
  return "template" in credential ? credential.template : HIDDEN;
}

/** The credentials to keep: those sent, and for those that are hidden or not spoken of, the ones that there are. */
function keepHidden(
  sent: Readonly<Record<string, string>> | undefined,
  before: Readonly<Record<string, Credential>>,
): Record<string, string> {
  const known = mapValues(before, writeCredential);
  if (!sent) return known;
  return Object.fromEntries(
    Object.entries(sent).map(([name, value]) => [name, value === HIDDEN ? (known[name] ?? value) : value]),
  );
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, of: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, of(value)]));
}
