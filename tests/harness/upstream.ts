import { closeSync, openSync, writeSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { performance } from "node:perf_hooks";
import { bufferedAnswer, type ChatBody, type Plan, planAnswer, streamedAnswer } from "./upstream-answers.ts";
import type { Behaviour, Counted, ExchangedBytes, Simulate, TallyRow, UpstreamOptions } from "./upstream-behaviour.ts";

const KEPT_EXCHANGES = 400;
const KEPT_ROWS = 2_000_000;
const NOTHING: Counted = { input: 0, cachedInput: 0, output: 0, reasoning: 0 };

/**
 * A vendor that speaks OpenAI's protocol over real sockets, and keeps books of what it served: the judge by which the
 * gateway's ledger is measured. It knows nothing of the gateway.
 */
export class Upstream {
  readonly server: Server;
  readonly #models = new Map<string, Behaviour>();
  readonly #failed = new Map<string, number>();
  readonly #rows: TallyRow[] = [];
  readonly #exchanges = new Map<string, ExchangedBytes>();
  readonly #apiKey: string | undefined;
  readonly #file: number | undefined;
  #requests = 0;

  constructor(options: UpstreamOptions = {}) {
    for (const [model, behaviour] of Object.entries(options.models ?? {})) this.#models.set(model, behaviour);
    this.#apiKey = options.apiKey;
    this.#file = options.tallyFile === undefined ? undefined : openSync(options.tallyFile, "a");
    this.server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
      this.#receive(request, response).catch((cause) => response.destroy(cause));
    });
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
    if (this.#file !== undefined) closeSync(this.#file);
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return; // the client went away before it had asked for anything
    }
    const body = Buffer.concat(chunks);
    const path = request.url ?? "/";
    if (path.startsWith("/_/")) this.#control(path, body, response);
    else if (this.#apiKey && request.headers.authorization !== `Bearer ${this.#apiKey}`) {
      sendJson(response, 401, {
        error: { message: "Incorrect API key provided", type: "invalid_request_error", code: "invalid_api_key" },
      });
    } else if (path === "/v1/models") sendJson(response, 200, { object: "list", data: this.#modelList() });
    else if (path === "/v1/embeddings") this.#embed(request, body, response);
    else if (path === "/v1/chat/completions") this.#chat(request, body, response);
    else
      sendJson(response, 404, {
        error: { message: `no such path ${path}`, type: "invalid_request_error", code: null },
      });
  }

  #modelList(): object[] {
    return [...this.#models.keys()].map((id) => ({ id, object: "model", owned_by: "simulator" }));
  }

  #control(path: string, body: Buffer, response: ServerResponse): void {
    const url = new URL(path, "http://upstream");
    if (url.pathname === "/_/tally") sendJson(response, 200, this.#rows);
    else if (url.pathname === "/_/exchange") {
      sendJson(response, 200, this.#exchanges.get(url.searchParams.get("tag") ?? "") ?? null);
    } else if (url.pathname === "/_/behave") {
      const { model, behaviour } = JSON.parse(body.toString()) as { model: string; behaviour: Behaviour };
      this.#models.set(model, behaviour);
      this.#failed.delete(model);
      sendJson(response, 200, {});
    } else sendJson(response, 404, {});
  }

  /** Writes the row into the books, over an earlier one of the same request. */
  #write(row: TallyRow, place?: number): number {
    if (this.#file !== undefined) writeSync(this.#file, `${JSON.stringify(row)}\n`);
    if (place !== undefined) {
      this.#rows[place] = row;
      return place;
    }
    if (this.#rows.length >= KEPT_ROWS) throw new Error("the simulated vendor's books are full");
    return this.#rows.push(row) - 1;
  }

  #keep(tag: string | undefined, request: IncomingMessage, body: Buffer, answer: Buffer): void {
    if (tag === undefined) return;
    if (this.#exchanges.size >= KEPT_EXCHANGES) this.#exchanges.delete(this.#exchanges.keys().next().value!);
    this.#exchanges.set(tag, {
      path: request.url ?? "/",
      headers: request.headers,
      request: body.toString("base64"),
      answer: answer.toString("base64"),
    });
  }

  #embed(request: IncomingMessage, body: Buffer, response: ServerResponse): void {
    const { model, input, encoding_format, simulate } = JSON.parse(body.toString()) as {
      model: string;
      input: unknown;
      encoding_format?: string;
      simulate?: Simulate;
    };
    const id = this.#nextId();
    const inputs = Array.isArray(input) && typeof input[0] !== "number" ? input.length : 1;
    const vector = Float32Array.from([0.25, -0.5, 0.125]);
    const embedding = encoding_format === "base64" ? Buffer.from(vector.buffer).toString("base64") : [...vector];
    const tokens = Math.ceil(body.length / 4);
    const answer = Buffer.from(
      JSON.stringify({
        object: "list",
        data: Array.from({ length: inputs }, (_, index) => ({ object: "embedding", index, embedding })),
        model,
        usage: { prompt_tokens: tokens, total_tokens: tokens },
      }),
    );
    this.#keep(simulate?.tag, request, body, answer);
    this.#write({
      id,
      model,
      tag: simulate?.tag,
      stream: false,
      state: "served",
      billed: { ...NOTHING, input: tokens },
      at: performance.now(),
    });
    sendBytes(response, 200, id, answer);
  }

  #nextId(): string {
    this.#requests += 1;
    return `up-${process.pid}-${this.#requests}`;
  }

  #chat(request: IncomingMessage, body: Buffer, response: ServerResponse): void {
    const parsed = JSON.parse(body.toString()) as ChatBody & { simulate?: Simulate };
    const { tag, ...own } = parsed.simulate ?? {};
    const behaviour: Behaviour = { ...(this.#models.get(parsed.model) ?? this.#models.get("*")), ...own };
    const id = this.#nextId();
    const plan = planAnswer(id, parsed, body.length, behaviour);
    const row: TallyRow = {
      id,
      model: parsed.model,
      tag,
      stream: parsed.stream === true,
      state: "running",
      billed: undefined,
      at: performance.now(),
    };
    const answering: Answering = {
      plan,
      response,
      place: this.#write(row),
      row,
      close: (state, billed) => this.#write({ ...row, state, billed }, answering.place),
      keep: (answer) => this.#keep(tag, request, body, answer),
    };
    const failure = this.#failure(parsed.model, behaviour);
    const answer = () => {
      if (failure) fail(answering, failure);
      else if (row.stream) stream(answering);
      else buffer(answering);
    };
    if (behaviour.firstByteMs) setTimeout(answer, behaviour.firstByteMs);
    else answer();
  }

  #failure(model: string, behaviour: Behaviour): Behaviour["failure"] {
    if (!behaviour.failure || behaviour.failures === undefined) return behaviour.failure;
    const failed = this.#failed.get(model) ?? 0;
    this.#failed.set(model, failed + 1);
    return failed < behaviour.failures ? behaviour.failure : undefined;
  }
}

