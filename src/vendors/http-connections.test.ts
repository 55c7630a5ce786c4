import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { httpTransport } from "./http-transport.ts";
import type { Transport, WireRequest } from "./spec.ts";
import { record } from "./transport.suite.ts";
import { VendorFault } from "./vendor-fault.ts";

const request = (body: string | Buffer = "{}"): WireRequest => ({
  method: "POST",
  path: "/",
  headers: {},
  body: Buffer.from(body),
});

/** A server that knows nothing of HTTP: `serve` gets each connection, and each whole request on it. */
class Upstream {
  readonly sockets: Socket[] = [];
  requests: Buffer[] = [];
  readonly #server: Server;

  private constructor(serve: (socket: Socket, connection: number, request: number) => void) {
    this.#server = createServer((socket) => {
      const connection = this.sockets.push(socket);
      let came = Buffer.alloc(0);
      let count = 0;
      socket.setNoDelay(true);
      socket.on("error", () => {});
      socket.on("data", (chunk) => {
        came = Buffer.concat([came, chunk]);
        const end = wholeRequest(came);
        if (end === undefined) return;
        this.requests.push(came.subarray(0, end));
        came = came.subarray(end);
        serve(socket, connection, ++count);
      });
    });
  }

  static async open(serve: (socket: Socket, connection: number, request: number) => void, host = "127.0.0.1") {
    const upstream = new Upstream(serve);
    await new Promise<void>((resolve) => upstream.#server.listen(0, host, resolve));
    return upstream;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get address(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Connections that are open. */
  get open(): number {
    return this.sockets.filter((socket) => !socket.destroyed).length;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function wholeRequest(bytes: Buffer): number | undefined {
  const head = bytes.indexOf("\r\n\r\n");
  if (head === -1) return undefined;
  const length = /content-length: (\d+)/.exec(bytes.toString("latin1", 0, head));
  const end = head + 4 + Number(length?.[1] ?? 0);
  return bytes.length >= end ? end : undefined;
}

const answerOf = (body: string, headers = ""): string =>
  `HTTP/1.1 200 OK\r\n${headers}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("connections", () => {
  const closers: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });

  async function start(
    serve: (socket: Socket, connection: number, request: number) => void,
    options: Partial<Parameters<typeof httpTransport>[0]> = {},
  ): Promise<{ upstream: Upstream; transport: Transport; ask: (body?: string | Buffer) => Promise<string> }> {
    const upstream = await Upstream.open(serve);
    const transport = httpTransport({ baseUrl: upstream.address, ...options });
    closers.push(() => upstream.close());
    closers.push(() => transport.close());
    const ask = async (body?: string | Buffer): Promise<string> => {
      const told = await record(transport, request(body)).done;
      return told.fault ? String(told.fault.details?.cause) : told.body.toString();
    };
    return { upstream, transport, ask };
  }

  test.each<[string, string, number]>([
    ["a server that says nothing", "", 1],
    ["a server that keeps them long", "keep-alive: timeout=60\r\n", 1],
    ["a server that keeps them too shortly", "keep-alive: timeout=2\r\n", 3],
    ["a server that closes", "connection: close\r\n", 3],
  ])("are used again as long as the server keeps them: %s", async (_what, headers, connections) => {
    const { upstream, ask } = await start((socket) => socket.write(answerOf("ok", headers)));
    for (let i = 0; i < 3; i++) expect(await ask()).toBe("ok");
    expect(upstream.sockets.length).toBe(connections);
  });

  test("of HTTP/1.0, and of answers that end with them, are not used again", async () => {
    const { upstream, ask } = await start((socket, connection) => {
      if (connection === 1) socket.write("HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok");
      else socket.end("HTTP/1.1 200 OK\r\n\r\nok");
    });
    for (let i = 0; i < 3; i++) expect(await ask()).toBe("ok");
    expect(upstream.sockets.length).toBe(3);
  });

  test("on which comes what nobody asked for are dropped: it is no answer to the next request", async () => {
    const { upstream, ask } = await start((socket, connection) => socket.write(answerOf(`${connection}`)));
    for (let i = 1; i <= 5; i++) {
      expect(await ask()).toBe(`${i}`);
      const socket = upstream.sockets[i - 1]!;
      const gone = new Promise((resolve) => socket.once("close", resolve));
      socket.write(answerOf("stray"));
      await gone;
    }
  });

  test("rest for a turn after an answer, so that what follows it at once is no answer to the next request", async () => {
    const { upstream, transport } = await start((socket, connection) => socket.write(answerOf(`${connection}`)));
    const answers: string[] = [];
    await new Promise<void>((resolve, reject) => {
      const send = (): void => {
        const sink = {
          onHead: () => {},
          onChunk: (chunk: Buffer) => void answers.push(chunk.toString()),
          onEnd: () => {
            if (answers.length === 4) return resolve();
            upstream.sockets.at(-1)!.write(answerOf("stray"));
            send();
          },
          onFail: reject,
        };
        transport.send(request(), sink, { connectMs: 20_000, firstByteMs: 20_000, betweenBytesMs: 20_000 });
      };
      send();
    });
    expect(answers).toEqual(["1", "2", "3", "4"]);
  });

  test("whose server has answered before it had read everything are not used again", async () => {
    const sockets: Socket[] = [];
    const upstream = createServer((socket) => {
      sockets.push(socket);
      socket.on("error", () => {});
      socket.once("data", () => {
        socket.pause();
        socket.write(answerOf("too long"));
      });
    });
    await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
    const transport = httpTransport({ baseUrl: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}` });
    for (let i = 0; i < 2; i++) {
      const { body } = await record(transport, request(Buffer.alloc(32 * 1024 * 1024))).done;
      expect(body.toString()).toBe("too long");
    }
    expect(sockets.length).toBe(2);
    await transport.close();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => upstream.close(resolve));
  });

  test.each([[0], [1], [1_000], [16_000], [20_000], [3_000_000]])(
    "a body of %i bytes arrives as it is",
    async (length) => {
      const { upstream, ask } = await start((socket) => socket.write(answerOf("ok")));
      const body = Buffer.from(Array.from({ length }, (_, at) => (at * 31) % 256));
      for (let i = 0; i < 2; i++) expect(await ask(body)).toBe("ok");
      for (const came of upstream.requests) {
        expect(came.subarray(came.indexOf("\r\n\r\n") + 4).equals(body)).toBe(true);
      }
    },
  );

  test("over IPv6", async (context) => {
    const upstream = await Upstream.open((socket) => socket.write(answerOf("six")), "::1").catch(() => undefined);
    if (!upstream) return context.skip("this machine has no IPv6");
    const transport = httpTransport({ baseUrl: `http://[::1]:${upstream.port}` });
    const { body } = await record(transport, request()).done;
    expect(body.toString()).toBe("six");
    expect(upstream.requests[0]!.toString()).toContain(`host: [::1]:${upstream.port}\r\n`);
    await transport.close();
    await upstream.close();
  });

  test("a limit is kept, and whoever waits is served in order", async () => {
    const waiting: Socket[] = [];
    const { upstream, transport } = await start((socket) => waiting.push(socket), { connections: 2 });
    const order: number[] = [];
    const all = Array.from({ length: 7 }, async (_, place) => {
      await record(transport, request(`${place}`)).done;
      order.push(place);
    });
    while (order.length < 7) {
      expect(upstream.open).toBeLessThanOrEqual(2);
      waiting.shift()?.write(answerOf("ok"));
      await turn();
    }
    await Promise.all(all);
    expect(upstream.requests.map((came) => Number(came.toString().slice(-1)))).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(upstream.sockets.length).toBe(2);
  });

  test("that cannot be opened fail everybody who waits, and nobody for ever", async () => {
    const upstream = await Upstream.open(() => {});
    const { address } = upstream;
    await upstream.close();
    for (const connections of [1, 3, undefined]) {
      const transport = httpTransport({ baseUrl: address, connections });
      const faults = await Promise.all(Array.from({ length: 7 }, () => record(transport, request()).done));
      for (const { fault } of faults) {
        expect(fault).toMatchObject({ charged: "nothing", details: { cause: "ECONNREFUSED" } });
      }
      await transport.close();
    }
  });

  test("what was held while nobody took it is passed on though the server has broken off meanwhile", async () => {
    const { transport, upstream } = await start((socket) => {
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nbegin");
    });
    const recorder = record(transport, request(), undefined, { onHead: (exchange) => exchange.pause() });
    await recorder.headed;
    upstream.sockets[0]!.write(", and more");
    await turn();
    upstream.sockets[0]!.destroy();
    await new Promise((resolve) => upstream.sockets[0]!.once("close", resolve));
    expect(recorder.events).toEqual(["head"]);
    recorder.exchange.resume();
    const { body, events, fault } = await recorder.done;
    expect([body.toString(), events.at(-1)]).toEqual(["begin, and more", "fail"]);
    expect(fault).toMatchObject({ charged: "unknown" });
  });

  test("an answer that is whole frees its connection, though nobody takes it yet", async () => {
    const { transport, ask } = await start((socket, connection) => socket.write(answerOf(`${connection}`)), {
      connections: 1,
    });
    const recorder = record(transport, request(), undefined, { onHead: (exchange) => exchange.pause() });
    await recorder.headed;
    expect(await ask()).toBe("1");
    expect(recorder.events).toEqual(["head"]);
    recorder.exchange.resume();
    expect((await recorder.done).events).toEqual(["head", "chunk", "end"]);
    const given = record(transport, request(), undefined, { onHead: (exchange) => exchange.pause() });
    await given.headed;
    const next = ask();
    given.exchange.abort();
    expect([await next, await ask(), given.events]).toEqual(["1", "1", ["head"]]);
  });

  test("a sink that fails at the head ends the exchange", async () => {
    const { transport, ask } = await start((socket) => socket.write(answerOf("ok")));
    const { events, fault } = await record(transport, request(), undefined, {
      onHead: () => {
        throw new Error("sink");
      },
    }).done;
    expect(events).toEqual(["head", "fail"]);
    expect(fault!.cause).toMatchObject({ message: "sink" });
    expect(await ask()).toBe("ok");
  });

  test.each(["onEnd", "onFail"] as const)("what a sink throws at %s is an uncaught error", async (at) => {
    const { transport } = await start((socket) => (at === "onEnd" ? socket.write(answerOf("ok")) : socket.end()));
    const listeners = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    const uncaught = new Promise<Error>((resolve) => process.once("uncaughtException", resolve));
    const fail = (): void => {
      throw new Error("sink");
    };
    const bounds = { connectMs: 20_000, firstByteMs: 20_000, betweenBytesMs: 20_000 };
    transport.send(request(), { onHead: () => {}, onChunk: () => {}, onEnd: fail, onFail: fail }, bounds);
    const { message } = await uncaught;
    for (const listener of listeners) process.on("uncaughtException", listener);
    expect(message).toBe("sink");
  });

  test("whatever comes back, every exchange ends, and no connection is left over", async () => {
    let answer = Buffer.alloc(0);
    let closes = true;
    const { upstream, transport } = await start((socket) => {
      if (closes) socket.end(answer);
      else socket.write(answer);
    });
    const scraps = fc.constantFrom(
      "HTTP/1.1 200 OK\r\n",
      "HTTP/1.1 301 x\r\nlocation: /\r\n\r\n",
      "HTTP/1.1 103 x\r\n\r\n",
      "content-length: 3\r\n",
      "transfer-encoding: chunked\r\n",
      "\r\n",
      "3\r\nabc\r\n",
      "0\r\n\r\n",
      "abc",
      "\0",
    );
    const parts = fc.array(fc.oneof({ weight: 5, arbitrary: scraps }, fc.string({ unit: "binary-ascii" })));
    const bounds = { connectMs: 20_000, firstByteMs: 0, betweenBytesMs: 0 };
    await fc.assert(
      fc.asyncProperty(parts, fc.constantFrom(true, true, true, true, false), async (text, ends) => {
        answer = Buffer.from(text.join(""), "latin1");
        closes = ends;
        const { events, fault } = await record(transport, request(), bounds).done;
        expect(events.filter((event) => event === "end" || event === "fail").length).toBe(1);
        if (events.at(-1) === "fail") expect(fault).toBeInstanceOf(VendorFault);
      }),
      { numRuns: 300 },
    );
    await transport.close();
    while (upstream.open > 0) await turn();
  }, 60_000);
});
