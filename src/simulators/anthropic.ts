import type { VendorErrorClass } from "../vendors/spec.ts";
import { checkMessages, type Refused } from "./anthropic-checks.ts";
import { type Question, type Scene, type SceneUsage, sceneOf } from "./scene.ts";
import type { Reply, SimulatedRequest, Simulator } from "./spec.ts";

const API_KEY = "sim-anthropic-key";

// biome-ignore lint/suspicious/noExplicitAny: a request is read as far as its scene needs it
type Loose = any;
type Answer = Extract<Scene, { type: "answer" }>;

/** Anthropic's messages, its count of tokens, and its list of models. */
export const anthropicSimulator: Simulator = {
  protocol: "anthropic",
  basePath: "",
  credentials: { apiKey: API_KEY },
  models: ["practice-model"],
  async answer(request, reply) {
    const { headers, method, path } = request;
    if (headers["x-api-key"] !== API_KEY && headers.authorization !== `Bearer ${API_KEY}`) return refuse(reply, "auth");
    if (headers["anthropic-version"] === undefined) {
      return refuseAs(reply, "invalid_request", "anthropic-version: header is required");
    }
    if (method === "GET" && path === "/v1/models") return listModels(reply);
    if (method !== "POST" || !path.startsWith("/v1/messages")) return refuse(reply, "not_found");
    const counting = path === "/v1/messages/count_tokens";
    const body = parse(request);
    if (body === undefined) return refuseAs(reply, "invalid_request", "The request body is not valid JSON");
    const refused = checkMessages(body, counting);
    if (refused) return refuseAs(reply, refused.errorClass, refused.message);
    if (!anthropicSimulator.models.includes(body.model)) {
      return refuseAs(reply, "not_found", `model: ${body.model}`);
    }
    return counting ? countTokens(body, reply) : messages(body, reply);
  },
};

