import type { FinishReason } from "../vendors/answer-pieces.ts";
import type { VendorErrorClass } from "../vendors/spec.ts";
import { questionOfMessages } from "./chat-messages.ts";
import { type Question, type Scene, type SceneUsage, sceneOf } from "./scene.ts";
import type { Reply, SimulatedRequest, Simulator } from "./spec.ts";

const CREATED = 1_760_000_000;

// biome-ignore lint/suspicious/noExplicitAny: a request is read as far as its scene needs it
type Loose = any;

/** How one vendor's server differs from the others on this wire. */
export interface OpenAiWire {
  readonly protocol: string;
  readonly basePath: string;
  readonly credentials: Readonly<Record<string, string>>;
  /** Whether a request carries the right credentials. */
  authorizes(request: SimulatedRequest): boolean;
  /** How it refuses, for each class of error. */
  refusal(errorClass: VendorErrorClass): Refusal;
  /** Its own word for the end of an answer; default: OpenAI's. */
  readonly finishes?: Readonly<Partial<Record<FinishReason, string>>>;
  /** Usage comes with the last piece of every stream, asked for or not. */
  readonly usageAtFinish?: boolean;
  /** A stream that fails says so by its finish alone. */
  readonly failureFinish?: string;
}

export interface Refusal {
  readonly status: number;
  readonly body: object;
  readonly headers?: Readonly<Record<string, string>>;
}

const MODELS = ["practice-model", "practice-embedding", "practice-image"] as const;

/** A server of chat completions, embeddings, images and a list of models. */
export function simulateOpenAiWire(wire: OpenAiWire): Simulator {
  const { protocol, basePath, credentials } = wire;
  return {
    protocol,
    basePath,
    credentials,
    models: MODELS,
    async answer(request, reply) {
      if (!wire.authorizes(request)) return refuse(wire, reply, "auth");
      const path = request.path.startsWith(basePath) ? request.path.slice(basePath.length) : "";
      if (request.method === "GET" && path === "/models") return listModels(reply);
      const body = parse(request);
      if (request.method !== "POST" || body === undefined) return refuse(wire, reply, "invalid_request");
      if (!MODELS.includes(body.model)) return refuse(wire, reply, "not_found");
      switch (path) {
        case "/chat/completions":
          return chat(wire, body, reply);
        case "/embeddings":
          return embeddings(body, reply);
        case "/images/generations":
          return images(body, reply);
        default:
          return refuse(wire, reply, "not_found");
      }
    },
  };
}

function refuse(wire: OpenAiWire, reply: Reply, errorClass: VendorErrorClass): void {
  const { status, body, headers } = wire.refusal(errorClass);
  reply.send(status, body, headers);
}

function parse(request: SimulatedRequest): Loose {
  try {
    return JSON.parse(request.body.toString());
  } catch {
    return undefined;
  }
}

function listModels(reply: Reply): void {
  const data = MODELS.map((id) => ({ id, object: "model", created: CREATED, owned_by: "simulated" }));
  reply.send(200, { object: "list", data });
}

async function chat(wire: OpenAiWire, body: Loose, reply: Reply): Promise<void> {
  const scene = sceneOf(questionOf(body));
  if (scene.type === "refusal") return refuse(wire, reply, scene.errorClass);
  return body.stream ? streamChat(wire, body, scene, reply) : sendChat(wire, body, scene, reply);
}

function questionOf(body: Loose): Question {
  const { messages, tools, stop } = body;
  const maxOutputTokens = body.max_completion_tokens ?? body.max_tokens;
  return questionOfMessages(messages, { tools, maxOutputTokens, stop }, isImage);
}

function isImage(part: Loose): boolean {
  return part.type === "image_url";
}

type Answer = Extract<Scene, { type: "answer" }>;

function sendChat(wire: OpenAiWire, body: Loose, scene: Answer, reply: Reply): void {
  if (scene.cut) {
    reply.cut();
    return;
  }
  if (scene.failure) {
    refuse(wire, reply, scene.failure);
    return;
  }
  const message: Loose = { role: "assistant", content: null };
  let finish = "stop";
  for (const piece of scene.pieces) {
    if (piece.type === "text-delta") message.content = (message.content ?? "") + piece.text;
    else if (piece.type === "reasoning-delta")
      message.reasoning_content = (message.reasoning_content ?? "") + piece.text;
    else if (piece.type === "tool-call-start") {
      message.tool_calls ??= [];
      message.tool_calls.push({ id: piece.id, type: "function", function: { name: piece.name, arguments: "" } });
    } else if (piece.type === "tool-call-delta") message.tool_calls[piece.index].function.arguments += piece.text;
    else if (piece.type === "finish") finish = wire.finishes?.[piece.reason] ?? piece.reason;
  }
  note(body, scene.usage, true, reply);
  reply.send(200, {
    ...head("chat.completion", body.model),
    choices: [{ index: 0, message, logprobs: null, finish_reason: finish }],
    usage: usageOf(scene.usage),
  });
}

