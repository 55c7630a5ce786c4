import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { writeCsv } from "./csv.ts";
import { dayPeriod, hasWholeHours, monthPeriod, segmentsOf } from "./periods.ts";
import { addQuantity, groupDigits, writeQuantity } from "./quantities.ts";
import { displayWidth, writeTable } from "./text-table.ts";

describe("CSV", () => {
  test("quotes what must be quoted, ends lines with CRLF, leaves unknown empty", () => {
    expect(
      writeCsv(
        ["a", "b"],
        [
          ['say "hi", now', "two\r\nlines"],
          [undefined, 0],
        ],
      ),
    ).toBe('a,b\r\n"say ""hi"", now","two\r\nlines"\r\n,0\r\n');
  });

  test.each(["=1+1", "+1", "-1+1", "@SUM(A1)", "\tx", "\rx", "\nx", "＝1"])("%j is no formula", (text) => {
    const field = writeCsv(["a"], [[text]]).split("a\r\n")[1]!;
    expect(field.replace(/^"/, "")[0]).toBe("'");
  });

  test("numbers stay numbers, negative ones too", () => {
    expect(writeCsv(["a"], [["-0.000345"], ["12"]])).toBe("a\r\n-0.000345\r\n12\r\n");
  });
});

describe("tables", () => {
  test.each([
    ["abc", 3],
    ["模型", 4],
    ["ｆｕｌｌ", 8],
    ["한국어", 6],
    ["é", 1],
    ["e\u0301", 1],
    ["🙂", 2],
    ["a\u200bb", 2],
  ])("%s takes %i places", (text, width) => {
    expect(displayWidth(text)).toBe(width);
  });

  test("columns stand under each other, and no name moves the cursor", () => {
    const table = writeTable(
      [
        { title: "模型", align: "left" },
        { title: "Amount", align: "right" },
      ],
      [
        ["通义千问", "1.5"],
        ["lab/mini\u001b[2J", "10.25"],
      ],
    );
    expect(table).not.toContain("\u001b");
    const ends = table.split("\n").map(displayWidth);
    expect(new Set(ends).size).toBe(1);
  });
});

describe("periods", () => {
  test("a month and a day are the calendar's, with daylight saving", () => {
    const november = monthPeriod("2026-11", "America/New_York");
    expect(new Date(november.from).toISOString()).toBe("2026-11-01T04:00:00.000Z");
    expect(new Date(november.to).toISOString()).toBe("2026-12-01T05:00:00.000Z");
    const day = dayPeriod("2026-11-01", "America/New_York");
    expect(day.to - day.from).toBe(25 * 3_600_000);
    const noMidnight = dayPeriod("2026-09-06", "America/Santiago"); // the clock jumps from 24:00 to 01:00
    expect(noMidnight.to - noMidnight.from).toBe(23 * 3_600_000);
  });

  test("segments cover a period without gaps, each with the zone's one offset", () => {
    const zones = ["UTC", "Asia/Shanghai", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata", "America/Caracas"];
    const from = Date.parse("2006-01-01T00:00:00Z");
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        fc.integer({ min: 0, max: 7_000 }),
        fc.integer({ min: 1, max: 800 }),
        fc.array(fc.integer({ min: 0, max: 19_000_000 }), { maxLength: 4 }),
        (zone, start, days, cuts) => {
          const period = { from: from + start * 86_400_000, to: from + (start + days) * 86_400_000 };
          const segments = segmentsOf(
            period,
            zone,
            cuts.map((minutes) => from + minutes * 60_000),
          );
          expect(segments[0]!.from).toBe(period.from);
          expect(segments.at(-1)!.to).toBe(period.to);
          const format = new Intl.DateTimeFormat("en", { timeZone: zone, timeZoneName: "longOffset" });
          const offset = (at: number) => format.formatToParts(at).find(({ type }) => type === "timeZoneName")!.value;
          for (const [i, segment] of segments.entries()) {
            if (i > 0) expect(segment.from).toBe(segments[i - 1]!.to);
            expect(offset(segment.from)).toBe(offset(segment.to - 1));
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test("knows which zones have hours of their own", () => {
    const period = { from: Date.parse("2026-11-01T00:00:00Z"), to: Date.parse("2026-12-01T00:00:00Z") };
    expect(hasWholeHours(segmentsOf(period, "Asia/Shanghai", []))).toBe(true);
    expect(hasWholeHours(segmentsOf(period, "Asia/Kolkata", []))).toBe(false);
    expect(hasWholeHours(segmentsOf({ ...period, from: period.from + 1 }, "UTC", []))).toBe(false);
  });
});

describe("quantities", () => {
  test("are added without drift and written without exponents", () => {
    expect(addQuantity(0.1, 0.2)).toBe(0.3);
    expect(addQuantity(2 ** 52, 1)).toBe(2 ** 52 + 1);
    expect(writeQuantity(1e21)).toBe("1000000000000000000000");
    expect(writeQuantity(0.000001)).toBe("0.000001");
    expect(writeQuantity(1.5)).toBe("1.5");
    expect(groupDigits("1234567.25")).toBe("1,234,567.25");
    expect(groupDigits("999")).toBe("999");
  });
});
