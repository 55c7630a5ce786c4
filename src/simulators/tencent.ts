import { createHash, createHmac } from "node:crypto";
import type { VendorErrorClass } from "../vendors/spec.ts";
import { vectorOf } from "./openai-wire.ts";
import { type Question, type Scene, type SceneUsage, sceneOf } from "./scene.ts";
import type { Reply, SimulatedRequest, Simulator } from "./spec.ts";

const SECRET_ID = "AKIDsimulated";
const SECRET_KEY = "sim-tencent-secret";
const MODELS = ["practice-model", "practice-embedding"] as const;
const SKEW_SECONDS = 300;
const MOST_MESSAGES = 40;

// biome-ignore lint/suspicious/noExplicitAny: a request is read as far as its scene needs it
type Loose = any;
type Answer = Extract<Scene, { type: "answer" }>;

/** Tencent's Hunyuan as an API of Tencent Cloud. Proven by Tencent's client. */
export const tencentSimulator: Simulator = {
  protocol: "tencent",
  basePath: "",
  credentials: { secretId: SECRET_ID, secretKey: SECRET_KEY },
  models: MODELS,
  async answer(request, reply) {
    const { "x-tc-action": action, "x-tc-version": version } = request.headers;
    const refusal = authorizationError(request);
    if (refusal !== undefined) return fail(reply, refusal, "The request cannot be authenticated.");
    if (version !== "2023-09-01") return fail(reply, "NoSuchVersion", "The version does not exist.");
    const body = parse(request);
    if (body === undefined) return fail(reply, "InvalidParameter", "The body is no JSON.");
    switch (action) {
      case "GetTokenCount":
        return wrapped(reply, { TokenCount: [...(body.Prompt ?? "")].length });
      case "GetEmbedding":
        return embed(body, reply);
      case "ChatCompletions":
        return chat(body, reply);
      default:
        return fail(reply, "InvalidAction", "The action does not exist.");
    }
  },
};

/** The code that refuses a request whose signature, key or time is wrong; undefined where all is right. */
function authorizationError({ method, path, rawQuery, headers, body }: SimulatedRequest): string | undefined {
  const written =
    /^TC3-HMAC-SHA256 Credential=([^/]+)\/([\d-]{10})\/(\w+)\/tc3_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/;
  const [, id, date, service, signedHeaders, signature] = written.exec(headers.authorization ?? "") ?? [];
  if (id === undefined) return "AuthFailure.InvalidAuthorization";
  if (id !== SECRET_ID) return "AuthFailure.SecretIdNotFound";
  const timestamp = Number(headers["x-tc-timestamp"]);
  if (!(Math.abs(Date.now() / 1000 - timestamp) < SKEW_SECONDS)) return "AuthFailure.SignatureExpire";
  if (new Date(timestamp * 1000).toISOString().slice(0, 10) !== date) return "AuthFailure.SignatureFailure";
  const scope = [date, service!, "tc3_request"];
  // The vendor's own client leaves the port out of the host that it signs.
  const hosts = [headers.host!, headers.host!.replace(/:\d+$/, "")];
  const signed = { method, path, rawQuery, body };
  const good = hosts.some(
    (host) => signature === signatureOf(signed, { ...headers, host }, signedHeaders!, scope, timestamp),
  );
  return good ? undefined : "AuthFailure.SignatureFailure";
}

type Signed = Pick<SimulatedRequest, "method" | "path" | "rawQuery" | "body">;

function signatureOf(
  { method, path, rawQuery, body }: Signed,
  headers: SimulatedRequest["headers"],
  signedHeaders: string,
  scope: readonly string[],
  timestamp: number,
): string {
  const hash = (text: string | Buffer) => createHash("sha256").update(text).digest("hex");
  const lines = signedHeaders.split(";").map(
    (name) =>
      `${name}:${String(headers[name] ?? "")
        .trim()
        .toLowerCase()}\n`,
  );
  const canonical = [method, path, rawQuery, lines.join(""), signedHeaders, hash(body)].join("\n");
  let key: Buffer | string = `TC3${SECRET_KEY}`;
  for (const part of scope) key = createHmac("sha256", key).update(part).digest();
  const text = ["TC3-HMAC-SHA256", timestamp, scope.join("/"), hash(canonical)].join("\n");
  return createHmac("sha256", key).update(text).digest("hex");
}

