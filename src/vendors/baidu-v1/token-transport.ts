import { systemClock } from "../../base/clock.ts";
import { DEFAULT_LIMITS } from "../../base/limits.ts";
import { faultOfFailure } from "../http-faults.ts";
import { type HttpTransportOptions, httpTransport } from "../http-transport.ts";
import { isObject, parseJson } from "../json-values.ts";
import type { AnswerHeaders, AnswerSink, Exchange, SendBounds, Transport, WireRequest } from "../spec.ts";
import type { VendorFault } from "../vendor-fault.ts";
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
  return new TokenTransport(
    transport,
    tokens,
    new TokenSource(tokens, `${path}?${query}`, baseUrl, now),
    options.baseUrl,
  );
}

class TokenTransport implements Transport {
  readonly #transport: Transport;
  readonly #tokens: Transport;
  readonly #source: TokenSource;
  readonly #address: string;

  constructor(transport: Transport, tokens: Transport, source: TokenSource, address: string) {
    this.#transport = transport;
    this.#tokens = tokens;
    this.#source = source;
    this.#address = new URL(address).origin;
  }

  send(request: WireRequest, sink: AnswerSink, bounds: SendBounds): Exchange {
    return new TokenExchange(this.#transport, this.#source, request, sink, bounds, this.#address);
  }

  async close(): Promise<void> {
    await Promise.all([this.#transport.close(), this.#tokens.close()]);
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

/** One request, with the token it needs. */
class TokenExchange implements Exchange, AnswerSink {
  readonly #transport: Transport;
  readonly #source: TokenSource;
  readonly #request: WireRequest;
  readonly #sink: AnswerSink;
  readonly #bounds: SendBounds;
  readonly #address: string;
  #exchange: Exchange | undefined;
  #beginning: Beginning | undefined;
  #token = "";
  #again = false;
  #paused = false;
  #over = false;

  constructor(
    transport: Transport,
    source: TokenSource,
    request: WireRequest,
    sink: AnswerSink,
    bounds: SendBounds,
    address: string,
  ) {
    this.#transport = transport;
    this.#source = source;
    this.#request = request;
    this.#sink = sink;
    this.#bounds = bounds;
    this.#address = address;
    if (source.kept === undefined) this.#fetch();
    else this.#send(source.kept);
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
    this.#over = true;
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
    this.#sink.onEnd();
  }

  onFail(fault: VendorFault): void {
    const { status, headers } = this.#beginning ?? {};
    this.#beginning = undefined;
    if (status !== undefined) this.#sink.onHead(status, headers!);
    if (!this.#over) this.#sink.onFail(fault);
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
      this.#sink.onFail(this.#faultOf(error, true));
      return false;
    }
    return !this.#over;
  }

  #faultOf(error: unknown, sent: boolean): VendorFault {
    return faultOfFailure(error, sent, { address: this.#address, headBytes: DEFAULT_LIMITS.headerBytes, connectMs: 0 });
  }

  #retry(): void {
    this.#again = true;
    this.#beginning = undefined;
    this.#exchange = undefined;
    this.#source.forget(this.#token);
    // Another request may have fetched a new one already.
    const { kept } = this.#source;
    if (kept === undefined) this.#fetch();
    else this.#send(kept);
  }

  #fetch(): void {
    this.#source.fetch().then(
      (token) => {
        if (!this.#over) this.#send(token);
      },
      (error: unknown) => {
        if (!this.#over) this.#sink.onFail(this.#faultOf(error, false));
      },
    );
  }

  #send(token: string): void {
    this.#token = token;
    const { path: plain } = this.#request;
    const path = `${plain}${plain.includes("?") ? "&" : "?"}access_token=${encodeURIComponent(token)}`;
    this.#exchange = this.#transport.send({ ...this.#request, path }, this, this.#bounds);
    if (this.#paused) this.#exchange.pause();
  }
}

function refusesToken({ chunks }: Beginning): boolean {
  const document = parseJson(Buffer.concat(chunks).toString("utf8"));
  return isObject(document) && TOKEN_CODES.has(document.error_code);
}
