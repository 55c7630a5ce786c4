import { createPrivateKey, createSign, generateKeyPairSync, type KeyObject } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer, type Socket, type Server as TcpServer } from "node:net";
import type { TLSSocket } from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Fault } from "../base/faults.ts";
import { httpTransport } from "./http-transport.ts";
import type { Transport, WireRequest } from "./spec.ts";
import { describeTransport, record } from "./transport.suite.ts";

const request = (path: string, body = "{}"): WireRequest => ({
  method: "POST",
  path,
  headers: { "content-type": "application/json", authorization: "Bearer sk-test" },
  body: Buffer.from(body),
});

async function listen<S extends TcpServer>(server: S): Promise<{ address: string; server: S }> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

const closeServer = (server: TcpServer): Promise<void> =>
  new Promise((resolve) => {
    (server as Server).closeAllConnections?.();
    server.close(() => resolve());
  });

const LONG = Buffer.from(Array.from({ length: 3_000_000 }, (_, at) => (at * 7) % 251));

/** Writes parts one after the other, each in a turn of its own. */
function writeParts(response: ServerResponse, parts: readonly string[], then: () => void): void {
  const [part, ...rest] = parts;
  if (part === undefined) {
    then();
    return;
  }
  response.write(part);
  setTimeout(() => writeParts(response, rest, then), 2);
}

function play(incoming: IncomingMessage, response: ServerResponse): void {
  const parts = ["data: 1\n\n", "data: 2\n\n", "data: 3\n\n", "data: 4\n\n"];
  switch (incoming.url) {
    case "/v1/body":
      return void response.writeHead(200, { "content-type": "application/json" }).end('{"ok":true}');
    case "/v1/stream":
      response.writeHead(200, { "content-type": "text/event-stream" });
      return void writeParts(response, parts, () => response.end());
    case "/v1/error":
      return void response.writeHead(429, { "retry-after": "1" }).end('{"error":{}}');
    case "/v1/slow":
      return;
    case "/v1/slow-body":
      return void response.writeHead(200).flushHeaders();
    case "/v1/stall":
      return void response.writeHead(200).write("data: 1\n\n");
    case "/v1/broken":
      return void incoming.socket.destroy();
    case "/v1/cut":
      response.writeHead(200);
      return void writeParts(response, parts, () => incoming.socket.resetAndDestroy());
    case "/v1/redirect":
      return void response.writeHead(308, { location: "https://elsewhere.example/v2?key=secret" }).end("moved");
    case "/v1/hints":
      response.writeEarlyHints({ link: "</style.css>; rel=preload" });
      return void response.writeHead(200).end("after hints");
    case "/v1/long":
      return void response.writeHead(200, { "content-length": LONG.length }).end(LONG);
    case "/v1/large-head":
      return void response.writeHead(200, { "x-large": "x".repeat(5_000) }).end("body");
    default:
      return void response.writeHead(404).end("nothing here");
  }
}

async function makeSubject() {
  const { address, server } = await listen(createServer(play));
  const transport = httpTransport({ baseUrl: `${address}/v1/` });
  const names = ["body", "stream", "error", "slow", "stall", "broken", "cut"] as const;
  const scenes = Object.fromEntries(names.map((name) => [name, request(`/${name}`)]));
  return { transport, scenes, stop: () => closeServer(server) };
}

describeTransport("http", makeSubject);

