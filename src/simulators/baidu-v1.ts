import { createHmac } from "node:crypto";
import type { VendorErrorClass } from "../vendors/spec.ts";
import { PIXEL, vectorOf } from "./openai-wire.ts";
import { type Question, type Scene, type SceneUsage, sceneOf } from "./scene.ts";
import type { Reply, SimulatedRequest, Simulator } from "./spec.ts";

const API_KEY = "sim-baidu-key";
const SECRET_KEY = "sim-baidu-secret";
/** The other way in: signed requests, with the same secret. */
export const ACCESS_KEY = "sim-baidu-access-key";
const INTERFACE = "/rpc/2.0/ai_custom/v1/wenxinworkshop";
const CREATED = 1_760_000_000;
const TOKEN_SECONDS = 2_592_000;
const SKEW_SECONDS = 300;
const FOLDERS = { chat: "practice-model", embeddings: "practice-embedding", text2image: "practice-image" } as const;
const USUAL_HEADERS = ["host", "content-length", "content-type", "content-md5"];

// biome-ignore lint/suspicious/noExplicitAny: a request is read as far as its scene needs it
type Loose = any;
type Answer = Extract<Scene, { type: "answer" }>;

/** Baidu's Wenxin Workshop and its server of tokens. Proven by Baidu's own client, in both ways in. */
export const baiduV1Simulator: Simulator = {
  protocol: "baidu-v1",
  basePath: INTERFACE,
  credentials: { apiKey: API_KEY, secretKey: SECRET_KEY },
  models: Object.values(FOLDERS),
  async answer(request, reply) {
    if (request.path === "/oauth/2.0/token") return giveToken(request, reply);
    const refused = request.headers.authorization === undefined ? tokenError(request) : signatureError(request);
    if (refused) return fail(reply, ...refused);
    const [, folder = "", model = ""] = /^\/([^/]+)\/([^/]+)$/.exec(request.path.slice(INTERFACE.length)) ?? [];
    if (!request.path.startsWith(INTERFACE) || !Object.hasOwn(FOLDERS, folder)) {
      return fail(reply, 3, "Unsupported openapi method");
    }
    const body = parse(request);
    if (request.method !== "POST" || body === undefined) return fail(reply, 336002, "Invalid JSON");
    // The probe knows no model: a chat is looked at first.
    if (folder === "chat") return chat(model, body, reply);
    if (model !== FOLDERS[folder as keyof typeof FOLDERS]) return refuse(reply, "not_found");
    return folder === "embeddings" ? embed(body, reply) : draw(body, reply);
  },
};

/** A token says when it was made, and by whom. */
function tokenOf(seconds: number): string {
  const sign = createHmac("sha256", SECRET_KEY).update(`token ${seconds}`).digest("hex");
  return `24.${seconds}.${sign.slice(0, 40)}`;
}

function giveToken({ query, method }: SimulatedRequest, reply: Reply): void {
  const asked = query.get("grant_type") === "client_credentials" && (method === "POST" || method === "GET");
  if (asked && query.get("client_id") === API_KEY && query.get("client_secret") === SECRET_KEY) {
    const token = tokenOf(Math.floor(Date.now() / 1000));
    reply.send(200, { access_token: token, expires_in: TOKEN_SECONDS, session_key: "simulated", scope: "public" });
    return;
  }
  const unknown = query.get("client_id") !== API_KEY;
  const description = unknown ? "unknown client id" : "Client authentication failed";
  reply.send(401, { error: "invalid_client", error_description: description });
}

function tokenError({ query }: SimulatedRequest): readonly [number, string] | undefined {
  const token = query.get("access_token");
  if (token === null) return [100, "Invalid parameter"];
  const made = Number(token.split(".")[1]);
  if (!(made > 0) || token !== tokenOf(made)) return [110, "Access token invalid or no longer valid"];
  return made + TOKEN_SECONDS < Date.now() / 1000 ? [111, "Access token expired"] : undefined;
}

