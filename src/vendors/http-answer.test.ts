import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AnswerReader } from "./http-answer.ts";

interface Read {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, unknown>> | undefined;
  readonly body: string;
  /** `whole`, the code of an error, or `open` where more is awaited. */
  readonly outcome: string;
  readonly reusable: boolean;
}

const HEAD_BYTES = 512;

/** Reads as a connection does: each piece lies in a buffer that is written over afterwards. */
function read(pieces: readonly Buffer[], closes = true): Read {
  const reader = new AnswerReader(HEAD_BYTES);
  reader.begin();
  const shared = Buffer.alloc(Math.max(1, ...pieces.map((piece) => piece.length)) + 2);
  const heads: NonNullable<AnswerReader["head"]>[] = [];
  const payloads: Buffer[] = [];
  let surplus = false;
  const note = (): void => {
    if (reader.head) heads.push(reader.head);
    if (reader.payload) payloads.push(reader.payload);
  };
  for (const piece of pieces) {
    if (reader.error || piece.length === 0) continue;
    surplus ||= reader.whole;
    if (surplus) break;
    piece.copy(shared, 1);
    reader.read(shared, 1, 1 + piece.length);
    note();
    shared.fill(0xff);
  }
  if (closes && !reader.error && !reader.whole) {
    reader.close();
    note();
  }
  expect(heads.length).toBeLessThanOrEqual(1);
  return {
    status: heads[0]?.status,
    headers: heads[0] && { ...heads[0].headers },
    body: Buffer.concat(payloads).toString("latin1"),
    outcome: reader.error?.code ?? (reader.whole ? "whole" : "open"),
    reusable: reader.whole && reader.reusable && !surplus,
  };
}

const bytesOf = (text: string): Buffer => Buffer.from(text, "latin1");

/** In one piece; in two, cut at every place; byte by byte: always the same. */
function readCut(text: string, closes = true): Read {
  const bytes = bytesOf(text);
  const whole = read([bytes], closes);
  for (let at = 1; at < bytes.length; at++) {
    expect(read([bytes.subarray(0, at), bytes.subarray(at)], closes), `cut at ${at}`).toEqual(whole);
  }
  expect(
    read(
      [...bytes].map((byte) => Buffer.of(byte)),
      closes,
    ),
  ).toEqual(whole);
  return whole;
}

const OK = "HTTP/1.1 200 OK\r\n";
const CHUNKED = `${OK}transfer-encoding: chunked\r\n\r\n`;

