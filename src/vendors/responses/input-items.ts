import { responsesWords as words } from "../../base/messages/responses.ts";
import type { AssistantPart, ImagePart, Message, TextPart, UserPart } from "../conversation.ts";
import { isObject, type JsonObject, listOf, objectAt, stringOf, wordOf } from "../json-values.ts";
import { readDataUrl } from "../openai/message-parts.ts";
import { unsupported } from "../translation/unsupported.ts";
import { readSignature } from "./signatures.ts";
import { argumentsOfInput, type Toolbox } from "./toolbox.ts";

/** Records of what OpenAI's own tools did: what came of it is in the model's words after them. */
const RECORDS: ReadonlySet<unknown> = new Set([
  "web_search_call",
  "file_search_call",
  "code_interpreter_call",
  "image_generation_call",
  "mcp_list_tools",
  "tool_search_call",
  "tool_search_output",
]);

/** What a request's input says. `leftOut` takes the items that mean nothing to other vendors. */
export class InputReader {
  readonly #tools: Toolbox;
  readonly #leftOut: Set<string>;
  /** Functions by the ids of their calls. */
  readonly #called = new Map<string, string>();

  constructor(tools: Toolbox, leftOut: Set<string>) {
    this.#tools = tools;
    this.#leftOut = leftOut;
  }

  read(input: unknown): Message[] {
    if (typeof input === "string") return [{ role: "user", parts: [{ type: "text", text: input }] }];
    const messages: Message[] = [];
    for (const item of listOf(input)) {
      const message = isObject(item) ? this.#readItem(item) : undefined;
      if (!message) continue;
      const last = messages.at(-1);
      // What the model wrote in one turn stands in several items.
      if (message.role === "assistant" && last?.role === "assistant") {
        messages[messages.length - 1] = { role: "assistant", parts: [...last.parts, ...message.parts] };
      } else messages.push(message);
    }
    return messages.filter(({ role, parts }) => role !== "assistant" || parts.length > 0);
  }

  #readItem(item: JsonObject): Message | undefined {
    const type = item.type ?? "message";
    switch (type) {
      case "message":
        return readMessage(item);
      case "function_call":
      case "custom_tool_call":
        return { role: "assistant", parts: [this.#readCall(item)] };
      case "function_call_output":
      case "custom_tool_call_output":
        return this.#readOutput(item);
      case "reasoning":
        return { role: "assistant", parts: readThought(item) };
      case "item_reference":
        throw unsupported(words.noState("item_reference"), "input");
      default:
        if (!RECORDS.has(type)) throw unsupported(words.noItem(wordOf(type)), "input");
        this.#leftOut.add(`input.${wordOf(type)}`);
        return undefined;
    }
  }

  #readCall(item: JsonObject): AssistantPart {
    const id = stringOf(item.call_id) ?? stringOf(item.id) ?? "";
    const name = this.#tools.nameOf(stringOf(item.name) ?? "", stringOf(item.namespace));
    this.#called.set(id, name);
    const given =
      item.type === "custom_tool_call" ? argumentsOfInput(stringOf(item.input) ?? "") : stringOf(item.arguments);
    return { type: "tool-call", id, name, arguments: given ?? "" };
  }

  #readOutput({ call_id: id, output }: JsonObject): Message {
    const callId = stringOf(id) ?? "";
    const parts = readParts(output).map((part): TextPart | ImagePart => {
      if (part.type === "text" || part.type === "image") return part;
      throw unsupported(words.noItem(`input_${part.type}`), "input");
    });
    const isRead = parts.length > 0 || output === "" || Array.isArray(output);
    const kept: typeof parts = isRead ? parts : [{ type: "text", text: JSON.stringify(output) ?? "" }];
    return { role: "tool", callId, name: this.#called.get(callId), parts: kept };
  }
}

function readMessage({ role, content }: JsonObject): Message {
  const parts = readParts(content);
  switch (role) {
    case "assistant":
      return { role, parts: parts.filter((part) => part.type === "text") };
    case "system":
    case "developer":
      return { role: "system", parts: parts.filter((part) => part.type === "text") };
    default:
      return { role: "user", parts };
  }
}

function readParts(content: unknown): UserPart[] {
  if (typeof content === "string") return [{ type: "text", text: content }];
  return listOf(content).flatMap((part) => (isObject(part) ? (readPart(part) ?? []) : []));
}

function readPart(part: JsonObject): UserPart | undefined {
  switch (part.type) {
    case "input_image":
      return readImage(part);
    case "input_file": {
      const { file_data: data, file_url: url, file_id: id, filename } = part;
      const name = typeof filename === "string" ? { name: filename } : {};
      if (typeof data === "string") return { type: "file", ...(readDataUrl(data) ?? { base64: data }), ...name };
      if (typeof url === "string") return { type: "file", url, ...name };
      return typeof id === "string" ? { type: "file", id, ...name } : undefined;
    }
    case "input_audio": {
      const { data, format } = objectAt(part, "input_audio");
      return typeof data === "string" ? { type: "audio", base64: data, format: stringOf(format) ?? "wav" } : undefined;
    }
    default: {
      const text = stringOf(part.text) ?? stringOf(part.refusal);
      return text === undefined ? undefined : { type: "text", text };
    }
  }
}

function readImage({ image_url: url, detail }: JsonObject): ImagePart | undefined {
  if (typeof url !== "string") throw unsupported(words.noState("file_id"), "input");
  const shown = typeof detail === "string" && detail !== "auto" ? { detail } : {};
  const inline = readDataUrl(url);
  return inline ? { type: "image", ...inline, ...shown } : { type: "image", url, ...shown };
}

/** What it thought, as far as it is shown, and what its vendor wants back with it. */
function readThought(item: JsonObject): AssistantPart[] {
  const shown = [...listOf(item.summary), ...listOf(item.content)].filter(isObject);
  const text = shown.map((part) => stringOf(part.text) ?? "").join("");
  const signature = readSignature(item.encrypted_content);
  return text === "" && !signature ? [] : [{ type: "reasoning", text, ...signature }];
}
