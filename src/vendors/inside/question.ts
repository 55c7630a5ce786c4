import { countPieces } from "./pieces.ts";

/** A chat request in the `openai` protocol, as the vendors inside this process read it. */
export interface Question {
  readonly model: string;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  /** `max_completion_tokens`, else `max_tokens`. */
  readonly maxTokens: number | undefined;
  readonly choices: number;
  /** The text of the last message that has any, and of the last one of the role `user`. */
  readonly lastText: string;
  readonly lastUserText: string | undefined;
  readonly inputTokens: number;
  /** The first function that the model may call. */
  readonly tool: string | undefined;
}

/** Beside its text a message costs this many tokens, and so does the whole request; an image costs a fixed number. */
const MESSAGE_TOKENS = 3;
const IMAGE_TOKENS = 64;
/** As OpenAI has it. */
const MOST_CHOICES = 128;

/** A request that cannot be read: says what is wrong, and where. */
export class UnreadableRequest extends Error {
  readonly param: string | undefined;

  constructor(message: string, param?: string) {
    super(message);
    this.param = param;
  }
}

type Json = Readonly<Record<string, unknown>>;

export function readJson(body: Buffer): Json {
  let value: unknown;
  try {
    value = JSON.parse(body.toString("utf8"));
  } catch {
    throw new UnreadableRequest("the body is not JSON");
  }
  if (!isObject(value)) throw new UnreadableRequest("the body is not a JSON object");
  return value;
}

export function readModel(json: Json): string {
  if (typeof json.model !== "string") throw new UnreadableRequest("model must be a string", "model");
  return json.model;
}

/** Reads a chat request. Throws `UnreadableRequest`. */
export function readQuestion(body: Buffer): Question {
  const json = readJson(body);
  const { messages } = json;
  if (!Array.isArray(messages)) throw new UnreadableRequest("messages must be a list", "messages");
  let inputTokens = MESSAGE_TOKENS;
  let lastText = "";
  let lastUserText: string | undefined;
  for (const message of messages) {
    if (!isObject(message)) throw new UnreadableRequest("every message must be an object", "messages");
    const { text, images } = readContent(message.content);
    inputTokens += MESSAGE_TOKENS + countPieces(text) + images * IMAGE_TOKENS;
    if (message.tool_calls !== undefined) inputTokens += countPieces(JSON.stringify(message.tool_calls));
    if (text !== "") lastText = text;
    if (message.role === "user" && message.content != null) lastUserText = text;
  }
  if (json.tools !== undefined) inputTokens += countPieces(JSON.stringify(json.tools));
  return {
    model: readModel(json),
    stream: json.stream === true,
    includeUsage: isObject(json.stream_options) && json.stream_options.include_usage === true,
    maxTokens: readCount(json, "max_completion_tokens") ?? readCount(json, "max_tokens"),
    choices: readChoices(json),
    lastText,
    lastUserText,
    inputTokens,
    tool: json.tool_choice === "none" ? undefined : firstTool(json.tools),
  };
}

function readChoices(json: Json): number {
  const count = readCount(json, "n") ?? 1;
  if (count > MOST_CHOICES) throw new UnreadableRequest(`n must be at most ${MOST_CHOICES}`, "n");
  return count;
}

function readCount(json: Json, field: string): number | undefined {
  const value = json[field];
  if (value === undefined || value === null) return undefined;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 1) return value;
  throw new UnreadableRequest(`${field} must be a whole number from 1 on`, field);
}

function readContent(content: unknown): { text: string; images: number } {
  if (typeof content === "string") return { text: content, images: 0 };
  let text = "";
  let images = 0;
  if (Array.isArray(content)) {
    for (const part of content) {
      if (!isObject(part)) continue;
      if (part.type === "text" && typeof part.text === "string") text += part.text;
      else if (part.type === "image_url") images += 1;
    }
  }
  return { text, images };
}

function firstTool(tools: unknown): string | undefined {
  const tool: unknown = Array.isArray(tools) ? tools[0] : undefined;
  const named = isObject(tool) ? tool.function : undefined;
  return isObject(named) && typeof named.name === "string" ? named.name : undefined;
}

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
