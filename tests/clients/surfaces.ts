import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { send } from "../harness/requests.ts";

/** A conversation as every surface can say it, and what came back. */
export interface Turn {
  readonly role: "user" | "assistant" | "tool";
  readonly text?: string;
  readonly calls?: readonly Call[];
  /** Of a tool's result: the call that it answers. */
  readonly callId?: string;
  /** A picture beside the text: base64 of a PNG. */
  readonly image?: string;
}

export interface Call {
  readonly id: string;
  readonly name: string;
  /** JSON text. */
  readonly arguments: string;
}

export interface Asked {
  readonly model: string;
  readonly system?: string;
  readonly turns: readonly Turn[];
  /** Names of tools that take a city and days. */
  readonly tools?: readonly string[];
  readonly maxTokens?: number;
  readonly stop?: readonly string[];
}

export interface Answered {
  readonly text: string;
  readonly reasoning: string;
  readonly calls: readonly Call[];
  readonly finish: "stop" | "length" | "tool_calls" | "content_filter";
  readonly inputTokens: number | undefined;
  readonly outputTokens: number | undefined;
  /** The call's id in the ledger. */
  readonly call: string;
}

/** One way of asking Maidan, by a client that nobody here wrote. */
export interface Surface {
  readonly name: string;
  ask(asked: Asked, stream: boolean): Promise<Answered>;
}

export function surfacesOf(address: string, key: string): readonly Surface[] {
  const openai = new OpenAI({ apiKey: key, baseURL: `${address}/v1`, maxRetries: 0 });
  const anthropic = new Anthropic({ apiKey: key, baseURL: address, maxRetries: 0 });
  return [
    { name: "chat", ask: (asked, stream) => askChat(openai, asked, stream) },
    { name: "responses", ask: (asked, stream) => askResponses(openai, asked, stream) },
    { name: "messages", ask: (asked, stream) => askMessages(anthropic, asked, stream) },
  ];
}

export const TOOL_SCHEMA = {
  type: "object" as const,
  properties: { city: { type: "string" }, days: { type: "integer" } },
};

async function askChat(client: OpenAI, asked: Asked, stream: boolean): Promise<Answered> {
  const body: OpenAI.ChatCompletionCreateParamsNonStreaming = {
    model: asked.model,
    messages: [
      ...(asked.system === undefined ? [] : [{ role: "system" as const, content: asked.system }]),
      ...asked.turns.map(chatMessage),
    ],
    ...(asked.tools && {
      tools: asked.tools.map((name) => ({
        type: "function" as const,
        function: { name, description: "weather", parameters: TOOL_SCHEMA },
      })),
    }),
    ...(asked.maxTokens !== undefined && { max_tokens: asked.maxTokens }),
    ...(asked.stop && { stop: [...asked.stop] }),
  };
  if (stream) {
    const options = { ...body, stream: true as const, stream_options: { include_usage: true } };
    const { data, response } = await client.chat.completions.create(options).withResponse();
    return gatherChunks(data, response);
  }
  const { data, response } = await client.chat.completions.create(body).withResponse();
  const [choice] = data.choices;
  const message = choice!.message as OpenAI.ChatCompletionMessage & { reasoning_content?: string };
  return {
    text: message.content ?? "",
    reasoning: message.reasoning_content ?? "",
    calls: (message.tool_calls ?? []).map((call) => ({
      ...(call as OpenAI.ChatCompletionMessageFunctionToolCall).function,
      id: call.id,
    })),
    finish: choice!.finish_reason as Answered["finish"],
    inputTokens: data.usage?.prompt_tokens,
    outputTokens: data.usage?.completion_tokens,
    call: response.headers.get("x-maidan-call")!,
  };
}

function chatMessage(turn: Turn): OpenAI.ChatCompletionMessageParam {
  if (turn.role === "tool") return { role: "tool", tool_call_id: turn.callId!, content: turn.text! };
  if (turn.role === "assistant") {
    const calls = turn.calls?.map(({ id, name, arguments: given }) => ({
      id,
      type: "function" as const,
      function: { name, arguments: given },
    }));
    return { role: "assistant", content: turn.text ?? null, ...(calls && calls.length > 0 && { tool_calls: calls }) };
  }
  if (turn.image === undefined) return { role: "user", content: turn.text! };
  return {
    role: "user",
    content: [
      { type: "text", text: turn.text! },
      { type: "image_url", image_url: { url: `data:image/png;base64,${turn.image}` } },
    ],
  };
}

