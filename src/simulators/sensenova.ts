import { createHmac } from "node:crypto";
import type { VendorErrorClass } from "../vendors/spec.ts";
import { questionOfMessages } from "./chat-messages.ts";
import { vectorOf } from "./openai-wire.ts";
import { type Question, type Scene, type SceneUsage, sceneOf } from "./scene.ts";
import type { Reply, SimulatedRequest, Simulator } from "./spec.ts";

const ACCESS_KEY = "sim-sensenova-key";
const SECRET = "sim-sensenova-secret";
const MODELS = ["practice-model", "practice-embedding"] as const;

// biome-ignore lint/suspicious/noExplicitAny: a request is read as far as its scene needs it
type Loose = any;
type Answer = Extract<Scene, { type: "answer" }>;

/**
 * SenseTime's own protocol. A search of npm has found no client of it (only one in Python is published), so nobody else proves this
 * simulator.
 */
export const sensenovaSimulator: Simulator = {
  protocol: "sensenova",
  basePath: "",
  credentials: { accessKeyId: ACCESS_KEY, accessKeySecret: SECRET },
  models: MODELS,
  async answer(request, reply) {
    if (!isSigned(request)) return refuse(reply, "auth");
    if (request.method === "GET" && request.path === "/v1/llm/models") {
      return reply.send(200, { data: MODELS.map((id) => ({ id })) });
    }
    const body = parse(request);
    if (request.method !== "POST" || body === undefined) return refuse(reply, "invalid_request");
    if (!MODELS.includes(body.model)) return refuse(reply, "not_found");
    if (request.path === "/v1/llm/embeddings") return embeddings(body, reply);
    if (request.path !== "/v1/llm/chat-completions") return refuse(reply, "not_found");
    if (isRefused(body)) return refuse(reply, "invalid_request");
    const scene = sceneOf(questionOf(body));
    if (scene.type === "refusal") return refuse(reply, scene.errorClass);
    return body.stream ? stream(body, scene, reply) : send(body, scene, reply);
  },
};

function isSigned({ headers }: SimulatedRequest): boolean {
  const [header = "", claims = "", signature] = (headers.authorization ?? "").replace(/^Bearer /, "").split(".");
  const expected = createHmac("sha256", SECRET).update(`${header}.${claims}`).digest("base64url");
  if (signature !== expected || read(header).alg !== "HS256") return false;
  const { iss, exp, nbf } = read(claims);
  const now = Date.now() / 1000;
  return iss === ACCESS_KEY && Number(exp) > now && Number(nbf) <= now;
}

function read(part: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(part, "base64url").toString());
}

function parse(request: SimulatedRequest): Loose {
  try {
    const body: unknown = JSON.parse(request.body.toString());
    return typeof body === "object" && body !== null ? body : undefined;
  } catch {
    return undefined;
  }
}

const ROLES: ReadonlySet<unknown> = new Set(["system", "user", "assistant", "tool"]);

/** What the platform takes no such values of. */
function isRefused({
  messages,
  temperature,
  top_p,
  repetition_penalty: repetition,
  n,
  max_new_tokens: most,
}: Loose): boolean {
  if (!Array.isArray(messages) || messages.length === 0) return true;
  if (
    messages.some(({ role, content }) => !ROLES.has(role) || (typeof content !== "string" && !Array.isArray(content)))
  ) {
    return true;
  }
  if (temperature <= 0 || temperature > 2 || top_p <= 0 || top_p >= 1) return true;
  return repetition <= 0 || repetition > 2 || n < 1 || n > 4 || most < 1;
}

function questionOf({ messages, tools, stop, max_new_tokens: maxOutputTokens }: Loose): Question {
  return questionOfMessages(messages, { tools, maxOutputTokens, stop }, isImage);
}

function isImage(part: Loose): boolean {
  return part.type === "image_base64" || part.type === "image_url";
}

/** HTTP status, gRPC code and words of each class. */
const ERRORS: Readonly<Partial<Record<VendorErrorClass, readonly [number, number, string]>>> = {
  invalid_request: [400, 3, "invalid argument"],
  context_length: [400, 17, "the context is too long"],
  content_filter: [400, 18, "the content is not allowed"],
  auth: [401, 16, "unauthenticated"],
  permission: [403, 7, "permission denied"],
  billing: [403, 7, "insufficient balance"],
  not_found: [404, 5, "not found"],
  rate_limit: [429, 8, "resource exhausted"],
  quota: [429, 8, "resource exhausted"],
  overloaded: [503, 14, "unavailable"],
  timeout: [504, 4, "deadline exceeded"],
  server_error: [500, 13, "internal"],
};

