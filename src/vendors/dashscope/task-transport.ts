import { dashscopeWords as words } from "../../base/messages/dashscope.ts";
import { transportWords } from "../../base/messages/transports.ts";
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
  readonly #tasks = new Set<Task>();
  #closing: Promise<void> | undefined;
  #emptied = (): void => {};

  readonly #firstPollMs: number;

  /** @param firstPollMs the first wait before a task is asked for; each is longer than the last */
  constructor(inner: Transport, firstPollMs = FIRST_POLL_MS) {
    this.#inner = inner;
    this.#firstPollMs = firstPollMs;
  }

  send(request: WireRequest, sink: AnswerSink, bounds: SendBounds): Exchange {
    if (request.headers["x-dashscope-async"] === undefined) return this.#inner.send(request, sink, bounds);
    const task: Task = new Task(this.#inner, { request, sink, bounds }, this.#firstPollMs, () => this.#leave(task));
    this.#tasks.add(task);
    task.begin(this.#closing !== undefined);
    return task;
  }

  /** Waits for tasks, too: none is longer under way than its bound. */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    if (this.#tasks.size > 0) {
      await new Promise<void>((resolve) => {
        this.#emptied = resolve;
      });
    }
    await this.#inner.close();
  }

  #leave(task: Task): void {
    this.#tasks.delete(task);
    if (this.#tasks.size === 0) this.#emptied();
  }
}

interface Submission {
  readonly request: WireRequest;
  readonly sink: AnswerSink;
  readonly bounds: SendBounds;
}

/** What came back of one request. */
interface Answered {
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly body: Buffer;
}

/** One task, from its submission to its end. */
class Task implements Exchange {
  readonly #transport: Transport;
  readonly #request: WireRequest;
  readonly #sink: AnswerSink;
  readonly #bounds: SendBounds;
  readonly #leave: () => void;
  #patience: NodeJS.Timeout | undefined;
  #current: Exchange | undefined;
  #timer: NodeJS.Timeout | undefined;
  #waitMs: number;
  /** As the vendor knows it, once it has taken it: from then on it may be charged, whatever comes. */
  #id: string | undefined;
  #over = false;

  constructor(transport: Transport, { request, sink, bounds }: Submission, firstPollMs: number, leave: () => void) {
    this.#transport = transport;
    this.#request = request;
    this.#sink = sink;
    this.#bounds = bounds;
    this.#waitMs = firstPollMs;
    this.#leave = leave;
  }

  begin(closed: boolean): void {
    if (closed) {
      const text = transportWords.shut("DashScope");
      const fault = new VendorFault(text, { errorClass: "server_error", charged: "nothing" });
      queueMicrotask(() => this.#fail(fault));
      return;
    }
    this.#patience = setTimeout(() => this.#late(), this.#bounds.firstByteMs);
    this.#patience.unref();
    this.#ask(
      this.#request,
      (answered) => this.#submitted(answered),
      (fault) => this.#fail(fault),
    );
  }

  /** What comes back is one short answer at the end: there is nothing to hold up. */
  pause(): void {}
  resume(): void {}

  abort(): void {
    if (this.#over) return;
    this.#finish();
    this.#current?.abort();
  }

  #submitted(answered: Answered): void {
    const id = stringOf(objectAt(parseJson(answered.body.toString("utf8")), "output").task_id);
    // What is no task is the answer: an error above all.
    if (answered.status > 299 || id === undefined) {
      this.#deliver(answered);
      return;
    }
    this.#id = id;
    this.#pollLater();
  }

  #pollLater(): void {
    this.#timer = setTimeout(() => this.#poll(), this.#waitMs);
    this.#timer.unref();
    this.#waitMs = Math.min(this.#waitMs * 1.5, LONGEST_POLL_MS);
  }

  #poll(): void {
    const { "x-dashscope-async": _, "content-type": __, ...headers } = this.#request.headers;
    const path = `/tasks/${encodeURIComponent(this.#id!)}`;
    this.#ask(
      { method: "GET", path, headers, body: Buffer.alloc(0) },
      (answered) => this.#polled(answered),
      // The task goes on while its state cannot be had: there is time left to ask again.
      () => this.#pollLater(),
    );
  }

  #polled(answered: Answered): void {
    const { status, body } = answered;
    const passing = status === 408 || status === 429 || status >= 500;
    const document = status > 299 ? undefined : parseJson(body.toString("utf8"));
    const state = isObject(document) ? objectAt(document, "output").task_status : undefined;
    if (passing || RUNNING.has(state)) this.#pollLater();
    else if (status > 299) this.#fail(this.#unknown(words.taskLost(status), "server_error"));
    else this.#deliver(answered);
  }

  #ask(request: WireRequest, then: (answered: Answered) => void, failed: (fault: VendorFault) => void): void {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let status = 0;
    let headers: AnswerHeaders = {};
    const sink: AnswerSink = {
      onHead: (code, answerHeaders) => {
        status = code;
        headers = answerHeaders;
      },
      onChunk: (chunk) => {
        bytes += chunk.length;
        if (bytes <= TASK_BYTES) chunks.push(Buffer.from(chunk));
      },
      onEnd: () => {
        if (!this.#over) then({ status, headers, body: Buffer.concat(chunks) });
      },
      onFail: (fault) => {
        if (!this.#over) failed(fault);
      },
    };
    this.#current = this.#transport.send(request, sink, this.#bounds);
  }

  #deliver({ status, headers, body }: Answered): void {
    this.#finish();
    this.#sink.onHead(status, headers);
    if (body.length > 0) this.#sink.onChunk(body);
    this.#sink.onEnd();
  }

  #fail(fault: VendorFault): void {
    if (this.#over) return;
    this.#finish();
    this.#sink.onFail(fault);
  }

  /** The task goes on without us, and may well be charged. */
  #late(): void {
    if (this.#over) return;
    this.#current?.abort();
    this.#fail(this.#unknown(words.taskLate(Math.round(this.#bounds.firstByteMs / 1000)), "timeout"));
  }

  /** With the task's id, by which a person may find it with the vendor. */
  #unknown(text: VendorFault["text"], errorClass: "timeout" | "server_error"): VendorFault {
    const details = this.#id === undefined ? {} : { details: { task: this.#id.slice(0, 200) } };
    return new VendorFault(text, { errorClass, charged: "unknown", ...details });
  }

  #finish(): void {
    this.#over = true;
    clearTimeout(this.#patience);
    clearTimeout(this.#timer);
    this.#leave();
  }
}
