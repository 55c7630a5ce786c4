import { countedBySpark, errorOf, KEY, type Loose, MODEL, PASSWORD, SID, usageOf } from "./iflytek-wire.ts";
import { type Question, type Scene, sceneOf } from "./scene.ts";
import type { Reply, SimulatedRequest } from "./spec.ts";

const PATH = /^\/(v1|v2|x2)\/chat\/completions$/;
const CREATED = 1_719_546_385;

type Answer = Extract<Scene, { type: "answer" }>;

/** Spark's HTTP interface: nearly OpenAI's. */
export async function answerHttp(request: SimulatedRequest, reply: Reply): Promise<void> {
  if (!PATH.test(request.path) || request.method !== "POST") return reply.send(404, "404 page not found");
  const keys = [PASSWORD, `${KEY.apiKey}:${KEY.apiSecret}`].map((key) => `Bearer ${key}`);
  if (!keys.includes(request.headers.authorization ?? "")) return refuse(reply, 401, "invalid user", null);
  const body = parse(request);
  if (!Array.isArray(body?.messages) || body.messages.length === 0) return fail(reply, 10003, "invalid messages");
  if (body.model !== MODEL) return refuse(reply, 400, "no category route found", 10404);
  if (body.tools?.some((tool: Loose) => tool.function && typeof tool.function.parameters !== "object")) {
    return fail(reply, 10004, "SchemaError: tools");
  }
  const scene = sceneOf(questionOf(body));
  if (scene.type === "refusal") return fail(reply, ...errorOf(scene.errorClass));
  return body.stream ? stream(body, scene, reply) : send(body, scene, reply);
}

function parse(request: SimulatedRequest): Loose {
  try {
    return JSON.parse(request.body.toString());
  } catch {
    return undefined;
  }
}

/** An error as OpenAI's clients understand it, of the gate before the platform. */
function refuse(reply: Reply, status: number, message: string, code: number | null): void {
  reply.send(status, { error: { message, type: "api_error", param: null, code } });
}

/** The platform's own errors are a 200. */
function fail(reply: Reply, code: number, message: string): void {
  reply.send(200, { code, message, sid: SID });
}

function questionOf(body: Loose): Question {
  const messages: Loose[] = body.messages;
  const lastOfModel = messages.findLastIndex(({ role }) => role === "assistant");
  const text = ({ content }: Loose): string => content ?? "";
  const results = messages.slice(lastOfModel + 1).filter(({ role }) => role === "tool");
  return {
    texts: messages.map(text),
    last: text(messages.findLast(({ role }) => role === "user") ?? {}),
    toolResults: results.map(text),
    tools: (body.tools ?? []).map((tool: Loose) => tool.function.name),
    images: 0,
    maxOutputTokens: body.max_tokens,
    stop: [],
  };
}

/** One call, as an object, unless the request asks for a list. */
function callsOf(calls: readonly Loose[], body: Loose): object {
  if (calls.length === 0) return {};
  return { tool_calls: body.tool_calls_switch === true ? calls : calls[0] };
}

function gatherCalls(scene: Answer): Loose[] {
  const calls: Loose[] = [];
  for (const piece of scene.pieces) {
    if (piece.type === "tool-call-start") {
      calls.push({ id: `${SID}-${piece.index}`, type: "function", function: { name: piece.name, arguments: "" } });
    } else if (piece.type === "tool-call-delta") calls[piece.index].function.arguments += piece.text;
  }
  return calls;
}

function note(scene: Answer, stream: boolean, whole: boolean, reply: Reply): void {
  reply.log.add({ model: MODEL, stream, usage: countedBySpark(scene.usage), whole });
}

function isModerated({ pieces }: Answer): boolean {
  return pieces.some((piece) => piece.type === "finish" && piece.reason === "content_filter");
}

function send(body: Loose, scene: Answer, reply: Reply): void {
  if (scene.cut) {
    reply.cut();
    return;
  }
  if (scene.failure || isModerated(scene)) {
    fail(reply, ...errorOf(scene.failure ?? "content_filter", true));
    return;
  }
  const joined = (type: "text-delta" | "reasoning-delta"): string =>
    scene.pieces.map((piece) => (piece.type === type ? piece.text : "")).join("");
  const reasoning = joined("reasoning-delta");
  const message = {
    role: "assistant",
    content: joined("text-delta"),
    ...(reasoning !== "" && { reasoning_content: reasoning }),
    ...callsOf(gatherCalls(scene), body),
  };
  note(scene, false, true, reply);
  reply.send(200, {
    code: 0,
    message: "Success",
    sid: SID,
    choices: [{ message, index: 0 }],
    usage: usageOf(scene.usage),
  });
}

async function stream(body: Loose, scene: Answer, reply: Reply): Promise<void> {
  reply.open(200, { "content-type": "text/event-stream" });
  const event = (fields: object): Promise<boolean> => {
    const document = { code: 0, message: "Success", sid: SID, id: SID, created: CREATED, ...fields };
    return reply.write(`data:${JSON.stringify(document)}\n\n`);
  };
  const delta = (written: object, more: object = {}): Promise<boolean> =>
    event({ choices: [{ delta: { role: "assistant", content: "", ...written }, index: 0 }], ...more });
  for (const piece of scene.pieces) {
    if (!(await reply.pause(scene.paceMs))) break;
    if (piece.type === "text-delta") await delta({ content: piece.text });
    else if (piece.type === "reasoning-delta") await delta({ reasoning_content: piece.text });
  }
  note(scene, true, !scene.cut && !scene.failure, reply);
  if (scene.cut) return reply.cut();
  const failure = scene.failure ?? (isModerated(scene) ? "content_filter" : undefined);
  if (failure) {
    const [code, message] = errorOf(failure, true);
    await event({ code, message, usage: scene.failure ? undefined : usageOf(scene.usage) });
  } else {
    await delta(callsOf(gatherCalls(scene), body), { usage: usageOf(scene.usage) });
    await reply.write("data:[DONE]\n\n");
  }
  reply.end();
}
