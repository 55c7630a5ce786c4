import { describe, expect, test } from "vitest";
import { readContent } from "./content.ts";
import { writeSignature } from "./signatures.ts";

const read = (fields: object) => readContent(Buffer.from(JSON.stringify({ model: "m", input: "hi", ...fields })));
const UNSUPPORTED = { errorClass: "unsupported", charged: "nothing" };
const FUNCTION = { type: "function", name: "look_up", description: "d", parameters: { type: "object" }, strict: true };
const PATCH = {
  type: "custom",
  name: "apply_patch",
  description: "Edits files.",
  format: { type: "grammar", syntax: "lark", definition: 'start: "***"' },
};
const SERVER = {
  type: "namespace",
  name: "mcp__files",
  description: "Files.",
  tools: [{ type: "function", name: "read", parameters: { type: "object" } }],
};

describe("what a request for a response asks", () => {
  test("a text is a message of the user; instructions go before it", () => {
    expect(read({ instructions: "Be brief." }).messages).toEqual([
      { role: "system", parts: [{ type: "text", text: "Be brief." }] },
      { role: "user", parts: [{ type: "text", text: "hi" }] },
    ]);
  });

  test("what the model wrote in one turn becomes one message, and results know their functions", () => {
    const input = [
      { type: "message", role: "developer", content: [{ type: "input_text", text: "rules" }] },
      {
        role: "user",
        content: [
          { type: "input_text", text: "look" },
          { type: "input_image", image_url: "data:image/png;base64,AAAA", detail: "low" },
        ],
      },
      {
        type: "reasoning",
        id: "rs_1",
        summary: [{ type: "summary_text", text: "hm" }],
        encrypted_content: writeSignature({ signature: "sig" }),
      },
      { type: "message", role: "assistant", content: [{ type: "output_text", text: "Looking." }] },
      { type: "function_call", call_id: "c1", name: "look_up", arguments: '{"a":1}' },
      { type: "custom_tool_call", call_id: "c2", name: "apply_patch", input: "*** Begin" },
      { type: "function_call_output", call_id: "c1", output: "found" },
      { type: "custom_tool_call_output", call_id: "c2", output: [{ type: "input_text", text: "done" }] },
    ];
    expect(read({ input, tools: [FUNCTION, PATCH] }).messages).toEqual([
      { role: "system", parts: [{ type: "text", text: "rules" }] },
      {
        role: "user",
        parts: [
          { type: "text", text: "look" },
          { type: "image", base64: "AAAA", mediaType: "image/png", detail: "low" },
        ],
      },
      {
        role: "assistant",
        parts: [
          { type: "reasoning", text: "hm", signature: "sig" },
          { type: "text", text: "Looking." },
          { type: "tool-call", id: "c1", name: "look_up", arguments: '{"a":1}' },
          { type: "tool-call", id: "c2", name: "apply_patch", arguments: '{"input":"*** Begin"}' },
        ],
      },
      { role: "tool", callId: "c1", name: "look_up", parts: [{ type: "text", text: "found" }] },
      { role: "tool", callId: "c2", name: "apply_patch", parts: [{ type: "text", text: "done" }] },
    ]);
  });

  test("reasoning that only OpenAI could read leaves nothing behind", () => {
    const input = [
      { role: "user", content: "hi" },
      { type: "reasoning", summary: [], encrypted_content: "gAAAA" },
    ];
    expect(read({ input }).messages).toHaveLength(1);
  });

  test("the form of the answer, and how much to think", () => {
    const format = { type: "json_schema", name: "n", schema: { type: "object" }, strict: true };
    expect(read({ text: { format }, reasoning: { effort: "high", summary: "auto" } })).toMatchObject({
      format: { type: "schema", name: "n", schema: { type: "object" }, strict: true },
      reasoning: { effort: "high" },
    });
    expect(read({ text: { format: { type: "json_object" } } }).format).toEqual({ type: "json" });
    expect(read({ text: { format: { type: "text" } } }).format).toBeUndefined();
  });
});