describe("httpTransport", () => {
  const closers: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
  });

  async function upstream(handle: (incoming: IncomingMessage, response: ServerResponse) => void) {
    const { address, server } = await listen(createServer(handle));
    closers.push(() => closeServer(server));
    return { address, server };
  }

  /** A server that answers every connection with these very bytes, then ends it or keeps it open. */
  async function rawUpstream(bytes: string, end: boolean) {
    const sockets = new Set<Socket>();
    const { address, server } = await listen(
      createTcpServer((socket) => {
        sockets.add(socket);
        socket.on("error", () => {});
        socket.once("data", () => (end ? socket.end(bytes) : socket.write(bytes)));
      }),
    );
    closers.push(() => {
      for (const socket of sockets) socket.destroy();
      return closeServer(server);
    });
    return address;
  }

  const open = (address: string, options: Partial<Parameters<typeof httpTransport>[0]> = {}): Transport =>
    httpTransport({ baseUrl: address, ...options });

  test("sends method, prefix, path, headers and body as they are, and asks for no compression", async () => {
    let seen: unknown;
    const { address } = await upstream((incoming, response) => {
      let body = "";
      incoming.on("data", (chunk) => {
        body += chunk;
      });
      incoming.on("end", () => {
        const { method, url, headers } = incoming;
        const { host: _host, connection, ...rest } = headers;
        seen = { method, url, connection, headers: rest, body };
        response.writeHead(200, { "x-request-id": "r1", "set-cookie": ["a=1", "b=2"] }).end("ok");
      });
    });
    const transport = open(`${address}/compatible/v1`);
    const answer = await record(transport, {
      ...request("/chat?x=1", '{"a":"买单"}'),
      headers: { "accept-encoding": "gzip", "content-type": "application/json" },
    }).done;
    expect(seen).toEqual({
      method: "POST",
      url: "/compatible/v1/chat?x=1",
      connection: "keep-alive",
      headers: { "accept-encoding": "identity", "content-type": "application/json", "content-length": "14" },
      body: '{"a":"买单"}',
    });
    expect(answer.headers).toMatchObject({ "x-request-id": "r1", "set-cookie": ["a=1", "b=2"] });
    await transport.close();
  });

  test("a GET goes without a body", async () => {
    let seen: unknown;
    const { address } = await upstream((incoming, response) => {
      seen = [incoming.method, incoming.headers["content-length"]];
      response.end("ok");
    });
    const transport = open(address);
    await record(transport, { ...request("/models"), method: "GET" }).done;
    expect(seen).toEqual(["GET", undefined]);
    await transport.close();
  });

  test.each([
    ["ftp://example.com"],
    ["example.com/v1"],
    ["https://user:secret@example.com/v1"],
    ["https://example.com/v1?key=secret"],
  ])("%s is no address, and its secret is not shown", (baseUrl) => {
    expect(() => httpTransport({ baseUrl })).toThrow(Fault);
    expect(() => httpTransport({ baseUrl })).not.toThrow(/secret/);
  });

  test("nothing listening: never sent, not charged", async () => {
    const { address, server } = await listen(createTcpServer());
    await closeServer(server);
    const transport = open(address);
    const { fault } = await record(transport, request("/")).done;
    expect(fault).toMatchObject({ errorClass: "server_error", charged: "nothing", details: { cause: "ECONNREFUSED" } });
    expect(fault!.text("zh")).toContain(address);
    await transport.close();
  });

  test("a name that does not resolve: never sent, not charged", async () => {
    const transport = open("http://name.invalid");
    const { fault } = await record(transport, request("/")).done;
    expect(fault).toMatchObject({ errorClass: "server_error", charged: "nothing" });
    expect(fault!.message).toContain("name.invalid");
    await transport.close();
  });

  test("no TLS where TLS was expected: never sent, not charged", async () => {
    const { address } = await upstream(play);
    const transport = open(address.replace("http:", "https:"));
    const { fault } = await record(transport, request("/")).done;
    expect(fault).toMatchObject({ errorClass: "server_error", charged: "nothing" });
    await transport.close();
  });

  test("a request that cannot be formed is not sent, and the credential is not shown", async () => {
    const { address } = await upstream(play);
    const transport = open(address);
    const { fault } = await record(transport, { ...request("/"), headers: { authorization: "Bearer sk-secret\n" } })
      .done;
    expect(fault).toMatchObject({ errorClass: "server_error", charged: "nothing" });
    expect(`${fault!.message} ${fault!.text("zh")} ${JSON.stringify(fault!.details)}`).not.toContain("sk-secret");
    await transport.close();
  });

  test("waiting for a free connection is bounded, and what gave up waiting is never sent", async () => {
    const seen: string[] = [];
    const waiting: ServerResponse[] = [];
    const { address } = await upstream((incoming, response) => {
      seen.push(incoming.url!);
      if (incoming.url === "/first") waiting.push(response);
      else response.end("ok");
    });
    const transport = open(address, { connections: 1 });
    const first = record(transport, request("/first"));
    const bounds = { connectMs: 20, firstByteMs: 20_000, betweenBytesMs: 20_000 };
    const second = await record(transport, request("/second"), bounds).done;
    expect(second.fault).toMatchObject({ errorClass: "timeout", charged: "nothing" });
    const given = record(transport, request("/given-up"));
    given.exchange.abort();
    waiting[0]!.end("ok");
    expect((await first.done).events.at(-1)).toBe("end");
    expect((await record(transport, request("/third")).done).events.at(-1)).toBe("end");
    expect(seen).toEqual(["/first", "/third"]);
    expect(given.events).toEqual([]);
    await transport.close();
  });

  test("a head without a body in time is no first byte", async () => {
    const { address } = await upstream(play);
    const transport = open(address);
    const bounds = { connectMs: 20_000, firstByteMs: 20, betweenBytesMs: 20_000 };
    const { events, fault } = await record(transport, request("/v1/slow-body"), bounds).done;
    expect(events).toEqual(["head", "fail"]);
    expect(fault).toMatchObject({ errorClass: "timeout", charged: "unknown" });
    await transport.close();
  });

  test("a redirect is not followed, names its target without the query, and is not charged", async () => {
    const { address } = await upstream(play);
    const transport = open(address);
    const { events, fault } = await record(transport, request("/v1/redirect")).done;
    expect(events).toEqual(["fail"]);
    expect(fault).toMatchObject({ errorClass: "server_error", charged: "nothing", vendorStatus: 308 });
    expect(fault!.message).toContain("https://elsewhere.example/v2,");
    expect(fault!.message).not.toContain("secret");
    await transport.close();
  });

  test("early hints are not the head", async () => {
    const { address } = await upstream(play);
    const transport = open(address);
    const { events, status, body } = await record(transport, request("/v1/hints")).done;
    expect([events, status, body.toString()]).toEqual([["head", "chunk", "end"], 200, "after hints"]);
    await transport.close();
  });

  test("headers have a bound", async () => {
    const { address } = await upstream(play);
    const transport = open(address, { headerBytes: 4_096 });
    const { events, fault } = await record(transport, request("/v1/large-head")).done;
    expect(events).toEqual(["fail"]);
    expect(fault).toMatchObject({ charged: "unknown", details: { cause: "HTTP_HEAD_TOO_LARGE" } });
    await transport.close();
  });

  const head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n";
  test.each([
    ["garbage", "this is not HTTP\r\n\r\n", true, "HTTP_MALFORMED"],
    ["a length that is too great", `${head}content-length: 100\r\n\r\nshort`, true, "HTTP_CLOSED"],
    [
      "garbage for a chunk's size",
      `${head}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\nZZ\r\n`,
      false,
      "HTTP_MALFORMED",
    ],
    ["an end in the middle of a chunk", `${head}transfer-encoding: chunked\r\n\r\nff\r\nhello`, true, "HTTP_CLOSED"],
    ["no byte at all", "", true, "HTTP_CLOSED"],
  ])("%s may be charged", async (_what, bytes, end, cause) => {
    const transport = open(await rawUpstream(bytes, end));
    const { fault } = await record(transport, request("/")).done;
    expect(fault).toMatchObject({ errorClass: "server_error", charged: "unknown", details: { cause } });
    await transport.close();
  });

  test("more bytes than the length says: the answer is as long as it says, and the connection is given up", async () => {
    const transport = open(await rawUpstream(`${head}content-length: 5\r\n\r\nhello, and more`, false));
    for (let i = 0; i < 3; i++) {
      const { events, body } = await record(transport, request("/")).done;
      expect([events.at(-1), body.toString()]).toEqual(["end", "hello"]);
    }
    await transport.close();
  });

  test("connections are kept, and one that the server closed meanwhile costs nothing", async () => {
    const sockets: Socket[] = [];
    const { address } = await upstream((incoming, response) => {
      if (!sockets.includes(incoming.socket)) sockets.push(incoming.socket);
      response.end("ok");
    });
    const transport = open(address, { connections: 1 });
    for (let i = 0; i < 3; i++) expect((await record(transport, request("/")).done).events.at(-1)).toBe("end");
    expect(sockets.length).toBe(1);
    for (let i = 0; i < 20; i++) {
      const last = sockets.at(-1)!;
      const gone = new Promise((resolve) => last.once("close", resolve));
      last.destroy();
      await gone;
      expect((await record(transport, request("/")).done).events.at(-1)).toBe("end");
    }
    expect(sockets.length).toBe(21);
    await transport.close();
  });

  test("a paused answer holds the vendor up instead of filling memory", async () => {
    const piece = Buffer.alloc(64 * 1024, "x");
    const most = 64 * 1024 * 1024;
    let written = 0;
    let blocked = (): void => {};
    const full = new Promise<void>((resolve) => {
      blocked = resolve;
    });
    const { address } = await upstream((_incoming, response) => {
      const pour = (): void => {
        while (written < most) {
          written += piece.length;
          if (!response.write(piece)) {
            const rest = setTimeout(blocked, 50);
            response.once("drain", () => {
              clearTimeout(rest);
              pour();
            });
            return;
          }
        }
        blocked();
        response.end();
      };
      pour();
    });
    const transport = open(address);
    const recorder = record(transport, request("/"), undefined, { onHead: (exchange) => exchange.pause() });
    await full;
    expect(written).toBeLessThan(most);
    expect(recorder.events).toEqual(["head"]);
    recorder.exchange.resume();
    const { body, events } = await recorder.done;
    expect([body.length, events.at(-1)]).toEqual([written, "end"]);
    await transport.close();
  });

  test("aborting closes the connection, so that the vendor learns of it", async () => {
    let learned = (): void => {};
    const gone = new Promise<void>((resolve) => {
      learned = resolve;
    });
    const { address } = await upstream((_incoming, response) => {
      response.on("close", learned);
      response.writeHead(200).write("begin");
    });
    const transport = open(address);
    const recorder = record(transport, request("/"), undefined, { onChunk: (exchange) => exchange.abort() });
    await gone;
    expect(recorder.events).toEqual(["head", "chunk"]);
    await transport.close();
  });

  test("what a sink throws at a chunk ends the exchange", async () => {
    const { address } = await upstream(play);
    const transport = open(address);
    const { events, fault } = await record(transport, request("/v1/stream"), undefined, {
      onChunk: () => {
        throw new Error("sink");
      },
    }).done;
    expect(events).toEqual(["head", "chunk", "fail"]);
    expect(fault!.cause).toMatchObject({ message: "sink" });
    await transport.close();
  });
});

