import { vendorWords } from "../../base/messages/vendors.ts";
import type { Usage } from "../../base/usage.ts";
import { type AnswerPiece, type FinishReason, toolCallId } from "../answer-pieces.ts";
import { EventReader } from "../event-reader.ts";
import { isObject, type JsonObject, listOf, objectAt, parseJson, placeOf, stringOf } from "../json-values.ts";
import { strangeAnswer } from "../native-fault.ts";
import { argumentsOf } from "../openai/message-parts.ts";
import { readUsage } from "../openai/usage.ts";
import type { Operation, ReadOptions } from "../spec.ts";
import { payloadOf } from "../sse.ts";
import { answerFault, streamFault } from "./errors.ts";
import { StopTrimmer } from "./stop-trimmer.ts";

const REASONS: Readonly<Record<string, FinishReason>> = {
  stop: "stop",
  length: "length",
  sensitive: "content_filter",
  tool_calls: "tool_calls",
};

/** Reads a streamed answer. Its events have no envelope, and nothing but the last `FinishReason` ends it. */
export class TencentReader extends EventReader {
  readonly #answer: AnswerReader;
  #wrote = false;

  constructor(options: ReadOptions) {
    super(options);
    const { stop = [] } = options;
    this.#answer = new AnswerReader("Delta", stop);
  }

  protected override read(event: string): AnswerPiece[] {
    const payload = payloadOf(event)?.trim();
    const document = payload === undefined ? undefined : parseJson(Buffer.from(payload, "latin1").toString("utf8"));
    if (!isObject(document)) return [];
    const fault = streamFault(document, this.#wrote) ?? answerFault(document, 200, {}, this.#wrote);
    if (fault) return [{ type: "fault", fault }];
    const pieces = this.#answer.read(document);
    this.#wrote ||= pieces.some(({ type }) => type.endsWith("-delta"));
    return pieces;
  }
}

/** Reads a whole answer. Throws `VendorFault` where it is an error, or none. */
export function readPieces(operation: Operation, body: Buffer, stop: readonly string[] = []): AnswerPiece[] {
  const document = parseJson(body.toString("utf8"));
  if (!isObject(document)) throw strangeAnswer(vendorWords.notAnAnswer());
  const fault = answerFault(document, 200, {}, false);
  if (fault) throw fault;
  const answer = objectAt(document, "Response");
  if (operation === "embeddings") return readEmbeddings(answer);
  if (listOf(answer.Choices).length === 0) throw strangeAnswer();
  return [...new AnswerReader("Message", stop).read(answer), { type: "end" }];
}

class AnswerReader {
  readonly #holder: "Delta" | "Message";
  readonly #calls = new Set<string>();
  readonly #thinking = new Set<number>();
  readonly #trimmer: StopTrimmer;
  #started = false;
  #id = "";

  constructor(holder: "Delta" | "Message", stop: readonly string[]) {
    this.#holder = holder;
    this.#trimmer = new StopTrimmer(stop);
  }

  read(answer: JsonObject): AnswerPiece[] {
    const pieces: AnswerPiece[] = [];
    if (!this.#started) {
      this.#started = true;
      this.#id = stringOf(answer.Id) ?? "";
      pieces.push(startOf(answer));
    }
    for (const [position, choice] of listOf(answer.Choices).entries()) {
      if (isObject(choice)) pieces.push(...this.#readChoice(choice, position));
    }
    const usage = usageOf(answer.Usage, "chat");
    if (usage) pieces.push({ type: "usage", usage });
    return pieces;
  }

  #readChoice(from: JsonObject, position: number): AnswerPiece[] {
    const choice = placeOf(from.Index, position);
    const written = objectAt(from, this.#holder);
    const pieces: AnswerPiece[] = [];
    const thought = stringOf(written.ReasoningContent) ?? "";
    if (thought !== "") {
      this.#thinking.add(choice);
      pieces.push({ type: "reasoning-delta", choice, text: thought });
    }
    const raw = stringOf(from.FinishReason) ?? "";
    const text = this.#trimmer.push(stringOf(written.Content) ?? "") + (raw === "" ? "" : this.#trimmer.end());
    const calls = listOf(written.ToolCalls);
    if ((text !== "" || calls.length > 0) && this.#thinking.delete(choice)) {
      pieces.push({ type: "reasoning-end", choice });
    }
    if (text !== "") pieces.push({ type: "text-delta", choice, text });
    for (const [at, call] of calls.entries()) if (isObject(call)) pieces.push(...this.#readCall(call, choice, at));
    if (raw !== "") {
      const reason = REASONS[raw] ?? "error";
      pieces.push({ type: "finish", choice, reason, ...(raw !== reason && { raw }) });
    }
    return pieces;
  }

  #readCall(call: JsonObject, choice: number, position: number): AnswerPiece[] {
    const index = this.#holder === "Delta" ? placeOf(call.Index, position) : position;
    const called = objectAt(call, "Function");
    const pieces: AnswerPiece[] = [];
    const key = `${choice} ${index}`;
    if (!this.#calls.has(key)) {
      this.#calls.add(key);
      const id = stringOf(call.Id) || toolCallId(this.#id, choice, index);
      pieces.push({ type: "tool-call-start", choice, index, id, name: stringOf(called.Name) ?? "" });
    }
    const text = argumentsOf(called.Arguments);
    if (text !== "") pieces.push({ type: "tool-call-delta", choice, index, text });
    return pieces;
  }
}

function startOf({ Id: id, Created: created }: JsonObject): AnswerPiece {
  return {
    type: "start",
    ...(typeof id === "string" && { id }),
    ...(typeof created === "number" && { created }),
  };
}

/** OpenAI's counts under other names; the cached ones may be spelled as a text. */
function usageOf(raw: unknown, operation: Operation): Usage | undefined {
  if (!isObject(raw)) return undefined;
  const { PromptTokens, CompletionTokens, TotalTokens } = raw;
  const details = objectAt(raw, "PromptTokensDetails");
  return readUsage(
    {
      prompt_tokens: PromptTokens,
      completion_tokens: CompletionTokens,
      total_tokens: TotalTokens,
      prompt_tokens_details: { cached_tokens: details.CachedTokens },
    },
    operation,
  ).usage;
}

function readEmbeddings(answer: JsonObject): AnswerPiece[] {
  const list = listOf(answer.Data);
  if (list.length === 0) throw strangeAnswer();
  const vectors = list.flatMap((item, position): AnswerPiece[] => {
    if (!isObject(item)) return [];
    const index = placeOf(item.Index, position);
    return [{ type: "embedding", index, vector: listOf(item.Embedding) as number[] }];
  });
  return [startOf(answer), ...vectors, { type: "usage", usage: usageOf(answer.Usage, "embeddings") }];
}
