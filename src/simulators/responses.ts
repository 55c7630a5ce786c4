import { openaiRefusal } from "./openai.ts";
import { type Question, type Scene, type SceneUsage, sceneOf } from "./scene.ts";
import type { Reply, SimulatedRequest, Simulator } from "./spec.ts";

const API_KEY = "sim-openai-key";
const MODEL = "practice-model";
const CREATED = 1_760_000_000;
/** A shorter answer cannot be asked for. */
const LEAST_OUTPUT = 16;

// biome-ignore lint/suspicious/noExplicitAny: a request is read as far as its scene needs it
type Loose = any;
type Answer = Extract<Scene, { type: "answer" }>;

/** OpenAI's Responses. Proven by OpenAI's client. */
export const responsesSimulator: Simulator = {
  protocol: "responses",
  basePath: "/v1",
  credentials: { apiKey: API_KEY },
  models: [MODEL],
  async answer(request, reply) {
    const { authorization } = request.headers;
    if (authorization !== `Bearer ${API_KEY}`) return refuse(reply, "auth");
    if (request.method === "GET" && request.path === "/v1/models") {
      return reply.send(200, {
        object: "list",
        data: [{ id: MODEL, object: "model", created: CREATED, owned_by: "simulated" }],
      });
    }
    const body = parse(request);
    if (request.method !== "POST" || request.path !== "/v1/responses") return refuse(reply, "not_found");
    if (body?.input === undefined) return refuse(reply, "invalid_request");
    if (body.model !== MODEL) return refuse(reply, "not_found");
    // Nothing is kept here that could be referred to.
    if (body.previous_response_id) return refuse(reply, "not_found");
    if (body.max_output_tokens < LEAST_OUTPUT) return refuse(reply, "invalid_request");
    const scene = sceneOf(questionOf(body));
    if (scene.type === "refusal") return refuse(reply, scene.errorClass);
    return body.stream ? stream(body, scene, reply) : send(body, scene, reply);
  },
};

function refuse(reply: Reply, errorClass: Parameters<typeof openaiRefusal>[0]): void {
  const { status, body, headers } = openaiRefusal(errorClass);
  reply.send(status, body, headers);
}

function parse(request: SimulatedRequest): Loose {
  try {
    return JSON.parse(request.body.toString());
  } catch {
    return undefined;
  }
}

function questionOf(body: Loose): Question {
  const items: Loose[] = typeof body.input === "string" ? [{ role: "user", content: body.input }] : body.input;
  const lastOfModel = items.findLastIndex(({ role, type }) => role === "assistant" || CALLS.test(type));
  const results = items.slice(lastOfModel + 1).filter(({ type }) => RESULTS.test(type));
  const texts = items.map((item) => textOf(item.content ?? item.output));
  return {
    texts: [body.instructions ?? "", ...texts],
    last: textOf(items.findLast(({ role }) => role === "user")?.content),
    toolResults: results.map(({ output }) => textOf(output)),
    tools: (body.tools ?? []).flatMap((tool: Loose) => (CALLED.has(tool.type) ? [tool.name] : [])),
    images: items.flatMap(({ content }) => (Array.isArray(content) ? content : [])).filter(isImage).length,
    maxOutputTokens: body.max_output_tokens,
    stop: [],
  };
}

const CALLS = /^(function|custom_tool)_call$/;
const RESULTS = /^(function|custom_tool)_call_output$/;
/** Tools that the client runs. */
const CALLED: ReadonlySet<string> = new Set(["function", "custom"]);

function textOf(content: Loose): string {
  return typeof content === "string" ? content : (content ?? []).map((part: Loose) => part.text ?? "").join("");
}

function isImage(part: Loose): boolean {
  return part.type === "input_image";
}

/** An item, and what was written of it piece by piece. */
interface Written {
  readonly item: Loose;
  readonly pieces: string[];
}

/** What a client that keeps the conversation itself wants back with the reasoning. */
function sealed({ include = [] }: Loose): object {
  return include.includes("reasoning.encrypted_content") ? { encrypted_content: "gAAAA-sealed-by-nobody" } : {};
}

function itemsOf(body: Loose, scene: Answer): Written[] {
  const items: Written[] = [];
  const custom = new Set((body.tools ?? []).flatMap((tool: Loose) => (tool.type === "custom" ? [tool.name] : [])));
  const open = (type: string, item: Loose): string[] => {
    const last = items.at(-1);
    if (last?.item.type === type && !CALLS.test(type)) return last.pieces;
    const pieces: string[] = [];
    items.push({ item: { id: `item_${items.length}`, type, ...item }, pieces });
    return pieces;
  };
  for (const piece of scene.pieces) {
    if (piece.type === "text-delta") open("message", { role: "assistant" }).push(piece.text);
    else if (piece.type === "reasoning-delta") open("reasoning", sealed(body)).push(piece.text);
    else if (piece.type === "tool-call-start") {
      const type = custom.has(piece.name) ? "custom_tool_call" : "function_call";
      open(type, { call_id: piece.id, name: piece.name });
    } else if (piece.type === "tool-call-delta") items.at(-1)!.pieces.push(piece.text);
  }
  return items;
}

function whole({ item, pieces }: Written, status = "completed"): object {
  const text = status === "completed" ? pieces.join("") : "";
  if (item.type === "message") return { ...item, status, content: status === "completed" ? [textPart(text)] : [] };
  if (item.type === "reasoning") return { ...item, summary: text === "" ? [] : [summaryPart(text)] };
  return { ...item, status, [item.type === "function_call" ? "arguments" : "input"]: text };
}

