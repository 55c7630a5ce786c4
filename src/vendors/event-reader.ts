import type { AnswerPiece, PieceReader } from "./answer-pieces.ts";
import type { ReadOptions } from "./spec.ts";
import { EventSplitter } from "./sse.ts";

/** Reads a stream of server-sent events into pieces, one event after the other, however they are cut. */
export abstract class EventReader implements PieceReader {
  readonly #splitter: EventSplitter;

  constructor(options: ReadOptions) {
    this.#splitter = new EventSplitter(options.eventBytes);
  }

  push(chunk: Buffer): AnswerPiece[] {
    const count = this.#splitter.push(chunk);
    const { ends, events, text } = this.#splitter;
    const pieces: AnswerPiece[] = [];
    let start = 0;
    for (let index = 0; index < count; index++) {
      if (events[index]) pieces.push(...this.read(text.slice(start, ends[index]!)));
      start = ends[index]!;
    }
    return pieces;
  }

  end(): AnswerPiece[] {
    const rest = this.#splitter.takeRest();
    return rest.length === 0 ? [] : this.read(rest.toString("latin1"));
  }

  /** The pieces of one event, which has one character a byte. */
  protected abstract read(event: string): AnswerPiece[];
}
