import type { ClientRequest, IncomingMessage } from "node:http";
import type { RawData, WebSocket } from "ws";
import type { Text } from "../../base/language.ts";
import { iflytekWords } from "../../base/messages/iflytek.ts";
import { transportWords as words } from "../../base/messages/transports.ts";
import { vendorWords } from "../../base/messages/vendors.ts";
import { faultOfFailure, type Place } from "../http-faults.ts";
import type { AnswerHeaders, AnswerSink, Exchange, SendBounds } from "../spec.ts";
import { VendorFault } from "../vendor-fault.ts";

export interface SocketExchangeOptions {
  readonly sink: AnswerSink;
  readonly bounds: SendBounds;
  readonly place: Place;
  /** The longest frame that is taken. */
  readonly frameBytes: number;
  readonly isLast: (frame: Buffer) => boolean;
  /** Called once, when the exchange is over and its sink has been told. */
  readonly done: () => void;
}

/** Where an exchange is; only ever forward. */
const OPENING = 0; // nothing of the request has left
const SENT = 1; // nothing has come back
const BODY = 2;
const OVER = 3; // the sink hears nothing more

/** Of a refused handshake only so much is read. */
const REFUSAL_BYTES = 64 * 1024;
const HEAD: AnswerHeaders = { "content-type": "application/x-ndjson" };
/** The close codes of an ordinary end: said so, or without a word. */
const ORDINARY_ENDS: ReadonlySet<number> = new Set([1000, 1005]);

/**
 * One request over a WebSocket of its own. While it is paused the socket is not read, so that the vendor feels it; what one read of
 * the socket had brought by then waits here.
 */
export class SocketExchange implements Exchange {
  readonly #socket: WebSocket;
  readonly #frame: Buffer;
  readonly #options: SocketExchangeOptions;
  #state = OPENING;
  #paused = false;
  #timer: NodeJS.Timeout | undefined;
  /** What the sink shall be told next. */
  readonly #waiting: (() => void)[] = [];
  /** How it ends is decided, and stands last in `#waiting`. */
  #decided = false;