async function gatherChunks(chunks: AsyncIterable<OpenAI.ChatCompletionChunk>, response: Response): Promise<Answered> {
  let text = "";
  let reasoning = "";
  let finish = "";
  let usage: OpenAI.CompletionUsage | null | undefined;
  const calls: { id: string; name: string; arguments: string }[] = [];
  for await (const chunk of chunks) {
    usage = chunk.usage ?? usage;
    const [choice] = chunk.choices;
    if (!choice) continue;
    const delta = choice.delta as typeof choice.delta & { reasoning_content?: string };
    text += delta.content ?? "";
    reasoning += delta.reasoning_content ?? "";
    for (const call of delta.tool_calls ?? []) {
      calls[call.index] ??= { id: call.id!, name: call.function!.name!, arguments: "" };
      calls[call.index]!.arguments += call.function?.arguments ?? "";
    }
    finish = choice.finish_reason ?? finish;
  }
  return {
    text,
    reasoning,
    calls,
    finish: finish as Answered["finish"],
    inputTokens: usage?.prompt_tokens,
    outputTokens: usage?.completion_tokens,
    call: response.headers.get("x-maidan-call")!,
  };
}

async function askResponses(client: OpenAI, asked: Asked, stream: boolean): Promise<Answered> {
  const body: OpenAI.Responses.ResponseCreateParamsNonStreaming = {
    model: asked.model,
    store: false,
    ...(asked.system !== undefined && { instructions: asked.system }),
    input: asked.turns.flatMap(responseItems),
    ...(asked.tools && {
      tools: asked.tools.map((name) => ({
        type: "function" as const,
        name,
        description: "weather",
        parameters: TOOL_SCHEMA,
        strict: false,
      })),
    }),
    ...(asked.maxTokens !== undefined && { max_output_tokens: asked.maxTokens }),
  };
  if (!stream) {
    const { data, response } = await client.responses.create(body).withResponse();
    return answeredByResponse(data, response);
  }
  const { data: events, response } = await client.responses.create({ ...body, stream: true }).withResponse();
  let last: OpenAI.Responses.Response | undefined;
  let text = "";
  for await (const event of events) {
    if (event.type === "response.output_text.delta") text += event.delta;
    if (event.type === "response.completed" || event.type === "response.incomplete") last = event.response;
    if (event.type === "response.failed") throw new Error(JSON.stringify(event.response.error));
    if (event.type === "error") throw new Error(event.message);
  }
  const answered = answeredByResponse(last!, response);
  if (answered.text !== text) throw new Error(`streamed "${text}", in the end "${answered.text}"`);
  return answered;
}

function responseItems(turn: Turn): OpenAI.Responses.ResponseInputItem[] {
  if (turn.role === "tool") return [{ type: "function_call_output", call_id: turn.callId!, output: turn.text! }];
  if (turn.role === "assistant") {
    const said = turn.text ? [{ role: "assistant" as const, content: turn.text }] : [];
    const calls = (turn.calls ?? []).map(({ id, name, arguments: given }) => ({
      type: "function_call" as const,
      call_id: id,
      name,
      arguments: given,
    }));
    return [...said, ...calls];
  }
  if (turn.image === undefined) return [{ role: "user", content: turn.text! }];
  return [
    {
      role: "user",
      content: [
        { type: "input_text", text: turn.text! },
        { type: "input_image", image_url: `data:image/png;base64,${turn.image}`, detail: "auto" },
      ],
    },
  ];
}

