import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ManualClock } from "../base/clock.ts";
import { Fault } from "../base/faults.ts";
import { DEFAULT_LIMITS } from "../base/limits.ts";
import { openSealer } from "../store/sealing.ts";
import type { Store } from "../store/spec.ts";
import { openSqliteStore } from "../store/sqlite-store.ts";
import { Control } from "./control.ts";
import { offerVendors } from "./discovery.ts";
import { vendorsInEnvironment } from "./first-start.ts";

let folder: string;
let store: Store;
let control: Control;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "maidan-vendors-"));
  store = openSqliteStore({ folder, durability: "process", limits: DEFAULT_LIMITS });
  control = await open();
});

afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

const clock = new ManualClock("2026-11-24T00:00:00Z");
const open = () =>
  Control.open({ query: store.query, seal: openSealer(folder), environment: { OURS_KEY: "k" }, clock });

async function refusalOf(file: string): Promise<string> {
  try {
    await control.applyFile(file);
  } catch (fault) {
    if (fault instanceof Fault) return fault.text("en");
    throw fault;
  }
  throw new Error("it was applied");
}

const OURS = `
vendors:
  - { id: ours, baseUrl: "https://ours.example/v1", environment: { apiKey: OURS_KEY }, models: [{ id: m, tools: true }] }
  - { id: zhipu, models: [{ id: glm-5, price: { currency: CNY, input: "1", output: "1" } }] }
endpoints:
  - { id: e, vendor: ours, allowUnpriced: true }
  - { id: z, vendor: zhipu, credentials: { apiKey: x } }
routes: [{ id: r, to: [e/m, z/glm-5] }]
`;

describe("vendors of the file", () => {
  test("are in force, are there after a restart, and applied again change nothing", async () => {
    const { changes } = await control.applyFile(OURS);
    expect(changes.filter(({ kind }) => kind === "vendors").map(({ action, id }) => `${action} ${id}`)).toEqual([
      "add ours",
      "add zhipu",
    ]);
    for (const one of [control, await open()]) {
      const { catalogue } = one.snapshot();
      expect(catalogue.endpoint("e")).toMatchObject({
        baseUrl: "https://ours.example/v1",
        credentials: { apiKey: "k" },
      });
      expect(JSON.parse(catalogue.model("z", "glm-5")!.priceAt(clock.now())!.json).input).toBe("1");
      expect((await one.applyFile(OURS)).changes).toEqual([]);
      expect((await one.applyFile(one.exportYaml())).changes).toEqual([]);
    }
  });

  test("a change within one is told by its field; one that is gone from the file is gone", async () => {
    await control.applyFile(OURS);
    const { changes } = await control.applyFile(OURS.replace('input: "1"', 'input: "2"'));
    expect(changes).toEqual([{ action: "change", kind: "vendors", id: "zhipu", fields: ["models.glm-5.price.input"] }]);
    expect((await control.applyFile("currency: USD")).changes.map(({ kind }) => kind)).toContain("vendors");
    expect(control.snapshot().catalogue.vendors.byId("ours")).toBeUndefined();
  });

  test("one that an endpoint needs cannot go", async () => {
    await control.applyFile(OURS);
    expect(await refusalOf(OURS.replace(/ {2}- \{ id: ours.*\n/, ""))).toMatch(/vendor "ours" is not known/);
  });

  test.each([
    ["vendors: [{ id: a, baseUrl: http://x/v1, modles: [] }]", /modles.*models/],
    ["vendors: [{ id: a, protocol: opanai }]", /"opanai" is not known.*"openai"/],
    ["vendors: [{ id: a, also: [{ protocol: antropic }] }]", /"antropic" is not known.*"anthropic"/],
    ["vendors: [{ id: a, regions: { far: zhipo } }]", /"zhipo" is not known.*"zhipu"/],
    ["vendors: [{ id: a, models: [{ id: m }, { id: m }] }]", /m/],
    ['vendors: [{ id: a, models: [{ id: m, price: { currency: CNY, input: "-1" } }] }]', /price.input/],
    ["vendors: [{ id: a, models: [{ id: m, input: [smell] }] }]", /smell/],
    ["vendors: [{ id: a, quirks: { clamps: { temprature: { max: 1 } } } }]", /temprature.*temperature/],
    ["vendors: [{ id: a }, { id: a }]", /a/],
  ])("%s is refused with what is wrong", async (file, message) => expect(await refusalOf(file)).toMatch(message));
});

describe("how an endpoint reaches its vendor", () => {
  test.each([
    ["{ id: e, vendor: alibaba, protocol: tencent }", /speaks "tencent".*dashscope/],
    ["{ id: e, vendor: alibaba, region: finanze }", /no region "finanze".*finance/],
    ["{ id: e, vendor: deepseek, region: north }", /leave "region" out/],
  ])("%s is refused with what there is", async (endpoint, message) => {
    expect(await refusalOf(`endpoints: [${endpoint}]`)).toMatch(message);
  });

  test("an address of the operator's own may speak anything", async () => {
    const endpoint = "{ id: e, vendor: alibaba, protocol: tencent, baseUrl: http://127.0.0.1:1 }";
    await control.applyFile(`endpoints: [${endpoint}]`);
    expect(control.snapshot().catalogue.endpoint("e")).toMatchObject({ protocol: "tencent", beside: [] });
  });

  test("a region that is a vendor of its own", async () => {
    await control.applyFile("endpoints: [{ id: e, vendor: zhipu, region: intl, credentials: { apiKey: x } }]");
    expect(control.snapshot().catalogue.endpoint("e")!.vendor).toBe("zhipu-intl");
  });
});

describe("vendors found by their variables", () => {
  const found = (environment: Record<string, string>) =>
    vendorsInEnvironment(environment).map(({ id, protocol, credentials }) => [id, protocol, Object.keys(credentials)]);

  test("by their usual protocol, else by the one whose credentials are there; all of them or none", () => {
    expect(found({ TENCENTCLOUD_SECRET_ID: "a", TENCENTCLOUD_SECRET_KEY: "b" })).toEqual([
      ["tencent", "tencent", ["secretId", "secretKey"]],
    ]);
    expect(found({ TENCENTCLOUD_SECRET_ID: "a" })).toEqual([]);
    const both = { TENCENTCLOUD_SECRET_ID: "a", TENCENTCLOUD_SECRET_KEY: "b", TOKENHUB_API_KEY: "c" };
    expect(found(both)).toEqual([["tencent", undefined, ["apiKey"]]]);
  });

  test("are offered with their protocol, once", async () => {
    const environment = { QIANFAN_AK: "a", QIANFAN_SK: "b" };
    await offerVendors(control, store.query, environment);
    await offerVendors(control, store.query, environment);
    expect(control.snapshot().settings.endpoints).toEqual([
      expect.objectContaining({ id: "baidu", vendor: "baidu", protocol: "baidu-v1" }),
    ]);
  });
});
