import { describe, expect, test } from "vitest";
import { Fault } from "../../base/faults.ts";
import type { AnswerPiece, PieceReader } from "../answer-pieces.ts";
import type { PieceWriter } from "../spec.ts";
import { VendorFault } from "../vendor-fault.ts";
import { transformPieces } from "./piece-texts.ts";
import { TranslatedStream } from "./translated-stream.ts";

/** Reads a piece a byte from a list, and tells the rest at the end. */
class ListReader implements PieceReader {
  readonly #pieces: AnswerPiece[];
  readonly #last: readonly AnswerPiece[];

  constructor(pieces: readonly AnswerPiece[], last: readonly AnswerPiece[] = []) {
    this.#pieces = [...pieces];
    this.#last = last;
  }

  push(chunk: Buffer): AnswerPiece[] {
    return this.#pieces.splice(0, chunk.length);
  }

  end(): readonly AnswerPiece[] {
    return this.#last;
  }
}

const plain: PieceWriter = {
  write: (piece) => Buffer.from(piece.type.endsWith("-delta") ? (piece as { text: string }).text : `<${piece.type}>`),
  finish: (usage, cost) => Buffer.from(`[${usage?.output} ${cost?.amount}]`),
  error: (_fault, message) => Buffer.from(`!${message}`),
  stop: (usage) => Buffer.from(`[stop ${usage?.output}]`),
};

const text = (words: string, choice = 0): AnswerPiece => ({ type: "text-delta", choice, text: words });
const thought = (words: string): AnswerPiece => ({ type: "reasoning-delta", choice: 0, text: words });
const END: AnswerPiece = { type: "finish", choice: 0, reason: "stop" };
const fault = new VendorFault(() => "busy", { errorClass: "overloaded", charged: "unknown" });
const bytes = (count: number): Buffer => Buffer.alloc(count);

describe("a translated stream", () => {
  test("goes on as it comes, and its end waits for the ledger", () => {
    const stream = new TranslatedStream(
      new ListReader([
        text("a"),
        text("é"),
        END,
        { type: "usage", usage: { output: 2 } },
        { type: "end" },
        text("late"),
      ]),
      plain,
    );
    expect(stream.push(bytes(2))!.toString()).toBe("aé");
    expect([stream.events, stream.textBytes, stream.finished, stream.ended]).toEqual([2, 3, false, false]);
    expect(stream.push(bytes(9))!.toString()).toBe("<finish>");
    expect([stream.finished, stream.ended, stream.usage]).toEqual([true, true, { output: 2 }]);
    expect(stream.finish({ amount: "1", currency: "USD" }).toString()).toBe("[2 1]");
  });

  test("the last usage counts", () => {
    const usage = (output: number): AnswerPiece => ({ type: "usage", usage: { output }, estimated: output < 2 });
    const stream = new TranslatedStream(new ListReader([usage(1), usage(2)]), plain);
    expect([stream.push(bytes(2)), stream.usage, stream.usageEstimated]).toEqual([undefined, { output: 2 }, false]);
  });

  test("what the vendor left without an end is read when it has closed, once", () => {
    const stream = new TranslatedStream(new ListReader([], [text("rest"), END]), plain);
    expect([stream.close()!.toString(), stream.close(), stream.finished]).toEqual(["rest<finish>", undefined, true]);
  });

  test("an error ends it: nothing after counts, and its words are told", () => {
    const stream = new TranslatedStream(new ListReader([text("a"), { type: "fault", fault }, text("b"), END]), plain);
    expect(stream.push(bytes(4))!.toString()).toBe("a");
    expect([stream.fault, stream.finished]).toEqual([fault, false]);
    expect(stream.finish(undefined).toString()).toBe("!busy");
  });

  test("what transforms hold back goes out before an early end", () => {
    const holding = (): { push(): string; end(): string } => ({ push: () => "", end: () => "held " });
    const open = (): TranslatedStream => {
      const stream = new TranslatedStream(new ListReader([text("a")]), plain);
      stream.transform(holding);
      expect(stream.push(bytes(1))).toBeUndefined();
      return stream;
    };
    expect(open().stop().toString()).toBe("held [stop undefined]");
    expect(
      open()
        .error(new Fault("timeout", () => ""), "late")
        .toString(),
    ).toBe("held !late");
    expect(open().finish(undefined).toString()).toBe("held [undefined undefined]");
  });
});

test("each text has a transform of its own: reasoning ends where the answer begins, all at the finish", () => {
  const made: string[] = [];
  const pieces = [thought("t"), text("a"), text("b", 1), text("c"), END];
  const rewritten = transformPieces(pieces, (choice, field) => {
    made.push(`${choice} ${field}`);
    let held = "";
    return {
      push: (words) => {
        held += words;
        return "";
      },
      end: () => held.toUpperCase(),
    };
  });
  expect(made).toEqual(["0 reasoning", "0 content", "1 content"]);
  expect(rewritten).toEqual([thought("T"), text("AC"), END, text("B", 1)]);
});
