import { describe, expect, test } from "vitest";
import { ManualClock } from "../base/clock.ts";
import type { Fault } from "../base/faults.ts";
import { Catalogue } from "../catalogue/catalogue.ts";
import { NO_SETTINGS, type RouteSetting } from "../config/settings.ts";
import type { VendorErrorClass } from "../vendors/spec.ts";
import { EndpointHealth } from "./health.ts";
import { orderByHealth, Routes } from "./routes.ts";

function open(routes: readonly RouteSetting[]) {
  const endpoint = (id: string) => ({
    id,
    protocol: "openai",
    baseUrl: `http://${id}.invalid/v1`,
    credentials: {},
    models: [{ id: "mini" }, { id: "org/deep" }],
  });
  const catalogue = new Catalogue({ ...NO_SETTINGS, endpoints: [endpoint("lab"), endpoint("spare")] });
  return { catalogue, routes: new Routes(routes, catalogue) };
}

const classes = (on?: RouteSetting["on"]): VendorErrorClass[] => {
  const { routes } = open([{ id: "r", to: ["lab/mini", "spare/mini"], ...(on && { on }) }]);
  return [...routes.plan("r").movesOn].filter((one) => one !== "unsupported").sort();
};

test("what a vendor cannot be asked for always moves a route on, and never a model that was named", () => {
  const { routes } = open([{ id: "r", to: ["lab/mini", "spare/mini"], on: ["timeout"] }]);
  expect(routes.plan("r").movesOn.has("unsupported")).toBe(true);
  expect(routes.plan("lab/mini").movesOn.has("unsupported")).toBe(false);
});

describe("the names that clients may ask for", () => {
  test("a route leads to its models in order, with its tries", () => {
    const { routes } = open([{ id: "r", to: ["spare/mini", "lab/mini"], tries: 2 }]);
    const plan = routes.plan("r");
    expect(plan.models.map(({ ref }) => ref)).toEqual(["spare/mini", "lab/mini"]);
    expect(plan).toMatchObject({ route: "r", tries: 2 });
  });

  test("a model is called directly, whatever slashes its own name has, and is tried once", () => {
    const { routes } = open([]);
    expect(routes.plan("lab/org/deep")).toMatchObject({
      route: "lab/org/deep",
      tries: 1,
      models: [{ id: "org/deep" }],
    });
    expect(routes.plan("lab/mini").movesOn.size).toBe(0);
  });

  test("a route goes before a model of the same name", () => {
    const { routes } = open([{ id: "lab/mini", to: ["spare/mini"] }]);
    expect(routes.plan("lab/mini").models[0]!.ref).toBe("spare/mini");
  });

  test("a model that a vendor tells of later can be called from then on", () => {
    const { routes, catalogue } = open([]);
    expect(() => routes.plan("lab/new")).toThrow();
    catalogue.addModels("lab", [{ id: "new" }]);
    expect(routes.plan("lab/new").models[0]!.ref).toBe("lab/new");
    expect(routes.names()).toContain("lab/new");
  });

  test.each(["mnii", "lab", "/mini", "lab/", "nobody/mini", "__proto__", ""])(
    "%j is not found, with the nearest names",
    (name) => {
      const { routes } = open([{ id: "mini", to: ["lab/mini"] }]);
      try {
        routes.plan(name);
        expect.unreachable();
      } catch (fault) {
        expect(fault).toMatchObject({ code: "model_not_found", param: "model" });
        const { nearest } = (fault as Fault).details as { nearest: string[] };
        if (name === "mnii") expect(nearest[0]).toBe("mini");
      }
    },
  );

  test("a route to a model that is not there is refused when it is made", () => {
    expect(() => open([{ id: "r", to: ["lab/none"] }])).toThrow(/"r" leads to "lab\/none"/);
  });
});

describe("what moves a call on", () => {
  test("by default errors, timeouts and rates", () => {
    expect(classes()).toEqual(
      ["auth", "billing", "overloaded", "permission", "quota", "rate_limit", "server_error", "timeout"].sort(),
    );
  });

  test.each([
    ["timeout", ["timeout"]],
    ["rate_limit", ["quota", "rate_limit"]],
    ["overloaded", ["overloaded"]],
    ["auth", ["auth", "billing", "permission"]],
    ["not_found", ["not_found"]],
    ["context_length", ["context_length"]],
  ] as const)("%s covers %j", (word, expected) => {
    expect(classes([word])).toEqual(expected);
  });

  test("no word covers a request that is wrong, or content that is refused", () => {
    const all = classes(["error", "timeout", "rate_limit", "overloaded", "auth", "not_found", "context_length"]);
    expect(all).not.toContain("invalid_request");
    expect(all).not.toContain("content_filter");
  });
});

test("models whose endpoint rests stand at the end, in their order", () => {
  const { routes } = open([{ id: "r", to: ["lab/mini", "spare/mini", "lab/org/deep"] }]);
  const health = new EndpointHealth(new ManualClock(0));
  const order = () => orderByHealth(routes.plan("r").models, health).map(({ ref }) => ref);
  expect(order()).toEqual(["lab/mini", "spare/mini", "lab/org/deep"]);
  for (let count = 0; count < 5; count++) health.failed("lab", "timeout");
  expect(order()).toEqual(["spare/mini", "lab/mini", "lab/org/deep"]);
});
