import { Agent, type IncomingHttpHeaders, type IncomingMessage, request as open } from "node:http";

/** An answer as it came over the socket. */
export interface RawAnswer {
  /** 0 where no head came. */
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The connection broke, or was left, before the answer was whole. */
  readonly broken: boolean;
}

export interface RawRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A value is sent as JSON, bytes and text as they are. */
  readonly body?: Buffer | string | object | undefined;
  /** Close the connection: at once (0), or when so many events of the stream have come. */
  readonly leaveAfterEvents?: number;
  /** Close the connection when the answer has not come after so many milliseconds. */
  readonly leaveAfterMs?: number;
  readonly agent?: Agent;
}

/** One agent for loads: as many connections as there are calls. */
export function manyConnections(): Agent {
  return new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY, maxFreeSockets: 2_000 });
}

/** Sends one request and collects whatever comes back. Never rejects: a broken connection is an answer too. */
export function send(url: string, options: RawRequest = {}): Promise<RawAnswer> {
  const { body } = options;
  const bytes =
    body === undefined || Buffer.isBuffer(body)
      ? body
      : Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
  const headers: Record<string, string | number> = { ...options.headers };
  if (bytes) {
    headers["content-type"] ??= "application/json";
    if (headers["transfer-encoding"] === undefined) headers["content-length"] ??= bytes.length;
  }
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let answer: IncomingMessage | undefined;
    let events = 0;
    let timer: NodeJS.Timeout | undefined;
    const finish = (broken: boolean): void => {
      clearTimeout(timer);
      resolve({ status: answer?.statusCode ?? 0, headers: answer?.headers ?? {}, body: Buffer.concat(chunks), broken });
    };
    const request = open(
      url,
      { method: options.method ?? (bytes ? "POST" : "GET"), headers, agent: options.agent ?? new Agent() },
      (incoming) => {
        answer = incoming;
        incoming.on("data", (chunk: Buffer) => {
          chunks.push(chunk);
          if (options.leaveAfterEvents === undefined) return;
          events += chunk.toString("latin1").split("data: ").length - 1;
          if (events >= options.leaveAfterEvents) request.destroy();
        });
        incoming.on("error", () => finish(true));
        incoming.on("end", () => finish(!incoming.complete));
      },
    );
    request.on("error", () => finish(true));
    request.on("close", () => finish(true));
    request.end(bytes, () => {
      if (options.leaveAfterEvents === 0) setImmediate(() => request.destroy());
    });
    if (options.leaveAfterMs !== undefined) timer = setTimeout(() => request.destroy(), options.leaveAfterMs);
  });
}

/** Asks for JSON; rejects where the status is not 2xx, with the answer in the message. */
export async function fetchJson(
  method: string,
  url: string,
  body?: Buffer | string | object,
  headers: Record<string, string> = {},
): Promise<unknown> {
  const answer = await send(url, { method, body, headers });
  const text = answer.body.toString();
  if (answer.status < 200 || answer.status > 299) throw new Error(`${method} ${url}: ${answer.status} ${text}`);
  return text === "" ? undefined : JSON.parse(text);
}

/** The events of a stream: the text after each `data: `. */
export function eventsOf(body: Buffer): string[] {
  return body
    .toString()
    .split(/\r?\n\r?\n/)
    .flatMap((block) => block.split(/\r?\n/))
    .filter((line) => line.startsWith("data: "))
    .map((line) => line.slice(6));
}
