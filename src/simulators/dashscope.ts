import type { VendorErrorClass } from "../vendors/spec.ts";
import { questionOfMessages } from "./chat-messages.ts";
import { vectorOf } from "./openai-wire.ts";
import { type Question, type Scene, type SceneUsage, sceneOf } from "./scene.ts";
import type { Reply, SimulatedRequest, Simulator } from "./spec.ts";

const API_KEY = "sim-dashscope-key";
const MODELS = ["practice-model", "practice-embedding", "practice-image", "qwen-mt-plus"] as const;
const BASE = "/api/v1";
/** How often a task is asked for before it is done. */
const POLLS = 2;

// biome-ignore lint/suspicious/noExplicitAny: a request is read as far as its scene needs it
type Loose = any;
type Answer = Extract<Scene, { type: "answer" }>;

const tasks = new Map<string, { polls: number; readonly body: Loose }>();
const TASKS_KEPT = 1_000;

/** Alibaba's DashScope. Proven by LangChain's client and by one of the community. */
export const dashscopeSimulator: Simulator = {
  protocol: "dashscope",
  basePath: BASE,
  credentials: { apiKey: API_KEY },
  models: MODELS,
  async answer(request, reply) {
    if (request.headers.authorization !== `Bearer ${API_KEY}`) return refuse(reply, "auth");
    const path = request.path.startsWith(BASE) ? request.path.slice(BASE.length) : "";
    if (request.method === "GET" && path.startsWith("/tasks/"))
      return task(path.slice("/tasks/".length), request, reply);
    const body = parse(request);
    if (request.method !== "POST" || body === undefined) return refuse(reply, "invalid_request");
    if (!MODELS.includes(body.model)) return refuse(reply, "not_found");
    switch (path) {
      case "/services/aigc/text-generation/generation":
      case "/services/aigc/multimodal-generation/generation":
        if (body.model === "practice-image") return draw(body, request, reply);
        return generate(body, request, reply, path.includes("multimodal"));
      case "/services/embeddings/text-embedding/text-embedding":
        return embed(body, reply);
      case "/services/aigc/text2image/image-synthesis":
        return submit(body, request, reply);
      default:
        return refuse(reply, "not_found");
    }
  },
};

function parse(request: SimulatedRequest): Loose {
  try {
    return JSON.parse(request.body.toString());
  } catch {
    return undefined;
  }
}

const ERRORS: Readonly<Partial<Record<VendorErrorClass, readonly [number, string, string]>>> = {
  invalid_request: [400, "InvalidParameter", "A parameter is not valid."],
  context_length: [400, "InvalidParameter", "Range of input length should be [1, 30720]"],
  content_filter: [400, "DataInspectionFailed", "Input data may contain inappropriate content."],
  auth: [401, "InvalidApiKey", "Invalid API-key provided."],
  permission: [403, "AccessDenied", "Access denied."],
  billing: [400, "Arrearage", "Access denied, please make sure your account is in good standing."],
  not_found: [404, "ModelNotFound", "Model not exist."],
  rate_limit: [429, "Throttling.RateQuota", "Requests rate limit exceeded, please try again later."],
  quota: [403, "AllocationQuota.FreeTierOnly", "The free tier of the model has been exhausted."],
  overloaded: [429, "Throttling.ServiceOverloaded", "Too many requests in route."],
  timeout: [500, "RequestTimeOut", "Request timed out."],
  server_error: [500, "InternalError", "An internal error has occurred."],
};

function errorOf(errorClass: VendorErrorClass): readonly [number, object] {
  const [status, code, message] = ERRORS[errorClass] ?? ERRORS.server_error!;
  return [status, { code, message, request_id: "simulated" }];
}

function refuse(reply: Reply, errorClass: VendorErrorClass): void {
  const [status, body] = errorOf(errorClass);
  reply.send(status, body);
}

async function generate(body: Loose, request: SimulatedRequest, reply: Reply, multimodal: boolean): Promise<void> {
  const messages: Loose[] = body.input?.messages ?? [];
  // Texts alone stand on one path, lists of parts on the other.
  const lists = messages.every(({ content }) => Array.isArray(content) || content === null);
  if (messages.length === 0 || lists !== multimodal) return refuse(reply, "invalid_request");
  const parameters = body.parameters ?? {};
  const streams = request.headers["x-dashscope-sse"] === "enable" || parameters.stream === true;
  if (isRefused(parameters, streams)) return refuse(reply, "invalid_request");
  const scene = sceneOf(questionOf(messages, parameters));
  if (scene.type === "refusal") return refuse(reply, scene.errorClass);
  if (streams) return stream(body, scene, reply);
  return send(body, scene, reply);
}

