import type { RequestListener } from "node:http";
import { getRequestListener } from "@hono/node-server";
import type { Hono } from "hono";
import type { OperatorsBindings } from "./bindings.ts";

/**
 * The operators' application behind a `node:http` server.
 *
 * @param trusted requests of this server need no admin key: it listens where only the operator can reach it
 */
export function operatorsListener(
  app: Pick<Hono<{ Bindings: OperatorsBindings }>, "fetch">,
  trusted = false,
): RequestListener {
  return getRequestListener((request) => app.fetch(request, { trusted }));
}
