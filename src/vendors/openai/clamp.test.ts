import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Quirks, Target } from "../spec.ts";
import { encode } from "./encode.ts";
import { readRequest } from "./request.ts";

const MESSAGES = [{ role: "user", content: "hi" }];

function sent(fields: string, quirks: Quirks, maxOutputTokens?: number) {
  const body = Buffer.from(`{${fields}"model":"m","messages":${JSON.stringify(MESSAGES)}}`);
  const request = readRequest("chat", body, { bodyBytes: 100_000 });
  const target: Target = { credentials: {}, headers: {}, quirks };
  const changes = { model: "m", includeUsage: false, ...(maxOutputTokens !== undefined && { maxOutputTokens }) };
  const wire = encode(request, changes, target);
  return { body: wire.body.toString(), adjusted: wire.adjusted, same: wire.body === body };
}

const TAIL = `"model":"m","messages":${JSON.stringify(MESSAGES)}}`;

describe("what a vendor takes no other values of", () => {
  const clamps: NonNullable<Quirks["clamps"]> = {
    temperature: { min: 0, max: 1, exclusiveMin: true },
    max_tokens: { max: 100 },
    stop: { max: 2, bytes: 4 },
    tool_choice: ["auto", "none"],
    omit: ["seed", "user"],
  };

  test("is changed to the nearest that it takes, and told; all other bytes stay", () => {
    expect(sent('"temperature": 1.7 ,"x":  1.50,', { clamps })).toEqual({
      body: `{"temperature": 1 ,"x":  1.50,${TAIL}`,
      adjusted: ["temperature=1"],
      same: false,
    });
    expect(sent('"temperature":0,', { clamps })).toMatchObject({ adjusted: ["temperature=0.01"] });
    expect(sent('"max_completion_tokens":500,', { clamps }).adjusted).toEqual(["max_completion_tokens=100"]);
    expect(sent('"stop":["a","b","toolong","c"],', { clamps })).toMatchObject({
      body: `{"stop":["a","b"],${TAIL}`,
      adjusted: ['stop=["a","b"]'],
    });
    expect(sent('"tool_choice":"required",', { clamps }).adjusted).toEqual(['tool_choice="auto"']);
    expect(sent('"tool_choice":{"type":"function","function":{"name":"f"}},', { clamps }).body).toContain('"auto"');
  });

  test("what fits passes as the very bytes that came", () => {
    const fields = '"temperature":0.5,"max_tokens":100,"stop":"aaaaaaaa","tool_choice":"none",';
    expect(sent(fields, { clamps })).toMatchObject({ adjusted: undefined, same: true });
  });

  test("what must not be sent is taken out, wherever it stands", () => {
    expect(sent('"seed":1,"user":"u",', { clamps })).toMatchObject({ body: `{${TAIL}`, adjusted: ["-seed", "-user"] });
    expect(sent('"a":1, "seed" : 1 , "b":2,"user":"u",', { clamps }).body).toBe(`{"a":1 , "b":2,${TAIL}`);
  });

  test("any subset of fields can be taken out, and the rest is what it was", () => {
    const names = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d", "e"), { minLength: 1 });
    fc.assert(
      fc.property(names, fc.subarray(["a", "b", "c", "d", "e"]), (present, omit) => {
        const fields = present.map((name) => `"${name}":"${name},"`).join(" , ");
        const left = JSON.parse(sent(`${fields},`, { clamps: { omit } }).body);
        const expected = present.filter((name) => !omit.includes(name)).map((name) => [name, `${name},`]);
        expect(left).toEqual({ ...Object.fromEntries(expected), model: "m", messages: MESSAGES });
      }),
    );
  });

  test("a length lowered for the budget's sake stays lowered", () => {
    const { body, adjusted } = sent(
      '"max_tokens":500,',
      { clamps: { max_tokens: { max: 100 }, omit: ["max_tokens"] } },
      7,
    );
    expect([body, adjusted]).toEqual([`{"max_tokens":7,${TAIL}`, undefined]);
  });

  test("defaults are sent where the client says nothing", () => {
    const defaults = { reasoning_split: true };
    expect(sent("", { defaults }).body).toBe(`{"reasoning_split":true,${TAIL}`);
    expect(sent('"reasoning_split":false,', { defaults })).toMatchObject({ same: true });
    expect(sent('"seed":1,', { defaults, clamps }).body).toBe(`{"reasoning_split":true,${TAIL}`);
  });

  test("rules of a model go before those of all", () => {
    const byModel = [{ models: ["m*"], temperature: { max: 0.3 } }];
    expect(sent('"temperature":1,', { clamps: { temperature: { max: 1 }, byModel } }).adjusted).toEqual([
      "temperature=0.3",
    ]);
  });
});