function answeredByResponse(data: OpenAI.Responses.Response, response: Response): Answered {
  const calls = data.output.flatMap((item) =>
    item.type === "function_call" ? [{ id: item.call_id, name: item.name, arguments: item.arguments }] : [],
  );
  const messages = data.output.flatMap((item) => (item.type === "message" ? item.content : []));
  const reasoning = data.output.flatMap((item) => (item.type === "reasoning" ? item.summary : []));
  const reason = data.incomplete_details?.reason;
  return {
    text: messages.map((part) => (part.type === "output_text" ? part.text : part.refusal)).join(""),
    reasoning: reasoning.map((part) => part.text).join(""),
    calls,
    finish:
      reason === "max_output_tokens"
        ? "length"
        : reason === "content_filter"
          ? "content_filter"
          : calls.length > 0
            ? "tool_calls"
            : "stop",
    inputTokens: data.usage?.input_tokens,
    outputTokens: data.usage?.output_tokens,
    call: response.headers.get("x-maidan-call")!,
  };
}

const STOP_REASONS: Readonly<Record<string, Answered["finish"]>> = {
  end_turn: "stop",
  stop_sequence: "stop",
  max_tokens: "length",
  tool_use: "tool_calls",
  refusal: "content_filter",
};

async function askMessages(client: Anthropic, asked: Asked, stream: boolean): Promise<Answered> {
  const body: Anthropic.MessageCreateParamsNonStreaming = {
    model: asked.model,
    max_tokens: asked.maxTokens ?? 4_000,
    ...(asked.system !== undefined && { system: asked.system }),
    messages: anthropicMessages(asked.turns),
    ...(asked.tools && {
      tools: asked.tools.map((name) => ({ name, description: "weather", input_schema: TOOL_SCHEMA })),
    }),
    ...(asked.stop && { stop_sequences: [...asked.stop] }),
  };
  let message: Anthropic.Message;
  let call: string;
  if (stream) {
    const { data: helper, response } = await client.messages.stream(body).withResponse();
    message = await helper.finalMessage();
    call = response.headers.get("x-maidan-call")!;
  } else {
    const { data, response } = await client.messages.create(body).withResponse();
    message = data;
    call = response.headers.get("x-maidan-call")!;
  }
  const { usage } = message;
  return {
    text: message.content.map((block) => (block.type === "text" ? block.text : "")).join(""),
    reasoning: message.content.map((block) => (block.type === "thinking" ? block.thinking : "")).join(""),
    calls: message.content.flatMap((block) =>
      block.type === "tool_use" ? [{ id: block.id, name: block.name, arguments: JSON.stringify(block.input) }] : [],
    ),
    finish: STOP_REASONS[message.stop_reason!]!,
    inputTokens: usage.input_tokens + (usage.cache_read_input_tokens ?? 0) + (usage.cache_creation_input_tokens ?? 0),
    outputTokens: usage.output_tokens,
    call,
  };
}

/** Results of tools go into one user turn, as this protocol has it. */
function anthropicMessages(turns: readonly Turn[]): Anthropic.MessageParam[] {
  const messages: Anthropic.MessageParam[] = [];
  for (const turn of turns) {
    if (turn.role === "tool") {
      const result = { type: "tool_result" as const, tool_use_id: turn.callId!, content: turn.text! };
      const last = messages.at(-1);
      if (last?.role === "user" && Array.isArray(last.content)) last.content.push(result);
      else messages.push({ role: "user", content: [result] });
    } else if (turn.role === "assistant") {
      const said = turn.text ? [{ type: "text" as const, text: turn.text }] : [];
      const calls = (turn.calls ?? []).map(({ id, name, arguments: given }) => ({
        type: "tool_use" as const,
        id,
        name,
        input: JSON.parse(given || "{}") as object,
      }));
      messages.push({ role: "assistant", content: [...said, ...calls] });
    } else if (turn.image === undefined) {
      messages.push({ role: "user", content: turn.text! });
    } else {
      messages.push({
        role: "user",
        content: [
          { type: "text", text: turn.text! },
          { type: "image", source: { type: "base64", media_type: "image/png", data: turn.image } },
        ],
      });
    }
  }
  return messages;
}

/** A request in OpenAI's chat protocol, as bytes: for what official clients hide. */
export function askRaw(address: string, key: string, body: object, headers: Record<string, string> = {}) {
  return send(`${address}/v1/chat/completions`, { body, headers: { authorization: `Bearer ${key}`, ...headers } });
}