/** A request on its way to its answer. */
interface Answering {
  readonly plan: Plan;
  readonly response: ServerResponse;
  readonly row: TallyRow;
  readonly place: number;
  close(state: TallyRow["state"], billed: Counted | undefined): void;
  keep(answer: Buffer): void;
}

/** A buffered answer is generated to its end and billed, whether or not the client waits for it. */
function buffer(answering: Answering): void {
  const { plan, response } = answering;
  const answer = bufferedAnswer(plan);
  answering.close("served", plan.counted);
  answering.keep(answer);
  if (!response.destroyed) sendBytes(response, 200, plan.id, answer);
}

/** Streams piece by piece. A client that closes early is billed by the rule; `stopAt` ends before that piece. */
function stream(answering: Answering, stopAt?: number, atStop?: () => void): void {
  const { plan, response, close } = answering;
  const pieces = streamedAnswer(plan);
  answering.keep(Buffer.concat(pieces.map((piece) => piece.bytes)));
  let next = 0;
  let tokens = 0;
  let over = false;
  response.on("close", () => {
    if (over) return;
    over = true;
    const generated = { ...plan.counted, output: tokens };
    close("aborted", plan.behaviour.billsOnAbort === "full" ? plan.counted : generated);
  });
  if (response.destroyed) {
    response.emit("close");
    return;
  }
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "x-request-id": plan.id });
  const step = (): void => {
    if (over) return;
    const pause = plan.behaviour.betweenChunksMs;
    const upTo = pause ? next + 1 : pieces.length;
    const batch: Buffer[] = [];
    for (; next < upTo && next < pieces.length; next++) {
      if (next === stopAt) {
        over = true;
        if (batch.length > 0) response.write(Buffer.concat(batch));
        close("broken", { ...plan.counted, output: tokens });
        atStop?.();
        return;
      }
      tokens += pieces[next]!.tokens;
      batch.push(pieces[next]!.bytes);
    }
    if (next === pieces.length) {
      over = true;
      close("served", plan.counted);
      response.end(Buffer.concat(batch));
      return;
    }
    response.write(Buffer.concat(batch));
    setTimeout(step, pause);
  };
  step();
}

