import { Fault } from "../../src/base/faults.ts";
import { USAGE_CLASSES, type Usage } from "../../src/base/usage.ts";
import type { AnswerPiece } from "../../src/vendors/answer-pieces.ts";
import { anthropicDialect } from "../../src/vendors/anthropic/dialect.ts";
import { openaiDialect } from "../../src/vendors/openai/dialect.ts";
import { responsesDialect } from "../../src/vendors/responses/dialect.ts";
import type { FollowOptions, ModelRequest, Protocol, StreamFollower, TextTransform } from "../../src/vendors/spec.ts";
import { passageOf } from "../../src/vendors/translation/passage.ts";
import { VendorFault } from "../../src/vendors/vendor-fault.ts";
import type { FuzzTarget } from "./campaign.ts";
import type { ProtocolCorpus } from "./corpus.ts";
import { mutateBytes } from "./mutate-bytes.ts";
import { mutateJsonText } from "./mutate-json.ts";
import { mutateStream } from "./mutate-stream.ts";
import type { Random } from "./random.ts";
import { readChat } from "./requests-corpus.ts";

const EVENT_BYTES = 64 * 1024;
/** What one event makes of itself in another dialect, at the most: envelopes around each piece. */
const MOST_GROWTH = 400;
const NAMING = { call: "call_1", model: "lab/m", upstream: "m", at: Date.UTC(2026, 10, 24) };
const DIALECTS = [openaiDialect, anthropicDialect, responsesDialect];

/** A protocol's reader of streams, and the way of what it has read to clients of every dialect. */
export function streamTarget({ protocol, streams }: ProtocolCorpus, cases: number): FuzzTarget {
  return {
    name: `stream ${protocol.id}`,
    cases,
    make: (random) => mutateStream(random.pick(streams), random),
    run: (input, random) => {
      const chunks = random.cut(input);
      const whole = readStream(protocol, [input]);
      const cut = readStream(protocol, chunks);
      checkPieces(cut.pieces, input);
      if (whole.fault?.message !== cut.fault?.message) throw new Error(`${whole.fault} where ${cut.fault} with cuts`);
      if (!cut.fault && told(whole.pieces) !== told(cut.pieces)) throw new Error("the cuts make a difference");
      for (const dialect of DIALECTS) {
        for (const transforms of [false, true])
          follow(protocol, asked(dialect, true), chunks, input, transforms, random);
      }
    },
  };
}

/** A protocol's reader of buffered answers and of errors, and the way of what it has read to every dialect. */
export function bodyTarget({ protocol, bodies, streams }: ProtocolCorpus, cases: number): FuzzTarget {
  return {
    name: `body ${protocol.id}`,
    cases,
    make: (random) => {
      const body = random.once(10) ? random.pick(streams) : random.pick(bodies);
      const json = random.once(3) ? undefined : mutateJsonText(body.toString(), random);
      return json === undefined ? mutateBytes(body, random) : Buffer.from(json);
    },
    run: (input, random) => {
      const operation = random.pick(protocol.operations);
      const pieces = unlessVendorFault(() => protocol.readPieces(operation, input, ["END"]));
      if (pieces) checkPieces(pieces, input);
      const status = random.pick([200, 400, 401, 402, 403, 404, 413, 429, 500, 502, 503, 529]);
      const { text } = protocol.readError(
        status,
        { "retry-after": random.pick(["1", "x", "-1", "9".repeat(40)]) },
        input,
      );
      text("zh");
      protocol.readProbe?.({}, input);
      for (const dialect of operation === "chat" ? DIALECTS : []) {
        const passage = passageOf(protocol, asked(dialect, false), NAMING);
        unlessVendorFault(() => passage.readAnswer("chat", input));
        unlessVendorFault(() => passage.translateAnswer?.(input));
        unlessVendorFault(() => passage.transformAnswer(input, shout));
      }
    },
  };
}

function asked(dialect: ModelRequest["dialect"], stream: boolean): ModelRequest {
  const request = readChat({ messages: [{ role: "user", content: "hi" }], stream, stop: ["END"], n: 2 });
  return { ...request, dialect };
}

