import { randomId } from "../../base/ids.ts";
import type { ModelSetting, PracticeSetting } from "../../config/settings.ts";
import { BodyScript } from "../inside/body-script.ts";
import {
  type ChatAnswer,
  ChatStream,
  JSON_HEADERS,
  STREAM_HEADERS,
  writeAnswer,
  writeUsage,
} from "../inside/chat-answer.ts";
import type { Script } from "../inside/delivery.ts";
import { InsideTransport } from "../inside/inside-transport.ts";
import { type Question, readQuestion, UnreadableRequest } from "../inside/question.ts";
import type { Transport, WireRequest } from "../spec.ts";
import { FailureDraw, type Saying, say } from "./behaviour.ts";
import { readEmbeddings, writeEmbeddings } from "./embeddings.ts";
import { brokenOff, fail, refuseModel, refusePath, refuseUnreadable } from "./failures.ts";
import { readImageOrder, writeImages } from "./images.ts";
import { type Served, ServedCount, type ServedUsage } from "./served.ts";

export interface PracticeOptions {
  /** Which calls fail is drawn from this: the same seed, the same calls in the order in which they arrive. Default `practice`. */
  readonly seed?: string | undefined;
  /** How many of the latest answers `served()` lists one by one. Default 0: only sums. */
  readonly keepAnswers?: number | undefined;
}

export interface PracticeTransport extends Transport {
  /** What it has served until now. */
  served(): Served;
}

/** Longer answers (all choices together) are refused: about 16 MiB of text. */
const MOST_ANSWER_TOKENS = 4_000_000;

/**
 * A vendor inside this process that speaks protocol `openai`: chat (buffered and streamed), embeddings, `GET /models`.
 * It is for trying, testing and load, and never shown as a real vendor.
 *
 * It counts by the tokens of `inside/pieces.ts`: 3 a request, 3 a message, its texts, 64 an image, and the JSON of tools
 * and tool calls. `max_tokens` and `max_completion_tokens` cut the answer, reasoning included. What it serves is what
 * it generated: a stream that is aborted or cut, up to there; a buffered answer, in full once it is begun. Failures
 * `error`, `rate_limit`, `overloaded`, `reset`, `hang` and `garbage` serve nothing.
 *
 * @param models by the name that requests carry (`upstream`, else `id`)
 */
export function practiceTransport(models: readonly ModelSetting[], options: PracticeOptions = {}): PracticeTransport {
  const vendor = new PracticeVendor(models, options);
  const transport = new InsideTransport("practice", (request) => vendor.answer(request));
  return {
    send: (request, sink, bounds) => transport.send(request, sink, bounds),
    close: () => transport.close(),
    served: () => vendor.served(),
  };
}

interface PracticeModel {
  readonly name: string;
  readonly setting: PracticeSetting;
  readonly maxOutputTokens: number | undefined;
  readonly draw: FailureDraw;
}

class PracticeVendor {
  readonly #models = new Map<string, PracticeModel>();
  readonly #served: ServedCount;
  readonly #idPrefix = randomId("practice");
  readonly #created = Math.floor(Date.now() / 1000);
  #requests = 0;

  constructor(models: readonly ModelSetting[], options: PracticeOptions) {
    this.#served = new ServedCount(options.keepAnswers ?? 0);
    for (const { id, upstream, practice, maxOutputTokens } of models) {
      const name = upstream ?? id;
      const draw = new FailureDraw(practice ?? {}, `${options.seed ?? "practice"}/${name}`);
      this.#models.set(name, { name, setting: practice ?? {}, maxOutputTokens, draw });
    }
  }

  served(): Served {
    return this.#served.read();
  }

  answer(request: WireRequest): Script {
    const path = request.path.split("?", 1)[0]!;
    try {
      if (request.method === "GET" && path.endsWith("/models")) return this.#listModels();
      if (request.method === "POST" && path.endsWith("/chat/completions")) return this.#chat(request.body);
      if (request.method === "POST" && path.endsWith("/embeddings")) return this.#embeddings(request.body);
      if (request.method === "POST" && path.endsWith("/images/generations")) return this.#images(request.body);
    } catch (error) {
      if (!(error instanceof UnreadableRequest)) throw error;
      return refuseUnreadable(error.message, error.param);
    }
    return refusePath(path);
  }