describe("answers that are whole, cut anywhere", () => {
  test.each<[string, string, Partial<Read>]>([
    ["a length", `${OK}Content-Length: 5\r\nX-A: b\r\n\r\nhello`, { body: "hello", reusable: true }],
    ["a length of nothing", `${OK}content-length: 0\r\n\r\n`, { body: "", reusable: true }],
    ["a length with zeros before it", `${OK}content-length: 0005\r\n\r\nhello`, { body: "hello" }],
    ["chunks", `${CHUNKED}5\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\n\r\n`, { body: "hello world", reusable: true }],
    ["no chunk", `${CHUNKED}0\r\n\r\n`, { body: "", reusable: true }],
    ["sizes of many digits", `${CHUNKED}0000A\r\n0123456789\r\n000\r\n\r\n`, { body: "0123456789" }],
    ["extensions", `${CHUNKED}5;a=b;c="d e"\r\nhello\r\n0 ;x\r\n\r\n`, { body: "hello", reusable: true }],
    ["a trailer", `${CHUNKED}5\r\nhello\r\n0\r\nx-sum: 1\r\nx-b:\r\n\r\n`, { body: "hello", reusable: true }],
    ["line ends as content", `${CHUNKED}4\r\n\r\n\r\n\r\n0\r\n\r\n`, { body: "\r\n\r\n" }],
    ["the coding in capitals", `${OK}Transfer-Encoding: CHUNKED\r\n\r\n1\r\nx\r\n0\r\n\r\n`, { body: "x" }],
    ["until the end", `${OK}x: y\r\n\r\nall of it`, { body: "all of it", reusable: false }],
    ["until the end, and nothing", `${OK}\r\n`, { body: "", reusable: false }],
    ["204", "HTTP/1.1 204 No Content\r\n\r\n", { status: 204, body: "", reusable: true }],
    ["204 with a length", "HTTP/1.1 204 x\r\ncontent-length: 3\r\n\r\n", { status: 204, body: "", reusable: false }],
    ["304", "HTTP/1.1 304 Not Modified\r\netag: x\r\n\r\n", { status: 304, body: "", reusable: true }],
    ["more than the length", `${OK}content-length: 5\r\n\r\nhello, and more`, { body: "hello", reusable: false }],
    ["more than the chunks", `${CHUNKED}1\r\nx\r\n0\r\n\r\n\r\n`, { body: "x", reusable: false }],
    ["HTTP/1.0", "HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\nx", { body: "x", reusable: false }],
    [
      "HTTP/1.0 that would stay",
      "HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 1\r\n\r\nx",
      { reusable: false },
    ],
    ["a close", `${OK}Connection: Close\r\ncontent-length: 1\r\n\r\nx`, { body: "x", reusable: false }],
    ["a close among others", `${OK}connection: a, close\t,b\r\ncontent-length: 1\r\n\r\nx`, { reusable: false }],
    [
      "a close in another header",
      `${OK}connection: a\r\nconnection: close\r\ncontent-length: 1\r\n\r\nx`,
      { reusable: false },
    ],
    ["no close", `${OK}connection: closed, keep-alive\r\ncontent-length: 1\r\n\r\nx`, { reusable: true }],
    ["no reason", "HTTP/1.1 200 \r\ncontent-length: 1\r\n\r\nx", { status: 200, body: "x" }],
    ["no reason and no blank", "HTTP/1.1 200\r\ncontent-length: 1\r\n\r\nx", { status: 200, body: "x" }],
    ["a reason in another script", "HTTP/1.1 200 \xe5\xa5\xbd\r\ncontent-length: 1\r\n\r\nx", { status: 200 }],
    ["a status of its own", "HTTP/1.1 799 x\r\ncontent-length: 1\r\n\r\nx", { status: 799 }],
    [
      "heads that are none yet",
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: <a>\r\n\r\n${OK}content-length: 1\r\n\r\nx`,
      { status: 200, headers: { "content-length": "1" }, body: "x", reusable: true },
    ],
    [
      "odd headers",
      `${OK}A:b\r\nX-Blank:  \t \r\nx-TRIM: \t a b \t\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nset-cookie:c\r\n` +
        "constructor: own\r\n__proto__: x\r\nx-high: \xe4\xbd\xa0\r\n!#$%&'*+-.^_`|~9: t\r\ncontent-length: 0\r\n\r\n",
      {
        headers: {
          a: "b",
          "x-blank": "",
          "x-trim": "a b",
          "set-cookie": ["a=1", "b=2", "c"],
          constructor: "own",
          "x-high": "\xe4\xbd\xa0",
          "!#$%&'*+-.^_`|~9": "t",
          "content-length": "0",
        },
      },
    ],
  ])("%s", (_what, text, expected) => {
    expect(readCut(text)).toMatchObject({ status: 200, outcome: "whole", ...expected });
  });

  test("need no close where they say their length", () => {
    expect(readCut(`${OK}content-length: 5\r\n\r\nhello`, false).outcome).toBe("whole");
    expect(readCut(`${CHUNKED}1\r\nx\r\n0\r\n\r\n`, false).outcome).toBe("whole");
    expect(readCut(`${OK}\r\nhello`, false)).toMatchObject({ outcome: "open", body: "hello" });
  });

  test("say how long their connection is kept", () => {
    const reader = new AnswerReader(HEAD_BYTES);
    for (const [hint, kept] of [
      ["keep-alive: timeout=75, max=9", 75_000],
      ["Keep-Alive: max=3", undefined],
      ["a: b", undefined],
    ] as const) {
      reader.begin();
      const bytes = bytesOf(`${OK}${hint}\r\ncontent-length: 0\r\n\r\n`);
      reader.read(bytes, 0, bytes.length);
      expect([reader.whole, reader.keptMs]).toEqual([true, kept]);
    }
  });
});

