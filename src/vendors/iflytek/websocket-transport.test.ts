import { createServer, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import type { SendBounds, WireRequest } from "../spec.ts";
import { describeTransport, record, type TransportSubject } from "../transport.suite.ts";
import { isLastFrame } from "./frames.ts";
import { webSocketTransport } from "./websocket-transport.ts";

const BOUNDS: SendBounds = { connectMs: 20_000, firstByteMs: 20_000, betweenBytesMs: 20_000 };
const frame = (content: string, status: number): string => JSON.stringify({ header: { code: 0, status }, content });

/** What a path asks the server for. */
const PLAYS: Readonly<Record<string, (socket: WebSocket) => void>> = {
  "/body": (socket) => socket.send(frame("你好", 2)),
  "/stream": (socket) => {
    for (let at = 0; at < 8; at++) socket.send(frame(`piece ${at}`, at === 7 ? 2 : 1));
  },
  "/slow": () => {},
  "/stall": (socket) => socket.send(frame("some", 0)),
  "/broken": (socket) => socket.terminate(),
  "/cut": (socket) => socket.send(frame("some", 0), () => socket.terminate()),
  "/closes": (socket) => {
    socket.send(frame("some", 1));
    socket.close(1000);
  },
  "/pretty": (socket) => socket.send('{\n  "header": {\r\n    "status": 2 } }\n'),
  "/binary": (socket) => socket.send(Buffer.from(frame("bytes", 2))),
  "/long": (socket) => socket.send("x".repeat(5000)),
  "/failing": (socket) => socket.close(1011, "engine"),
};

const running: (() => void)[] = [];
afterEach(() => {
  for (const stop of running.splice(0)) stop();
});

async function listen(server: Server | ReturnType<typeof createTcpServer>): Promise<number> {
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  return (server.address() as AddressInfo).port;
}

interface Played {
  readonly baseUrl: string;
  /** The frames that came, and the headers of each handshake. */
  readonly received: string[];
  readonly headers: Record<string, unknown>[];
  /** Resolves when a connection that was asked has closed. */
  readonly closed: Promise<void>;
  stop(): void;
}

async function play(): Promise<Played> {
  const server = createServer();
  const sockets = new WebSocketServer({ noServer: true });
  const received: string[] = [];
  const headers: Record<string, unknown>[] = [];
  let close = (): void => {};
  const closed = new Promise<void>((resolve) => {
    close = resolve;
  });
  server.on("upgrade", (request, socket, head) => {
    headers.push(request.headers);
    if (request.url === "/error") {
      const body = '{"message":"HMAC signature does not match"}';
      socket.end(`HTTP/1.1 403 Forbidden\r\nx-a: b\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
      return;
    }
    if (request.url === "/moved") {
      socket.end("HTTP/1.1 302 Found\r\nlocation: /body\r\ncontent-length: 0\r\n\r\n");
      return;
    }
    sockets.handleUpgrade(request, socket, head, (connection) => {
      connection.on("close", close);
      connection.on("message", (message) => {
        received.push(String(message));
        PLAYS[request.url ?? ""]!(connection);
      });
    });
  });
  const port = await listen(server);
  const stop = (): void => {
    for (const socket of sockets.clients) socket.terminate();
    server.closeAllConnections();
    server.close();
  };
  return { baseUrl: `ws://127.0.0.1:${port}`, received, headers, closed, stop };
}

function ask(path: string): WireRequest {
  return { method: "GET", path, headers: { "x-own": "1" }, body: Buffer.from('{"ask":"你好"}') };
}

describeTransport("WebSocket", async (): Promise<TransportSubject> => {
  const { baseUrl, stop } = await play();
  const scenes = Object.fromEntries(
    (["body", "stream", "error", "slow", "stall", "broken", "cut"] as const).map((name) => [name, ask(`/${name}`)]),
  );
  return { transport: webSocketTransport({ baseUrl, isLast: isLastFrame }), scenes, stop: async () => stop() };
});

describe("a request over a WebSocket", () => {
  const open = async (frameBytes?: number) => {
    const server = await play();
    running.push(server.stop);
    return { ...server, transport: webSocketTransport({ baseUrl: server.baseUrl, frameBytes, isLast: isLastFrame }) };
  };

  test("is one frame, and each frame of the answer is a line", async () => {
    const { transport, received, headers, closed } = await open();
    const answer = await record(transport, ask("/stream"), BOUNDS).done;
    expect(answer).toMatchObject({ status: 200, headers: { "content-type": "application/x-ndjson" } });
    expect(answer.body.toString().trim().split("\n")).toHaveLength(8);
    expect([received, headers[0]!["x-own"]]).toEqual([['{"ask":"你好"}'], "1"]);
    // The vendor did not close: the last frame is enough.
    await closed;
  });

  test.each(["/pretty", "/binary"])("a frame is one line however it is written: %s", async (path) => {
    const { transport } = await open();
    const { body, events } = await record(transport, ask(path), BOUNDS).done;
    expect(events).toEqual(["head", "chunk", "end"]);
    expect(body.indexOf("\n")).toBe(body.length - 1);
    expect(JSON.parse(body.toString()).header.status).toBe(2);
  });

  test("an ordinary close without a last frame is an end: the reader says that it is none", async () => {
    const { transport } = await open();
    expect((await record(transport, ask("/closes"), BOUNDS).done).events).toEqual(["head", "chunk", "end"]);
  });

  test("a close that is no ordinary one, or that brings nothing, is a fault", async () => {
    const { transport } = await open();
    const { events, fault } = await record(transport, ask("/failing"), BOUNDS).done;
    expect(events).toEqual(["fail"]);
    expect(fault).toMatchObject({ errorClass: "server_error", charged: "unknown" });
  });

  test("a handshake that is refused is an answer with its own status, headers and body", async () => {
    const { transport } = await open();
    const refused = await record(transport, ask("/error"), BOUNDS).done;
    expect(refused).toMatchObject({ status: 403, headers: { "x-a": "b" }, events: ["head", "chunk", "end"] });
    expect(JSON.parse(refused.body.toString())).toEqual({ message: "HMAC signature does not match" });
  });

  test("a server that sends elsewhere, or nowhere, is not charged for", async () => {
    const { transport } = await open();
    const moved = await record(transport, ask("/moved"), BOUNDS).done;
    expect(moved.fault).toMatchObject({ errorClass: "server_error", charged: "nothing", vendorStatus: 302 });
    const nowhere = webSocketTransport({ baseUrl: "ws://127.0.0.1:1", isLast: isLastFrame });
    expect((await record(nowhere, ask("/body"), BOUNDS).done).fault).toMatchObject({
      charged: "nothing",
      details: { address: "ws://127.0.0.1:1", cause: "ECONNREFUSED" },
    });
  });

  test("a frame that is too long is a fault", async () => {
    const { transport } = await open(1000);
    const { fault } = await record(transport, ask("/long"), BOUNDS).done;
    expect(fault).toMatchObject({ errorClass: "server_error", charged: "unknown" });
  });

  test("a handshake that is never answered is bounded, and charges nothing", async () => {
    const held: Socket[] = [];
    const server = createTcpServer((socket) => held.push(socket.on("error", () => {})));
    const port = await listen(server);
    const transport = webSocketTransport({ baseUrl: `ws://127.0.0.1:${port}`, isLast: isLastFrame });
    const { fault } = await record(transport, ask("/body"), { ...BOUNDS, connectMs: 20 }).done;
    expect(fault).toMatchObject({ errorClass: "timeout", charged: "nothing" });
    for (const socket of held) socket.destroy();
    server.close();
  });

  test("an abort closes the connection", async () => {
    const { transport, closed } = await open();
    const recorder = record(transport, ask("/stall"), BOUNDS, { onChunk: (exchange) => exchange.abort() });
    await recorder.chunked;
    await closed;
    expect(recorder.events).toEqual(["head", "chunk"]);
  });

  test.each(["http://127.0.0.1", "ws://a:b@127.0.0.1", "ws://127.0.0.1/?a=b", "nowhere"])(
    "%s is no address",
    (baseUrl) => {
      expect(() => webSocketTransport({ baseUrl, isLast: isLastFrame })).toThrow(
        expect.objectContaining({ code: "invalid_request", param: "baseUrl" }),
      );
    },
  );

  test("a header that cannot be sent fails, and nothing is charged", async () => {
    const { transport } = await open();
    const { fault } = await record(transport, { ...ask("/body"), headers: { "x-own": "a\nb" } }, BOUNDS).done;
    expect(fault).toMatchObject({ errorClass: "server_error", charged: "nothing" });
  });
});

test("a paused exchange slows the vendor down instead of keeping what it sends", async () => {
  const server = createServer();
  const sockets = new WebSocketServer({ server });
  const big = frame("x".repeat(64 * 1024), 1);
  let sent = 0;
  let stuck = (): void => {};
  const blocked = new Promise<void>((resolve) => {
    stuck = resolve;
  });
  sockets.on("connection", (socket) => {
    socket.on("error", () => {});
    const more = (): void => {
      // What the client does not read stays in this process once the network has taken what it can.
      if (socket.bufferedAmount > 4 * 1024 * 1024) {
        stuck();
        return;
      }
      sent += 1;
      socket.send(big);
      setImmediate(more);
    };
    socket.once("message", more);
  });
  const port = await listen(server);
  const transport = webSocketTransport({ baseUrl: `ws://127.0.0.1:${port}`, isLast: isLastFrame });
  const recorder = record(transport, ask("/"), BOUNDS, { onChunk: (exchange) => exchange.pause() });
  await blocked;
  expect(sent).toBeGreaterThan(60);
  expect(recorder.events).toEqual(["head", "chunk"]);
  recorder.exchange.abort();
  for (const socket of sockets.clients) socket.terminate();
  server.close();
});
