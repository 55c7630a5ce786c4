import { baiduWords as words } from "../../base/messages/baidu.ts";
import type { AssistantPart, Message, UserPart } from "../conversation.ts";
import { unsupported } from "../translation/unsupported.ts";

/** A turn as the platform has it. A function's result stands in a user's place. */
interface Turn {
  readonly role: "user" | "assistant" | "function";
  readonly name?: string;
  readonly content: string;
  readonly function_call?: { readonly name: string; readonly arguments: string; readonly thoughts?: string };
}

export interface Turns {
  readonly system: string | undefined;
  readonly messages: readonly Turn[];
  /** Turns of one side that followed each other have become one. */
  readonly merged: boolean;
}

/**
 * A conversation in strict turns: user (or function) and assistant by turns, from the first to the last, which are the
 * user's; instructions stand apart. Throws `unsupported` where that cannot be.
 */
export function composeTurns(messages: readonly Message[]): Turns {
  const instructions: string[] = [];
  const turns: Turn[] = [];
  let merged = false;
  for (const message of messages) {
    if (message.role === "system") {
      instructions.push(...message.parts.map(({ text }) => text));
      continue;
    }
    const turn = composeTurn(message);
    if (!turn) continue;
    const last = turns.at(-1);
    if (!last || (last.role === "assistant") !== (turn.role === "assistant")) turns.push(turn);
    else {
      turns[turns.length - 1] = merge(last, turn);
      merged = true;
    }
  }
  const system = instructions.length > 0 ? instructions.join("\n") : undefined;
  // Instructions alone are a question.
  if (turns.length === 0 && system !== undefined) {
    return { system: undefined, messages: [{ role: "user", content: system }], merged: true };
  }
  if (turns[0]?.role === "assistant") throw unsupported(words.userFirst(), "messages");
  if (turns.at(-1)?.role === "assistant") throw unsupported(words.userLast(), "messages");
  return { system, messages: turns, merged };
}

function composeTurn(message: Exclude<Message, { role: "system" }>): Turn | undefined {
  switch (message.role) {
    case "user":
      return { role: "user", content: textOf(message.parts) };
    case "assistant":
      return composeAssistant(message.parts);
    case "tool":
      return { role: "function", name: message.name ?? message.callId, content: textOf(message.parts) };
  }
}

function textOf(parts: readonly UserPart[]): string {
  return parts
    .map((part) => {
      if (part.type !== "text") throw unsupported(words.noMedia(), "messages");
      return part.text;
    })
    .join("");
}

/** Undefined for a turn in which nothing was said. */
function composeAssistant(parts: readonly AssistantPart[]): Turn | undefined {
  let content = "";
  let thoughts = "";
  let call: { readonly name: string; readonly arguments: string } | undefined;
  for (const part of parts) {
    if (part.type === "text") content += part.text;
    else if (part.type === "reasoning") thoughts += part.text;
    else {
      if (call) throw unsupported(words.oneCall(), "messages");
      call = { name: part.name, arguments: part.arguments || "{}" };
    }
  }
  if (call) return { role: "assistant", content, function_call: { ...call, ...(thoughts !== "" && { thoughts }) } };
  return content === "" ? undefined : { role: "assistant", content };
}

function merge(first: Turn, second: Turn): Turn {
  const results = first.role === "function" && second.role === "function";
  if (results || (first.function_call && second.function_call)) throw unsupported(words.oneCall(), "messages");
  const content = [first.content, second.content].filter((text) => text !== "").join("\n");
  // A result with a user's words is a result: it must answer the call before it.
  const kept = second.role === "function" || second.function_call ? second : first;
  return { ...kept, content };
}