/** Why a signature (BCE, version 1) is none: computed anew from what came. */
function signatureError({ method, path, rawQuery, headers }: SimulatedRequest): readonly [number, string] | undefined {
  const refused = [14, "IAM Certification failed"] as const;
  const parts = (headers.authorization ?? "").split("/");
  const [scheme, key, time = "", seconds = "", names = "", signature] = parts;
  if (scheme !== "bce-auth-v1" || parts.length !== 6 || key !== ACCESS_KEY) return refused;
  const now = Date.now();
  const made = Date.parse(time);
  if (!(made <= now + SKEW_SECONDS * 1000) || made + Number(seconds) * 1000 < now) return refused;
  const signed =
    names === ""
      ? [...USUAL_HEADERS, ...Object.keys(headers).filter((name) => name.startsWith("x-bce-"))]
      : names.split(";");
  if (!signed.includes("host")) return refused;
  const lines = signed
    .map((name) => [name, String(headers[name] ?? "").trim()] as const)
    .filter(([, value]) => value !== "")
    .map(([name, value]) => `${strict(name)}:${strict(value)}`);
  const query = [...new URLSearchParams(rawQuery)].map(([name, value]) => `${strict(name)}=${strict(value)}`);
  const text = [method, path, query.sort().join("&"), lines.sort().join("\n")].join("\n");
  const keyed = (secret: string, said: string) => createHmac("sha256", secret).update(said).digest("hex");
  const expected = keyed(keyed(SECRET_KEY, `${scheme}/${key}/${time}/${seconds}`), text);
  return signature === expected ? undefined : refused;
}

