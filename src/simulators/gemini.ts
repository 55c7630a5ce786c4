import { checkGenerate, SIGNATURE } from "./gemini-checks.ts";
import { blocked, documentOf, questionOf, usageOf } from "./gemini-documents.ts";
import { errorOf, refuse, refuseAs } from "./gemini-errors.ts";
import { batch, draw, embed } from "./gemini-others.ts";
import { type Scene, sceneOf } from "./scene.ts";
import type { Reply, SimulatedRequest, Simulator } from "./spec.ts";

const API_KEY = "sim-gemini-key";
const BASE_PATH = "/v1beta";
const MODELS = ["practice-model", "practice-embedding", "practice-image"] as const;

// biome-ignore lint/suspicious/noExplicitAny: a request is read as far as its scene needs it
type Loose = any;
type Answer = Extract<Scene, { type: "answer" }>;

/** Google's Gemini API. Proven by Google's own client. */
export const geminiSimulator: Simulator = {
  protocol: "gemini",
  basePath: BASE_PATH,
  credentials: { apiKey: API_KEY },
  models: MODELS,
  async answer(request, reply) {
    const key = request.headers["x-goog-api-key"] ?? request.query.get("key");
    if (key !== API_KEY) return refuse(reply, "auth");
    if (request.method === "GET" && request.path === `${BASE_PATH}/models`) return listModels(reply);
    const [, model = "", method = ""] = /^\/v1beta\/models\/([^:]+):(\w+)$/.exec(request.path) ?? [];
    if (request.method !== "POST" || method === "") return refuse(reply, "not_found");
    if (!MODELS.includes(decodeURIComponent(model) as never)) {
      return refuseAs(reply, "not_found", `models/${model} is not found for API version v1beta.`);
    }
    const body = parse(request);
    if (body === undefined) return refuseAs(reply, "invalid_request", "Invalid JSON payload received.");
    return answerMethod({ model, method, sse: request.query.get("alt") === "sse" }, body, reply);
  },
};

interface Asked {
  readonly model: string;
  readonly method: string;
  readonly sse: boolean;
}

function answerMethod(asked: Asked, body: Loose, reply: Reply): void | Promise<void> {
  switch (asked.method) {
    case "generateContent":
    case "streamGenerateContent":
      return generate(asked, body, reply);
    case "countTokens":
      return countTokens(body, reply);
    case "embedContent":
      return reply.send(200, { embedding: embed(asked.model, [body], reply)[0] });
    case "batchEmbedContents":
      return batch(asked.model, body, reply);
    default:
      return refuse(reply, "not_found");
  }
}

function parse(request: SimulatedRequest): Loose {
  try {
    return JSON.parse(request.body.toString());
  } catch {
    return undefined;
  }
}

function listModels(reply: Reply): void {
  const supportedGenerationMethods = ["generateContent", "countTokens"];
  reply.send(200, {
    models: MODELS.map((id) => ({ name: `models/${id}`, displayName: id, supportedGenerationMethods })),
  });
}

function countTokens(body: Loose, reply: Reply): void {
  const scene = sceneOf({ ...questionOf(body.generateContentRequest ?? body), last: "" });
  reply.send(200, { totalTokens: scene.type === "answer" ? scene.usage.input : 0 });
}

async function generate(asked: Asked, body: Loose, reply: Reply): Promise<void> {
  const wrong = checkGenerate(body);
  if (wrong !== undefined) return refuseAs(reply, "invalid_request", wrong);
  if (body.generationConfig?.responseModalities?.join() === "IMAGE") return draw(asked.model, body, reply);
  const question = questionOf(body);
  const scene = sceneOf(question);
  if (scene.type === "refusal") {
    // A prompt that is refused for its content is an answer without candidates.
    if (scene.errorClass === "content_filter") return send(asked, blocked(asked.model, question), reply);
    return refuse(reply, scene.errorClass);
  }
  const answer = { ...scene, pieces: shownPieces(body, scene) };
  if (asked.method === "streamGenerateContent") return stream(asked, answer, reply);
  return sendWhole(asked, answer, reply);
}