function textPart(text: string): object {
  return { type: "output_text", text, annotations: [], logprobs: [] };
}

function summaryPart(text: string): object {
  return { type: "summary_text", text };
}

/** `input_tokens` holds the cached ones, `output_tokens` the reasoning. */
function usageOf({ input, cachedInput, output, reasoning }: SceneUsage): object {
  const input_tokens = input + cachedInput;
  const output_tokens = output + reasoning;
  return {
    input_tokens,
    input_tokens_details: { cached_tokens: cachedInput },
    output_tokens,
    output_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: input_tokens + output_tokens,
  };
}

function responseOf(body: Loose, more: object): object {
  const { instructions = null, tools = [], metadata = {} } = body;
  const head = { id: "resp_simulated", object: "response", created_at: CREATED, model: body.model };
  return {
    ...head,
    status: "in_progress",
    error: null,
    incomplete_details: null,
    instructions,
    output: [],
    tools,
    metadata,
    usage: null,
    ...more,
  };
}

function endOf(scene: Answer): Loose {
  const finish = scene.pieces.find((piece) => piece.type === "finish")?.reason;
  if (finish === "length") return { status: "incomplete", incomplete_details: { reason: "max_output_tokens" } };
  if (finish === "content_filter") return { status: "incomplete", incomplete_details: { reason: "content_filter" } };
  return { status: "completed" };
}

function note(body: Loose, { usage, cut, failure }: Answer, reply: Reply): void {
  reply.log.add({ model: body.model, stream: body.stream === true, usage, whole: !cut && !failure });
}

function send(body: Loose, scene: Answer, reply: Reply): void {
  if (scene.cut) {
    reply.cut();
    return;
  }
  if (scene.failure) {
    refuse(reply, scene.failure);
    return;
  }
  note(body, scene, reply);
  const output = itemsOf(body, scene).map((one) => whole(one));
  reply.send(200, responseOf(body, { ...endOf(scene), output, usage: usageOf(scene.usage) }));
}

const DELTAS: Readonly<Record<string, string>> = {
  message: "response.output_text.delta",
  reasoning: "response.reasoning_summary_text.delta",
  function_call: "response.function_call_arguments.delta",
  custom_tool_call: "response.custom_tool_call_input.delta",
};

async function stream(body: Loose, scene: Answer, reply: Reply): Promise<void> {
  reply.open(200, { "content-type": "text/event-stream; charset=utf-8" });
  let number = 0;
  const event = async (type: string, fields: object): Promise<void> => {
    await reply.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...fields, sequence_number: number })}\n\n`);
    number += 1;
  };
  await event("response.created", { response: responseOf(body, {}) });
  await event("response.in_progress", { response: responseOf(body, {}) });
  const items = itemsOf(body, scene);
  for (const [output_index, one] of items.entries()) {
    const place = { item_id: one.item.id, output_index };
    await event("response.output_item.added", { output_index, item: whole(one, "in_progress") });
    if (one.item.type === "message") {
      await event("response.content_part.added", { ...place, content_index: 0, part: textPart("") });
    } else if (one.item.type === "reasoning") {
      await event("response.reasoning_summary_part.added", { ...place, summary_index: 0, part: summaryPart("") });
    }
    for (const delta of one.pieces) {
      if (!(await reply.pause(scene.paceMs))) break;
      await event(DELTAS[one.item.type]!, { ...place, ...partIndex(one.item.type), delta });
    }
    if (scene.cut || scene.failure) break;
    await closeItem(one, place, event);
  }
  note(body, scene, reply);
  if (scene.cut) {
    reply.cut();
    return;
  }
  await conclude(body, scene, items, event);
  reply.end();
}

type Send = (type: string, fields: object) => Promise<void>;

function partIndex(type: string): object {
  return type === "message" ? { content_index: 0, logprobs: [] } : type === "reasoning" ? { summary_index: 0 } : {};
}

async function closeItem(one: Written, place: { output_index: number }, event: Send): Promise<void> {
  const text = one.pieces.join("");
  if (one.item.type === "message") {
    await event("response.output_text.done", { ...place, content_index: 0, text, logprobs: [] });
    await event("response.content_part.done", { ...place, content_index: 0, part: textPart(text) });
  } else if (one.item.type === "reasoning") {
    await event("response.reasoning_summary_text.done", { ...place, summary_index: 0, text });
    await event("response.reasoning_summary_part.done", { ...place, summary_index: 0, part: summaryPart(text) });
  } else if (one.item.type === "custom_tool_call") {
    await event("response.custom_tool_call_input.done", { ...place, input: text });
  } else {
    await event("response.function_call_arguments.done", { ...place, name: one.item.name, arguments: text });
  }
  await event("response.output_item.done", { output_index: place.output_index, item: whole(one) });
}

async function conclude(body: Loose, scene: Answer, items: readonly Written[], event: Send): Promise<void> {
  if (scene.failure) {
    const { code, message } = (openaiRefusal(scene.failure).body as Loose).error;
    const error = { code: code ?? "server_error", message };
    await event("error", { ...error, param: null, error: { type: "server_error", ...error, param: null } });
    await event("response.failed", { response: responseOf(body, { status: "failed", error }) });
    return;
  }
  const end = endOf(scene);
  const output = items.map((one) => whole(one));
  await event(`response.${end.status}`, {
    response: responseOf(body, { ...end, output, usage: usageOf(scene.usage) }),
  });
}
