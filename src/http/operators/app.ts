import { bodyLimit } from "hono/body-limit";
import { Fault } from "../../base/faults.ts";
import { operatorWords } from "../../base/messages/operators.ts";
import { addDocs } from "../docs.ts";
import { addBudgets } from "./budgets.ts";
import { addCalls } from "./calls.ts";
import { addCatalogue } from "./catalogue.ts";
import { makeApp, type OperatorsApp } from "./declare.ts";
import type { OperatorsDependencies } from "./dependencies.ts";
import { addEndpoints } from "./endpoints.ts";
import { addEntries } from "./entries.ts";
import { answerFault, faultOf, missingPath } from "./errors.ts";
import { addKeys } from "./keys.ts";
import { addModels } from "./models.ts";
import { addPayers } from "./payers.ts";
import { addPrices } from "./prices.ts";
import { addRoutes } from "./routes.ts";
import { addSettings } from "./settings.ts";
import { addStatements } from "./statements.ts";
import { addSystem } from "./system.ts";
import { addUnsettled } from "./unsettled.ts";
import { addUsage } from "./usage.ts";

/**
 * The operators' API, its description and its documentation, health and metrics: everything but the clients' calls.
 * `/api/v1` needs the admin key, except for requests that the server marks as trusted.
 */
export function operatorsApp(dependencies: OperatorsDependencies): OperatorsApp {
  const { language, control, onError } = dependencies;
  const app = makeApp();
  app.onError((error, c) => answerFault(c, faultOf(error, onError), language));
  app.use("*", async (c, next) => {
    c.header("x-maidan-origin", "gateway");
    c.header("x-content-type-options", "nosniff");
    await next();
  });
  app.use("/api/*", async (c, next) => {
    c.header("cache-control", "no-store");
    if (c.env?.trusted !== true) checkAdminKey(c.req.header("authorization"), dependencies);
    await next();
  });
  app.use("/api/*", (c, next) => {
    const maxSize = control.snapshot().limits.fileBytes;
    const onError = (): never => {
      throw new Fault("body_too_large", operatorWords.fileTooLarge(maxSize));
    };
    return bodyLimit({ maxSize, onError })(c, next);
  });
  for (const add of [addSettings, addPayers, addKeys, addBudgets, addEndpoints, addRoutes, addPrices, addCalls]) {
    add(app, dependencies);
  }
  for (const add of [addCatalogue, addModels, addEntries, addUnsettled, addUsage, addStatements, addSystem])
    add(app, dependencies);
  addDescription(app, dependencies);
  addDocs(app);
  addMissing(app, dependencies);
  return app;
}

function checkAdminKey(header: string | undefined, { isAdminKey }: OperatorsDependencies): void {
  const secret = header?.match(/^Bearer +(\S+) *$/i)?.[1];
  if (secret === undefined) throw new Fault("invalid_api_key", operatorWords.noAdminKey());
  if (!isAdminKey(secret)) throw new Fault("invalid_api_key", operatorWords.wrongAdminKey());
}

function addDescription(app: OperatorsApp, { start }: OperatorsDependencies): void {
  app.openAPIRegistry.registerComponent("securitySchemes", "adminKey", {
    type: "http",
    scheme: "bearer",
    description: "The admin key: MAIDAN_ADMIN_KEY, or the one that the first start has shown.",
  });
  app.doc31("/openapi.json", {
    openapi: "3.1.0",
    info: {
      title: "Maidan",
      version: start.version,
      description:
        "The operators' API. Amounts are decimal strings with a currency beside them; lists are `{items, next}` and page by `cursor`; errors are `{error: {message, type, param, code}}` in the language of `Accept-Language` (zh or en).",
      license: { name: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
  });
}

function addMissing(app: OperatorsApp, { language }: OperatorsDependencies): void {
  const declared = app.openAPIRegistry.definitions.flatMap((definition) =>
    definition.type === "route" ? [{ method: definition.route.method, path: definition.route.path }] : [],
  );
  const others = ["/openapi.json", "/docs"].map((path) => ({ method: "get", path }));
  app.notFound((c) => {
    const { fault, allow } = missingPath(c.req.method, c.req.path, [...declared, ...others]);
    if (allow.length > 0) c.header("allow", allow.join(", "));
    return answerFault(c, fault, language);
  });
}
