import type { AnswerPiece } from "../answer-pieces.ts";
import type {
  AnswerFacts,
  FollowOptions,
  ModelRequest,
  Naming,
  Operation,
  OwnPassage,
  Passage,
  Protocol,
  StreamDecoder,
  TransformFactory,
} from "../spec.ts";
import { factsOf } from "./facts.ts";
import { transformPieces } from "./piece-texts.ts";
import { TranslatedStream } from "./translated-stream.ts";

/** The way of a vendor's answer to the client: untouched where both speak the same protocol, else translated. */
export function passageOf(protocol: Protocol, request: ModelRequest, naming: Naming): Passage {
  const { passage } = protocol;
  if (passage?.dialect === request.dialect.id && rewrites(passage)) return passage;
  const translation = new Translation(protocol, request, naming);
  if (passage?.dialect !== request.dialect.id) return translation;
  // Texts that are to be rewritten are read and written anew where the bytes cannot be rewritten in place.
  return {
    readAnswer: passage.readAnswer,
    followStream: passage.followStream,
    decodeStream: (options) => translation.decodeStream(options),
    transformAnswer: (body, factory) => translation.transformAnswer(body, factory),
  };
}

function rewrites(passage: OwnPassage): passage is OwnPassage & Passage {
  return passage.decodeStream !== undefined && passage.transformAnswer !== undefined;
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
