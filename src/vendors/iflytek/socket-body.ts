import { iflytekWords as words } from "../../base/messages/iflytek.ts";
import type { Conversation, Message, Tool } from "../conversation.ts";
import { clean } from "../openai/compose.ts";
import { unsupported } from "../translation/unsupported.ts";
import type { Composing } from "./composing.ts";
import { plainText } from "./texts.ts";

/** The longest name of an end user, in characters. */
const LONGEST_USER = 32;
/** Fields of the platform's own that go beside the domain. */
const KNOWN_EXTRAS = ["chat_id", "show_ref_label"] as const;

/** The one frame that asks. Over a WebSocket every answer is streamed. */
export function composeForSocket({ chat, model, longest, fitting, appId }: Composing): object {
  if (chat.choices > 1) throw unsupported(words.oneChoice(), "n");
  if (chat.format) throw unsupported(words.noFormat(), "response_format");
  const { presencePenalty, frequencyPenalty, seed, reasoning, extra } = chat;
  const temperature = fitting.number("temperature", chat.temperature);
  const topK = fitting.number("top_k", chat.topK);
  for (const [name, value] of Object.entries({
    top_p: chat.topP,
    presence_penalty: presencePenalty,
    frequency_penalty: frequencyPenalty,
    seed,
    stop: chat.stop[0],
    reasoning_effort: reasoning?.effort,
  })) {
    fitting.leaveOut(name, value);
  }
  const user = chat.user !== undefined && chat.user.length > LONGEST_USER ? undefined : chat.user;
  if (user !== chat.user) fitting.leaveOut("user", chat.user);
  const own = Object.fromEntries(KNOWN_EXTRAS.map((name) => [name, extra[name]]));
  const functions = composeFunctions(chat, fitting.toolChoice(chat.toolChoice) === "none");
  return {
    header: clean({ app_id: appId, uid: user }),
    parameter: { chat: clean({ domain: model, temperature, top_k: topK, max_tokens: longest, ...own }) },
    payload: clean({
      message: { text: systemFirst(chat.messages).flatMap(composeMessage) },
      functions,
    }),
  };
}

/** One system message, and it is the first. */
function systemFirst(messages: readonly Message[]): Message[] {
  const parts = messages.flatMap((message) => (message.role === "system" ? message.parts : []));
  const others = messages.filter(({ role }) => role !== "system");
  return parts.length > 0 ? [{ role: "system", parts }, ...others] : others;
}

/**
 * Calls are played back as the platform itself writes them, one a message. The documentation has no role for their results over a
 * WebSocket: the user tells them, as the clients in use do.
 */
function composeMessage(message: Message): object[] {
  switch (message.role) {
    case "system":
      return [{ role: "system", content: message.parts.map(({ text }) => text).join("\n") }];
    case "user":
    case "tool":
      return [{ role: "user", content: plainText(message.parts) }];
    case "assistant": {
      const content = plainText(message.parts.filter(({ type }) => type === "text"));
      const calls = message.parts.filter((part) => part.type === "tool-call");
      if (calls.length === 0) return [{ role: "assistant", content }];
      return calls.map(({ name, arguments: given }, index) => ({
        role: "assistant",
        content: index === 0 ? content : "",
        function_call: { name, arguments: given || "{}" },
      }));
    }
  }
}

function composeFunctions({ tools }: Conversation, none: boolean): object | undefined {
  return tools.length === 0 || none ? undefined : { text: tools.map(composeFunction) };
}

/** All three fields must be there. */
function composeFunction({ name, description = "", parameters }: Tool): object {
  return { name, description, parameters: parameters ?? { type: "object", properties: {}, required: [] } };
}
