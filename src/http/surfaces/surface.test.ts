import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { CallBench, SECRET } from "../../call/environment.suite.ts";
import { errorBody } from "../../vendors/openai/errors.ts";
import { Surface } from "./surface.ts";

test("a defect of ours outside of a call is told to the log, and no more of it to the client than that there is one", async () => {
  const bench = await CallBench.open();
  const surface = new Surface(bench.environment, "en", { errorBody, isOwnError: () => true });
  const defect = new TypeError("of a secret kind");
  const server = createServer((request, response) => {
    void surface.call(request, response, () => {
      throw defect;
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const answer = await fetch(address, { method: "POST", headers: { authorization: `Bearer ${SECRET}` }, body: "{}" });
  const text = await answer.text();
  expect([answer.status, JSON.parse(text).error.code]).toEqual([500, "internal_error"]);
  expect(text).not.toContain("secret");
  expect(bench.broken).toEqual([defect]);
  server.closeAllConnections();
  server.close();
  await bench.close();
});
