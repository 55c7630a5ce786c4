import { systemClock } from "../../base/clock.ts";
import { DEFAULT_LIMITS } from "../../base/limits.ts";
import { transportWords as words } from "../../base/messages/transports.ts";
import { faultOfFailure } from "../http-faults.ts";
import { type HttpTransportOptions, httpTransport } from "../http-transport.ts";
import { isObject, parseJson } from "../json-values.ts";
import type { AnswerHeaders, AnswerSink, Exchange, SendBounds, Transport, WireRequest } from "../spec.ts";
import { VendorFault } from "../vendor-fault.ts";
import { tokenAddress } from "./addresses.ts";
import { TOKEN_CODES } from "./errors.ts";
import { TokenSource } from "./token-source.ts";

export interface BaiduTransportOptions extends HttpTransportOptions {
  readonly credentials?: Readonly<Record<string, string>> | undefined;
  /** Milliseconds; for tests. */
  readonly now?: () => number;
}

/**
 * The way to Wenxin Workshop. Signed requests (`accessKey`) go as they are; for all others a token is fetched, kept, and put into
 * the query. A request whose token is refused is sent once more with a new one, and never a third time.
 */
export function baiduTransport(options: BaiduTransportOptions): Transport {
  const { credentials = {}, now = systemClock.now, baseUrl: address, connectMs, headerBytes } = options;
  const transport = httpTransport({ baseUrl: address, connectMs, headerBytes });
  if (credentials.accessKey !== undefined) return transport;
  const { baseUrl, path } = tokenAddress(address);
  const query = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: credentials.apiKey ?? "",
    client_secret: credentials.secretKey ?? "",
  });
  const tokens = httpTransport({ baseUrl, connectMs, headerBytes });
  return new TokenTransport(transport, tokens, new TokenSource(tokens, `${path}?${query}`, baseUrl, now), address);
}

class TokenTransport implements Transport {
  readonly #transport: Transport;
  readonly #tokens: Transport;
  readonly #source: TokenSource;
  readonly #address: string;
  readonly #underWay = new Set<TokenExchange>();
  #closing: Promise<void> | undefined;
  #emptied = (): void => {};

  constructor(transport: Transport, tokens: Transport, source: TokenSource, address: string) {
    this.#transport = transport;
    this.#tokens = tokens;
    this.#source = source;
    this.#address = new URL(address).origin;
  }