/** Thoughts are shown to those who ask for them. They are paid for in any case. */
function shownPieces(body: Loose, { pieces }: Answer): Answer["pieces"] {
  if (body.generationConfig?.thinkingConfig?.includeThoughts) return pieces;
  return pieces.filter(({ type }) => !type.startsWith("reasoning"));
}

const FINISHES = {
  stop: "STOP",
  length: "MAX_TOKENS",
  tool_calls: "STOP",
  content_filter: "SAFETY",
  error: "OTHER",
} as const;

/** The parts of an answer, and how it ends. A call comes whole; the first of them is signed. */
function partsOf(scene: Answer): { readonly parts: Loose[]; readonly finish: string | undefined } {
  const parts: Loose[] = [];
  let finish: string | undefined;
  for (const piece of scene.pieces) {
    if (piece.type === "text-delta") parts.push({ text: piece.text });
    else if (piece.type === "reasoning-delta") parts.push({ text: piece.text, thought: true });
    else if (piece.type === "tool-call-start") {
      const functionCall = { id: piece.id, name: piece.name, args: argumentsOf(scene, piece.index) };
      parts.push({ functionCall, ...(piece.index === 0 && { thoughtSignature: SIGNATURE }) });
    } else if (piece.type === "finish") finish = FINISHES[piece.reason];
  }
  return { parts, finish };
}

function argumentsOf(scene: Answer, index: number): object {
  const given = scene.pieces.map((one) => (one.type === "tool-call-delta" && one.index === index ? one.text : ""));
  return JSON.parse(given.join("")) as object;
}

/** Parts of one kind that follow one another are one part. */
function joined(parts: readonly Loose[]): Loose[] {
  const whole: Loose[] = [];
  for (const part of parts) {
    const last = whole.at(-1);
    if (part.text !== undefined && last?.text !== undefined && last.thought === part.thought) last.text += part.text;
    else whole.push({ ...part });
  }
  return whole;
}

function sendWhole(asked: Asked, scene: Answer, reply: Reply): void {
  if (scene.cut) {
    reply.cut();
    return;
  }
  if (scene.failure) {
    refuse(reply, scene.failure);
    return;
  }
  const { parts, finish } = partsOf(scene);
  note(asked, scene, true, reply);
  const candidate = { content: { parts: joined(parts), role: "model" }, finishReason: finish };
  reply.send(200, documentOf(asked.model, candidate, usageOf(scene.usage)));
}

async function stream(asked: Asked, scene: Answer, reply: Reply): Promise<void> {
  const write = open(asked, reply);
  const { parts, finish } = partsOf(scene);
  const begun = { promptTokenCount: scene.usage.input + scene.usage.cachedInput };
  for (const part of parts) {
    if (!(await reply.pause(scene.paceMs))) break;
    await write(documentOf(asked.model, { content: { parts: [part], role: "model" } }, begun));
  }
  note(asked, scene, !scene.cut && !scene.failure, reply);
  if (scene.cut) return reply.cut();
  if (scene.failure) await write(errorOf(scene.failure).body);
  else await write(documentOf(asked.model, { finishReason: finish }, usageOf(scene.usage)));
  if (!asked.sse) await reply.write("]");
  reply.end();
}

/** Documents as events, or without `alt=sse` as the items of one list. */
function open({ sse }: Asked, reply: Reply): (document: object) => Promise<boolean> {
  reply.open(200, { "content-type": sse ? "text/event-stream" : "application/json" });
  let count = 0;
  return (document) => {
    const json = JSON.stringify(document);
    count += 1;
    return reply.write(sse ? `data: ${json}\r\n\r\n` : `${count === 1 ? "[" : ",\n"}${json}`);
  };
}

async function send(asked: Asked, document: object, reply: Reply): Promise<void> {
  if (asked.method !== "streamGenerateContent") return reply.send(200, document);
  await open(asked, reply)(document);
  if (!asked.sse) await reply.write("]");
  reply.end();
}

function note({ model, method }: Asked, { usage }: Answer, whole: boolean, reply: Reply): void {
  reply.log.add({ model, stream: method === "streamGenerateContent", usage, whole });
}