describe("httpTransport over TLS", () => {
  let address: string;
  let server: Server;
  let certificate: string;
  beforeAll(async () => {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    certificate = selfSigned(privateKey, publicKey);
    const key = privateKey.export({ type: "pkcs8", format: "pem" });
    const { address: plain, server: secure } = await listen(createSecureServer({ key, cert: certificate }, play));
    server = secure as unknown as Server;
    address = plain.replace("http://127.0.0.1", "https://localhost");
  });
  afterAll(() => closeServer(server));

  test("answers where the certificate is trusted", async () => {
    const transport = httpTransport({ baseUrl: `${address}/v1`, ca: certificate });
    const { body } = await record(transport, request("/body")).done;
    expect(body.toString()).toBe('{"ok":true}');
    await transport.close();
  });

  test("an untrusted certificate: never sent, not charged", async () => {
    const transport = httpTransport({ baseUrl: `${address}/v1` });
    const { fault } = await record(transport, request("/body")).done;
    expect(fault).toMatchObject({ errorClass: "server_error", charged: "nothing" });
    expect(fault!.message).toContain("NODE_EXTRA_CA_CERTS");
    await transport.close();
  });

  test("a certificate of another name: never sent, not charged", async () => {
    const transport = httpTransport({ baseUrl: address.replace("localhost", "127.0.0.1"), ca: certificate });
    const { fault } = await record(transport, request("/body")).done;
    expect(fault).toMatchObject({ charged: "nothing", details: { cause: "ERR_TLS_CERT_ALTNAME_INVALID" } });
    await transport.close();
  });

  test("a certificate of another name is refused the second time, too: no session outlives its name", async () => {
    const transport = httpTransport({ baseUrl: address.replace("localhost", "127.0.0.1"), ca: certificate });
    for (let i = 0; i < 3; i++) {
      const { fault } = await record(transport, request("/body")).done;
      expect(fault).toMatchObject({ charged: "nothing", details: { cause: "ERR_TLS_CERT_ALTNAME_INVALID" } });
    }
    await transport.close();
  });

  test("the name is announced, HTTP/1.1 is chosen, and the next connection takes up the session", async () => {
    const seen: unknown[] = [];
    const note = (socket: TLSSocket): void => {
      const { servername, alpnProtocol } = socket as TLSSocket & { servername: unknown };
      seen.push([servername, alpnProtocol, socket.isSessionReused()]);
      // A session is worth something only once it has been heard of.
      closeAfterwards.add(socket);
    };
    const closeAfterwards = new Set<TLSSocket>();
    server.on("secureConnection", note);
    const transport = httpTransport({ baseUrl: `${address}/v1`, ca: certificate });
    for (let i = 0; i < 3; i++) {
      expect((await record(transport, request("/body")).done).events.at(-1)).toBe("end");
      const gone = [...closeAfterwards].map((socket) => new Promise((resolve) => socket.once("close", resolve)));
      for (const socket of closeAfterwards) socket.end();
      closeAfterwards.clear();
      await Promise.all(gone);
    }
    server.off("secureConnection", note);
    expect(seen).toEqual([
      ["localhost", "http/1.1", false],
      ["localhost", "http/1.1", true],
      ["localhost", "http/1.1", true],
    ]);
    await transport.close();
  });

  test("a long answer that is paused again and again arrives in whole", async () => {
    const transport = httpTransport({ baseUrl: `${address}/v1`, ca: certificate });
    const { body, events } = await record(transport, request("/long"), undefined, {
      onChunk: (exchange) => {
        exchange.pause();
        setImmediate(() => exchange.resume());
      },
    }).done;
    expect(events.at(-1)).toBe("end");
    expect(body.equals(LONG)).toBe(true);
    await transport.close();
  });

  test("a handshake that is never answered is bounded", async () => {
    const { address: silent, server: deaf } = await listen(
      createTcpServer((socket) => socket.on("error", () => {}).resume()),
    );
    const transport = httpTransport({ baseUrl: silent.replace("http:", "https:"), connectMs: 50 });
    const { fault } = await record(transport, request("/")).done;
    expect(fault).toMatchObject({
      errorClass: "timeout",
      charged: "nothing",
      details: { cause: "HTTP_CONNECT_TIMEOUT" },
    });
    await transport.close();
    await closeServer(deaf);
  });
});

