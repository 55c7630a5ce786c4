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
  const listen = getRequestListener((request) => app.fetch(request, { trusted }));
  return (request, response) => {
    // Nothing here depends on the name by which the server was reached, and one that is no name would make no address.
    request.headers.host = "localhost";
    return listen(request, response);
  };
}
