import { iflytekWords as words } from "../../base/messages/iflytek.ts";
import type { Message } from "../conversation.ts";
import { clean, composeMessage as composeOpenAi, composeTool, composeToolChoice } from "../openai/compose.ts";
import { unsupported } from "../translation/unsupported.ts";
import type { Composing } from "./composing.ts";
import { plainText } from "./texts.ts";

/** Models that think, and can be told not to. */
const THINKING = /^(spark-)?x/i;
/** Fields of the platform's own. */
const KNOWN_EXTRAS = ["suppress_plugin", "thinking"] as const;

/** A request of the HTTP interface: OpenAI's, without `user`, and with `tool_calls_switch`, or calls come in another shape. */
export function composeForHttp({ chat, model, stream, longest, fitting }: Composing): object {
  if (chat.choices > 1) throw unsupported(words.oneChoice(), "n");
  if (chat.format?.type === "schema") throw unsupported(words.noSchema(), "response_format");
  const { tools, toolChoice, presencePenalty, frequencyPenalty, reasoning, extra } = chat;
  const thinks = THINKING.test(model);
  if (!thinks) fitting.leaveOut("reasoning_effort", reasoning?.effort);
  fitting.leaveOut("seed", chat.seed);
  fitting.leaveOut("stop", chat.stop[0]);
  fitting.leaveOut("user", chat.user);
  const called = tools.length > 0;
  return clean({
    model,
    messages: chat.messages.map(composeMessage),
    temperature: fitting.number("temperature", chat.temperature),
    top_p: fitting.number("top_p", chat.topP),
    top_k: fitting.number("top_k", chat.topK),
    max_tokens: longest,
    presence_penalty: presencePenalty,
    frequency_penalty: frequencyPenalty,
    stream,
    tools: called ? tools.map(composeTool) : undefined,
    tool_choice: called ? composeToolChoice(fitting.toolChoice(toolChoice)) : undefined,
    tool_calls_switch: called ? true : undefined,
    response_format: chat.format && { type: "json_object" },
    thinking: thinks && reasoning ? { type: reasoning.effort === "none" ? "disabled" : "enabled" } : undefined,
    ...Object.fromEntries(KNOWN_EXTRAS.map((name) => [name, extra[name]]).filter(([, value]) => value !== undefined)),
  });
}

function composeMessage(message: Message): object {
  const { name: _, ...plain } = composeOpenAi(message);
  if (message.role === "user" || message.role === "tool") return { ...plain, content: plainText(message.parts) };
  return plain;
}