/** Status, type and message of each class, as Anthropic has them. */
const ERRORS: Readonly<Partial<Record<VendorErrorClass, readonly [number, string, string]>>> = {
  invalid_request: [400, "invalid_request_error", "messages: at least one message is required"],
  context_length: [400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"],
  content_filter: [400, "invalid_request_error", "Output blocked by content filtering policy"],
  auth: [401, "authentication_error", "invalid x-api-key"],
  permission: [403, "permission_error", "Your API key does not have permission to use the specified resource."],
  billing: [400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API."],
  not_found: [404, "not_found_error", "Not found"],
  rate_limit: [429, "rate_limit_error", "This request would exceed your account's rate limit."],
  quota: [400, "invalid_request_error", "You have reached your specified API usage limits."],
  overloaded: [529, "overloaded_error", "Overloaded"],
  timeout: [504, "timeout_error", "Request timed out"],
  server_error: [500, "api_error", "Internal server error"],
};
const REQUEST_ID = "req_simulated";

function refuse(reply: Reply, errorClass: VendorErrorClass): void {
  const [, , message] = ERRORS[errorClass] ?? ERRORS.server_error!;
  refuseAs(reply, errorClass, message);
}

function refuseAs(reply: Reply, errorClass: Refused["errorClass"], message: string): void {
  const [status] = ERRORS[errorClass] ?? ERRORS.server_error!;
  const hint = errorClass === "rate_limit" ? { "retry-after": "2" } : {};
  reply.send(status, errorOf(errorClass, message), { "request-id": REQUEST_ID, ...hint });
}

function errorOf(errorClass: VendorErrorClass, message: string): object {
  const [, type] = ERRORS[errorClass] ?? ERRORS.server_error!;
  return { type: "error", error: { type, message }, request_id: REQUEST_ID };
}

function parse(request: SimulatedRequest): Loose {
  try {
    return JSON.parse(request.body.toString());
  } catch {
    return undefined;
  }
}

function listModels(reply: Reply): void {
  const created_at = "2026-01-01T00:00:00Z";
  const data = anthropicSimulator.models.map((id) => ({ type: "model", id, display_name: id, created_at }));
  reply.send(200, { data, has_more: false, first_id: data[0]!.id, last_id: data.at(-1)!.id });
}

function countTokens(body: Loose, reply: Reply): void {
  const scene = sceneOf({ ...questionOf(body), last: "" });
  const tokens = scene.type === "answer" ? scene.usage.input + scene.usage.cachedInput : 0;
  reply.send(200, { input_tokens: tokens }, { "request-id": REQUEST_ID });
}

async function messages(body: Loose, reply: Reply): Promise<void> {
  const scene = sceneOf(questionOf(body));
  if (scene.type === "refusal") return refuse(reply, scene.errorClass);
  return body.stream ? streamMessage(body, scene, reply) : sendMessage(body, scene, reply);
}

function questionOf(body: Loose): Question {
  const turns: Loose[] = body.messages;
  const lastOfModel = turns.findLastIndex(({ role }) => role === "assistant");
  const results = turns.slice(lastOfModel + 1).flatMap((turn) => blocksOf(turn).filter(isResult));
  const lastOfUser = turns.findLast((turn) => turn.role === "user" && blocksOf(turn).some(isText));
  return {
    texts: [...blocksOf({ content: body.system ?? [] }).map(textOf), ...turns.flatMap(blocksOf).map(textOf)],
    last: lastOfUser ? blocksOf(lastOfUser).filter(isText).map(textOf).join("") : "",
    toolResults: results.map(textOf),
    tools: (body.tools ?? []).map((tool: Loose) => tool.name),
    images: turns
      .flatMap(blocksOf)
      .flatMap((block) => [block, ...blocksOf(block)])
      .filter(({ type }) => type === "image").length,
    maxOutputTokens: body.max_tokens,
    stop: body.stop_sequences ?? [],
  };
}

function blocksOf({ content }: Loose): Loose[] {
  if (typeof content === "string") return [{ type: "text", text: content }];
  return Array.isArray(content) ? content : [];
}

function textOf(block: Loose): string {
  if (block.type === "text") return block.text;
  return isResult(block) ? blocksOf(block).map(textOf).join("") : "";
}

function isText({ type }: Loose): boolean {
  return type === "text";
}

function isResult({ type }: Loose): boolean {
  return type === "tool_result";
}

const STOP_REASONS = {
  stop: "end_turn",
  length: "max_tokens",
  tool_calls: "tool_use",
  content_filter: "refusal",
  error: "end_turn",
} as const;

/** Where the answer ends at one of the client's stop sequences, that one is named. */
function reasonOf(body: Loose, scene: Answer, written: string): object {
  const finish = scene.pieces.findLast((piece) => piece.type === "finish");
  const reason = STOP_REASONS[finish?.type === "finish" ? finish.reason : "stop"];
  const { last } = questionOf(body);
  const sequence = (body.stop_sequences ?? []).find((one: string) => last.startsWith(written + one));
  if (reason !== "end_turn" || sequence === undefined) return { stop_reason: reason, stop_sequence: null };
  return { stop_reason: "stop_sequence", stop_sequence: sequence };
}

function head(body: Loose, usage: object): Record<string, unknown> {
  return {
    id: "msg_simulated",
    type: "message",
    role: "assistant",
    model: body.model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage,
  };
}

/** `input_tokens` leaves the cached ones out, `output_tokens` includes thinking. */
function usageOf({ input, cachedInput, output, reasoning }: SceneUsage): Record<string, unknown> {
  return {
    input_tokens: input,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: cachedInput,
    output_tokens: output + reasoning,
    output_tokens_details: { thinking_tokens: reasoning },
  };
}

/** A scene's pieces as blocks that follow one another, each with its deltas. */
function blocksOfScene(scene: Answer): { readonly block: Loose; readonly deltas: object[] }[] {
  const blocks: { block: Loose; deltas: object[] }[] = [];
  const under = (block: Loose): object[] => {
    if (blocks.at(-1)?.block.type !== block.type || block.type === "tool_use") blocks.push({ block, deltas: [] });
    return blocks.at(-1)!.deltas;
  };
  for (const piece of scene.pieces) {
    if (piece.type === "text-delta") {
      under({ type: "text", text: "" }).push({ type: "text_delta", text: piece.text });
    } else if (piece.type === "reasoning-delta") {
      const block = { type: "thinking", thinking: "", signature: "" };
      under(block).push({ type: "thinking_delta", thinking: piece.text });
    } else if (piece.type === "reasoning-end") {
      blocks.at(-1)!.deltas.push({ type: "signature_delta", signature: piece.signature });
    } else if (piece.type === "tool-call-start") {
      under({ type: "tool_use", id: piece.id, name: piece.name, input: {} });
    } else if (piece.type === "tool-call-delta") {
      blocks.at(-1)!.deltas.push({ type: "input_json_delta", partial_json: piece.text });
    }
  }
  // A call without arguments has no delta of worth.
  for (const { deltas } of blocks) {
    const only: Loose = deltas[0];
    if (deltas.length === 1 && only.partial_json === "{}") deltas[0] = { type: "input_json_delta", partial_json: "" };
  }
  return blocks;
}

function sendMessage(body: Loose, scene: Answer, reply: Reply): void {
  if (scene.cut) {
    reply.cut();
    return;
  }
  if (scene.failure) {
    refuse(reply, scene.failure);
    return;
  }
  const content = blocksOfScene(scene).map(({ block, deltas }) => whole(block, deltas));
  const written = content.map((block) => block.text ?? "").join("");
  note(body, scene.usage, true, reply);
  const message = { ...head(body, usageOf(scene.usage)), content, ...reasonOf(body, scene, written) };
  reply.send(200, message, { "request-id": REQUEST_ID });
}

function whole(block: Loose, deltas: readonly Loose[]): Loose {
  const join = (name: string): string => deltas.map((delta) => delta[name] ?? "").join("");
  if (block.type === "text") return { ...block, text: join("text") };
  if (block.type === "thinking") return { ...block, thinking: join("thinking"), signature: join("signature") };
  return { ...block, input: JSON.parse(join("partial_json") || "{}") };
}

async function streamMessage(body: Loose, scene: Answer, reply: Reply): Promise<void> {
  reply.open(200, { "content-type": "text/event-stream; charset=utf-8", "request-id": REQUEST_ID });
  const send = (type: string, fields: object): Promise<boolean> =>
    reply.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`);
  const usage = usageOf(scene.usage);
  await send("message_start", { message: head(body, { ...usage, output_tokens: 1 }) });
  await send("ping", {});
  let written = "";
  for (const [index, { block, deltas }] of blocksOfScene(scene).entries()) {
    await send("content_block_start", { index, content_block: block });
    for (const delta of deltas) {
      if (!(await reply.pause(scene.paceMs))) break;
      written += (delta as Loose).text ?? "";
      await send("content_block_delta", { index, delta });
    }
    if (!scene.cut && !scene.failure) await send("content_block_stop", { index });
  }
  note(body, scene.usage, !scene.cut && !scene.failure, reply);
  if (scene.cut) {
    reply.cut();
    return;
  }
  if (scene.failure) {
    const [, , message] = ERRORS[scene.failure] ?? ERRORS.server_error!;
    await reply.write(`event: error\ndata: ${JSON.stringify(errorOf(scene.failure, message))}\n\n`);
  } else {
    await send("message_delta", { delta: reasonOf(body, scene, written), usage });
    await send("message_stop", {});
  }
  reply.end();
}

function note(body: Loose, usage: SceneUsage, isWhole: boolean, reply: Reply): void {
  reply.log.add({ model: body.model, stream: body.stream === true, usage, whole: isWhole });
}