async function streamChat(wire: OpenAiWire, body: Loose, scene: Answer, reply: Reply): Promise<void> {
  reply.open(200, { "content-type": "text/event-stream; charset=utf-8" });
  const send = (document: object): Promise<boolean> => reply.write(`data: ${JSON.stringify(document)}\n\n`);
  const chunk = (delta: object, finish: string | null = null): object => ({
    ...head("chat.completion.chunk", body.model),
    choices: [{ index: 0, delta, finish_reason: finish }],
    ...(wire.usageAtFinish && finish !== null && { usage: usageOf(scene.usage) }),
  });
  await send(chunk({ role: "assistant", content: "" }));
  for (const piece of scene.pieces) {
    if (!(await reply.pause(scene.paceMs))) break;
    if (piece.type === "text-delta") await send(chunk({ content: piece.text }));
    else if (piece.type === "reasoning-delta") await send(chunk({ reasoning_content: piece.text }));
    else if (piece.type === "tool-call-start") {
      const call = { id: piece.id, type: "function", function: { name: piece.name, arguments: "" } };
      await send(chunk({ tool_calls: [{ index: piece.index, ...call }] }));
    } else if (piece.type === "tool-call-delta") {
      await send(chunk({ tool_calls: [{ index: piece.index, function: { arguments: piece.text } }] }));
    } else if (piece.type === "finish") await send(chunk({}, wire.finishes?.[piece.reason] ?? piece.reason));
  }
  note(body, scene.usage, !scene.cut && (!scene.failure || wire.failureFinish !== undefined), reply);
  if (scene.cut) return reply.cut();
  if (scene.failure) {
    await send(wire.failureFinish === undefined ? wire.refusal(scene.failure).body : chunk({}, wire.failureFinish));
  } else if (body.stream_options?.include_usage && !wire.usageAtFinish) {
    await send({ ...head("chat.completion.chunk", body.model), choices: [], usage: usageOf(scene.usage) });
  }
  if (!scene.failure) await reply.write("data: [DONE]\n\n");
  reply.end();
}

function head(object: string, model: string): object {
  return { id: "chatcmpl-simulated", object, created: CREATED, model };
}

/** `prompt_tokens` holds the cached ones, `completion_tokens` the reasoning. */
function usageOf({ input, cachedInput, output, reasoning }: SceneUsage): object {
  const prompt = input + cachedInput;
  const completion = output + reasoning;
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: cachedInput },
    completion_tokens_details: { reasoning_tokens: reasoning },
  };
}

function note(body: Loose, usage: SceneUsage, whole: boolean, reply: Reply): void {
  reply.log.add({ model: body.model, stream: body.stream === true, usage, whole });
}

const DIMENSIONS = 8;

function embeddings(body: Loose, reply: Reply): void {
  const inputs: string[] = [body.input].flat();
  const tokens = inputs.reduce((sum, text) => sum + [...String(text)].length, 0);
  const data = inputs.map((text, index) => ({ object: "embedding", index, embedding: spell(vectorOf(text), body) }));
  reply.log.add({ model: body.model, stream: false, usage: { input: tokens }, whole: true });
  reply.send(200, { object: "list", data, model: body.model, usage: { prompt_tokens: tokens, total_tokens: tokens } });
}

/** The same small vector for the same text. */
export function vectorOf(text: string): number[] {
  const vector = new Array<number>(DIMENSIONS).fill(0);
  for (const [index, character] of [...text].entries()) vector[index % DIMENSIONS]! += character.codePointAt(0)! % 7;
  return vector;
}

function spell(vector: number[], { encoding_format: encoding }: Loose): number[] | string {
  return encoding === "base64" ? Buffer.from(Float32Array.from(vector).buffer).toString("base64") : vector;
}

/** A picture of one pixel. */
export const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/** Tokens of a picture, as the models count them that are paid by the token. */
const PICTURE_TOKENS = 100;

function images(body: Loose, reply: Reply): void {
  const count: number = body.n ?? 1;
  const data = Array.from({ length: count }, () => ({ b64_json: PIXEL }));
  const input = [...String(body.prompt)].length;
  const output = count * PICTURE_TOKENS;
  reply.log.add({ model: body.model, stream: false, usage: { input, output, images: count }, whole: true });
  const usage = {
    input_tokens: input,
    input_tokens_details: { text_tokens: input, image_tokens: 0 },
    output_tokens: output,
    total_tokens: input + output,
  };
  reply.send(200, { created: CREATED, data, usage });
}
