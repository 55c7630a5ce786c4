import { dashscopeWords as words } from "../../base/messages/dashscope.ts";
import { isObject, objectAt, parseJson, stringOf } from "../json-values.ts";
import type { AnswerHeaders, AnswerSink, Exchange, SendBounds, Transport, WireRequest } from "../spec.ts";
import { VendorFault } from "../vendor-fault.ts";

const FIRST_POLL_MS = 500;
const LONGEST_POLL_MS = 5_000;
const RUNNING: ReadonlySet<unknown> = new Set(["PENDING", "RUNNING"]);
/** A task's description is short; more of it is not read. */
const TASK_BYTES = 1024 * 1024;

/**
 * Sends requests for asynchronous tasks (`X-DashScope-Async: enable`), and asks for the task until it is over: to the sink it is one
 * answer. The first byte's bound is that of the whole task. All other requests go as they are.
 */
export class TaskTransport implements Transport {
  readonly #inner: Transport;

  constructor(inner: Transport) {
    this.#inner = inner;
  }

  send(request: WireRequest, sink: AnswerSink, bounds: SendBounds): Exchange {
    if (request.headers["x-dashscope-async"] === undefined) return this.#inner.send(request, sink, bounds);
    return new Task(this.#inner, request, sink, bounds);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}

/** One task, from its submission to its end. */
class Task implements Exchange {
  readonly #transport: Transport;
  readonly #sink: AnswerSink;
  readonly #bounds: SendBounds;
  readonly #headers: Record<string, string>;
  readonly #patience: NodeJS.Timeout;
  #current: Exchange;
  #timer: NodeJS.Timeout | undefined;
  #waitMs = FIRST_POLL_MS;
  #over = false;

  constructor(transport: Transport, request: WireRequest, sink: AnswerSink, bounds: SendBounds) {
    this.#transport = transport;
    this.#sink = sink;
    this.#bounds = bounds;
    const { "x-dashscope-async": _, "content-type": __, ...headers } = request.headers;
    this.#headers = headers;
    this.#patience = setTimeout(() => this.#late(), bounds.firstByteMs);
    this.#patience.unref();
    this.#current = transport.send(
      request,
      this.#gather((body) => this.#submitted(body)),
      bounds,
    );
  }

  pause(): void {}
  resume(): void {}

  abort(): void {
    if (this.#over) return;
    this.#close();
    this.#current.abort();
  }

  #submitted(body: Buffer): void {
    const id = stringOf(objectAt(parseJson(body.toString("utf8")), "output").task_id);
    // What is no task is the answer: an error above all.
    if (id === undefined) this.#deliver(200, { "content-type": "application/json" }, body);
    else this.#pollLater(`/tasks/${encodeURIComponent(id)}`);
  }

  #pollLater(path: string): void {
    this.#timer = setTimeout(() => {
      const request: WireRequest = { method: "GET", path, headers: this.#headers, body: Buffer.alloc(0) };
      this.#current = this.#transport.send(
        request,
        this.#gather((body) => this.#polled(path, body)),
        this.#bounds,
      );
    }, this.#waitMs);
    this.#timer.unref();
    this.#waitMs = Math.min(this.#waitMs * 1.5, LONGEST_POLL_MS);
  }

  #polled(path: string, body: Buffer): void {
    const document = parseJson(body.toString("utf8"));
    const status = isObject(document) ? objectAt(document, "output").task_status : undefined;
    if (RUNNING.has(status)) this.#pollLater(path);
    else this.#deliver(200, { "content-type": "application/json" }, body);
  }

  /** Collects one answer. Anything but 2xx is the end of it all. */
  #gather(then: (body: Buffer) => void): AnswerSink {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let status = 0;
    let headers: AnswerHeaders = {};
    return {
      onHead: (code, answerHeaders) => {
        status = code;
        headers = answerHeaders;
      },
      onChunk: (chunk) => {
        bytes += chunk.length;
        if (bytes <= TASK_BYTES) chunks.push(Buffer.from(chunk));
      },
      onEnd: () => {
        if (this.#over) return;
        const body = Buffer.concat(chunks);
        if (status >= 200 && status <= 299) then(body);
        else this.#deliver(status, headers, body);
      },
      onFail: (fault) => {
        if (!this.#over) this.#fail(fault);
      },
    };
  }

  #deliver(status: number, headers: AnswerHeaders, body: Buffer): void {
    this.#close();
    this.#sink.onHead(status, headers);
    if (body.length > 0) this.#sink.onChunk(body);
    this.#sink.onEnd();
  }

  #fail(fault: VendorFault): void {
    this.#close();
    this.#sink.onFail(fault);
  }

  /** The task goes on without us, and may well be charged. */
  #late(): void {
    if (this.#over) return;
    this.#current.abort();
    const text = words.taskLate(Math.round(this.#bounds.firstByteMs / 1000));
    this.#fail(new VendorFault(text, { errorClass: "timeout", charged: "unknown" }));
  }

  #close(): void {
    this.#over = true;
    clearTimeout(this.#patience);
    clearTimeout(this.#timer);
  }
}
