import { type IncomingHttpHeaders, type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import type { Text } from "../base/language.ts";
import { cliWords as words } from "../base/messages/cli.ts";
import { EXIT } from "./exit-codes.ts";
import { Failure } from "./failure.ts";
import type { InProcess } from "./spec.ts";

export interface Ask {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

/** A way to the operators' API: a socket, an address, or the very process. */
export interface Exchange {
  /** Where it leads, for people. */
  readonly place: Text;
  send(ask: Ask): Promise<Answer>;
  close(): Promise<void>;
}

/** Where a server is: a socket file, or an http(s) address with perhaps a path. */
export type Server = { readonly socketPath: string } | { readonly url: string };

/** Nothing on the way for so long means that nothing more will come. */
const SILENCE_MS = 300_000;
const LONGEST_ANSWER_BYTES = 512 * 1024 * 1024;

/** Speaks HTTP with a server. */
export function httpExchange(server: Server, headers: Readonly<Record<string, string>>, place: Text): Exchange {
  return {
    place,
    async send(ask) {
      const message = await openRequest(server, { ...ask, headers: { ...headers, ...ask.headers } });
      return { status: message.statusCode!, headers: plain(message.headers), body: await readText(message) };
    },
    close: async () => {},
  };
}

/** Speaks with the same application inside this process. */
export function inProcessExchange(opened: InProcess, place: Text): Exchange {
  return {
    place,
    async send({ method, path, headers, body }) {
      const request = new Request(`http://localhost${path}`, { method, headers, ...(body !== undefined && { body }) });
      const response = await opened.fetch(request);
      return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() };
    },
    close: () => opened.close(),
  };
}

/** Sends a request and resolves with the head of its answer. Throws a `Failure` where nobody answers. */
export function openRequest(server: Server, ask: Ask): Promise<IncomingMessage> {
  const { method, path, body } = ask;
  const bytes = body === undefined ? undefined : Buffer.from(body);
  const headers = { ...ask.headers, ...(bytes && { "content-length": String(bytes.length) }) };
  return new Promise((resolve, reject) => {
    const fail = (cause: Error): void => reject(cause instanceof Failure ? cause : unreachable(server, cause));
    const options = { method, headers, agent: false } as const;
    let request: ReturnType<typeof requestHttp>;
    if ("socketPath" in server) request = requestHttp({ ...options, socketPath: server.socketPath, path }, resolve);
    else {
      const url = new URL(server.url.replace(/\/+$/, "") + path);
      request = (url.protocol === "https:" ? requestHttps : requestHttp)(url, options, resolve);
    }
    request.on("error", fail);
    request.setTimeout(SILENCE_MS, () => {
      request.destroy(new Failure(EXIT.unreachable, words.silent(nameOf(server), SILENCE_MS / 1000)));
    });
    request.end(bytes);
  });
}

async function readText(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > LONGEST_ANSWER_BYTES) {
      message.destroy();
      throw new Failure(EXIT.failure, words.answerTooLong(LONGEST_ANSWER_BYTES));
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function unreachable(server: Server, cause: NodeJS.ErrnoException): Failure {
  return new Failure(EXIT.unreachable, words.unreachable(nameOf(server), cause.code ?? cause.message), { cause });
}

function nameOf(server: Server): string {
  return "url" in server ? server.url : server.socketPath;
}

function plain(headers: IncomingHttpHeaders): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value]),
  );
}
