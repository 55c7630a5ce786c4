import type { VendorErrorClass } from "../vendors/spec.ts";
import { vectorOf } from "./openai-wire.ts";
import { type Question, type Scene, type SceneUsage, sceneOf } from "./scene.ts";
import type { Reply, SimulatedRequest, Simulator } from "./spec.ts";

const MODELS = ["practice-model", "practice-embedding"] as const;
const CREATED_AT = "2026-01-01T00:00:00Z";

// biome-ignore lint/suspicious/noExplicitAny: a request is read as far as its scene needs it
type Loose = any;
type Answer = Extract<Scene, { type: "answer" }>;

/** Ollama's own server. It wants no credentials. Proven by Ollama's client. */
export const ollamaSimulator: Simulator = {
  protocol: "ollama",
  basePath: "",
  credentials: {},
  models: MODELS,
  async answer(request, reply) {
    if (request.method === "GET" && request.path === "/api/tags") {
      return reply.send(200, { models: MODELS.map((name) => ({ name, model: name })) });
    }
    const body = parse(request);
    if (request.method !== "POST" || body === undefined) return refuse(reply, "invalid_request");
    if (!MODELS.includes(body.model)) return refuse(reply, "not_found");
    if (request.path === "/api/embed") return embed(body, reply);
    if (request.path !== "/api/chat") return reply.send(404, "404 page not found");
    const scene = sceneOf(questionOf(body));
    if (scene.type === "refusal") return refuse(reply, scene.errorClass);
    return body.stream === false ? send(body, scene, reply) : stream(body, scene, reply);
  },
};

function parse(request: SimulatedRequest): Loose {
  try {
    return JSON.parse(request.body.toString());
  } catch {
    return undefined;
  }
}

function questionOf(body: Loose): Question {
  const messages: Loose[] = body.messages;
  const lastOfModel = messages.findLastIndex(({ role }) => role === "assistant");
  const results = messages.slice(lastOfModel + 1).filter(({ role }) => role === "tool");
  return {
    texts: messages.map(({ content }) => content ?? ""),
    last: messages.findLast(({ role }) => role === "user")?.content ?? "",
    toolResults: results.map(({ content }) => content),
    tools: (body.tools ?? []).map((tool: Loose) => tool.function.name),
    images: messages.reduce((sum, { images }) => sum + (images?.length ?? 0), 0),
    maxOutputTokens: body.options?.num_predict,
    stop: body.options?.stop ?? [],
  };
}

/** One's own server has no accounts and no limits: what it cannot mean is an internal error. */
const ERRORS: Readonly<Partial<Record<VendorErrorClass, readonly [number, string]>>> = {
  invalid_request: [400, "invalid options"],
  context_length: [400, "the input length exceeds the context length"],
  content_filter: [400, "the request violates the content policy"],
  auth: [401, "unauthorized"],
  not_found: [404, "model not found, try pulling it first"],
  overloaded: [503, "server busy, please try again. maximum pending requests exceeded"],
  server_error: [500, "llama runner process has terminated"],
};

function errorOf(errorClass: VendorErrorClass): readonly [number, object] {
  const [status, error] = ERRORS[errorClass] ?? ERRORS.server_error!;
  return [status, { error }];
}

function refuse(reply: Reply, errorClass: VendorErrorClass): void {
  const [status, body] = errorOf(errorClass);
  reply.send(status, body);
}

/** Reasoning is counted with the answer, a cached prompt with the input. */
function countsOf({ input, cachedInput, output, reasoning }: SceneUsage): object {
  const counts = { prompt_eval_count: input + cachedInput, eval_count: output + reasoning };
  return { total_duration: 5, load_duration: 1, prompt_eval_duration: 1, eval_duration: 3, ...counts };
}

function note(body: Loose, { usage }: Answer, whole: boolean, reply: Reply): void {
  const { input, cachedInput, output, reasoning } = usage;
  const counted = { input: input + cachedInput, output: output + reasoning };
  reply.log.add({ model: body.model, stream: body.stream !== false, usage: counted, whole });
}

function reasonOf(scene: Answer): string {
  const finish = scene.pieces.find((piece) => piece.type === "finish");
  return finish?.reason === "length" ? "length" : "stop";
}

function callOf(scene: Answer, index: number): object {
  const start = scene.pieces.find((piece) => piece.type === "tool-call-start" && piece.index === index) as Loose;
  const given = scene.pieces.map((piece) =>
    piece.type === "tool-call-delta" && piece.index === index ? piece.text : "",
  );
  return { function: { name: start.name, arguments: JSON.parse(given.join("") || "{}") } };
}

function lineOf(body: Loose, message: object, more: object = { done: false }): object {
  return {
    model: body.model,
    created_at: CREATED_AT,
    message: { role: "assistant", content: "", ...message },
    ...more,
  };
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
  const message: Loose = { content: "" };
  for (const piece of scene.pieces) {
    if (piece.type === "text-delta") message.content += piece.text;
    else if (piece.type === "reasoning-delta") message.thinking = (message.thinking ?? "") + piece.text;
    else if (piece.type === "tool-call-start")
      message.tool_calls = [...(message.tool_calls ?? []), callOf(scene, piece.index)];
  }
  note(body, scene, true, reply);
  reply.send(200, lineOf(body, message, { done: true, done_reason: reasonOf(scene), ...countsOf(scene.usage) }));
}

async function stream(body: Loose, scene: Answer, reply: Reply): Promise<void> {
  reply.open(200, { "content-type": "application/x-ndjson" });
  const line = (document: object): Promise<boolean> => reply.write(`${JSON.stringify(document)}\n`);
  for (const piece of scene.pieces) {
    if (!(await reply.pause(scene.paceMs))) break;
    if (piece.type === "text-delta") await line(lineOf(body, { content: piece.text }));
    else if (piece.type === "reasoning-delta") await line(lineOf(body, { thinking: piece.text }));
    else if (piece.type === "tool-call-start") await line(lineOf(body, { tool_calls: [callOf(scene, piece.index)] }));
  }
  note(body, scene, !scene.cut && !scene.failure, reply);
  if (scene.cut) {
    reply.cut();
    return;
  }
  if (scene.failure) await line(errorOf(scene.failure)[1]);
  else await line(lineOf(body, {}, { done: true, done_reason: reasonOf(scene), ...countsOf(scene.usage) }));
  reply.end();
}

function embed(body: Loose, reply: Reply): void {
  const inputs: string[] = [body.input].flat();
  const tokens = inputs.reduce((sum, text) => sum + [...text].length, 0);
  reply.log.add({ model: body.model, stream: false, usage: { input: tokens }, whole: true });
  reply.send(200, { model: body.model, embeddings: inputs.map(vectorOf), prompt_eval_count: tokens });
}
