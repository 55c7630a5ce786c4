import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Dispatcher, Pool } from "undici";

/**
 * The floor: the least that any gateway in this language must do. It parses the request, checks a key by its hash,
 * sends the bytes on and copies the answer's bytes back. No budgets, no ledger, no usage, no metrics.
 */

const [upstream = "", secret = ""] = process.argv.slice(2);
const pool = new Pool(upstream, { connections: 2_048, pipelining: 1 });
const expected = createHash("sha256").update(secret).digest();

const OF_THE_CONNECTION = new Set(["connection", "keep-alive", "transfer-encoding"]);

/** The headers that are meant for the client. */
function endToEnd(raw: readonly Buffer[]): string[] {
  const headers: string[] = [];
  for (let n = 0; n + 1 < raw.length; n += 2) {
    const name = raw[n]!.toString("latin1");
    if (!OF_THE_CONNECTION.has(name.toLowerCase())) headers.push(name, raw[n + 1]!.toString("latin1"));
  }
  return headers;
}

function relay(body: Buffer, response: ServerResponse): void {
  let resume: () => void = () => {};
  let abort: (cause?: Error) => void = () => {};
  response.on("drain", () => resume());
  response.on("close", () => {
    if (!response.writableFinished) abort();
  });
  const handler: Dispatcher.DispatchHandler = {
    onConnect(stop) {
      abort = stop as typeof abort;
    },
    onHeaders(status, headers, next) {
      resume = next;
      response.writeHead(status, endToEnd(headers as Buffer[]));
      return true;
    },
    onData(chunk) {
      return response.write(chunk);
    },
    onComplete() {
      response.end();
    },
    onError() {
      response.destroy();
    },
  };
  const headers = ["content-type", "application/json", "authorization", "Bearer sk-upstream"];
  pool.dispatch({ path: "/v1/chat/completions", method: "POST", headers, body }, handler);
}

function receive(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
    const { model } = JSON.parse(body.toString()) as { model?: unknown };
    const key = createHash("sha256")
      .update((request.headers.authorization ?? "").slice(7))
      .digest();
    if (typeof model !== "string" || !timingSafeEqual(key, expected)) response.writeHead(401).end();
    else relay(body, response);
  });
}

const server = createServer(receive);
server.listen(0, "127.0.0.1", 4096, () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on("disconnect", () => process.exit(0));
