import { describe, expect, test } from "vitest";
import { PROTOCOL_IDS, protocolOf, reach } from "./table.ts";
import { record } from "./transport.suite.ts";

const target = { credentials: {}, headers: {}, quirks: {} };

describe("the table of vendors", () => {
  test("every protocol it names can be spoken and probed", () => {
    for (const id of ["openai", "practice", "recorded"]) expect(PROTOCOL_IDS).toContain(id);
    for (const id of PROTOCOL_IDS) expect(protocolOf(id)!.probe(target, 0).path, id).toMatch(/^\//);
    expect(protocolOf("other")).toBeUndefined();
  });

  test.each([
    ["practice", { protocol: "practice", models: [{ id: "echo" }] }, []],
    [
      "recorded",
      { protocol: "recorded", suites: "examples/recorded" },
      ["first-questions/example__careful-1", "first-questions/example__hasty-1"],
    ],
  ])("%s is reached inside this process, and answers the probe", async (protocol, endpoint, models) => {
    const reached = await reach(endpoint);
    expect(reached.models.map(({ id }) => id)).toEqual(models);
    const { status } = await record(reached.transport, protocolOf(protocol)!.probe(target, 0)).done;
    expect(status).toBe(200);
    await reached.transport.close();
  });

  test("an address is reached by HTTP", async () => {
    const { transport, models } = await reach({ protocol: "openai", baseUrl: "http://127.0.0.1:9/v1" });
    expect(models).toEqual([]);
    const { fault } = await record(transport, protocolOf("openai")!.probe(target, 0)).done;
    expect(fault).toMatchObject({ charged: "nothing", details: { address: "http://127.0.0.1:9" } });
    await transport.close();
  });

  test.each([
    [{ protocol: "opennai" }, "protocol"],
    [{ protocol: "openai" }, "baseUrl"],
    [{ protocol: "openai", baseUrl: "nowhere" }, "baseUrl"],
    [{ protocol: "recorded" }, "suites"],
    [{ protocol: "recorded", suites: "/nowhere" }, "suites"],
  ])("%j cannot be, and the fault names the field", async (endpoint, param) => {
    await expect(reach(endpoint)).rejects.toMatchObject({ code: "invalid_request", param });
  });
});