  #listModels(): Script {
    const rows = [...this.#models.keys()].map(
      (name) => `{"id":${JSON.stringify(name)},"object":"model","created":${this.#created},"owned_by":"practice"}`,
    );
    return new BodyScript(Buffer.from(`{"object":"list","data":[${rows.join(",")}]}`));
  }

  #chat(body: Buffer): Script {
    const question = readQuestion(body);
    const model = this.#models.get(question.model);
    if (!model) return refuseModel(question.model);
    const failure = model.draw.next();
    if (failure && failure !== "cut") {
      return fail(failure, model.name, question.stream, model.setting.firstByteMs ?? 0);
    }
    const saying = say(model.setting, question, model.maxOutputTokens);
    if ((saying.outputTokens + saying.reasoningTokens) * question.choices > MOST_ANSWER_TOKENS) {
      throw new UnreadableRequest(`n answers of this length are more than ${MOST_ANSWER_TOKENS} tokens`, "n");
    }
    const cut = failure === "cut";
    return question.stream ? this.#stream(model, question, saying, cut) : this.#buffered(model, question, saying, cut);
  }

  #buffered(model: PracticeModel, question: Question, saying: Saying, cut: boolean): Script {
    const id = this.#nextId();
    const usage = countUsage(model, question, saying);
    return this.#body(model, id, writeAnswer(writeChat(id, model, question, saying)), usage, cut);
  }

  #embeddings(body: Buffer): Script {
    const question = readEmbeddings(body);
    const model = this.#models.get(question.model);
    if (!model) return refuseModel(question.model);
    const failure = model.draw.next();
    if (failure && failure !== "cut") return fail(failure, model.name, false, model.setting.firstByteMs ?? 0);
    const usage = { input: question.inputTokens, cachedInput: 0, output: 0, reasoning: 0 };
    const whole = writeEmbeddings(question, model.setting.usage !== false);
    return this.#body(model, this.#nextId(), whole, usage, failure === "cut");
  }

  /** The same small picture, as often as it was ordered. */
  #images(body: Buffer): Script {
    const order = readImageOrder(body);
    const model = this.#models.get(order.model);
    if (!model) return refuseModel(order.model);
    const failure = model.draw.next();
    if (failure && failure !== "cut") return fail(failure, model.name, false, model.setting.firstByteMs ?? 0);
    const usage = { input: 0, cachedInput: 0, output: 0, reasoning: 0 };
    return this.#body(model, this.#nextId(), writeImages(order, this.#created), usage, failure === "cut");
  }

  #body(model: PracticeModel, id: string, whole: Buffer, usage: ServedUsage, cut: boolean): Script {
    return new BodyScript(cut ? whole.subarray(0, whole.length >> 1) : whole, {
      headers: { ...JSON_HEADERS, "x-request-id": id },
      firstByteMs: model.setting.firstByteMs,
      fault: cut ? brokenOff() : undefined,
      onSent: (aborted) => this.#served.add({ id, model: model.name, ended: nameEnd(aborted, cut), ...usage }),
    });
  }

  #stream(model: PracticeModel, question: Question, saying: Saying, cut: boolean): Script {
    const id = this.#nextId();
    const { firstByteMs = 0, betweenChunksMs = 0 } = model.setting;
    const tokens = saying.outputTokens + saying.reasoningTokens;
    const stream = new ChatStream(writeChat(id, model, question, saying), {
      includeUsage: question.includeUsage,
      paced: betweenChunksMs > 0,
      mostTokens: cut ? tokens >> 1 : undefined,
    });
    let begun = false;
    return {
      head: { status: 200, headers: { ...STREAM_HEADERS, "x-request-id": id } },
      firstByteMs,
      betweenChunksMs,
      next: () => {
        begun = true;
        return stream.next();
      },
      get ended() {
        return stream.ended;
      },
      fault: cut ? brokenOff() : undefined,
      close: (aborted) => {
        if (!begun) return;
        const usage = countUsage(model, question, stream);
        this.#served.add({ id, model: model.name, ended: nameEnd(aborted, cut), ...usage });
      },
    };
  }

  #nextId(): string {
    this.#requests += 1;
    return `${this.#idPrefix}-${this.#requests}`;
  }
}

const nameEnd = (aborted: boolean, cut: boolean) => (aborted ? "aborted" : cut ? "cut" : "whole");

/** @param each tokens of one choice */
function countUsage(
  model: PracticeModel,
  question: Question,
  each: { readonly outputTokens: number; readonly reasoningTokens: number },
): ServedUsage {
  const cachedInput = Math.min(model.setting.cachedInputTokens ?? 0, question.inputTokens);
  return {
    input: question.inputTokens - cachedInput,
    cachedInput,
    output: each.outputTokens * question.choices,
    reasoning: each.reasoningTokens * question.choices,
  };
}

function writeChat(id: string, model: PracticeModel, question: Question, saying: Saying): ChatAnswer {
  const usage = countUsage(model, question, saying);
  return {
    id: `chatcmpl-${id}`,
    created: Math.floor(Date.now() / 1000),
    model: model.name,
    choices: question.choices,
    reasoning: saying.reasoning,
    output: saying.output,
    tool: saying.tool,
    finish: saying.finish,
    usage: model.setting.usage === false ? undefined : writeUsage({ ...usage, input: question.inputTokens }),
  };
}
