import { Fault } from "../../base/faults.ts";
import { randomId } from "../../base/ids.ts";
import { recordedWords as words } from "../../base/messages/transports.ts";
import { nearest } from "../../base/nearest.ts";
import type { PriceSetting } from "../../config/settings.ts";
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
import { countPieces, firstPieces } from "../inside/pieces.ts";
import { type Question, readQuestion, UnreadableRequest } from "../inside/question.ts";
import type { Transport, WireRequest } from "../spec.ts";
import { VendorFault, type VendorFaultOptions } from "../vendor-fault.ts";
import { Recordings } from "./recordings.ts";
import { readSuites, type Suite, type SuiteModel } from "./suite.ts";

/** A model whose real answers were recorded. */
export interface RecordedModel {
  /** `<suite>/<vendor>__<model>`: the name in requests. */
  readonly id: string;
  readonly suite: string;
  readonly suiteName: string;
  readonly vendor: string;
  readonly model: string;
  /** As of the time of the recording, where the suite has it. */
  readonly price: PriceSetting | undefined;
}

export interface Recorded {
  readonly models: readonly RecordedModel[];
  readonly transport: Transport;
}

/**
 * Opens a folder of suites (each with `suite.json`, `prompts.jsonl`, `answers/<vendor>__<model>.jsonl`). The transport
 * speaks protocol `openai` (chat and `GET /models`) and answers the exact prompt of a suite, taken from the last user
 * message, with what the model answered when it was recorded. Prompts and answers are read when first asked for.
 *
 * Tokens were not recorded: they are counted by `inside/pieces.ts`, and the usage object says so by `"estimated": true`.
 * `max_tokens` cuts an answer as it would a real one's.
 *
 * Throws `invalid_request`, naming file and field, where the folder or a `suite.json` is not as it should be.
 */
export async function openRecorded(folder: string): Promise<Recorded> {
  const suites = await readSuites(folder);
  const library = new Library(suites);
  return { models: library.list(), transport: new InsideTransport("recorded", (request) => library.answer(request)) };
}

class Library {
  readonly #recordings = new Recordings();
  readonly #models = new Map<string, { readonly suite: Suite; readonly model: SuiteModel }>();
  readonly #created = Math.floor(Date.now() / 1000);
  readonly #idPrefix = randomId("recorded");
  #requests = 0;

  constructor(suites: readonly Suite[]) {
    for (const suite of suites) {
      for (const model of suite.models)
        this.#models.set(`${suite.id}/${model.vendor}__${model.model}`, { suite, model });
    }
  }

  list(): RecordedModel[] {
    return [...this.#models].map(([id, { suite, model }]) => ({
      id,
      suite: suite.id,
      suiteName: suite.name,
      vendor: model.vendor,
      model: model.model,
      price: model.price,
    }));
  }

  answer(request: WireRequest): Script | Promise<Script> {
    const path = request.path.split("?", 1)[0]!;
    if (request.method === "GET" && path.endsWith("/models")) return this.#listModels();
    if (!path.endsWith("/chat/completions")) throw refusal("not_found", 404, words.unsupported(path.slice(0, 200)));
    return this.#chat(request.body);
  }

  #listModels(): Script {
    const rows = [...this.#models].map(([id, { model }]) => ({
      id,
      object: "model",
      created: this.#created,
      owned_by: model.vendor,
    }));
    return new BodyScript(Buffer.from(JSON.stringify({ object: "list", data: rows })));
  }

  async #chat(body: Buffer): Promise<Script> {
    const question = read(body);
    const text = await this.#look(question).catch((error: unknown) => {
      // A file that is not as it should be is the endpoint's fault, not the client's.
      if (!(error instanceof Fault) || error instanceof VendorFault) throw error;
      throw refusal("server_error", 500, error.text, { cause: error });
    });
    return this.#write(question, text);
  }

  async #look(question: Question): Promise<string> {
    const found = this.#models.get(question.model);
    if (!found) {
      const names = nearest(question.model, this.#models.keys());
      throw refusal("not_found", 404, words.unknownModel(question.model.slice(0, 200), names), { param: "model" });
    }
    const { suite, model } = found;
    if (question.lastUserText === undefined) {
      throw refusal("invalid_request", 400, words.noPrompt(), { param: "messages" });
    }
    const ids = await this.#recordings.findPrompts(suite, question.lastUserText);
    for (const id of ids) {
      const answer = await this.#recordings.findAnswer(suite, model.file, id);
      if (answer !== undefined) return answer;
    }
    const options = { vendorCode: "prompt_not_recorded", param: "messages" };
    if (ids.length === 0) throw refusal("not_found", 404, words.unknownPrompt(suite.id), options);
    throw refusal("not_found", 404, words.promptNotAnswered(question.model, suite.id, ids[0]!), options);
  }

  #write(question: Question, recorded: string): Script {
    this.#requests += 1;
    const id = `${this.#idPrefix}-${this.#requests}`;
    const most = question.maxTokens ?? Number.POSITIVE_INFINITY;
    const { text, tokens } =
      most === Number.POSITIVE_INFINITY
        ? { text: recorded, tokens: countPieces(recorded) }
        : firstPieces(recorded, most);
    const answer: ChatAnswer = {
      id: `chatcmpl-${id}`,
      created: Math.floor(Date.now() / 1000),
      model: question.model,
      choices: question.choices,
      reasoning: "",
      output: text,
      tool: undefined,
      finish: text.length < recorded.length ? "length" : "stop",
      usage: writeUsage({
        input: question.inputTokens,
        cachedInput: 0,
        output: tokens * question.choices,
        reasoning: 0,
        estimated: true,
      }),
    };
    if (!question.stream) {
      return new BodyScript(writeAnswer(answer), { headers: { ...JSON_HEADERS, "x-request-id": id } });
    }
    const stream = new ChatStream(answer, { includeUsage: question.includeUsage, paced: false });
    return {
      head: { status: 200, headers: { ...STREAM_HEADERS, "x-request-id": id } },
      firstByteMs: 0,
      betweenChunksMs: 0,
      next: () => stream.next(),
      get ended() {
        return stream.ended;
      },
    };
  }
}

function read(body: Buffer): Question {
  try {
    return readQuestion(body);
  } catch (error) {
    if (!(error instanceof UnreadableRequest)) throw error;
    const param = error.param === undefined ? {} : { param: error.param };
    throw refusal("invalid_request", 400, words.unreadable(error.message), param);
  }
}

function refusal(
  errorClass: "not_found" | "invalid_request" | "server_error",
  vendorStatus: number,
  text: VendorFault["text"],
  options: Partial<VendorFaultOptions> = {},
): VendorFault {
  return new VendorFault(text, { ...options, errorClass, charged: "nothing", vendorStatus });
}