function readStream(protocol: Protocol, chunks: readonly Buffer[]): { pieces: AnswerPiece[]; fault?: VendorFault } {
  const reader = protocol.readStream({ eventBytes: EVENT_BYTES, stop: ["END"], model: "m" });
  const pieces: AnswerPiece[] = [];
  try {
    for (const chunk of chunks) pieces.push(...reader.push(Buffer.from(chunk)));
    pieces.push(...reader.end());
    return { pieces };
  } catch (error) {
    if (error instanceof VendorFault) return { pieces, fault: error };
    throw error;
  }
}

/** As the relay does it. */
function follow(
  protocol: Protocol,
  request: ModelRequest,
  chunks: readonly Buffer[],
  input: Buffer,
  transforms: boolean,
  random: Random,
): void {
  const passage = passageOf(protocol, request, NAMING);
  const options: FollowOptions = { dropUsage: random.once(2), eventBytes: EVENT_BYTES, choices: 2 };
  const decoder = transforms ? passage.decodeStream(options) : undefined;
  decoder?.transform(shout);
  const follower: StreamFollower = decoder ?? passage.followStream(options);
  const passed: Buffer[] = [];
  const broken = !unlessVendorFault(() => {
    for (const chunk of chunks) {
      const bytes = follower.push(Buffer.from(chunk));
      if (bytes) passed.push(Buffer.from(bytes));
      if (follower.ended) break;
    }
    const last = follower.close?.();
    if (last) passed.push(last);
    return true;
  });
  const out = Buffer.concat(passed);
  const own = protocol.passage?.dialect === request.dialect.id;
  // An event whose blank line the vendor left out gets one.
  const begun = out.toString("latin1").trimEnd();
  if (own && !transforms && !options.dropUsage && !input.toString("latin1").startsWith(begun)) {
    throw new Error("bytes of the vendor's own protocol do not pass untouched");
  }
  checkUsage(follower.usage);
  if (broken || follower.fault) follower.error(new Fault("vendor_error", () => "it broke"), "it broke");
  else if (random.once(4)) follower.stop();
  else follower.finish(random.once(2) ? undefined : { amount: "0.1", currency: "USD" });
  const most = 100_000 + input.length * MOST_GROWTH;
  if (out.length > most) throw new Error(`${input.length} bytes became ${out.length}`);
}

function checkPieces(pieces: readonly AnswerPiece[], input: Buffer): void {
  let characters = 0;
  for (const piece of pieces) {
    if ("choice" in piece && !isIndex(piece.choice)) throw new Error(`choice ${piece.choice} in ${piece.type}`);
    if ("index" in piece && !isIndex(piece.index)) throw new Error(`index ${piece.index} in ${piece.type}`);
    if ("text" in piece) {
      if (typeof piece.text !== "string") throw new Error(`a ${typeof piece.text} is the text of a ${piece.type}`);
      characters += piece.text.length;
    }
    if (piece.type === "usage") checkUsage(piece.usage);
    if (piece.type === "fault" && !(piece.fault instanceof VendorFault)) throw new Error("a fault that is none");
    if (piece.type === "tool-call-start" && (typeof piece.id !== "string" || typeof piece.name !== "string")) {
      throw new Error("a call whose id or name is no text");
    }
  }
  if (characters > input.length * 8 + 1_000) throw new Error(`${input.length} bytes became ${characters} characters`);
}

function told(pieces: readonly AnswerPiece[]): string {
  return JSON.stringify(
    pieces.map((piece) => (piece.type === "fault" ? { ...piece, fault: piece.fault.message } : piece)),
  );
}

function isIndex(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Unknown, or counts: what a cost is made of. */
function checkUsage(usage: Usage | undefined): void {
  for (const name of USAGE_CLASSES) {
    const count = usage?.[name];
    if (count !== undefined && (!Number.isFinite(count) || count < 0)) throw new Error(`${name} is ${count}`);
  }
}

function unlessVendorFault<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof VendorFault) return undefined;
    throw error;
  }
}

/** Holds everything back to the end. */
function shout(): TextTransform {
  let held = "";
  return {
    push: (text) => {
      held += text;
      return "";
    },
    end: () => held.toUpperCase(),
  };
}
