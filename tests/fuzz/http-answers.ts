import { AnswerReader } from "../../src/vendors/http-answer.ts";
import type { FuzzTarget } from "./campaign.ts";
import { mutateBytes } from "./mutate-bytes.ts";
import type { Random } from "./random.ts";

const HEAD_BYTES = 2_048;

/** The client's reader of HTTP: the same bytes are the same answer however they are cut, and nothing but an answer. */
export function httpAnswerTarget(cases: number): FuzzTarget {
  return {
    name: "http answers",
    cases,
    make: (random) => mutateBytes(makeAnswer(random), random),
    run: (input, random) => {
      const whole = readAnswer([input]);
      const cut = readAnswer(random.cut(input));
      if (told(whole) !== told(cut)) throw new Error(`${told(cut)} where it is ${told(whole)} without cuts`);
      if (whole.heads > 1) throw new Error(`${whole.heads} heads`);
      if (whole.body.length > input.length) throw new Error("more came out than came in");
      if (whole.outcome === "whole" && whole.heads === 0) throw new Error("whole, without a head");
    },
  };
}

function makeAnswer(random: Random): Buffer {
  const pieces = Array.from({ length: random.below(4) }, () => random.bytes(random.between(1, 300)));
  const body = Buffer.concat(pieces);
  const chunks = pieces.flatMap((piece) => [`${piece.length.toString(16)}\r\n`, piece.toString("latin1"), "\r\n"]);
  const [framing, sent] = random.pick([
    [`content-length: ${body.length}\r\n`, body.toString("latin1")],
    ["transfer-encoding: chunked\r\n", `${chunks.join("")}0\r\n${random.pick(["", "x-sum: 1\r\n"])}\r\n`],
    ["", body.toString("latin1")],
  ]);
  const hint = random.once(4) ? "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" : "";
  const status = random.pick([200, 200, 200, 204, 304, 400, 429, 500]);
  const extra = random.pick([
    "",
    "connection: close\r\n",
    "set-cookie: a\r\nset-cookie: b\r\n",
    "keep-alive: timeout=5\r\n",
  ]);
  const version = random.pick(["1.1", "1.1", "1.0"]);
  return Buffer.from(`${hint}HTTP/${version} ${status} Reason\r\n${extra}${framing}\r\n${sent}`, "latin1");
}

interface Read {
  readonly heads: number;
  readonly status: number | undefined;
  readonly headers: string;
  readonly body: Buffer;
  readonly outcome: string;
}

const told = ({ status, headers, body, outcome }: Read): string =>
  `${status} ${headers} ${body.toString("base64")} ${outcome}`;

/** As a connection reads: up to the end of the answer, or of the connection. */
function readAnswer(pieces: readonly Buffer[]): Read {
  const reader = new AnswerReader(HEAD_BYTES);
  reader.begin();
  const heads: NonNullable<AnswerReader["head"]>[] = [];
  const payloads: Buffer[] = [];
  const read = (step: () => void): void => {
    if (reader.whole || reader.error) return;
    step();
    if (reader.head) heads.push(reader.head);
    if (reader.payload) payloads.push(reader.payload);
  };
  for (const piece of pieces) if (piece.length > 0) read(() => reader.read(piece, 0, piece.length));
  read(() => reader.close());
  return {
    heads: heads.length,
    status: heads[0]?.status,
    headers: JSON.stringify(heads[0]?.headers),
    body: Buffer.concat(payloads),
    outcome: reader.error?.code ?? "whole",
  };
}
