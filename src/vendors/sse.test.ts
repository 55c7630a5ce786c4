import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EventSplitter, eventName, payloadOf, singlePayload, withPayload } from "./sse.ts";

interface Unit {
  readonly text: string;
  readonly event: boolean;
}

function split(chunks: readonly Buffer[]): { readonly units: Unit[]; readonly rest: string } {
  const splitter = new EventSplitter(10_000);
  const units: Unit[] = [];
  for (const chunk of chunks) {
    const count = splitter.push(chunk);
    let start = 0;
    for (let index = 0; index < count; index++) {
      const end = splitter.ends[index]!;
      units.push({ text: splitter.bytes.toString("latin1", start, end), event: splitter.events[index]! });
      start = end;
    }
  }
  return { units, rest: splitter.rest().toString("latin1") };
}

/** By the standard's grammar, line by line, over the whole text. */
function plainly(text: string): Unit[] {
  const units: Unit[] = [];
  let event = "";
  const [mark = ""] = /^\xef\xbb\xbf/.exec(text) ?? [];
  let before = mark;
  for (const [line] of text.slice(mark.length).matchAll(/[^\r\n]*(?:\r\n|\n|\r)/g)) {
    const blank = /^[\r\n]/.test(line);
    if (event === "" && (blank || line.startsWith(":"))) units.push({ text: before + line, event: false });
    else if (blank) {
      units.push({ text: event + line, event: true });
      event = "";
    } else event += before + line;
    before = "";
  }
  return units;
}

const line = fc.constantFrom("data: a", "data:", ": c", "", "", "", "id: 5", "买单", ":");
const streams = fc
  .tuple(
    fc.constantFrom("", "\ufeff"),
    fc.array(fc.tuple(line, fc.constantFrom("\n", "\r\n", "\r")), { maxLength: 12 }),
    line,
  )
  .map(([mark, lines, last]) => {
    // A line of "\r" before an empty one of "\n" would be one line end, not two.
    const text = lines.map(([text, end]) => text + end).join("");
    return Buffer.from(mark + text + last);
  });

describe("units", () => {
  test("are those of the standard, wherever the stream is cut", () => {
    fc.assert(
      fc.property(streams, fc.array(fc.nat(80)), (bytes, places) => {
        const sorted = [0, ...places.map((place) => Math.min(place, bytes.length)), bytes.length].sort((a, b) => a - b);
        const chunks = sorted.slice(1).map((place, index) => bytes.subarray(sorted[index], place));
        const { units, rest } = split(chunks.filter((chunk) => chunk.length > 0));
        const text = bytes.toString("latin1");
        const expected = plainly(text);
        expect(units.map((unit) => unit.text).join("") + rest).toBe(text);
        // A `\r` at the very end may still become `\r\n`: its unit waits.
        const waits = text.endsWith("\r") && expected.map((unit) => unit.text).join("") === text ? 1 : 0;
        expect(units).toEqual(expected.slice(0, expected.length - waits));
      }),
      { numRuns: 3000 },
    );
  });

  test("the chunk itself is given out where nothing had to be put before it", () => {
    const splitter = new EventSplitter(100);
    const chunk = Buffer.from("data: a\n\ndata: b");
    expect(splitter.push(chunk)).toBe(1);
    expect(splitter.bytes).toBe(chunk);
    expect(splitter.rest().toString()).toBe("data: b");
  });

  test("a stream of one byte a time costs no more than its length", () => {
    const splitter = new EventSplitter(4_000_000);
    const byte = Buffer.from("x");
    for (let count = 0; count < 1_000_000; count++) splitter.push(byte);
    expect(splitter.push(Buffer.from("\n\n"))).toBe(1);
    expect(splitter.bytes.length).toBe(1_000_002);
  });

  test.each([
    ["data: 567890\n", 10],
    ["data: 5\n\n", 8],
    ["data: 5678901", 12],
  ])("%j is too long for a limit of %i", (text, limit) => {
    expect(() => new EventSplitter(limit).push(Buffer.from(text))).toThrow(/longer than/);
    const slowly = new EventSplitter(limit);
    expect(() => {
      for (const character of text) slowly.push(Buffer.from(character));
    }).toThrow(/longer than/);
  });
});

describe("payloads", () => {
  test.each([
    ["data: x\n\n", "x"],
    ["data:x\r\n\r\n", "x"],
    ["data:  x\r\r", " x"],
    ["data: x\n", "x"],
    ["data: x", "x"],
    ["data:\n\n", ""],
    ["data\n\n", ""],
    ["event: e\ndata: x\n: c\ndata: y\n\n", "x\ny"],
    ["\u00ef\u00bb\u00bfdata: x\n\n", "x"],
    ['{"error":1}\n', '{"error":1}'],
    ["id: 1\n\n", undefined],
    [": data: x\n\n", undefined],
    ["dataset: x\n\n", undefined],
  ])("of %j is %j", (event, payload) => expect(payloadOf(event)).toBe(payload));

  test("stand in one place only in an event of one line", () => {
    const event = "data: abc\r\n\r\n";
    const at = singlePayload(event)!;
    expect(event.slice(at.start, at.end)).toBe("abc");
    expect(singlePayload("data: a\ndata: b\n\n")).toBeUndefined();
    expect(singlePayload("data: a\rid: b\r\r")).toBeUndefined();
    expect(singlePayload("id: 1\ndata: a\n\n")).toBeUndefined();
  });

  test("are replaced among the other fields", () => {
    const event = "event: e\r\ndata: x\r\n: c\r\ndata: y\r\nid: 1\r\n\r\n";
    expect(withPayload(event, "1\n2")).toBe("event: e\ndata: 1\ndata: 2\n: c\nid: 1\n\n");
    expect(payloadOf(withPayload(event, "1\n2"))).toBe("1\n2");
  });

  test("an event's name", () => {
    expect(eventName("data: event: x\nevent:  error\n\n")).toBe("error");
    expect(eventName("data: x\n\n")).toBeUndefined();
  });
});