function errorOf(errorClass: VendorErrorClass): { status: number; said: { code: number; message: string } } {
  const [status, code, message] = ERRORS[errorClass] ?? ERRORS.server_error!;
  return { status, said: { code, message } };
}

function refuse(reply: Reply, errorClass: VendorErrorClass): void {
  const { status, said } = errorOf(errorClass);
  reply.send(status, { error: { ...said, details: [] } });
}

const FINISHES: Readonly<Record<string, string>> = { content_filter: "sensitive" };

function usageOf({ input, cachedInput, output, reasoning }: SceneUsage): object {
  const prompt = input + cachedInput;
  const completion = output + reasoning;
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    knowledge_tokens: 0,
    prompt_tokens_details: { cached_tokens: cachedInput },
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
  const choice: Loose = { message: "", role: "assistant", finish_reason: "stop" };
  for (const piece of scene.pieces) {
    if (piece.type === "text-delta") choice.message += piece.text;
    else if (piece.type === "tool-call-start") {
      choice.tool_calls ??= [];
      choice.tool_calls.push({ id: piece.id, type: "function", function: { name: piece.name, arguments: "" } });
    } else if (piece.type === "tool-call-delta") choice.tool_calls[piece.index].function.arguments += piece.text;
    else if (piece.type === "finish") choice.finish_reason = FINISHES[piece.reason] ?? piece.reason;
  }
  reply.log.add({ model: body.model, stream: false, usage: scene.usage, whole: true });
  reply.send(200, { data: { id: "simulated", choices: [choice], usage: usageOf(scene.usage) } });
}

async function stream(body: Loose, scene: Answer, reply: Reply): Promise<void> {
  reply.open(200, { "content-type": "text/event-stream" });
  const event = (choice: object, more: object = {}): Promise<boolean> => {
    const data = {
      id: "simulated",
      choices: [{ delta: "", index: 0, role: "assistant", finish_reason: "", ...choice }],
    };
    const document = { data: { ...data, ...more }, status: { code: 0, message: "ok" } };
    return reply.write(`data:${JSON.stringify(document)}\n\n`);
  };
  for (const piece of scene.pieces) {
    if (!(await reply.pause(scene.paceMs))) break;
    if (piece.type === "text-delta") await event({ delta: piece.text });
    else if (piece.type === "tool-call-start") {
      const call = {
        index: piece.index,
        id: piece.id,
        type: "function",
        function: { name: piece.name, arguments: "" },
      };
      await event({ tool_calls: [call] });
    } else if (piece.type === "tool-call-delta") {
      await event({ tool_calls: [{ index: piece.index, function: { arguments: piece.text } }] });
    } else if (piece.type === "finish") {
      await event({ finish_reason: FINISHES[piece.reason] ?? piece.reason }, { usage: usageOf(scene.usage) });
    }
  }
  reply.log.add({ model: body.model, stream: true, usage: scene.usage, whole: !scene.cut && !scene.failure });
  if (scene.cut) {
    reply.cut();
    return;
  }
  if (scene.failure) await reply.write(`data:${JSON.stringify({ status: errorOf(scene.failure).said })}\n\n`);
  else await reply.write("data:[DONE]\n\n");
  reply.end();
}

function embeddings(body: Loose, reply: Reply): void {
  const inputs: string[] = body.input;
  if (!Array.isArray(inputs) || inputs.length === 0) {
    refuse(reply, "invalid_request");
    return;
  }
  const tokens = inputs.reduce((sum, text) => sum + [...text].length, 0);
  reply.log.add({ model: body.model, stream: false, usage: { input: tokens }, whole: true });
  const vectors = inputs.map((text, index) => ({ index, embedding: vectorOf(text), status_code: 0 }));
  reply.send(200, {
    embeddings: vectors,
    usage: { prompt_tokens: tokens, completion_tokens: 0, total_tokens: tokens },
  });
}
