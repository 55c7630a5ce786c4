import { expect, test } from "vitest";
import { Fitting } from "./fitting.ts";

const OWN = {
  temperature: { min: 0, max: 1 },
  top_p: { min: 0, max: 1 },
  stop: { max: 2, bytes: 3 },
  tool_choice: ["auto", "none"] as const,
};

test("what a vendor takes goes unchanged, and nothing is told", () => {
  const fitting = new Fitting(OWN, {}, "m");
  expect([
    fitting.number("temperature", 0.5),
    fitting.number("top_p", undefined),
    fitting.number("top_k", 9),
    fitting.stop([]),
    fitting.stop(["ab", "c"]),
    fitting.toolChoice(undefined),
    fitting.toolChoice("none"),
    fitting.leaveOut("seed", undefined),
  ]).toEqual([0.5, undefined, 9, undefined, ["ab", "c"], undefined, "none", undefined]);
  expect(fitting.adjusted).toEqual([]);
});

test("what it does not take is changed, and told", () => {
  const fitting = new Fitting(OWN, {}, "m");
  expect([
    fitting.number("temperature", 2),
    fitting.stop(["四", "long", "", "b", "c"]),
    fitting.toolChoice({ tool: "f" }),
    fitting.leaveOut("seed", 1),
  ]).toEqual([1, ["四", "b"], "auto", undefined]);
  expect(fitting.adjusted).toEqual(["temperature=1", 'stop=["四","b"]', "tool_choice=auto", "-seed"]);
});

test("an endpoint's own rules go before the vendor's, field by field", () => {
  const clamps = { temperature: { max: 1.5 }, byModel: [{ models: ["m*"], omit: ["top_p"] }] };
  const fitting = new Fitting(OWN, { clamps }, "m1");
  expect([fitting.number("temperature", 2), fitting.number("top_p", 0.5), fitting.stop(["a", "b", "c"])]).toEqual([
    1.5,
    undefined,
    ["a", "b"],
  ]);
  expect(fitting.adjusted).toEqual(["temperature=1.5", "-top_p", 'stop=["a","b"]']);
});