/** What the platform takes no such values of. */
function isRefused(parameters: Loose, streams: boolean): boolean {
  const {
    temperature,
    top_p,
    enable_thinking: thinks,
    response_format,
    incremental_output,
    n = 1,
    tools = [],
  } = parameters;
  if (temperature < 0 || temperature >= 2 || top_p <= 0 || top_p > 1) return true;
  if (tools.length > 0 && parameters.result_format !== "message") return true;
  if (n > 4 || (n > 1 && (tools.length > 0 || thinks))) return true;
  if (parameters.tool_choice === "required") return true;
  return thinks === true && (response_format?.type === "json_object" || (streams && incremental_output !== true));
}

function questionOf(messages: readonly Loose[], parameters: Loose): Question {
  const { tools, stop } = parameters;
  const maxOutputTokens = parameters.max_completion_tokens ?? parameters.max_tokens;
  return questionOfMessages(messages, { tools, maxOutputTokens, stop }, (part) => part.image !== undefined);
}

function usageOf({ input, cachedInput, output, reasoning }: SceneUsage): object {
  const input_tokens = input + cachedInput;
  const output_tokens = output + reasoning;
  return {
    input_tokens,
    output_tokens,
    total_tokens: input_tokens + output_tokens,
    prompt_tokens_details: { cached_tokens: cachedInput },
    output_tokens_details: { reasoning_tokens: reasoning },
  };
}

/** What the rules strike in the middle is an error: no answer ends by such a word. */
function isStruck({ pieces }: Answer): boolean {
  return pieces.some((piece) => piece.type === "finish" && piece.reason === "content_filter");
}

const STRUCK = {
  code: "DataInspectionFailed",
  message: "Output data may contain inappropriate content.",
  request_id: "simulated",
};

function send(body: Loose, scene: Answer, reply: Reply): void {
  if (scene.cut) {
    reply.cut();
    return;
  }
  if (scene.failure) {
    refuse(reply, scene.failure);
    return;
  }
  if (isStruck(scene)) {
    reply.send(400, STRUCK);
    return;
  }
  const message: Loose = { role: "assistant", content: "" };
  let finish = "stop";
  for (const piece of scene.pieces) {
    if (piece.type === "text-delta") message.content += piece.text;
    else if (piece.type === "reasoning-delta")
      message.reasoning_content = (message.reasoning_content ?? "") + piece.text;
    else if (piece.type === "tool-call-start") {
      message.tool_calls ??= [];
      message.tool_calls.push({ id: piece.id, type: "function", function: { name: piece.name, arguments: "" } });
    } else if (piece.type === "tool-call-delta") message.tool_calls[piece.index].function.arguments += piece.text;
    else if (piece.type === "finish") finish = piece.reason;
  }
  reply.log.add({ model: body.model, stream: false, usage: scene.usage, whole: true });
  reply.send(200, { output: outputOf(body, message, finish), usage: usageOf(scene.usage), request_id: "simulated" });
}

/** Unless it is asked for messages, the older way gives one text. */
function outputOf(body: Loose, message: Loose, finish_reason: string): object {
  const older = body.parameters?.result_format !== "message" && !Array.isArray(body.input.messages[0].content);
  return older ? { text: message.content, finish_reason } : { choices: [{ message, finish_reason }] };
}

