import { DEFAULT_LIMITS } from "../../src/base/limits.ts";
import { readRequest } from "../../src/vendors/openai/request.ts";
import type { ModelRequest } from "../../src/vendors/spec.ts";

/** Valid requests of every surface, each with most of what its protocol can say. */

export function readChat(fields: object): ModelRequest {
  const body = Buffer.from(JSON.stringify({ model: "m", ...fields }));
  return readRequest("chat", body, DEFAULT_LIMITS);
}

const PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const SCHEMA = {
  type: "object",
  properties: { city: { type: "string", enum: ["北京", "Paris"] }, days: { type: "integer", minimum: 1 } },
  required: ["city"],
  additionalProperties: false,
};
const CALL = { id: "call_1", type: "function", function: { name: "weather", arguments: '{"city":"北京","days":3}' } };

const CHATS: readonly object[] = [
  { messages: [{ role: "user", content: "Who pays? 谁买单？🧾" }] },
  {
    messages: [
      { role: "system", content: "You are brief." },
      { role: "developer", content: [{ type: "text", text: "Very." }] },
      {
        role: "user",
        name: "li",
        content: [
          { type: "text", text: "What is this?" },
          { type: "image_url", image_url: { url: `data:image/png;base64,${PICTURE}`, detail: "low" } },
        ],
      },
      { role: "assistant", content: null, reasoning_content: "hm", tool_calls: [CALL] },
      { role: "tool", tool_call_id: "call_1", content: "sunny" },
      { role: "assistant", content: "Sunny.", refusal: null },
      {
        role: "user",
        content: [
          { type: "input_audio", input_audio: { data: "UklGRg==", format: "wav" } },
          { type: "file", file: { file_data: "data:application/pdf;base64,JVBERi0=", filename: "a.pdf" } },
        ],
      },
    ],
    stream: true,
    stream_options: { include_usage: true },
    max_completion_tokens: 50,
    temperature: 0.5,
    top_p: 0.9,
    n: 2,
    seed: 7,
    stop: ["\n", "END"],
    presence_penalty: 0.1,
    frequency_penalty: -0.1,
    logit_bias: { "50256": -100 },
    user: "u-1",
    parallel_tool_calls: true,
    tools: [{ type: "function", function: { name: "weather", description: "d", parameters: SCHEMA, strict: true } }],
    tool_choice: { type: "function", function: { name: "weather" } },
    response_format: { type: "json_schema", json_schema: { name: "answer", schema: SCHEMA, strict: true } },
    reasoning_effort: "low",
    metadata: { a: "b" },
    enable_search: true,
  },
  {
    messages: [{ role: "user", content: "#tools" }],
    stream: true,
    max_tokens: 40,
    functions: [{ name: "f", parameters: SCHEMA }],
    function_call: "auto",
  },
  {
    messages: [{ role: "user", content: "#reason 1" }],
    max_tokens: -1,
    response_format: { type: "json_object" },
    thinking: { type: "enabled", budget_tokens: 1024 },
  },
];

const MESSAGES: readonly object[] = [
  { max_tokens: 40, messages: [{ role: "user", content: "Who pays? 谁买单？🧾" }] },
  {
    max_tokens: 2048,
    stream: true,
    system: [{ type: "text", text: "You are brief.", cache_control: { type: "ephemeral", ttl: "1h" } }],
    messages: [
      {
        role: "user",
        content: [
          { type: "text", text: "hi", cache_control: { type: "ephemeral" } },
          { type: "image", source: { type: "base64", media_type: "image/png", data: PICTURE } },
          { type: "document", source: { type: "text", media_type: "text/plain", data: "x" }, title: "t" },
        ],
      },
      {
        role: "assistant",
        content: [
          { type: "thinking", thinking: "hm", signature: "c2ln" },
          { type: "redacted_thinking", data: "eA==" },
          { type: "text", text: "ok" },
          { type: "tool_use", id: "toolu_1", name: "weather", input: { city: "北京" } },
        ],
      },
      {
        role: "user",
        content: [
          { type: "tool_result", tool_use_id: "toolu_1", is_error: false, content: [{ type: "text", text: "sunny" }] },
        ],
      },
    ],
    tools: [
      { name: "weather", description: "d", input_schema: SCHEMA },
      { type: "web_search_20250305", name: "web_search", max_uses: 3 },
    ],
    tool_choice: { type: "tool", name: "weather", disable_parallel_tool_use: true },
    thinking: { type: "enabled", budget_tokens: 1024 },
    stop_sequences: ["END"],
    temperature: 1,
    top_k: 4,
    top_p: 0.5,
    metadata: { user_id: "u" },
  },
  {
    max_tokens: 0,
    messages: [
      { role: "user", content: "#tool" },
      { role: "assistant", content: "so" },
    ],
  },
];