describe("tools", () => {
  test("custom ones become functions with a text, those of a namespace get its name, hosted ones are left out and told", () => {
    const web = { type: "web_search", external_web_access: false };
    const { tools, leftOut } = read({ tools: [FUNCTION, PATCH, SERVER, web, { type: "image_generation" }] });
    expect(tools.map(({ name }) => name)).toEqual(["look_up", "apply_patch", "mcp__files__read"]);
    expect(tools[0]).toEqual({ name: "look_up", description: "d", parameters: { type: "object" }, strict: true });
    expect(tools[1]!.parameters).toMatchObject({ required: ["input"], properties: { input: { type: "string" } } });
    expect(JSON.stringify(tools[1]!.parameters)).toContain("lark");
    expect(leftOut).toEqual(["tools.web_search", "tools.image_generation"]);
  });

  test.each([
    [{ tools: [{ type: "web_search" }] }, "tools"],
    [{ tools: [FUNCTION, { type: "local_shell" }] }, "tools"],
    [{ tools: [FUNCTION, { type: "computer_use_preview" }] }, "tools"],
    [{ tools: [FUNCTION, { type: "web_search" }], tool_choice: { type: "web_search" } }, "tool_choice"],
  ])("%j: what only OpenAI can do is not passed over in silence", (fields, param) => {
    expect(() => read(fields)).toThrow(expect.objectContaining({ ...UNSUPPORTED, param }));
  });

  test("the choice among them", () => {
    const tools = [FUNCTION, PATCH, SERVER];
    expect(read({ tools, tool_choice: "required" }).toolChoice).toBe("required");
    expect(read({ tools, tool_choice: { type: "custom", name: "apply_patch" } }).toolChoice).toEqual({
      tool: "apply_patch",
    });
    const allowed = { type: "allowed_tools", mode: "required", tools: [{ type: "function", name: "look_up" }] };
    const chosen = read({ tools, tool_choice: allowed });
    expect([chosen.toolChoice, chosen.tools.map(({ name }) => name)]).toEqual(["required", ["look_up"]]);
  });

  test("names stay apart, short and plain, and calls of earlier turns are told by the same names", () => {
    const long = {
      type: "namespace",
      name: "n".repeat(60),
      tools: [
        { type: "function", name: "工具" },
        { type: "function", name: "x" },
      ],
    };
    const double = { type: "namespace", name: "mcp", tools: [{ type: "function", name: "a" }] };
    const input = [{ type: "function_call", call_id: "c", name: "a", namespace: "mcp", arguments: "{}" }];
    const { tools, messages } = read({ input, tools: [{ type: "function", name: "mcp__a" }, double, long] });
    const names = tools.map(({ name }) => name);
    expect(new Set(names).size).toBe(4);
    for (const name of names) expect(name).toMatch(/^[\w-]{1,64}$/);
    expect(messages[0]!.parts[0]).toMatchObject({ name: names[1] });
  });
});

describe("what only OpenAI can answer", () => {
  test.each([
    [{ previous_response_id: "resp_1" }, "previous_response_id"],
    [{ conversation: "conv_1" }, "conversation"],
    [{ prompt: { id: "pmpt_1" } }, "prompt"],
    [{ input: [{ type: "item_reference", id: "msg_1" }] }, "input"],
    [{ input: [{ type: "compaction", encrypted_content: "x" }] }, "input"],
    [{ input: [{ role: "user", content: [{ type: "input_image", file_id: "file_1" }] }] }, "input"],
    [
      { input: [{ type: "function_call_output", call_id: "c", output: [{ type: "input_file", file_id: "f" }] }] },
      "input",
    ],
  ])("%j is unsupported elsewhere", (fields, param) => {
    expect(() => read(fields)).toThrow(expect.objectContaining({ ...UNSUPPORTED, param }));
  });

  test("records of its own tools, and hints that others have no place for, are left out and told", () => {
    const input = [
      { role: "user", content: "hi" },
      { type: "web_search_call", id: "ws_1", status: "completed" },
    ];
    const hints = {
      text: { verbosity: "low" },
      service_tier: "flex",
      truncation: "auto",
      top_logprobs: 2,
      max_tool_calls: 3,
    };
    const { leftOut, messages } = read({ input, ...hints });
    expect(messages).toHaveLength(1);
    expect([...leftOut!].sort()).toEqual([
      "input.web_search_call",
      "max_tool_calls",
      "service_tier",
      "text.verbosity",
      "top_logprobs",
      "truncation",
    ]);
    const nothing = {
      service_tier: "auto",
      truncation: "disabled",
      top_logprobs: 0,
      store: true,
      include: ["reasoning.encrypted_content"],
    };
    expect(read(nothing).leftOut).toEqual([]);
  });
});
