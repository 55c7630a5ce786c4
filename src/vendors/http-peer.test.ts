import { type AddressInfo, createServer, type Server } from "node:net";
import fc from "fast-check";
import { type Dispatcher, Pool } from "undici";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { httpTransport } from "./http-transport.ts";
import type { Transport } from "./spec.ts";
import { record } from "./transport.suite.ts";

/** What came of one answer. */
interface Outcome {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
  readonly whole: boolean;
}

/** The same bytes, as undici reads them: a client by other people, over another parser. */
describe("beside undici", () => {
  let server: Server;
  let own: Transport;
  let peer: Pool;
  /** What the server answers to every connection, and whether it closes then. */
  let answer = Buffer.alloc(0);
  let places: readonly number[] = [];

  beforeAll(async () => {
    server = createServer((socket) => {
      socket.setNoDelay(true);
      socket.on("error", () => {});
      socket.once("data", () => {
        const cuts = [...new Set(places.map((place) => Math.min(place, answer.length)))].sort((a, b) => a - b);
        let from = 0;
        const next = (): void => {
          const to = cuts.shift();
          if (to === undefined) {
            socket.end(answer.subarray(from));
            return;
          }
          socket.write(answer.subarray(from, to));
          from = to;
          setImmediate(next);
        };
        next();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    own = httpTransport({ baseUrl: address, headerBytes: 4_096 });
    peer = new Pool(address, { pipelining: 1, maxHeaderSize: 4_096, headersTimeout: 0, bodyTimeout: 0 });
  });
  afterAll(async () => {
    await Promise.all([own.close(), peer.destroy()]);
    await new Promise((resolve) => server.close(resolve));
  });

  async function askOwn(): Promise<Outcome> {
    const { status, headers, body, events } = await record(own, {
      method: "POST",
      path: "/",
      headers: {},
      body: Buffer.from("{}"),
    }).done;
    return { status, headers, body: body.toString("latin1"), whole: events.at(-1) === "end" };
  }

  function askPeer(): Promise<Outcome> {
    return new Promise((resolve) => {
      let status: number | undefined;
      let headers: Outcome["headers"] = {};
      const chunks: Buffer[] = [];
      const finish = (whole: boolean): void =>
        resolve({ status, headers, body: Buffer.concat(chunks).toString("latin1"), whole });
      const handler: Dispatcher.DispatchHandler = {
        onRequestStart() {},
        onResponseStart(_controller, code, received) {
          if (code < 200) return;
          status = code;
          headers = Object.fromEntries(Object.entries(received).map(([name, value]) => [name, trimmed(value)]));
        },
        onResponseData(_controller, chunk) {
          chunks.push(chunk);
        },
        onResponseEnd: () => finish(true),
        onResponseError: () => finish(false),
      };
      peer.dispatch({ method: "POST", path: "/", body: Buffer.from("{}") }, handler);
    });
  }

  const names = fc.stringMatching(/^[A-Za-z0-9-]{1,10}$/).map((name) => `x-${name}`);
  const values = fc.stringMatching(/^([!-~\x80-\xff]([ -~\x80-\xff]{0,20}[!-~\x80-\xff])?)?$/);
  const contents = fc.string({ minLength: 1, maxLength: 40, unit: "binary-ascii" });
  const answers = fc
    .record({
      status: fc.constantFrom(200, 201, 204, 400, 404, 429, 500, 503, 599),
      minor: fc.constantFrom(0, 1, 1, 1),
      headers: fc.array(fc.tuple(names, values), { maxLength: 5 }),
      close: fc.constantFrom("", "connection: close\r\n", "connection: keep-alive\r\nkeep-alive: timeout=5\r\n"),
      framing: fc.constantFrom("length" as const, "chunks" as const, "close" as const),
      pieces: fc.array(contents, { maxLength: 4 }),
      extension: fc.constantFrom("", ";a", ";a=b"),
      trailer: fc.constantFrom("", "x-sum: 1\r\n"),
    })
    .map(({ status, minor, headers, close, framing, pieces, extension, trailer }) => {
      const content = status === 204 ? [] : pieces;
      const body = content.join("");
      const chunks = content.map((piece) => `${piece.length.toString(16)}${extension}\r\n${piece}\r\n`).join("");
      const fields = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
      const [framed, sent] = {
        length: [`Content-Length: ${body.length}\r\n`, body],
        chunks: ["Transfer-Encoding: chunked\r\n", `${chunks}0\r\n${trailer}\r\n`],
        close: ["", body],
      }[status === 204 ? "close" : framing];
      return `HTTP/1.${minor} ${status} Reason\r\n${fields}${close}${framed}\r\n${sent}`;
    });
  const cuts = fc.array(fc.nat(300), { maxLength: 3 });

  test("every answer that follows the standard is the same to both", async () => {
    await fc.assert(
      fc.asyncProperty(answers, cuts, async (text, where) => {
        answer = Buffer.from(text, "latin1");
        places = where;
        const mine = await askOwn();
        expect(mine.whole).toBe(true);
        expect(mine).toEqual(await askPeer());
      }),
      { numRuns: 250 },
    );
  }, 120_000);

  const scraps = fc.constantFrom(
    "\r\n",
    "\n",
    "\r",
    " ",
    "\t",
    ":",
    "0",
    "5",
    ",",
    ";",
    "\0",
    "\x7f",
    "a: b\r\n",
    "0\r\n\r\n",
    "Content-Length: 3\r\n",
    "Transfer-Encoding: chunked\r\n",
  );
  const changes = fc.array(fc.tuple(fc.nat(400), fc.nat(3), scraps), { minLength: 1, maxLength: 3 });

  test("whatever passes for an answer here means the same there", async () => {
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(answers, changes, cuts, async (text, edits, where) => {
        let changed = text;
        for (const [at, length, scrap] of edits) changed = changed.slice(0, at) + scrap + changed.slice(at + length);
        // undici takes `chunked` and a blank for another coding, and the chunks' sizes for content.
        if (/transfer-encoding:[^\r]*[ \t]\r\n/i.test(changed)) return;
        answer = Buffer.from(changed, "latin1");
        places = where;
        const mine = await askOwn();
        if (!mine.whole || (mine.status! >= 300 && mine.status! < 400)) return;
        taken += 1;
        const theirs = await askPeer();
        // Of chunks' extensions, which nobody reads, undici is the stricter reader.
        if (!theirs.whole && /[0-9a-f][ \t]*;/i.test(changed)) return;
        expect(mine).toEqual(theirs);
      }),
      { numRuns: 500 },
    );
    expect(taken).toBeGreaterThan(20);
  }, 120_000);
});

/** undici leaves blanks after a value, which are none of it (RFC 9112, 5.1). */
function trimmed(value: string | string[] | undefined): unknown {
  return Array.isArray(value) ? value.map(trimmed) : value?.replace(/[ \t]+$/, "");
}