  send(request: WireRequest, sink: AnswerSink, bounds: SendBounds): Exchange {
    if (this.#closing) return this.#refuse(sink);
    const exchange: TokenExchange = new TokenExchange(
      { transport: this.#transport, source: this.#source, address: this.#address },
      { request, sink, bounds },
      () => this.#leave(exchange),
    );
    this.#underWay.add(exchange);
    exchange.begin();
    return exchange;
  }

  /** Waits for what is under way, tokens included, then closes all connections. */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    if (this.#underWay.size > 0) {
      await new Promise<void>((resolve) => {
        this.#emptied = resolve;
      });
    }
    await Promise.all([this.#transport.close(), this.#tokens.close()]);
  }

  #refuse(sink: AnswerSink): Exchange {
    const fault = new VendorFault(words.shut(this.#address), { errorClass: "server_error", charged: "nothing" });
    let heard = true;
    queueMicrotask(() => heard && sink.onFail(fault));
    const abort = (): void => {
      heard = false;
    };
    return { pause: () => {}, resume: () => {}, abort };
  }

  #leave(exchange: TokenExchange): void {
    this.#underWay.delete(exchange);
    if (this.#underWay.size === 0) this.#emptied();
  }
}

/** An error is shorter; what is longer is an answer. */
const ERROR_BYTES = 2048;
const BRACE = 0x7b;

/** The beginning of an answer that may turn out to be the refusal of a token. */
interface Beginning {
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly chunks: Buffer[];
  bytes: number;
}

/** What all exchanges share. */
interface Way {
  readonly transport: Transport;
  readonly source: TokenSource;
  /** What may be shown. */
  readonly address: string;
}

interface Sending {
  readonly request: WireRequest;
  readonly sink: AnswerSink;
  readonly bounds: SendBounds;
}

/** One request, with the token it needs. */
class TokenExchange implements Exchange, AnswerSink {
  readonly #way: Way;
  readonly #sending: Sending;
  readonly #sink: AnswerSink;
  readonly #leave: () => void;
  #exchange: Exchange | undefined;
  #beginning: Beginning | undefined;
  #token = "";
  #again = false;
  #paused = false;
  #over = false;

  constructor(way: Way, sending: Sending, leave: () => void) {
    this.#way = way;
    this.#sending = sending;
    this.#sink = sending.sink;
    this.#leave = leave;
  }

  begin(): void {
    const { kept } = this.#way.source;
    if (kept === undefined) this.#fetch();
    else this.#send(kept);
  }

  pause(): void {
    this.#paused = true;
    this.#exchange?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#exchange?.resume();
  }

  abort(): void {
    if (this.#over) return;
    this.#finish();
    this.#exchange?.abort();
  }

  onHead(status: number, headers: AnswerHeaders): void {
    if (this.#again) this.#sink.onHead(status, headers);
    else this.#beginning = { status, headers, chunks: [], bytes: 0 };
  }

  onChunk(chunk: Buffer): void {
    const beginning = this.#beginning;
    if (!beginning) {
      this.#sink.onChunk(chunk);
      return;
    }
    beginning.chunks.push(chunk);
    beginning.bytes += chunk.length;
    const first = beginning.chunks[0]![0];
    // Streams begin otherwise, and long answers are none of ours.
    if (first !== BRACE || beginning.bytes > ERROR_BYTES) this.#release();
  }

  onEnd(): void {
    if (this.#beginning && refusesToken(this.#beginning)) {
      this.#retry();
      return;
    }
    if (this.#beginning && !this.#releaseLast()) return;
    this.#finish();
    this.#sink.onEnd();
  }

  onFail(fault: VendorFault): void {
    const { status, headers } = this.#beginning ?? {};
    this.#beginning = undefined;
    if (status !== undefined) this.#sink.onHead(status, headers!);
    this.#fail(fault);
  }

  /** Lets what was held of the answer go. */
  #release(): void {
    const { status, headers, chunks } = this.#beginning!;
    this.#beginning = undefined;
    this.#sink.onHead(status, headers);
    if (!this.#over && chunks.length > 0) this.#sink.onChunk(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
  }

  /** The same at the end, where nobody catches what a sink throws. False where the sink shall hear nothing more. */
  #releaseLast(): boolean {
    try {
      this.#release();
    } catch (error) {
      this.#fail(this.#faultOf(error, true));
      return false;
    }
    return !this.#over;
  }

  #faultOf(error: unknown, sent: boolean): VendorFault {
    const { address } = this.#way;
    return faultOfFailure(error, sent, { address, headBytes: DEFAULT_LIMITS.headerBytes, connectMs: 0 });
  }

  #fail(fault: VendorFault): void {
    if (this.#over) return;
    this.#finish();
    this.#sink.onFail(fault);
  }

  #finish(): void {
    this.#over = true;
    this.#leave();
  }

  #retry(): void {
    this.#again = true;
    this.#beginning = undefined;
    this.#exchange = undefined;
    this.#way.source.forget(this.#token);
    // Another request may have fetched a new one already.
    this.begin();
  }

  #fetch(): void {
    this.#way.source.fetch().then(
      (token) => {
        if (!this.#over) this.#send(token);
      },
      (error: unknown) => this.#fail(this.#faultOf(error, false)),
    );
  }

  #send(token: string): void {
    this.#token = token;
    const { request, bounds } = this.#sending;
    const path = `${request.path}${request.path.includes("?") ? "&" : "?"}access_token=${encodeURIComponent(token)}`;
    this.#exchange = this.#way.transport.send({ ...request, path }, this, bounds);
    if (this.#paused) this.#exchange.pause();
  }
}

function refusesToken({ chunks }: Beginning): boolean {
  const document = parseJson(Buffer.concat(chunks).toString("utf8"));
  return isObject(document) && TOKEN_CODES.has(document.error_code);
}
