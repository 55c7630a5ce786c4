import { createHash } from "node:crypto";
import type { VendorErrorClass } from "../vendors/spec.ts";
import { type Scene, type SceneUsage, sceneOf } from "./scene.ts";
import type { Reply, SimulatedRequest, Simulator } from "./spec.ts";

const APP_KEY = "sim-skywork-key";
const APP_SECRET = "sim-skywork-secret";
const MODEL = "practice-model";
/** A signature older, or for later, than this is refused. */
const SKEW_SECONDS = 300;
const MOST_TOKENS = 2048;

// biome-ignore lint/suspicious/noExplicitAny: a request is read as far as its scene needs it
type Loose = any;
type Answer = Extract<Scene, { type: "answer" }>;

/**
 * Kunlun's Skywork API v4, as four clients of 2023 and 2024 agree that it was. No client of it is on npm, so nobody else proves
 * this simulator; the codes of its errors are not published, and are HTTP's own here.
 */
export const skyworkSimulator: Simulator = {
  protocol: "skywork",
  basePath: "",
  credentials: { appKey: APP_KEY, appSecret: APP_SECRET },
  models: [MODEL],
  async answer(request, reply) {
    if (request.path !== "/saas/api/v4/generate" || request.method !== "POST")
      return reply.send(404, { message: "404" });
    if (!isSigned(request)) return refuse(reply, "auth");
    const body = parse(request);
    if (!Array.isArray(body?.messages) || body.messages.length === 0) return refuse(reply, "invalid_request");
    if (body.messages.some(({ role }: Loose) => !["system", "user", "bot"].includes(role))) {
      return refuse(reply, "invalid_request");
    }
    if (body.model !== MODEL) return refuse(reply, "not_found");
    const scene = sceneOf({
      texts: body.messages.map(({ content }: Loose) => content),
      last: body.messages.findLast(({ role }: Loose) => role === "user")?.content ?? "",
      toolResults: [],
      tools: [],
      images: 0,
      maxOutputTokens: Math.min(body.param?.generate_length ?? MOST_TOKENS, MOST_TOKENS),
      stop: [],
    });
    if (scene.type === "refusal") return refuse(reply, scene.errorClass);
    return request.headers.stream === "true" ? stream(scene, reply) : send(scene, reply);
  },
};

function isSigned({ headers }: SimulatedRequest): boolean {
  const { app_key: key, timestamp, sign } = headers;
  if (key !== APP_KEY || typeof timestamp !== "string") return false;
  const hash = createHash("md5");
  for (const part of [APP_KEY, APP_SECRET, timestamp]) hash.update(part);
  return sign === hash.digest("hex") && Math.abs(Date.now() / 1000 - Number(timestamp)) < SKEW_SECONDS;
}

function parse(request: SimulatedRequest): Loose {
  try {
    return JSON.parse(request.body.toString());
  } catch {
    return undefined;
  }
}

const ERRORS: Readonly<Partial<Record<VendorErrorClass, readonly [number, string]>>> = {
  invalid_request: [400, "invalid parameter"],
  context_length: [400, "the prompt is too long"],
  content_filter: [400, "sensitive content"],
  auth: [401, "sign error"],
  permission: [403, "no permission"],
  billing: [402, "insufficient balance"],
  not_found: [404, "model not found"],
  rate_limit: [429, "too many requests"],
  quota: [429, "quota_exceeded"],
  overloaded: [503, "server busy"],
  timeout: [504, "time out"],
  server_error: [500, "internal error"],
};

function errorOf(errorClass: VendorErrorClass): object {
  const [code, code_msg] = ERRORS[errorClass] ?? ERRORS.server_error!;
  return { code, code_msg, trace_id: "simulated" };
}

/** Every error is a 200. */
function refuse(reply: Reply, errorClass: VendorErrorClass): void {
  reply.send(200, errorOf(errorClass));
}

const FINISHES: Readonly<Record<string, object>> = {
  stop: { status: 3, finish_reason: 1 },
  length: { status: 3, finish_reason: 2 },
  content_filter: { status: 4, finish_reason: 1 },
};

function answerOf(reply: string, end: object, usage: SceneUsage | undefined): object {
  const counted = usage && {
    usage: { prompt_tokens: usage.input, completion_tokens: usage.output, total_tokens: usage.input + usage.output },
  };
  return { code: 200, code_msg: "OK", trace_id: "simulated", resp_data: { reply, ...end, ...counted } };
}

function usageOf({ usage }: Answer): SceneUsage {
  const { input, cachedInput, output, reasoning } = usage;
  return { input: input + cachedInput, cachedInput: 0, output: output + reasoning, reasoning: 0 };
}

function send(scene: Answer, reply: Reply): void {
  if (scene.cut) {
    reply.cut();
    return;
  }
  if (scene.failure) {
    refuse(reply, scene.failure);
    return;
  }
  const text = scene.pieces.map((piece) => (piece.type === "text-delta" ? piece.text : "")).join("");
  const finish = scene.pieces.find((piece) => piece.type === "finish")!;
  reply.log.add({ model: MODEL, stream: false, usage: usageOf(scene), whole: true });
  reply.send(200, answerOf(text, FINISHES[finish.reason]!, usageOf(scene)));
}

async function stream(scene: Answer, reply: Reply): Promise<void> {
  reply.open(200, { "content-type": "text/plain; charset=utf-8" });
  const line = (document: object): Promise<boolean> => reply.write(`${JSON.stringify(document)}\n`);
  for (const piece of scene.pieces) {
    if (!(await reply.pause(scene.paceMs))) break;
    if (piece.type === "text-delta") await line(answerOf(piece.text, { status: 1 }, undefined));
    if (piece.type === "finish") await line(answerOf("", FINISHES[piece.reason]!, usageOf(scene)));
  }
  reply.log.add({ model: MODEL, stream: true, usage: usageOf(scene), whole: !scene.cut && !scene.failure });
  if (scene.cut) {
    reply.cut();
    return;
  }
  if (scene.failure) await line(errorOf(scene.failure));
  reply.end();
}
