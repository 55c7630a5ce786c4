import { describe, expect, test } from "vitest";
import { type Question, type Scene, sceneOf, TOOL_ARGUMENTS } from "./scene.ts";

const ask = (last: string, more: Partial<Question> = {}): Scene =>
  sceneOf({
    texts: [last],
    last,
    toolResults: [],
    tools: ["weather", "news"],
    images: 0,
    maxOutputTokens: undefined,
    stop: [],
    ...more,
  });

type Answer = Extract<Scene, { type: "answer" }>;
const answer = (last: string, more: Partial<Question> = {}): Answer => ask(last, more) as Answer;
const written = (scene: Answer): string =>
  scene.pieces.map((piece) => (piece.type.endsWith("-delta") ? (piece as { text: string }).text : "")).join("");
const finish = (scene: Answer): string | undefined => scene.pieces.find((piece) => piece.type === "finish")?.reason;

describe("what a simulated vendor does", () => {
  test("what is said comes back, four characters a token, and every text counts as input", () => {
    const scene = answer("你好 🌏 friends", { texts: ["be brief", "你好 🌏 friends"] });
    expect([written(scene), finish(scene)]).toEqual(["你好 🌏 friends", "stop"]);
    expect(scene.usage).toEqual({ input: 20, cachedInput: 0, output: 3, reasoning: 0 });
  });

  test("tools are called: one, two, without arguments; results are answered with", () => {
    expect(written(answer("#tool"))).toBe(TOOL_ARGUMENTS);
    const names = (scene: Answer) =>
      scene.pieces.flatMap((piece) => (piece.type === "tool-call-start" ? [piece.name] : []));
    expect(names(answer("#tools"))).toEqual(["weather", "news"]);
    expect(names(answer("#tools", { tools: ["one"] }))).toEqual(["one", "one"]);
    expect([written(answer("#tool-empty")), finish(answer("#tool-empty"))]).toEqual(["{}", "tool_calls"]);
    expect(written(answer("#tool", { toolResults: ["晴", "42"] }))).toBe("Tool says: 晴 | 42");
  });

  test("a length and a stop sequence end it", () => {
    const long = answer("#long", { maxOutputTokens: 3 });
    expect([written(long), finish(long), long.usage.output]).toEqual(["long long lo", "length", 3]);
    const stopped = answer("one two three", { stop: ["two"] });
    expect([written(stopped), finish(stopped)]).toEqual(["one ", "stop"]);
  });

  test("reasoning comes before the answer and counts apart; half of the input may be cached", () => {
    const scene = answer("#reason yes");
    expect(scene.pieces[0]!.type).toBe("reasoning-delta");
    expect(scene.usage).toMatchObject({ output: 1, reasoning: expect.any(Number) });
    expect(answer("#cached").usage).toEqual({ input: 4, cachedInput: 3, output: 4, reasoning: 0 });
  });

  test("what goes wrong has no end", () => {
    expect(ask("#error billing")).toEqual({ type: "refusal", errorClass: "billing" });
    expect(ask("#moderated")).toEqual({ type: "refusal", errorClass: "content_filter" });
    expect([finish(answer("#cut")), answer("#cut").cut]).toEqual([undefined, true]);
    expect([finish(answer("#error-later")), answer("#error-later").failure]).toEqual([undefined, "server_error"]);
    expect(finish(answer("#moderated-later"))).toBe("content_filter");
  });
});