const REFUSALS: Partial<Record<NonNullable<Behaviour["failure"]>, readonly [number, string, string]>> = {
  error: [500, "server_error", "The server had an error while processing your request"],
  rate_limit: [429, "rate_limit_exceeded", "Rate limit reached for requests"],
  overloaded: [503, "overloaded", "The engine is currently overloaded"],
  unauthorized: [401, "invalid_api_key", "Incorrect API key provided: sk-sec********cret"],
  bad_request: [400, "unsupported_value", "Unsupported value: 'temperature' does not support 9"],
};

function fail(answering: Answering, failure: NonNullable<Behaviour["failure"]>): void {
  const { plan, response, close } = answering;
  const refusal = REFUSALS[failure];
  if (refusal) {
    const [status, code, message] = refusal;
    close("refused", undefined);
    const seconds = plan.behaviour.retryAfterSeconds;
    if (seconds !== undefined) response.setHeader("retry-after", String(seconds));
    response.setHeader("x-request-id", plan.id);
    sendJson(response, status, { error: { message, type: code, param: null, code } });
    return;
  }
  const broken = { ...plan.counted, output: 0, reasoning: 0 };
  const half = Math.floor(streamedAnswer(plan).length / 2);
  if (failure === "reset") {
    close("broken", broken);
    response.socket?.resetAndDestroy();
  } else if (failure === "hang") {
    close("broken", broken);
  } else if (answering.row.stream && failure === "hang_midway") {
    stream(answering, half);
  } else if (answering.row.stream && failure === "cut") {
    stream(answering, half, () => setImmediate(() => response.destroy()));
  } else if (answering.row.stream && failure === "error_event") {
    const event = 'data: {"error":{"message":"The server had an error","type":"server_error","code":null}}\n\n';
    stream(answering, half, () => response.end(event));
  } else failBuffered(answering, failure, broken);
}

/** Answers whose head or body lies. */
function failBuffered(answering: Answering, failure: NonNullable<Behaviour["failure"]>, broken: Counted): void {
  const { plan, response, close } = answering;
  close("broken", failure === "garbage" ? broken : plan.counted);
  if (failure === "garbage") {
    response.setHeader("content-type", answering.row.stream ? "text/event-stream" : "application/json");
    response.end(
      answering.row.stream ? "data: {\n\ndata: <html>\n\n\u0000\u0001garbage\n\n" : "<html>502 from somewhere</html>",
    );
    return;
  }
  const answer = answering.row.stream
    ? Buffer.concat(streamedAnswer(plan).map((one) => one.bytes))
    : bufferedAnswer(plan);
  const type = answering.row.stream ? "text/event-stream" : "application/json";
  const promised = failure === "promises_less" ? answer.length - 40 : answer.length + 40;
  const head = `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\nx-request-id: ${plan.id}\r\ncontent-length: ${promised}\r\n\r\n`;
  const sent = failure === "cut" ? answer.subarray(0, answer.length >> 1) : answer;
  response.socket?.end(Buffer.concat([Buffer.from(head), sent]));
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const body = Buffer.from(JSON.stringify(value));
  response.writeHead(status, { "content-type": "application/json", "content-length": body.length });
  response.end(body);
}

function sendBytes(response: ServerResponse, status: number, id: string, body: Buffer): void {
  response.writeHead(status, { "content-type": "application/json", "content-length": body.length, "x-request-id": id });
  response.end(body);
}
