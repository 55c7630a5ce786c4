import type { Behaviour, Counted } from "./upstream-behaviour.ts";

/** A chat request, as far as the simulated vendor looks into it. */
export interface ChatBody {
  readonly model: string;
  readonly messages?: readonly { readonly role: string; readonly content: unknown }[];
  readonly stream?: boolean;
  readonly stream_options?: { readonly include_usage?: boolean };
  readonly max_tokens?: number;
  readonly max_completion_tokens?: number;
  readonly n?: number;
  readonly logprobs?: boolean;
  readonly response_format?: { readonly type?: string };
  readonly tools?: readonly { readonly function: { readonly name: string } }[];
}

const WORDS = ["the ", "square ", "opens ", "at ", "dawn, ", "买单", "的", "人", "来", "了。", "é", "🙂 "];

/** The text of token `n` of an answer: words, and characters of two to four bytes. */
export function wordOf(n: number): string {
  return WORDS[n % WORDS.length]!;
}

/** One answer, decided in full before its first byte leaves. */
export interface Plan {
  readonly id: string;
  readonly body: ChatBody;
  readonly behaviour: Behaviour;
  readonly choices: number;
  /** Visible tokens of each choice. */
  readonly visible: number;
  readonly finish: "stop" | "length" | "tool_calls";
  readonly counted: Counted;
}

export function planAnswer(id: string, body: ChatBody, bytes: number, behaviour: Behaviour): Plan {
  const longest = body.max_completion_tokens ?? body.max_tokens ?? Number.POSITIVE_INFINITY;
  const reasoning = Math.min(behaviour.reasoningTokens ?? 0, longest);
  const wanted = behaviour.outputTokens ?? 20;
  const visible = Math.min(wanted, longest - reasoning);
  const choices = body.n ?? 1;
  const input = behaviour.inputTokens ?? Math.ceil(bytes / 4);
  const cachedInput = Math.min(input, behaviour.cachedInputTokens ?? 0);
  const callsTool = behaviour.callsTool === true && (body.tools?.length ?? 0) > 0;
  return {
    id,
    body,
    behaviour,
    choices,
    visible,
    finish: visible < wanted ? "length" : callsTool ? "tool_calls" : "stop",
    counted: { input: input - cachedInput, cachedInput, output: visible * choices, reasoning: reasoning * choices },
  };
}

/** The vendor's report, as OpenAI spells it: classes nested, not disjoint. */
export function usageOf(counted: Counted): object {
  const prompt = counted.input + counted.cachedInput;
  const completion = counted.output + counted.reasoning;
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: counted.cachedInput, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: counted.reasoning, audio_tokens: 0 },
  };
}

function textOf(plan: Plan): string {
  if (plan.body.response_format?.type?.startsWith("json")) return '{"city":"杭州","open":true}';
  let text = "";
  for (let n = 0; n < plan.visible; n++) text += wordOf(n);
  return text;
}

function toolCalls(plan: Plan): object[] {
  const name = plan.body.tools![0]!.function.name;
  return [{ id: `call_${plan.id}`, type: "function", function: { name, arguments: '{"city":"杭州"}' } }];
}

/** A buffered answer. Its field order is odd and a field is unknown to everybody, on purpose. */
export function bufferedAnswer(plan: Plan): Buffer {
  const choices = [];
  for (let index = 0; index < plan.choices; index++) {
    const message =
      plan.finish === "tool_calls"
        ? { role: "assistant", content: null, tool_calls: toolCalls(plan) }
        : { role: "assistant", content: textOf(plan), refusal: null };
    const logprobs = plan.body.logprobs
      ? { content: [{ token: "the ", logprob: -0.25, bytes: [116, 104, 101, 32], top_logprobs: [] }], refusal: null }
      : null;
    choices.push({ index, message, logprobs, finish_reason: plan.finish });
  }
  const usage = plan.behaviour.reportsUsage === false ? {} : { usage: usageOf(plan.counted) };
  const answer = {
    "x-unknown": { number: 1.0e2, list: [null, true] },
    object: "chat.completion",
    id: plan.id,
    created: 1_790_000_000,
    model: plan.body.model,
    choices,
    ...usage,
    system_fingerprint: "fp_simulator",
  };
  return Buffer.from(JSON.stringify(answer));
}

/** The events of a streamed answer, the end (`[DONE]`) included, and how many of each were the model's tokens. */
export interface StreamPiece {
  readonly bytes: Buffer;
  /** Visible tokens in this piece, over all choices. */
  readonly tokens: number;
}

export function streamedAnswer(plan: Plan): StreamPiece[] {
  const eol = plan.behaviour.lineEnding ?? "\n";
  const base = { id: plan.id, object: "chat.completion.chunk", created: 1_790_000_000, model: plan.body.model };
  const nothing = plan.behaviour.nullUsage ? { usage: null } : {};
  const event = (value: object | string, tokens: number): StreamPiece => {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    const comment = plan.behaviour.comments ? `: 注 keep-alive${eol}${eol}` : "";
    return { bytes: Buffer.from(`${comment}data: ${text}${eol}${eol}`), tokens };
  };
  const chunk = (index: number, delta: object, finish: string | null, tokens: number): StreamPiece => {
    const logprobs =
      plan.body.logprobs && tokens > 0
        ? { content: [{ token: "the ", logprob: -0.25, bytes: null, top_logprobs: [] }] }
        : null;
    return event({ ...base, choices: [{ index, delta, logprobs, finish_reason: finish }], ...nothing }, tokens);
  };
  const pieces: StreamPiece[] = [];
  for (let index = 0; index < plan.choices; index++)
    pieces.push(chunk(index, { role: "assistant", content: "" }, null, 0));
  const json = plan.body.response_format?.type?.startsWith("json") ?? false;
  for (let n = 0; n < plan.visible; n++) {
    for (let index = 0; index < plan.choices; index++) {
      if (plan.finish === "tool_calls") {
        if (n === 0)
          pieces.push(chunk(index, { tool_calls: toolCalls(plan).map((one) => ({ index: 0, ...one })) }, null, 1));
        continue;
      }
      pieces.push(chunk(index, { content: json ? (n === 0 ? textOf(plan) : "") : wordOf(n) }, null, 1));
    }
  }
  for (let index = 0; index < plan.choices; index++) pieces.push(chunk(index, {}, plan.finish, 0));
  if (plan.body.stream_options?.include_usage && plan.behaviour.reportsUsage !== false) {
    pieces.push(event({ ...base, choices: [], usage: usageOf(plan.counted) }, 0));
  }
  pieces.push(event("[DONE]", 0));
  return pieces;
}