function strict(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

function parse(request: SimulatedRequest): Loose {
  try {
    const body: unknown = JSON.parse(request.body.toString());
    return typeof body === "object" && body !== null ? body : undefined;
  } catch {
    return undefined;
  }
}

/** Every error is a 200, whether a stream was asked for or not. */
function fail(reply: Reply, error_code: number, error_msg: string): void {
  reply.send(200, { error_code, error_msg, id: "as-simulated" });
}

/** The platform has no code of its own for content before an answer: those for prompts say it in words. */
const ERRORS: Readonly<Partial<Record<VendorErrorClass, readonly [number, string]>>> = {
  invalid_request: [336003, "the parameter is invalid"],
  context_length: [336103, "the prompt is too long"],
  content_filter: [336006, "the prompt is illegal: it contains sensitive content"],
  auth: [110, "Access token invalid or no longer valid"],
  permission: [6, "No permission to access data"],
  billing: [17, "Open api daily request limit reached: the service is not opened or not paid"],
  not_found: [336005, "the model does not exist"],
  rate_limit: [336501, "Rate limit reached for RPM"],
  quota: [17, "Open api daily request limit reached"],
  overloaded: [336100, "the server is too busy, please try again later"],
  server_error: [336000, "Internal error"],
};

function refuse(reply: Reply, errorClass: VendorErrorClass): void {
  // No code says that it took too long: the server before the platform does.
  if (errorClass === "timeout") reply.send(504, "<html><title>504 Gateway Time-out</title></html>");
  else fail(reply, ...(ERRORS[errorClass] ?? ERRORS.server_error!));
}

async function chat(model: string, body: Loose, reply: Reply): Promise<void> {
  const wrong = wrongIn(body);
  if (wrong !== undefined) return fail(reply, 336003, wrong);
  if (model !== FOLDERS.chat) return refuse(reply, "not_found");
  const scene = sceneOf(questionOf(body));
  if (scene.type === "refusal") return refuse(reply, scene.errorClass);
  return body.stream === true ? stream(scene, reply) : send(scene, reply);
}

function wrongIn({ messages, temperature, top_p, penalty_score, functions }: Loose): string | undefined {
  if (!Array.isArray(messages) || messages.length === 0) return "messages must not be empty";
  if (messages.length % 2 === 0) return "the length of messages must be an odd number";
  for (const [index, { role, content, function_call: call, name }] of messages.entries()) {
    const fits = index % 2 === 0 ? role === "user" || role === "function" : role === "assistant";
    if (!fits) return `the role of message ${index} is not valid`;
    if (typeof content !== "string" || (content === "" && call === undefined)) return "content must not be empty";
    if (role === "function" && typeof name !== "string") return "a function's result needs its name";
  }
  const outside = (value: Loose, least: number, most: number) =>
    value !== undefined && !(value >= least && value <= most);
  if (temperature === 0 || outside(temperature, 0, 1)) return "temperature must be in (0, 1]";
  if (outside(top_p, 0, 1)) return "top_p must be in [0, 1]";
  if (outside(penalty_score, 1, 2)) return "penalty_score must be in [1, 2]";
  const described = (functions ?? []).every((one: Loose) => one.name && one.description && one.parameters);
  return described ? undefined : "a function needs name, description and parameters";
}

function questionOf(body: Loose): Question {
  const messages: Loose[] = body.messages;
  const last = messages.at(-1);
  return {
    texts: [body.system ?? "", ...messages.map(({ content }) => content)],
    last: messages.findLast(({ role }) => role === "user")?.content ?? "",
    toolResults: last.role === "function" ? [last.content] : [],
    tools: (body.functions ?? []).map(({ name }: Loose) => name),
    images: 0,
    maxOutputTokens: body.max_output_tokens,
    stop: body.stop ?? [],
  };
}

/** Neither a cache nor reasoning is told apart here. */
function counted({ input, cachedInput, output, reasoning }: SceneUsage) {
  return { input: input + cachedInput, output: output + reasoning };
}

function usageOf(usage: SceneUsage, written?: number): object {
  const { input, output } = counted(usage);
  const completion = written ?? output;
  return { prompt_tokens: input, completion_tokens: completion, total_tokens: input + completion };
}

const FINISHES: Readonly<Record<string, string>> = { stop: "normal", tool_calls: "function_call" };

/** How an answer ends: by its reason, and by the flags that say why. */
function endOf(scene: Answer): object {
  const finish = scene.pieces.find((piece) => piece.type === "finish")?.reason ?? "stop";
  const struck = finish === "content_filter";
  const call = scene.pieces.find((piece) => piece.type === "tool-call-start");
  const given = scene.pieces.map((piece) => (piece.type === "tool-call-delta" && piece.index === 0 ? piece.text : ""));
  return {
    is_truncated: finish === "length",
    need_clear_history: struck,
    ...(struck && { ban_round: -1 }),
    finish_reason: FINISHES[finish] ?? finish,
    ...(call && { function_call: { name: call.name, arguments: given.join(""), thoughts: "" } }),
  };
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
  const result = scene.pieces.map((piece) => (piece.type === "text-delta" ? piece.text : "")).join("");
  reply.log.add({ model: FOLDERS.chat, stream: false, usage: counted(scene.usage), whole: true });
  const head = { id: "as-simulated", object: "chat.completion", created: CREATED };
  reply.send(200, { ...head, result, ...endOf(scene), usage: usageOf(scene.usage) });
}

async function stream(scene: Answer, reply: Reply): Promise<void> {
  reply.open(200, { "content-type": "text/event-stream; charset=utf-8" });
  let sentence_id = 0;
  const event = (more: object): Promise<boolean> => {
    const head = { id: "as-simulated", object: "chat.completion", created: CREATED, sentence_id };
    const state = { is_end: false, is_truncated: false, result: "", need_clear_history: false };
    sentence_id += 1;
    return reply.write(`data: ${JSON.stringify({ ...head, ...state, ...more })}\n\n`);
  };
  for (const piece of scene.pieces) {
    if (piece.type !== "text-delta") continue;
    if (!(await reply.pause(scene.paceMs))) break;
    await event({ result: piece.text, usage: usageOf(scene.usage, sentence_id + 1) });
  }
  const whole = !scene.cut && !scene.failure;
  if (whole) await event({ is_end: true, ...endOf(scene), usage: usageOf(scene.usage) });
  reply.log.add({ model: FOLDERS.chat, stream: true, usage: counted(scene.usage), whole });
  if (scene.cut) {
    reply.cut();
    return;
  }
  if (scene.failure) {
    const [error_code, error_msg] = ERRORS[scene.failure] ?? ERRORS.server_error!;
    await reply.write(`data: ${JSON.stringify({ error_code, error_msg, id: "as-simulated" })}\n\n`);
  }
  reply.end();
}

function embed(body: Loose, reply: Reply): void {
  const inputs: string[] = body.input;
  if (!Array.isArray(inputs) || inputs.length === 0) {
    fail(reply, 336003, "input must not be empty");
    return;
  }
  const tokens = inputs.reduce((sum, text) => sum + [...text].length, 0);
  reply.log.add({ model: FOLDERS.embeddings, stream: false, usage: { input: tokens }, whole: true });
  const data = inputs.map((text, index) => ({ object: "embedding", embedding: vectorOf(text), index }));
  const usage = { prompt_tokens: tokens, total_tokens: tokens };
  reply.send(200, { id: "as-simulated", object: "embedding_list", created: CREATED, data, usage });
}

function draw(body: Loose, reply: Reply): void {
  if (typeof body.prompt !== "string" || body.prompt === "") {
    fail(reply, 336003, "prompt must not be empty");
    return;
  }
  const count: number = body.n ?? 1;
  const tokens = [...body.prompt].length;
  reply.log.add({ model: FOLDERS.text2image, stream: false, usage: { images: count }, whole: true });
  const data = Array.from({ length: count }, (_, index) => ({ object: "image", b64_image: PIXEL, index }));
  const usage = { prompt_tokens: tokens, total_tokens: tokens };
  reply.send(200, { id: "as-simulated", object: "image", created: CREATED, data, usage });
}
