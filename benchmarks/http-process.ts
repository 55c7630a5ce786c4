import { once } from "node:events";
import { type Dispatcher, Pool } from "undici";
import { httpTransport } from "../src/vendors/http-transport.ts";
import type { AnswerSink } from "../src/vendors/spec.ts";
import { REQUEST_BYTES } from "./cases.ts";

/** One HTTP client and nothing else: so many requests, so many at once, each sent when another's answer has ended. */

export interface HttpOrder {
  readonly kind: "buffered" | "paced";
  readonly requests: number;
  readonly atOnce: number;
}

export interface HttpResult {
  readonly processorUs: number;
}

const [client = "", port = ""] = process.argv.slice(2);
const address = `http://127.0.0.1:${port}`;
const path = "/v1/chat/completions";
const headers = Object.freeze({ "content-type": "application/json", authorization: "Bearer sk-upstream" });
const bounds = { connectMs: 10_000, firstByteMs: 60_000, betweenBytesMs: 60_000 };
const send = client === "undici" ? sendByUndici() : sendByOwn();

type Send = (body: Buffer, ended: () => void) => void;

function sendByOwn(): Send {
  const transport = httpTransport({ baseUrl: address });
  return (body, ended) => {
    const sink: AnswerSink = { onHead: () => {}, onChunk: () => {}, onEnd: ended, onFail: fail };
    transport.send({ method: "POST", path, headers, body }, sink, bounds);
  };
}

function sendByUndici(): Send {
  const pool = new Pool(address, { pipelining: 1, headersTimeout: 0, bodyTimeout: 0 });
  const list = Object.entries(headers).flat();
  return (body, ended) => {
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart: () => {},
      onResponseStart: () => {},
      onResponseData: () => {},
      onResponseEnd: ended,
      onResponseError: (_controller, error) => fail(error),
    };
    pool.dispatch({ method: "POST", path, headers: list, body }, handler);
  };
}

function fail(error: Error): void {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}

function run({ kind, requests, atOnce }: HttpOrder): Promise<void> {
  const asked = kind === "paced" ? '"stream":true,"paced":1,' : "";
  const filling = "x".repeat(REQUEST_BYTES - asked.length - '{"content":""}'.length);
  const body = Buffer.from(`{${asked}"content":"${filling}"}`);
  return new Promise((resolve) => {
    let left = requests;
    let underWay = 0;
    const next = (): void => {
      underWay -= 1;
      if (left > 0) begin();
      else if (underWay === 0) resolve();
    };
    const begin = (): void => {
      left -= 1;
      underWay += 1;
      send(body, next);
    };
    while (underWay < atOnce && left > 0) begin();
  });
}

process.on("disconnect", () => process.exit(0));
for (;;) {
  const [order] = (await once(process, "message")) as [HttpOrder];
  const before = process.cpuUsage();
  await run(order);
  const { user, system } = process.cpuUsage(before);
  process.send?.({ processorUs: user + system } satisfies HttpResult);
}