function parse(request: SimulatedRequest): Loose {
  try {
    return JSON.parse(request.body.toString());
  } catch {
    return undefined;
  }
}

function wrapped(reply: Reply, response: object): void {
  reply.send(200, { Response: { ...response, RequestId: "simulated" } });
}

/** Every error is a 200. */
function fail(reply: Reply, Code: string, Message: string): void {
  wrapped(reply, { Error: { Code, Message } });
}

const ERRORS: Readonly<Partial<Record<VendorErrorClass, readonly [string, string]>>> = {
  invalid_request: ["InvalidParameter", "A parameter is not valid."],
  context_length: ["InvalidParameterValue", "The prompt is too long for this model."],
  content_filter: ["OperationDenied.Sensitive", "敏感内容"],
  auth: ["AuthFailure.SignatureFailure", "The signature does not match."],
  permission: ["UnauthorizedOperation", "Not authorized."],
  billing: ["FailedOperation.ServiceStopArrears", "The account is in arrears."],
  not_found: ["InvalidParameterValue.Model", "The model does not exist."],
  rate_limit: ["RequestLimitExceeded", "Too many requests."],
  quota: ["FailedOperation.ResourcePackExhausted", "The resource pack is used up."],
  overloaded: ["ResourceUnavailable", "Not available now."],
  timeout: ["FailedOperation.EngineRequestTimeout", "The engine timed out."],
  server_error: ["InternalError", "Internal error."],
};

function refuse(reply: Reply, errorClass: VendorErrorClass): void {
  const [code, message] = ERRORS[errorClass] ?? ERRORS.server_error!;
  fail(reply, code, message);
}

async function chat(body: Loose, reply: Reply): Promise<void> {
  if (!MODELS.includes(body.Model)) return refuse(reply, "not_found");
  const messages: Loose[] = body.Messages ?? [];
  const late = messages.slice(1).some(({ Role }) => Role === "system");
  if (messages.length === 0 || messages.length > MOST_MESSAGES || late) return refuse(reply, "invalid_request");
  const question = questionOf(body);
  const scene = sceneOf(question);
  if (scene.type === "refusal") return refuse(reply, scene.errorClass);
  const shown = withStop(scene, question);
  return body.Stream ? stream(body, shown, reply) : send(body, shown, reply);
}

function questionOf(body: Loose): Question {
  const messages: Loose[] = body.Messages;
  const lastOfModel = messages.findLastIndex(({ Role }) => Role === "assistant");
  const results = messages.slice(lastOfModel + 1).filter(({ Role }) => Role === "tool");
  return {
    texts: messages.map(textOf),
    last: textOf(messages.findLast(({ Role }) => Role === "user")),
    toolResults: results.map(textOf),
    tools: (body.Tools ?? []).map((tool: Loose) => tool.Function.Name),
    images: messages.flatMap(({ Contents }) => Contents ?? []).filter(({ Type }: Loose) => Type === "image_url").length,
    maxOutputTokens: undefined,
    stop: body.Stop ?? [],
  };
}

function textOf(message: Loose): string {
  if (message === undefined) return "";
  return message.Content ?? (message.Contents ?? []).map(({ Text }: Loose) => Text ?? "").join("");
}

/** The sequence that stopped the answer is shown at its end. */
function withStop(scene: Answer, { stop, last }: Question): Answer {
  const met = stop.find((sequence) => last.includes(sequence));
  if (met === undefined) return scene;
  const end = scene.pieces.findIndex(({ type }) => type === "finish");
  const pieces = [...scene.pieces.slice(0, end), { type: "text-delta", choice: 0, text: met } as const];
  return { ...scene, pieces: [...pieces, ...scene.pieces.slice(end)] };
}

const FINISHES: Readonly<Record<string, string>> = { content_filter: "sensitive" };