/** A certificate for `localhost`, valid until 2049, signed by its own key (X.509 v3, DER, by hand). */
function selfSigned(privateKey: KeyObject, publicKey: KeyObject): string {
  const der = (tag: number, ...parts: Buffer[]): Buffer => {
    const content = Buffer.concat(parts);
    const { length } = content;
    const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
    return Buffer.concat([Buffer.from([tag, ...size]), content]);
  };
  const hex = (text: string): Buffer => Buffer.from(text, "hex");
  const ecdsaWithSha256 = der(0x30, der(0x06, hex("2a8648ce3d040302")));
  const commonName = der(0x30, der(0x06, hex("550403")), der(0x0c, Buffer.from("localhost")));
  const name = der(0x30, der(0x31, commonName));
  const time = (text: string): Buffer => der(0x17, Buffer.from(text));
  const names = der(0x30, der(0x82, Buffer.from("localhost")));
  const subjectAltName = der(0x30, der(0x06, hex("551d11")), der(0x04, names));
  const body = der(
    0x30,
    der(0xa0, der(0x02, hex("02"))),
    der(0x02, hex("01")),
    ecdsaWithSha256,
    name,
    der(0x30, time("200101000000Z"), time("491231235959Z")),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, der(0x30, subjectAltName)),
  );
  const signature = createSign("sha256")
    .update(body)
    .sign(createPrivateKey(privateKey.export({ type: "pkcs8", format: "pem" })));
  const whole = der(0x30, body, ecdsaWithSha256, der(0x03, Buffer.concat([hex("00"), signature])));
  return `-----BEGIN CERTIFICATE-----\n${whole
    .toString("base64")
    .match(/.{1,64}/g)!
    .join("\n")}\n-----END CERTIFICATE-----\n`;
}
