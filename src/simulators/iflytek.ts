import { createHmac } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { WebSocket } from "ws";
import { answerHttp } from "./iflytek-http.ts";
import { countedBySpark, errorOf, KEY, type Loose, MODEL, SID, usageOf } from "./iflytek-wire.ts";
import { type Question, type Scene, sceneOf } from "./scene.ts";
import type { ServedLog, SimulatedRequest, Simulator } from "./spec.ts";

/** A signature older, or for later, than this is refused. */
const SKEW_MS = 300_000;
/** What clients sign that have the platform's own name built in. */
const PLATFORM = "spark-api.xf-yun.com";

/** The domains that each path takes, beside the practice model. */
const DOMAINS: Readonly<Record<string, readonly string[]>> = {
  "/v1.1/chat": ["lite", "general"],
  "/v2.1/chat": ["generalv2"],
  "/v3.1/chat": ["generalv3"],
  "/v3.5/chat": ["generalv3.5"],
  "/chat/pro-128k": ["pro-128k"],
  "/chat/max-32k": ["max-32k"],
  "/v4.0/chat": ["4.0Ultra"],
  "/v1/x1": ["x1", "spark-x"],
};

type Answer = Extract<Scene, { type: "answer" }>;
type Send = (frame: object) => void;

/** iFlytek's Spark, over a WebSocket and over HTTP. Proven by LangChain's client, and by OpenAI's on the HTTP interface. */
export const iflytekSimulator: Simulator = {
  protocol: "iflytek",
  scheme: "ws",
  basePath: "",
  credentials: KEY,
  models: [MODEL],
  answer: answerHttp,
  refuseUpgrade(request) {
    if (DOMAINS[request.path] === undefined) return refusal(404, "no Route matched with those values");
    return refuseSignature(request);
  },
  connect(socket, request, log) {
    socket.on("error", () => socket.terminate());
    socket.once("message", (data) => void converse(socket, request.path, parse(String(data)), log));
  },
};

function refusal(status: number, message: string): { status: number; body: string } {
  return { status, body: JSON.stringify({ message }) };
}

function refuseSignature({ method, path, query, headers }: SimulatedRequest): ReturnType<typeof refusal> | undefined {
  const [authorization, date, host] = ["authorization", "date", "host"].map((name) => query.get(name) ?? "");
  if (authorization === "") return refusal(401, "Unauthorized");
  const said = Buffer.from(authorization!, "base64").toString("latin1");
  const field = (name: string): string | undefined => new RegExp(`(?:^|[ ,])${name}="([^"]*)"`).exec(said)?.[1];
  const known = field("api_key") === KEY.apiKey && field("algorithm") === "hmac-sha256";
  if (!known || field("headers") !== "host date request-line") {
    return refusal(401, "HMAC signature cannot be verified");
  }
  if (host !== PLATFORM && host !== headers.host) return refusal(401, "HMAC signature cannot be verified");
  const isGmt = / GMT$/.test(date!) && Math.abs(Date.now() - Date.parse(date!)) <= SKEW_MS;
  if (!isGmt) {
    return refusal(403, "HMAC signature cannot be verified, a valid date or x-date header is required");
  }
  const hmac = createHmac("sha256", KEY.apiSecret);
  for (const line of [`host: ${host}\n`, `date: ${date}\n`, `${method} ${path} HTTP/1.1`]) hmac.update(line);
  if (field("signature") === hmac.digest("base64")) return undefined;
  return refusal(403, "HMAC signature does not match");
}

function parse(text: string): Loose {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** One question, and its frames. The vendor closes. */
async function converse(socket: WebSocket, path: string, frame: Loose, log: ServedLog): Promise<void> {
  const send: Send = (document) => {
    if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(document));
  };
  const error = refuseFrame(frame, path);
  const scene = error ? undefined : sceneOf(questionOf(frame));
  if (error) send(header(...error));
  else if (scene?.type === "refusal") send(header(...errorOf(scene.errorClass)));
  else if (scene && !(await play(scene, frame.parameter.chat.domain, send, socket, log))) {
    socket.terminate();
    return;
  }
  socket.close(1000);
}