/** The cached count is spelled as a text, as the vendor's own types have it. */
function usageOf({ input, cachedInput, output, reasoning }: SceneUsage): object {
  const PromptTokens = input + cachedInput;
  const CompletionTokens = output + reasoning;
  return {
    PromptTokens,
    CompletionTokens,
    TotalTokens: PromptTokens + CompletionTokens,
    PromptTokensDetails: { CachedTokens: String(cachedInput) },
  };
}

function head(): object {
  return { Id: "simulated", Created: 1_760_000_000, Note: "以上内容为AI生成" };
}

function note(body: Loose, { usage }: Answer, whole: boolean, reply: Reply): void {
  const counted = { ...usage, output: usage.output + usage.reasoning, reasoning: 0 };
  reply.log.add({ model: body.Model, stream: body.Stream === true, usage: counted, whole });
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
  const message: Loose = { Role: "assistant", Content: "" };
  let finish = "stop";
  for (const piece of scene.pieces) {
    if (piece.type === "text-delta") message.Content += piece.text;
    else if (piece.type === "reasoning-delta") message.ReasoningContent = (message.ReasoningContent ?? "") + piece.text;
    else if (piece.type === "tool-call-start") {
      message.ToolCalls ??= [];
      const called = { Name: piece.name, Arguments: "" };
      message.ToolCalls.push({ Id: piece.id, Type: "function", Function: called, Index: piece.index });
    } else if (piece.type === "tool-call-delta") message.ToolCalls[piece.index].Function.Arguments += piece.text;
    else if (piece.type === "finish") finish = FINISHES[piece.reason] ?? piece.reason;
  }
  note(body, scene, true, reply);
  const choice = { Index: 0, FinishReason: finish, Message: message };
  wrapped(reply, { ...head(), Choices: [choice], Usage: usageOf(scene.usage) });
}

async function stream(body: Loose, scene: Answer, reply: Reply): Promise<void> {
  reply.open(200, { "content-type": "text/event-stream" });
  const event = (Delta: object, FinishReason = ""): Promise<boolean> => {
    const choice = { Index: 0, Delta: { Role: "assistant", Content: "", ...Delta }, FinishReason };
    const document = { ...head(), Choices: [choice], Usage: usageOf(scene.usage) };
    return reply.write(`data: ${JSON.stringify(document)}\n\n`);
  };
  for (const piece of scene.pieces) {
    if (!(await reply.pause(scene.paceMs))) break;
    if (piece.type === "text-delta") await event({ Content: piece.text });
    else if (piece.type === "reasoning-delta") await event({ ReasoningContent: piece.text });
    else if (piece.type === "tool-call-start") {
      const called = { Name: piece.name, Arguments: "" };
      await event({ ToolCalls: [{ Id: piece.id, Type: "function", Function: called, Index: piece.index }] });
    } else if (piece.type === "tool-call-delta") {
      const called = { Name: "", Arguments: piece.text };
      await event({ ToolCalls: [{ Id: "", Type: "function", Function: called, Index: piece.index }] });
    } else if (piece.type === "finish") await event({}, FINISHES[piece.reason] ?? piece.reason);
  }
  note(body, scene, !scene.cut && !scene.failure, reply);
  if (scene.cut) {
    reply.cut();
    return;
  }
  if (scene.failure) {
    const error = { Msg: "engine failed", Code: scene.failure === "timeout" ? 4001 : 4000 };
    await reply.write(`data: ${JSON.stringify({ ErrorMsg: error })}\n\n`);
  }
  reply.end();
}

function embed(body: Loose, reply: Reply): void {
  const inputs: string[] = body.InputList ?? [body.Input];
  const tokens = inputs.reduce((sum, text) => sum + [...text].length, 0);
  reply.log.add({ model: "practice-embedding", stream: false, usage: { input: tokens }, whole: true });
  const Data = inputs.map((text, Index) => ({ Index, Object: "embedding", Embedding: vectorOf(text) }));
  wrapped(reply, { Data, Usage: { PromptTokens: tokens, TotalTokens: tokens } });
}