async function stream(body: Loose, scene: Answer, reply: Reply): Promise<void> {
  reply.open(200, { "content-type": "text/event-stream;charset=UTF-8" });
  const incremental = body.parameters?.incremental_output === true && body.model !== "qwen-mt-plus";
  const written: Loose = { content: "", reasoning_content: "", tool_calls: [] };
  let number = 0;
  const event = (message: object, finish_reason = "null"): Promise<boolean> => {
    number += 1;
    const output = outputOf(body, { role: "assistant", content: "", ...message }, finish_reason);
    const data = JSON.stringify({ output, usage: usageOf(scene.usage), request_id: "simulated" });
    return reply.write(`id:${number}\nevent:result\n:HTTP_STATUS/200\ndata:${data}\n\n`);
  };
  for (const piece of scene.pieces) {
    if (!(await reply.pause(scene.paceMs))) break;
    if (piece.type === "text-delta") {
      written.content += piece.text;
      await event({ content: incremental ? piece.text : written.content });
    } else if (piece.type === "reasoning-delta") await event({ reasoning_content: piece.text });
    else if (piece.type === "tool-call-start") {
      const called = { name: piece.name, arguments: "" };
      await event({ tool_calls: [{ index: piece.index, id: piece.id, type: "function", function: called }] });
    } else if (piece.type === "tool-call-delta") {
      const called = { arguments: piece.text };
      await event({ tool_calls: [{ index: piece.index, id: "", type: "function", function: called }] });
    } else if (piece.type === "finish" && piece.reason !== "content_filter") {
      await event(incremental ? {} : { content: written.content }, piece.reason);
    }
  }
  reply.log.add({ model: body.model, stream: true, usage: scene.usage, whole: !scene.cut && !scene.failure });
  if (scene.cut) {
    reply.cut();
    return;
  }
  if (scene.failure || isStruck(scene)) {
    const [status, error] = scene.failure ? errorOf(scene.failure) : [400, STRUCK];
    await reply.write(`id:${number + 1}\nevent:error\n:HTTP_STATUS/${status}\ndata:${JSON.stringify(error)}\n\n`);
  }
  reply.end();
}

function embed(body: Loose, reply: Reply): void {
  const texts: string[] = body.input.texts;
  const tokens = texts.reduce((sum, text) => sum + [...text].length, 0);
  reply.log.add({ model: body.model, stream: false, usage: { input: tokens }, whole: true });
  const embeddings = texts.map((text, text_index) => ({ text_index, embedding: vectorOf(text) }));
  reply.send(200, { output: { embeddings }, usage: { total_tokens: tokens }, request_id: "simulated" });
}

function submit(body: Loose, request: SimulatedRequest, reply: Reply): void {
  if (request.headers["x-dashscope-async"] !== "enable") {
    refuse(reply, "permission");
    return;
  }
  const task_id = `simulated-${tasks.size + 1}`;
  if (tasks.size < TASKS_KEPT) tasks.set(task_id, { polls: 0, body });
  reply.send(200, { output: { task_status: "PENDING", task_id }, request_id: "simulated" });
}

/** The newest models draw at once. */
function draw(body: Loose, { origin }: SimulatedRequest, reply: Reply): void {
  const count: number = body.parameters?.n ?? 1;
  reply.log.add({ model: body.model, stream: false, usage: { images: count }, whole: true });
  const content = Array.from({ length: count }, (_, index) => ({ image: `${origin}/pictures/${index}.png` }));
  const output = { choices: [{ finish_reason: "stop", message: { role: "assistant", content } }] };
  reply.send(200, { output, usage: { image_count: count }, request_id: "simulated" });
}

function task(id: string, { origin }: SimulatedRequest, reply: Reply): void {
  const { output, usage } = stateOf(id, origin, reply);
  reply.send(200, { request_id: "simulated", output: { task_id: id, ...output }, usage });
}

/** Where a task stands; one that is over is forgotten. */
function stateOf(id: string, origin: string, reply: Reply): { output: object; usage?: object } {
  const found = tasks.get(id);
  if (!found) return { output: { task_status: "UNKNOWN" } };
  found.polls += 1;
  if (found.polls < POLLS) return { output: { task_status: "RUNNING" } };
  tasks.delete(id);
  const { body } = found;
  if (body.input.prompt.startsWith("#moderated")) {
    const message = "Output data may contain inappropriate content.";
    return { output: { task_status: "FAILED", code: "DataInspectionFailed", message } };
  }
  const count: number = body.parameters?.n ?? 1;
  reply.log.add({ model: body.model, stream: false, usage: { images: count }, whole: true });
  const results = Array.from({ length: count }, (_, index) => ({ url: `${origin}/pictures/${id}-${index}.png` }));
  return { output: { task_status: "SUCCEEDED", results }, usage: { image_count: count } };
}