  /** @param frame what is sent when the WebSocket is open */
  constructor(socket: WebSocket, frame: Buffer, options: SocketExchangeOptions) {
    this.#socket = socket;
    this.#frame = frame;
    this.#options = options;
    this.#keepTime();
    socket.on("open", () => this.#open());
    socket.on("message", (received) => this.#receive(bytesOf(received)));
    socket.on("close", (code) => this.#closed(code));
    socket.on("error", (error) => this.#broken(error));
    socket.on("unexpected-response", (_: ClientRequest, response: IncomingMessage) => this.#refused(response));
  }

  pause(): void {
    if (this.#over || this.#paused) return;
    this.#paused = true;
    // Before the first frame there is nothing to hold up, and its bound must not strike because nobody reads.
    if (this.#state !== BODY) return;
    clearTimeout(this.#timer);
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    queueMicrotask(() => {
      if (this.#paused || this.#over) return;
      if (this.#state === BODY) this.#keepTime();
      this.#handOver();
      if (!this.#paused && this.#state === BODY) this.#socket.resume();
    });
  }

  abort(): void {
    if (this.#over) return;
    this.#finish();
    this.#socket.terminate();
  }

  #open(): void {
    if (this.#over) return;
    this.#state = SENT;
    this.#keepTime();
    this.#socket.send(this.#frame, { binary: false });
  }

  #receive(frame: Buffer): void {
    if (this.#over || this.#decided) return;
    const first = this.#state !== BODY;
    this.#state = BODY;
    if (this.#paused) {
      clearTimeout(this.#timer);
      this.#socket.pause();
    } else this.#keepTime();
    const { sink, isLast } = this.#options;
    if (first) this.#waiting.push(() => sink.onHead(200, HEAD));
    this.#waiting.push(() => sink.onChunk(lineOf(frame)));
    if (isLast(frame)) this.#decide(() => this.#end());
    else this.#handOver();
  }

  #closed(code: number): void {
    if (this.#over || this.#decided) return;
    if (this.#state === BODY && ORDINARY_ENDS.has(code)) this.#decide(() => this.#end());
    else this.#decide(() => this.#fail(this.#fault("server_error", words.closed(this.#options.place.address))));
  }

  #broken(error: Error): void {
    if (this.#over || this.#decided) return;
    const { place, frameBytes } = this.#options;
    const tooLong = (error as { code?: string }).code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH";
    const fault = tooLong
      ? this.#fault("server_error", vendorWords.eventTooLong(frameBytes))
      : faultOfFailure(error, this.#state !== OPENING, place);
    this.#decide(() => this.#fail(fault));
  }

  /** An HTTP answer in the place of a WebSocket: a refusal is handed on as it is, with its status and its body. */
  #refused(response: IncomingMessage): void {
    const { statusCode: status = 0, headers } = response;
    if (this.#over || status < 400) {
      const text = iflytekWords.noWebSocket(this.#options.place.address, status);
      const fault = this.#fault("server_error", text, status);
      if (!this.#over) this.#decide(() => this.#fail(fault));
      this.#socket.terminate();
      return;
    }
    const { sink } = this.#options;
    const chunks: Buffer[] = [];
    let bytes = 0;
    const tell = (): void => {
      if (this.#over || this.#decided) return;
      const body = Buffer.concat(chunks).subarray(0, REFUSAL_BYTES);
      this.#waiting.push(() => sink.onHead(status, headers));
      if (body.length > 0) this.#waiting.push(() => sink.onChunk(body));
      this.#decide(() => this.#end());
    };
    response.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= REFUSAL_BYTES) tell();
    });
    for (const event of ["end", "error", "close"]) response.on(event, tell);
  }

  /** Whatever comes later makes no difference. */
  #decide(ending: () => void): void {
    this.#decided = true;
    this.#waiting.push(ending);
    clearTimeout(this.#timer);
    this.#handOver();
  }

  #handOver(): void {
    while (!this.#paused && !this.#over && this.#waiting.length > 0) {
      try {
        this.#waiting.shift()!();
      } catch (error) {
        // What the sink throws at the end is an error of Maidan.
        if (this.#over) throw error;
        this.#fail(faultOfFailure(error, true, this.#options.place));
      }
    }
  }

  #keepTime(): void {
    clearTimeout(this.#timer);
    const { connectMs, firstByteMs, betweenBytesMs } = this.#options.bounds;
    const bound = this.#state === OPENING ? connectMs : this.#state === SENT ? firstByteMs : betweenBytesMs;
    this.#timer = setTimeout(() => this.#expire(bound), bound);
  }

  #expire(milliseconds: number): void {
    const { address } = this.#options.place;
    const told = this.#state === OPENING ? words.noConnection : this.#state === SENT ? words.noAnswer : words.stalled;
    this.#fail(this.#fault("timeout", told(address, milliseconds)));
    this.#socket.terminate();
  }

  /** Before the WebSocket is open the vendor has not seen the request. */
  #fault(errorClass: "server_error" | "timeout", text: Text, vendorStatus?: number): VendorFault {
    const { address } = this.#options.place;
    const charged = this.#state === OPENING ? "nothing" : "unknown";
    return new VendorFault(text, { errorClass, charged, vendorStatus, details: { address } });
  }

  #end(): void {
    if (this.#finish()) this.#options.sink.onEnd();
  }

  #fail(fault: VendorFault): void {
    if (this.#finish()) this.#options.sink.onFail(fault);
  }

  /** False where it was over already. */
  #finish(): boolean {
    if (this.#over) return false;
    const wasOpen = this.#state !== OPENING;
    this.#state = OVER;
    clearTimeout(this.#timer);
    this.#waiting.length = 0;
    if (wasOpen) {
      // A closing handshake has to be read, too.
      this.#socket.resume();
      this.#socket.close(1000);
    } else this.#socket.terminate();
    this.#options.done();
    return true;
  }

  get #over(): boolean {
    return this.#state === OVER;
  }
}

function bytesOf(received: RawData): Buffer {
  if (Buffer.isBuffer(received)) return received;
  return Array.isArray(received) ? Buffer.concat(received) : Buffer.from(received);
}

/** A frame as one line: a line end inside of JSON is white space. */
function lineOf(frame: Buffer): Buffer {
  const line = Buffer.allocUnsafe(frame.length + 1);
  frame.copy(line);
  for (let at = line.indexOf("\n"); at >= 0 && at < frame.length; at = line.indexOf("\n", at + 1)) line[at] = 0x20;
  line[frame.length] = 0x0a;
  return line;
}
