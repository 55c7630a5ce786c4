import type { Question } from "./scene.ts";

// biome-ignore lint/suspicious/noExplicitAny: documents of any shape, whose checks stand with each protocol
type Loose = any;

/** What is asked beside the messages, each under the name that its protocol has for it. */
export interface AskedBeside {
  readonly tools: Loose;
  readonly maxOutputTokens: number | undefined;
  readonly stop: Loose;
}

/** The question of a list of `{ role, content }`, as OpenAI's wire and those modelled on it have it. */
export function questionOfMessages(
  messages: readonly Loose[],
  { tools, maxOutputTokens, stop }: AskedBeside,
  isImage: (part: Loose) => boolean,
): Question {
  const lastOfModel = messages.findLastIndex(({ role }) => role === "assistant");
  const results = messages.slice(lastOfModel + 1).filter(({ role }) => role === "tool");
  return {
    texts: messages.map(({ content }) => textOf(content)),
    last: textOf(messages.findLast(({ role }) => role === "user")?.content),
    toolResults: results.map(({ content }) => textOf(content)),
    tools: (tools ?? []).map((tool: Loose) => tool.function.name),
    images: messages.flatMap(({ content }) => (Array.isArray(content) ? content : [])).filter(isImage).length,
    maxOutputTokens,
    stop: [stop ?? []].flat(),
  };
}

function textOf(content: Loose): string {
  return typeof content === "string" ? content : (content ?? []).map((part: Loose) => part.text ?? "").join("");
}
