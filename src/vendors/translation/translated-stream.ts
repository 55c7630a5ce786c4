import type { Fault } from "../../base/faults.ts";
import type { Usage } from "../../base/usage.ts";
import type { AnswerPiece, PieceReader } from "../answer-pieces.ts";
import type { PieceWriter, ShownCost, StreamDecoder, TransformFactory } from "../spec.ts";
import type { VendorFault } from "../vendor-fault.ts";
import { PieceTexts } from "./piece-texts.ts";
import { writtenBytes } from "./written-bytes.ts";

/** A vendor's stream, read in its protocol and written in the client's dialect as it comes. */
export class TranslatedStream implements StreamDecoder {
  readonly #reader: PieceReader;
  readonly #writer: PieceWriter;
  #texts: PieceTexts | undefined;
  #closed = false;
  usage: Usage | undefined;
  usageEstimated = false;
  vendorCost: string | undefined;
  events = 0;
  textBytes = 0;
  ended = false;
  finished = false;
  fault: VendorFault | undefined;

  constructor(reader: PieceReader, writer: PieceWriter) {
    this.#reader = reader;
    this.#writer = writer;
  }

  transform(factory: TransformFactory): void {
    this.#texts = new PieceTexts(factory);
  }

  push(chunk: Buffer): Buffer | undefined {
    return this.#take(this.#reader.push(chunk));
  }

  close(): Buffer | undefined {
    if (this.#closed) return undefined;
    this.#closed = true;
    return this.#take(this.#reader.end());
  }

  finish(cost: ShownCost | undefined): Buffer {
    // By the end the vendor's own fault is known: its words, in the client's dialect.
    if (this.fault) return this.error(this.fault, this.fault.text("en"));
    return Buffer.concat([...this.#rest(), this.#writer.finish(this.usage, cost)]);
  }

  error(fault: Fault, message: string): Buffer {
    return Buffer.concat([...this.#rest(), this.#writer.error(fault, message)]);
  }

  stop(): Buffer {
    return Buffer.concat([...this.#rest(), this.#writer.stop(this.usage)]);
  }

  #take(pieces: readonly AnswerPiece[]): Buffer | undefined {
    const written: Buffer[] = [];
    for (const piece of pieces) {
      // Nothing of worth follows an error or the protocol's end.
      if (this.fault || this.ended) break;
      this.#note(piece);
      if (piece.type === "usage" || piece.type === "fault" || piece.type === "end") continue;
      for (const one of this.#texts?.push(piece) ?? [piece]) {
        const bytes = this.#writer.write(one);
        if (bytes && bytes.length > 0) written.push(bytes);
      }
    }
    if (written.length === 0) return undefined;
    return written.length === 1 ? written[0] : Buffer.concat(written);
  }

  #note(piece: AnswerPiece): void {
    const bytes = writtenBytes(piece);
    if (bytes > 0) {
      this.events += 1;
      this.textBytes += bytes;
    }
    if (piece.type === "usage") {
      this.usage = piece.usage;
      this.usageEstimated = piece.estimated ?? false;
      this.vendorCost = piece.vendorCost;
    } else if (piece.type === "finish") this.finished = true;
    else if (piece.type === "fault") this.fault = piece.fault;
    else if (piece.type === "end") this.ended = true;
  }

  /** What transforms hold back, at the end. */
  #rest(): Buffer[] {
    const pieces = this.#texts?.end() ?? [];
    return pieces.flatMap((piece) => this.#writer.write(piece) ?? []);
  }
}
