import type { Usage } from "../../base/usage.ts";
import type { AnswerPiece } from "../answer-pieces.ts";
import type {
  AnswerFacts,
  FollowOptions,
  ModelRequest,
  Naming,
  Operation,
  Passage,
  Protocol,
  StreamDecoder,
  TransformFactory,
} from "../spec.ts";
import { transformPieces } from "./piece-texts.ts";
import { TranslatedStream } from "./translated-stream.ts";
import { writtenBytes } from "./written-bytes.ts";

/** The way of a vendor's answer to the client: untouched where both speak the same protocol, else translated. */
export function passageOf(protocol: Protocol, request: ModelRequest, naming: Naming): Passage {
  const { passage } = protocol;
  return passage?.dialect === request.dialect.id ? passage : new Translation(protocol, request, naming);
}

class Translation implements Passage {
  readonly #protocol: Protocol;
  readonly #request: ModelRequest;
  readonly #naming: Naming;

  constructor(protocol: Protocol, request: ModelRequest, naming: Naming) {
    this.#protocol = protocol;
    this.#request = request;
    this.#naming = naming;
  }

  readAnswer(operation: Operation, body: Buffer): AnswerFacts {
    return factsOf(this.#protocol.readPieces(operation, body, this.#stop));
  }

  followStream(options: FollowOptions): StreamDecoder {
    const { dialect } = this.#request;
    const reader = this.#protocol.readStream({ ...options, stop: this.#stop, model: this.#naming.upstream });
    return new TranslatedStream(reader, dialect.writeStream(this.#request, this.#naming));
  }

  decodeStream(options: FollowOptions): StreamDecoder {
    return this.followStream(options);
  }

  transformAnswer(body: Buffer, factory: TransformFactory): Buffer {
    return this.#write(transformPieces(this.#protocol.readPieces(this.#request.operation, body, this.#stop), factory));
  }

  translateAnswer(body: Buffer): Buffer {
    return this.#write(this.#protocol.readPieces(this.#request.operation, body, this.#stop));
  }

  contentType(stream: boolean): string {
    return stream ? "text/event-stream; charset=utf-8" : "application/json";
  }

  get #stop(): readonly string[] {
    const content = this.#request.content();
    return content.operation === "chat" ? content.stop : [];
  }

  #write(pieces: readonly AnswerPiece[]): Buffer {
    return this.#request.dialect.writeAnswer(this.#request, pieces, this.#naming);
  }
}

/** What a buffered answer used, and what it wrote. Throws the fault that stands in the place of an answer. */
function factsOf(pieces: readonly AnswerPiece[]): AnswerFacts {
  let usage: Usage | undefined;
  let usageEstimated = false;
  let vendorCost: string | undefined;
  let finish: string | undefined;
  let textBytes = 0;
  for (const piece of pieces) {
    if (piece.type === "fault") throw piece.fault;
    textBytes += writtenBytes(piece);
    if (piece.type === "finish") finish ??= piece.reason;
    if (piece.type !== "usage") continue;
    usage = piece.usage;
    usageEstimated = piece.estimated ?? false;
    vendorCost = piece.vendorCost;
  }
  return { usage, usageEstimated, vendorCost, finish, textBytes };
}
