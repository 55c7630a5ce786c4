import { describe, expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../../base/limits.ts";
import type { Conversation } from "../conversation.ts";
import { VendorFault } from "../vendor-fault.ts";
import { writeCallId, writeCallSignature, writeHidden, writeSignature } from "./marks.ts";
import { readRequest } from "./request.ts";

const BASE = { model: "m", max_tokens: 100, messages: [{ role: "user", content: "hi" }] };

function read(more: object): Conversation {
  const request = readRequest(Buffer.from(JSON.stringify({ ...BASE, ...more })), DEFAULT_LIMITS);
  const content = request.content();
  if (content.operation !== "chat") throw new Error("no conversation");
  return content;
}
const turns = (...messages: object[]) => read({ messages }).messages;

describe("a conversation in Anthropic's protocol", () => {
  test("says everything that is asked of the answer", () => {
    const content = read({
      system: [
        { type: "text", text: "Be brief.", cache_control: { type: "ephemeral", ttl: "1h" } },
        { type: "text", text: "" },
      ],
      tools: [
        { name: "look", description: "d", input_schema: { type: "object" }, cache_control: { type: "ephemeral" } },
        { name: "bare", type: "custom", strict: true },
      ],
      tool_choice: { type: "tool", name: "look", disable_parallel_tool_use: true },
      temperature: 0.5,
      top_p: 0.9,
      top_k: 4,
      stop_sequences: ["a", "b"],
      metadata: { user_id: "u" },
      thinking: { type: "enabled", budget_tokens: 2_000 },
      output_config: { effort: "xhigh", format: { type: "json_schema", schema: { type: "object" } } },
      service_tier: "auto",
      some_new_beta: { a: 1 },
    });
    expect(content).toEqual({
      operation: "chat",
      messages: [
        { role: "system", parts: [{ type: "text", text: "Be brief.", cache: "1h" }] },
        { role: "user", parts: [{ type: "text", text: "hi" }] },
      ],
      tools: [
        { name: "look", description: "d", parameters: { type: "object" }, cache: "5m" },
        { name: "bare", description: undefined, parameters: undefined, strict: true },
      ],
      toolChoice: { tool: "look" },
      parallelToolCalls: false,
      maxOutputTokens: 100,
      temperature: 0.5,
      topP: 0.9,
      topK: 4,
      presencePenalty: undefined,
      frequencyPenalty: undefined,
      seed: undefined,
      stop: ["a", "b"],
      choices: 1,
      reasoning: { effort: "xhigh", budgetTokens: 2_000 },
      format: { type: "schema", name: "answer", schema: { type: "object" }, strict: true },
      user: "u",
      extra: { some_new_beta: { a: 1 } },
    });
  });

  test.each([
    [{ type: "auto" }, "auto"],
    [{ type: "any" }, "required"],
    [{ type: "none" }, "none"],
    [undefined, undefined],
  ])("tool_choice %j is %s", (tool_choice, choice) => expect(read({ tool_choice }).toolChoice).toBe(choice));

  test.each([
    [{ thinking: { type: "disabled" } }, { effort: "none" }],
    [{ thinking: { type: "adaptive" } }, { effort: undefined, budgetTokens: undefined }],
    [
      { thinking: { type: "adaptive" }, output_config: { effort: "low" } },
      { effort: "low", budgetTokens: undefined },
    ],
    [{ output_config: { effort: "max" } }, { effort: "max" }],
    [{ thinking: null }, undefined],
    [{}, undefined],
  ])("%j wishes %j", (more, wish) => expect(read(more).reasoning).toEqual(wish));

  test("calls of tools and their results become messages of their own, with names", () => {
    const image = { type: "image", source: { type: "base64", media_type: "image/png", data: "aGk=" } };
    expect(
      turns(
        { role: "user", content: "go" },
        {
          role: "assistant",
          content: [
            { type: "text", text: "I look." },
            { type: "tool_use", id: "toolu_1", name: "look", input: { a: [1, "买"] } },
            { type: "tool_use", id: writeCallId("functions.Bash:0"), name: "Bash", input: {} },
          ],
        },
        {
          role: "user",
          content: [
            { type: "text", text: "and hurry" },
            { type: "tool_result", tool_use_id: "toolu_1", content: [{ type: "text", text: "found" }, image] },
            { type: "tool_result", tool_use_id: writeCallId("functions.Bash:0"), content: "no", is_error: true },
            { type: "tool_result", tool_use_id: "toolu_3" },
          ],
        },
      ).slice(1),
    ).toEqual([
      {
        role: "assistant",
        parts: [
          { type: "text", text: "I look." },
          { type: "tool-call", id: "toolu_1", name: "look", arguments: '{"a":[1,"买"]}' },
          { type: "tool-call", id: "functions.Bash:0", name: "Bash", arguments: "{}" },
        ],
      },
      {
        role: "tool",
        callId: "toolu_1",
        name: "look",
        parts: [
          { type: "text", text: "found" },
          { type: "image", base64: "aGk=", mediaType: "image/png" },
        ],
      },
      {
        role: "tool",
        callId: "functions.Bash:0",
        name: "Bash",
        parts: [{ type: "text", text: "no" }],
        failed: true,
      },
      { role: "tool", callId: "toolu_3", name: undefined, parts: [] },
      { role: "user", parts: [{ type: "text", text: "and hurry" }] },
    ]);
  });

  test("thinking goes back to the vendor it came from; Anthropic's own has no signature for others", () => {
    const [, assistant] = turns(
      { role: "user", content: "go" },
      {
        role: "assistant",
        content: [
          { type: "thinking", thinking: "signed by Anthropic", signature: "RXFv" },
          { type: "thinking", thinking: "another's", signature: writeSignature("sig") },
          { type: "thinking", thinking: "nobody's", signature: writeSignature(undefined) },
          { type: "redacted_thinking", data: "RXFv" },
          { type: "redacted_thinking", data: writeHidden("secret") },
          { type: "redacted_thinking", data: writeCallSignature("c:1", "of the call") },
          { type: "tool_use", id: writeCallId("c:1"), name: "look", input: {} },
        ],
      },
    );
    expect(assistant!.parts).toEqual([
      { type: "reasoning", text: "signed by Anthropic" },
      { type: "reasoning", text: "another's", signature: "sig" },
      { type: "reasoning", text: "nobody's" },
      { type: "reasoning", text: "", redacted: "secret" },
      { type: "tool-call", id: "c:1", name: "look", arguments: "{}", signature: "of the call" },
    ]);
  });

  test("documents and search results are files, or texts where they are texts", () => {
    const source = (given: object) => ({ type: "document", title: "T", source: given });
    const [message] = turns({
      role: "user",
      content: [
        source({ type: "base64", media_type: "application/pdf", data: "JVBE" }),
        source({ type: "url", url: "https://a/b.pdf" }),
        source({ type: "file", file_id: "file_1" }),
        source({ type: "text", media_type: "text/plain", data: "plain" }),
        source({ type: "content", content: [{ type: "text", text: "inner" }] }),
        { type: "search_result", source: "https://s", title: "S", content: [{ type: "text", text: "hit" }] },
        { type: "image", source: { type: "url", url: "https://i" } },
      ],
    });
    expect(message!.parts).toEqual([
      { type: "file", base64: "JVBE", mediaType: "application/pdf", name: "T" },
      { type: "file", url: "https://a/b.pdf", name: "T" },
      { type: "file", id: "file_1", name: "T" },
      { type: "text", text: "T\nplain" },
      { type: "text", text: "T" },
      { type: "text", text: "inner" },
      { type: "text", text: "S\nhttps://s" },
      { type: "text", text: "hit" },
      { type: "image", url: "https://i" },
    ]);
  });

  test("a document in a tool's result follows it", () => {
    const document = { type: "document", source: { type: "base64", media_type: "application/pdf", data: "JVBE" } };
    expect(
      turns({ role: "user", content: [{ type: "tool_result", tool_use_id: "a", content: [document] }] }),
    ).toMatchObject([
      { role: "tool", parts: [] },
      { role: "user", parts: [{ type: "file" }] },
    ]);
  });

  test.each([
    [{ tools: [{ type: "web_search_20250305", name: "web_search" }] }, "tools[0]", /web_search_20250305/],
    [{ tools: [{ type: "bash_20250124", name: "bash" }] }, "tools[0]", /bash_20250124/],
    [{ mcp_servers: [{ url: "https://m" }] }, "mcp_servers", /mcp_servers/],
    [
      { messages: [{ role: "assistant", content: [{ type: "server_tool_use", id: "s", name: "web_search" }] }] },
      "messages[0].content[0]",
      /server_tool_use/,
    ],
    [{ messages: [{ role: "user", content: [{ type: "hologram" }] }] }, "messages[0].content[0]", /hologram/],
  ])("%j is refused by name, so that a route can move on", (more, param, text) => {
    try {
      read(more);
      expect.unreachable();
    } catch (fault) {
      expect(fault).toBeInstanceOf(VendorFault);
      expect(fault).toMatchObject({ errorClass: "unsupported", charged: "nothing", param });
      for (const language of ["en", "zh"] as const) expect((fault as VendorFault).text(language)).toMatch(text);
    }
  });
});

test("a name that no text can be made of is none", () => {
  const unspeakable = { toString: null, valueOf: null };
  expect(read({ tools: [{ name: unspeakable }] }).tools[0]).toMatchObject({ name: "" });
  expect(() => turns({ role: "user", content: [{ type: "image", source: { type: unspeakable } }] })).toThrow(
    VendorFault,
  );
});