const RESPONSES: readonly object[] = [
  { input: "Who pays? 谁买单？🧾" },
  {
    instructions: "You are brief.",
    input: [
      {
        role: "user",
        content: [
          { type: "input_text", text: "hi" },
          { type: "input_image", image_url: `data:image/png;base64,${PICTURE}`, detail: "auto" },
          { type: "input_file", filename: "a.pdf", file_data: "data:application/pdf;base64,JVBERi0=" },
        ],
      },
      { type: "reasoning", id: "rs_1", summary: [{ type: "summary_text", text: "hm" }], encrypted_content: "eA==" },
      {
        type: "message",
        role: "assistant",
        id: "msg_1",
        status: "completed",
        content: [{ type: "output_text", text: "ok", annotations: [] }],
      },
      { type: "function_call", call_id: "call_1", name: "weather", arguments: '{"city":"北京"}' },
      { type: "function_call_output", call_id: "call_1", output: "sunny" },
      { type: "custom_tool_call", call_id: "call_2", name: "patch", input: "x" },
      { type: "custom_tool_call_output", call_id: "call_2", output: "done" },
      { role: "developer", content: "And now?" },
    ],
    stream: true,
    store: false,
    include: ["reasoning.encrypted_content"],
    max_output_tokens: 60,
    temperature: 0.5,
    top_p: 1,
    tools: [
      { type: "function", name: "weather", description: "d", parameters: SCHEMA, strict: true },
      { type: "custom", name: "patch", format: { type: "grammar", syntax: "lark", definition: "start: x" } },
      { type: "web_search" },
    ],
    tool_choice: { type: "function", name: "weather" },
    parallel_tool_calls: false,
    text: { format: { type: "json_schema", name: "answer", schema: SCHEMA, strict: true }, verbosity: "low" },
    reasoning: { effort: "high", summary: "auto" },
    user: "u",
    metadata: { a: "b" },
  },
  { previous_response_id: "resp_1", input: [{ role: "user", content: "#reason more" }], truncation: "auto" },
];

const EMBEDDINGS: readonly object[] = [
  { input: "one" },
  { input: ["one", "二", "🧾"], encoding_format: "base64", dimensions: 8, user: "u" },
  { input: [[1, 2, 3], [4]], encoding_format: "float" },
  { input: [1, 2, 3] },
];

const IMAGES: readonly object[] = [
  {
    prompt: "a lantern 灯笼",
    n: 2,
    size: "1024x1024",
    quality: "hd",
    style: "vivid",
    response_format: "b64_json",
    user: "u",
  },
  { prompt: "a square", max_images: 3, sequential_image_generation: "auto" },
];

export const SURFACES = {
  "/v1/chat/completions": CHATS,
  "/v1/messages": MESSAGES,
  "/v1/responses": RESPONSES,
  "/v1/embeddings": EMBEDDINGS,
  "/v1/images/generations": IMAGES,
} as const satisfies Readonly<Record<string, readonly object[]>>;
export type SurfacePath = keyof typeof SURFACES;