describe("what is no answer, cut anywhere", () => {
  const malformed = "HTTP_MALFORMED";
  test.each<[string, string]>([
    ["no HTTP", "this is not HTTP\r\n\r\n"],
    ["another protocol's greeting", "SSH-2.0-OpenSSH_9.6\r\n"],
    ["HTTP/2.0", "HTTP/2.0 200 OK\r\n\r\n"],
    ["HTTP/1.2", "HTTP/1.2 200 OK\r\n\r\n"],
    ["HTTP/0.9", "HTTP/0.9 200 OK\r\n\r\n"],
    ["small letters", "http/1.1 200 OK\r\n\r\n"],
    ["an empty line first", `\r\n${OK}content-length: 0\r\n\r\n`],
    ["a status of two digits", "HTTP/1.1 20 OK\r\n\r\n"],
    ["a status of four digits", "HTTP/1.1 2000 OK\r\n\r\n"],
    ["a status below 100", "HTTP/1.1 099 OK\r\n\r\n"],
    ["two blanks before the status", "HTTP/1.1  200 OK\r\n\r\n"],
    ["a control character in the reason", "HTTP/1.1 200 O\x00K\r\n\r\n"],
    ["a line that ends without CR", "HTTP/1.1 200 OK\ncontent-length: 0\n\n"],
    ["a CR alone", `${OK}a: b\rc: d\r\n\r\n`],
    ["a LF alone", `${OK}a: b\nc: d\r\n\r\n`],
    ["NUL in a value", `${OK}a: b\x00\r\n\r\n`],
    ["DEL in a value", `${OK}a: b\x7f\r\n\r\n`],
    ["a folded line", `${OK}a: b\r\n c\r\n\r\n`],
    ["a folded first line", `${OK} a: b\r\n\r\n`],
    ["a header without a name", `${OK}: b\r\n\r\n`],
    ["a header without a colon", `${OK}abc\r\n\r\n`],
    ["a blank before the colon", `${OK}a : b\r\n\r\n`],
    ["a blank in a name", `${OK}a b: c\r\n\r\n`],
    ["a high byte in a name", `${OK}\xe4: c\r\n\r\n`],
    ["another protocol that nobody asked for", "HTTP/1.1 101 Switching\r\nupgrade: x\r\n\r\n"],
    ["two lengths", `${OK}content-length: 5\r\ncontent-length: 6\r\n\r\nhello!`],
    ["one length twice", `${OK}content-length: 5\r\ncontent-length: 5\r\n\r\nhello`],
    ["a list of lengths", `${OK}content-length: 5, 5\r\n\r\nhello`],
    ["a negative length", `${OK}content-length: -5\r\n\r\nhello`],
    ["a length with a sign", `${OK}content-length: +5\r\n\r\nhello`],
    ["a length with a fraction", `${OK}content-length: 5.0\r\n\r\nhello`],
    ["a length of sixteens", `${OK}content-length: 0x5\r\n\r\nhello`],
    ["no length", `${OK}content-length:\r\n\r\nhello`],
    ["a length beyond counting", `${OK}content-length: 9999999999999999\r\n\r\nhello`],
    ["a length and chunks", `${OK}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
    ["another coding", `${OK}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
    ["chunks in chunks", `${OK}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
    ["a coding of no name", `${OK}transfer-encoding:\r\n\r\n0\r\n\r\n`],
    ["a coding that is none", `${OK}transfer-encoding: identity\r\n\r\nhello`],
    ["a coding that looks like it", `${OK}transfer-encoding: chunked\x0b\r\n\r\n0\r\n\r\n`],
  ])("%s", (_what, text) => {
    expect(readCut(text)).toMatchObject({ outcome: malformed, status: undefined, body: "", reusable: false });
    expect(readCut(text, false).outcome).toBe(malformed);
  });

  test.each<[string, string, string]>([
    ["a size that is none", "5\r\nhello\r\nZZ\r\n", malformed],
    ["no size", "5\r\nhello\r\n\r\n", malformed],
    ["a size with a sign", "5\r\nhello\r\n+1\r\nx\r\n", malformed],
    ["a size as programs write it", "5\r\nhello\r\n0x1\r\nx\r\n", malformed],
    ["a size beyond counting", "5\r\nhello\r\nfffffffffffffff\r\n", malformed],
    ["a size that never ends", `5\r\nhello\r\n${"0".repeat(17)}`, malformed],
    ["a blank before a size", "5\r\nhello\r\n 1\r\nx\r\n", malformed],
    ["a blank in a size", "5\r\nhello\r\n1 1\r\nx\r\n", malformed],
    ["a blank after a size", "5\r\nhello\r\n1 \r\nx\r\n", malformed],
    ["a size that ends with LF", "5\r\nhello\r\n1\nx\r\n", malformed],
    ["a size that ends with CR", "5\r\nhello\r\n1\rx\r\n", malformed],
    ["an extension with LF", "5\r\nhello\r\n1;a\nx\r\n", malformed],
    ["an extension with CR", "5\r\nhello\r\n1;a\rb\r\nx\r\n", malformed],
    ["an extension that never ends", `5\r\nhello\r\n1;${"a".repeat(5_000)}`, malformed],
    ["blanks that never end", `5\r\nhello\r\n1${" ".repeat(5_000)}`, malformed],
    ["a chunk longer than its size", "5\r\nhello!\r\n0\r\n\r\n", malformed],
    ["a chunk that ends with LF", "5\r\nhello\n0\r\n\r\n", malformed],
    ["a trailer that is none", "5\r\nhello\r\n0\r\nabc\r\n\r\n", malformed],
    ["a folded trailer", "5\r\nhello\r\n0\r\na: b\r\n c\r\n\r\n", malformed],
    ["a trailer too long", `5\r\nhello\r\n0\r\na: ${"b".repeat(HEAD_BYTES)}\r\n\r\n`, "HTTP_HEAD_TOO_LARGE"],
    ["an end in a size", "5\r\nhello\r\n1", "HTTP_CLOSED"],
    ["an end in a chunk", "5\r\nhello\r\n5\r\n", "HTTP_CLOSED"],
    ["an end after a chunk", "5\r\nhello\r\n", "HTTP_CLOSED"],
    ["an end before the last line", "5\r\nhello\r\n0\r\n", "HTTP_CLOSED"],
    ["an end in a trailer", "5\r\nhello\r\n0\r\na: b\r\n", "HTTP_CLOSED"],
  ])("chunks: %s", (_what, body, outcome) => {
    // Long ones byte by byte and in one piece only: the square of their length would take too long.
    const text = CHUNKED + body;
    const told = text.length > 1_000 ? read([bytesOf(text)]) : readCut(text);
    expect(told).toMatchObject({ outcome, status: 200, body: "hello", reusable: false });
    expect(read([...bytesOf(text)].map((byte) => Buffer.of(byte)))).toEqual(told);
  });

  test.each<[string, string]>([
    ["nothing", ""],
    ["half a status line", "HTTP/1."],
    ["half a head", `${OK}content-le`],
    ["a head without its last line", `${OK}content-length: 0\r\n`],
    ["half a body", `${OK}content-length: 100\r\n\r\nshort`],
    ["hints and nothing more", "HTTP/1.1 103 Early Hints\r\n\r\n"],
  ])("an end too early: %s", (_what, text) => {
    expect(readCut(text).outcome).toBe("HTTP_CLOSED");
    expect(readCut(text, false).outcome).toBe("open");
  });

  test("a head has its limit to the byte, wherever it is cut", () => {
    const fill = (length: number): string => {
      const rest = `${OK}content-length: 1\r\nx: \r\n\r\n`;
      return `${OK}content-length: 1\r\nx: ${"y".repeat(length - rest.length)}\r\n\r\n`;
    };
    expect(readCut(`${fill(HEAD_BYTES)}x`)).toMatchObject({ outcome: "whole", body: "x" });
    expect(readCut(`${fill(HEAD_BYTES + 1)}x`)).toMatchObject({ outcome: "HTTP_HEAD_TOO_LARGE", status: undefined });
    expect(readCut(`${OK}x: ${"y".repeat(HEAD_BYTES)}`, false).outcome).toBe("HTTP_HEAD_TOO_LARGE");
  });
});

const tokens = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}$/).filter((name) => !FRAMING.test(name));
const FRAMING = /^(content-length|transfer-encoding|connection|keep-alive|__proto__)$/i;
const values = fc.stringMatching(/^([!-~\x80-\xff]([\t -~\x80-\xff]{0,20}[!-~\x80-\xff])?)?$/);
const contents = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString("latin1"));
const headers = fc.array(fc.tuple(tokens, values), { maxLength: 6 });
const blanks = fc.constantFrom("", " ", "\t", "  ");

describe("any answer", () => {
  test("is read as it was written, however it is framed and cut", () => {
    const framings = fc.constantFrom("length" as const, "chunks" as const, "close" as const);
    const answers = fc.record({
      hints: fc.array(headers, { maxLength: 2 }),
      status: fc.integer({ min: 200, max: 999 }).filter((status) => status !== 204 && status !== 304),
      headers,
      blank: blanks,
      framing: framings,
      pieces: fc.array(contents, { maxLength: 5 }),
      places: fc.array(fc.nat(600), { maxLength: 8 }),
    });
    fc.assert(
      fc.property(answers, ({ hints, status, headers, blank, framing, pieces, places }) => {
        const lines = (fields: readonly (readonly [string, string])[]): string =>
          fields.map(([name, value]) => `${name}:${blank}${value}${blank}\r\n`).join("");
        const body = pieces.join("");
        const framed = {
          length: [`content-length: ${body.length}`, body],
          chunks: [
            "transfer-encoding: chunked",
            `${pieces
              .filter((piece) => piece !== "")
              .map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`)
              .join("")}0\r\n\r\n`,
          ],
          close: ["x-y: z", body],
        }[framing];
        const before = hints.map((fields) => `HTTP/1.1 103 x\r\n${lines(fields)}\r\n`).join("");
        const bytes = bytesOf(`${before}HTTP/1.1 ${status} x\r\n${lines(headers)}${framed[0]}\r\n\r\n${framed[1]}`);
        const told = read(cutAt(bytes, places));
        expect(told).toMatchObject({ status, body, outcome: "whole", reusable: framing !== "close" });
        for (const name of new Set(headers.map(([name]) => name.toLowerCase()))) {
          if (name === "x-y") continue;
          const all = headers.filter(([other]) => other.toLowerCase() === name).map(([, value]) => value);
          expect(told.headers![name]).toEqual(all.length === 1 ? all[0] : all);
        }
      }),
      { numRuns: 800 },
    );
  });

  test("or anything else is read in the same way however it is cut, and never throws", () => {
    const scraps = fc.constantFrom(
      "HTTP/1.1 200 OK\r\n",
      "HTTP/1.1 100 x\r\n",
      "content-length: 3\r\n",
      "transfer-encoding: chunked\r\n",
      "\r\n",
      "\n",
      "\r",
      "3\r\nabc\r\n",
      "0\r\n",
      "abc",
      "a: b\r\n",
      " ",
      "\x00",
      ";x=y",
      "ffff\r\n",
      "connection: close\r\n",
      ":",
    );
    fc.assert(
      fc.property(
        fc.array(fc.oneof({ weight: 8, arbitrary: scraps }, contents), { maxLength: 12 }),
        fc.array(fc.nat(300), { maxLength: 10 }),
        fc.boolean(),
        (parts, places, closes) => {
          const bytes = bytesOf(parts.join(""));
          expect(read(cutAt(bytes, places), closes)).toEqual(read([bytes], closes));
        },
      ),
      { numRuns: 10_000 },
    );
  });
});

function cutAt(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [0, ...places.map((place) => Math.min(place, bytes.length)), bytes.length].sort((a, b) => a - b);
  return sorted.slice(1).map((place, index) => bytes.subarray(sorted[index], place));
}
