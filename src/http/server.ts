import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import { Fault } from "../base/faults.ts";
import { type Language, languageOfHeader, type Text } from "../base/language.ts";
import type { Limits } from "../base/limits.ts";
import { httpWords } from "../base/messages/http.ts";
import { responsesWords } from "../base/messages/responses.ts";
import { errorBody } from "../vendors/openai/errors.ts";
import type { AnthropicSurface } from "./surfaces/anthropic.ts";
import type { OpenAiSurface } from "./surfaces/openai.ts";
import type { ResponsesSurface } from "./surfaces/responses.ts";

export interface ServerOptions {
  readonly openAi: OpenAiSurface;
  readonly anthropic: AnthropicSurface;
  readonly responses: ResponsesSurface;
  /** Everything that is not a client's call: operators' API, health, metrics, documentation. */
  readonly operators: RequestListener;
  readonly limits: Limits;
  readonly language: Language;
}

/**
 * One `node:http` server. The clients' paths are served by hand, since every microsecond counts there; all else goes to
 * the operators' application.
 */
export function makeServer(options: ServerOptions): Server {
  const { operators, limits, language } = options;
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    if (request.url![0] !== "/") request.url = withoutOrigin(request.url!);
    const path = pathOf(request.url!);
    if (!path.startsWith("/v1/")) {
      operators(request, response);
      return;
    }
    const route = CLIENT_PATHS[path];
    if (!route) refuse(404, new Fault("not_found", unknownPath(request.method!, path)), request, response);
    else if (request.method !== route.method) {
      const text = httpWords.wrongMethod(request.method!, path, route.method);
      response.setHeader("allow", route.method);
      refuse(405, new Fault("method_not_allowed", text), request, response);
    } else void route.serve(options, request, response);
  };
  const refuse = (status: number, fault: Fault, request: IncomingMessage, response: ServerResponse): void => {
    const body = errorBody(fault, languageOfHeader(request.headers["accept-language"], language));
    response.writeHead(status, {
      "content-type": "application/json",
      "content-length": body.length,
      "x-maidan-origin": "gateway",
    });
    response.end(body);
    request.resume();
  };
  const server = createServer(
    { maxHeaderSize: limits.headerBytes, keepAliveTimeout: 65_000, requestTimeout: 300_000, headersTimeout: 60_000 },
    handle,
  );
  server.maxConnections = limits.callsInFlight * 2;
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    if (socket.writable && error.code !== "ECONNRESET") socket.end(answerUnreadable(error, options));
    else socket.destroy();
  });
  return server;
}

/** What cannot be read as a request has no language and no path: a whole answer, in the shape of the clients' errors. */
function answerUnreadable(error: NodeJS.ErrnoException, { limits, language }: ServerOptions): Buffer {
  const tooLarge = error.code === "HPE_HEADER_OVERFLOW";
  const text = tooLarge ? httpWords.headersTooLarge(limits.headerBytes) : httpWords.notHttp();
  const body = errorBody(new Fault("invalid_request", text), language);
  const head = [
    tooLarge ? "HTTP/1.1 431 Request Header Fields Too Large" : "HTTP/1.1 400 Bad Request",
    "content-type: application/json",
    `content-length: ${body.length}`,
    "x-maidan-origin: gateway",
    "connection: close",
  ];
  return Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), body]);
}

interface ClientRoute {
  readonly method: string;
  serve(surfaces: Surfaces, request: IncomingMessage, response: ServerResponse): void | Promise<void>;
}
type Surfaces = Pick<ServerOptions, "openAi" | "anthropic" | "responses">;

const CLIENT_PATHS: Readonly<Record<string, ClientRoute | undefined>> = {
  "/v1/chat/completions": { method: "POST", serve: ({ openAi }, ...call) => openAi.call("chat", ...call) },
  "/v1/embeddings": { method: "POST", serve: ({ openAi }, ...call) => openAi.call("embeddings", ...call) },
  "/v1/images/generations": { method: "POST", serve: ({ openAi }, ...call) => openAi.call("images", ...call) },
  "/v1/responses": { method: "POST", serve: ({ responses }, ...call) => responses.create(...call) },
  "/v1/messages": { method: "POST", serve: ({ anthropic }, ...call) => anthropic.messages(...call) },
  "/v1/messages/count_tokens": { method: "POST", serve: ({ anthropic }, ...call) => anthropic.countTokens(...call) },
  "/v1/models": {
    method: "GET",
    serve: ({ openAi, anthropic }, request, response) => {
      const asked = request.headers["anthropic-version"] === undefined ? openAi : anthropic;
      asked.models(request, response);
    },
  },
};

/** What is asked of a response that was answered before is told why it is not there. */
function unknownPath(method: string, path: string): Text {
  return /^\/v1\/responses\/resp_\w/.test(path) ? responsesWords.notKept() : httpWords.unknownPath(method, path);
}

/** Proxies name the whole address, as RFC 9112, 3.2.2, allows; by which name the server was reached does not matter here. */
function withoutOrigin(target: string): string {
  const rest = target.replace(/^https?:\/\/[^/?#]*/i, "");
  return rest === target || rest[0] === "/" ? rest : `/${rest}`;
}

function pathOf(url: string): string {
  const query = url.indexOf("?");
  return query < 0 ? url : url.slice(0, query);
}
