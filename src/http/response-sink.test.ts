import { randomBytes } from "node:crypto";
import { Agent, createServer, request as httpRequest, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { CallHead } from "../call/spec.ts";
import { ResponseSink } from "./response-sink.ts";

const HEAD: CallHead = {
  status: 200,
  call: "call_1",
  model: "lab/mini",
  adjusted: undefined,
  cost: undefined,
  contentType: "text/event-stream",
  vendorRequestId: undefined,
  stream: true,
  replayed: false,
};

let server: Server;
let port: number;
/** What the next answer is written in. */
let pieces: readonly Buffer[] = [];
let last: Buffer | undefined;
let head = HEAD;
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

beforeAll(async () => {
  server = createServer((request, response) => {
    request.resume();
    const sink = new ResponseSink(response);
    sink.head(head);
    for (const piece of pieces) sink.write(piece);
    sink.end(last);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(() => {
  agent.destroy();
  server.close();
});

function ask(): Promise<{ body: Buffer; reused: boolean; headers: Record<string, unknown> }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ port, host: "127.0.0.1", agent }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        resolve({ body: Buffer.concat(chunks), reused: request.reusedSocket, headers: response.headers });
      });
    });
    request.on("error", reject);
    request.end();
  });
}

const piece = fc.integer({ min: 0, max: 20_000 }).map((length) => randomBytes(length));

test("streams arrive whole, in pieces of any size, one after the other on one connection", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 6 }), fc.option(piece, { nil: undefined }), async (some, end) => {
      [pieces, last, head] = [some, end, HEAD];
      const { body, headers } = await ask();
      expect(body.equals(Buffer.concat([...some, ...(end ? [end] : [])]))).toBe(true);
      expect(headers).toMatchObject({ "transfer-encoding": "chunked", "x-maidan-call": "call_1" });
    }),
    { numRuns: 60 },
  );
  [pieces, last] = [[Buffer.from("a")], Buffer.from("b")];
  expect(await ask()).toMatchObject({ reused: true, body: Buffer.from("ab") });
});

test("an answer in one piece has its length", async () => {
  [pieces, last, head] = [[], randomBytes(10_000), { ...HEAD, stream: false }];
  const { body, headers } = await ask();
  expect(body.equals(last!)).toBe(true);
  expect(headers).toMatchObject({ "content-length": "10000" });
  expect(headers).not.toHaveProperty("transfer-encoding");
});

test("a client of HTTP/1.0 gets the stream itself, and then the end of the connection", async () => {
  [pieces, last, head] = [[Buffer.from("one "), Buffer.from("two ")], Buffer.from("three"), HEAD];
  const text = await new Promise<string>((resolve, reject) => {
    let seen = "";
    const socket = connect(port, "127.0.0.1", () => socket.write("GET / HTTP/1.0\r\n\r\n"));
    socket.on("data", (bytes) => {
      seen += bytes.toString("latin1");
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(seen));
  });
  expect(text.slice(text.indexOf("\r\n\r\n") + 4)).toBe("one two three");
  expect(text.toLowerCase()).not.toContain("transfer-encoding");
});
