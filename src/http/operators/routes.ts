import { createRoute, z } from "@hono/zod-openapi";
import { routeSchema } from "../../config/schemas.ts";
import type { RouteSetting } from "../../config/settings.ts";
import { answer, body, explain, failure, type OperatorsApp, secured } from "./declare.ts";
import type { OperatorsDependencies } from "./dependencies.ts";
import { findDocument } from "./documents.ts";
import { pageOf, pageSize } from "./pages.ts";
import { idParams, pageSchema, paging } from "./schemas.ts";

const route = z.object(routeSchema.shape).openapi("Route");
const base = { tags: ["routes"], ...secured };

const list = createRoute({
  ...base,
  method: "get",
  path: "/api/v1/routes",
  summary: "All routes",
  request: { query: z.strictObject(paging) },
  responses: { 200: answer("A page of routes, by id.", pageSchema("RoutePage", route)), ...failure },
});

const create = createRoute({
  ...base,
  method: "post",
  path: "/api/v1/routes",
  summary: "Make a route",
  request: { body: body(routeSchema) },
  responses: { 201: answer("The route.", route), ...failure },
});

const read = createRoute({
  ...base,
  method: "get",
  path: "/api/v1/routes/{id}",
  summary: "One route",
  request: { params: idParams },
  responses: { 200: answer("The route.", route), ...failure },
});

const replace = createRoute({
  ...base,
  method: "put",
  path: "/api/v1/routes/{id}",
  summary: "Replace a route",
  request: { params: idParams, body: body(routeSchema.extend({ id: z.string().optional() })) },
  responses: { 200: answer("The route as it is now.", route), ...failure },
});

const remove = createRoute({
  ...base,
  method: "delete",
  path: "/api/v1/routes/{id}",
  summary: "Remove a route",
  request: { params: idParams },
  responses: { 204: { description: "Removed." }, ...failure },
});

export function addRoutes(app: OperatorsApp, { control }: OperatorsDependencies): void {
  const show = (setting: RouteSetting) => setting as z.infer<typeof route>;
  app.openapi(
    list,
    (c) => {
      const { limit, cursor } = c.req.valid("query");
      const { settings, limits } = control.snapshot();
      const page = pageOf("routes", settings.routes, (one) => one.id, pageSize(limit, limits), cursor);
      return c.json({ items: page.items.map(show), next: page.next }, 200);
    },
    explain(list),
  );
  app.openapi(
    create,
    async (c) => {
      const { document } = await control.change("routes", undefined, c.req.valid("json"), "api", "new");
      return c.json(show(document!), 201);
    },
    explain(create),
  );
  app.openapi(read, (c) => c.json(show(findDocument(control, "routes", c.req.valid("param").id)), 200), explain(read));
  app.openapi(
    replace,
    async (c) => {
      const { id } = c.req.valid("param");
      const { document } = await control.change("routes", id, { id, ...c.req.valid("json") }, "api", "existing");
      return c.json(show(document!), 200);
    },
    explain(replace),
  );
  app.openapi(
    remove,
    async (c) => {
      await control.change("routes", c.req.valid("param").id, undefined);
      return c.body(null, 204);
    },
    explain(remove),
  );
}