/** The code and the message that refuse a frame; undefined where it can be answered. */
function refuseFrame(frame: Loose, path: string): readonly [number, string] | undefined {
  const chat = frame?.parameter?.chat;
  const texts: Loose = frame?.payload?.message?.text;
  if (chat === undefined || !Array.isArray(texts) || texts.length === 0)
    return [10003, "ClientMsgError: invalid message"];
  if (frame.header?.app_id !== KEY.appId) return [11200, "AppIdNoAuthError:(licc failed)"];
  if ((frame.header.uid ?? "").length > 32) return [10005, "ClientMsgError: uid is too long"];
  const { domain, temperature = 0.5, top_k: topK = 4, max_tokens: longest = 4096 } = chat;
  const domains = Object.values(DOMAINS).flat();
  if (domain !== MODEL && !domains.includes(domain)) return [10003, "ClientMsgError: invalid model domain"];
  if (domain !== MODEL && !DOMAINS[path]!.includes(domain)) return [10404, "PathDomainError: no category route found"];
  if (!(temperature > 0 && temperature <= 1)) return [10005, "ClientMsgError: temperature is out of range"];
  if (!(topK >= 1 && topK <= 6)) return [10005, "ClientMsgError: top_k is out of range"];
  if (!(longest >= 1 && longest <= 32_768)) return [10005, "ClientMsgError: max_tokens is out of range"];
  const wrong = texts.some(
    ({ role, content }: Loose, at: number) =>
      typeof content !== "string" || !(["user", "assistant"].includes(role) || (role === "system" && at === 0)),
  );
  return wrong ? [10004, "SchemaError: text"] : undefined;
}

/** What follows a call of the model's is what the call gave back. */
function questionOf(frame: Loose): Question {
  const texts: Loose[] = frame.payload.message.text;
  const lastCall = texts.findLastIndex(({ function_call: call }) => call !== undefined);
  const lastOfModel = texts.findLastIndex(({ role }) => role === "assistant");
  const results = lastCall >= 0 && lastCall === lastOfModel ? texts.slice(lastCall + 1) : [];
  const isUser = ({ role }: Loose): boolean => role === "user";
  return {
    texts: texts.map(({ content }) => content),
    last: texts.findLast(isUser)?.content ?? "",
    toolResults: results.filter(isUser).map(({ content }) => content),
    tools: (frame.payload.functions?.text ?? []).map(({ name }: Loose) => name),
    images: 0,
    maxOutputTokens: frame.parameter.chat.max_tokens,
    stop: [],
  };
}

function header(code: number, message: string, status = 2): { header: object; payload?: object } {
  return { header: { code, message, sid: SID, status } };
}

/** False where the connection shall break. */
async function play(scene: Answer, model: string, send: Send, socket: WebSocket, log: ServedLog): Promise<boolean> {
  const call: Loose = {};
  let seq = 0;
  const frame = (text: object, status: 0 | 1 | 2): void => {
    const choices = { status, seq, text: [{ content: "", role: "assistant", index: 0, ...text }] };
    const usage = status === 2 && { usage: { text: { question_tokens: 1, ...usageOf(scene.usage) } } };
    send({ ...header(0, "Success", status), payload: { choices, ...usage } });
    seq += 1;
  };
  for (const piece of scene.pieces) {
    if (scene.paceMs > 0) await sleep(scene.paceMs);
    if (socket.readyState !== socket.OPEN) break;
    const status = seq === 0 ? 0 : 1;
    if (piece.type === "text-delta") frame({ content: piece.text }, status);
    else if (piece.type === "reasoning-delta") frame({ reasoning_content: piece.text }, status);
    else if (piece.type === "tool-call-start" && piece.index === 0)
      Object.assign(call, { name: piece.name, arguments: "" });
    else if (piece.type === "tool-call-delta" && piece.index === 0) call.arguments += piece.text;
    else if (piece.type === "finish" && piece.reason === "content_filter") {
      send({ ...header(...errorOf("content_filter", true)), payload: { usage: { text: usageOf(scene.usage) } } });
    } else if (piece.type === "finish") frame(call.name === undefined ? {} : { function_call: call }, 2);
  }
  log.add({ model, stream: true, usage: countedBySpark(scene.usage), whole: !scene.cut && !scene.failure });
  if (scene.failure) send(header(...errorOf(scene.failure)));
  return !scene.cut;
}
