import { type AddressInfo, createServer, type Socket } from "node:net";
import { ANSWER_BYTES, PACE_MS, STREAM_CHUNKS } from "./cases.ts";

/**
 * The vendor of the benchmark: answers made beforehand, written to bare sockets, so that it and the load generator
 * together need less of their core than the fastest gateway needs of its own.
 */

const HEAD_END = Buffer.from("\r\n\r\n");
const PHASES = 4;

function chunk(text: string): Buffer {
  return Buffer.from(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`);
}

const base = '"id":"chatcmpl-benchmark","object":"chat.completion.chunk","created":1790000000,"model":"mini"';
const usage = '"usage":{"prompt_tokens":250,"completion_tokens":50,"total_tokens":300}';

function answer(): Buffer {
  const make = (filling: string): string =>
    `{"id":"chatcmpl-benchmark","object":"chat.completion","created":1790000000,"model":"mini","choices":[{"index":0,` +
    `"message":{"role":"assistant","content":"${filling}"},"logprobs":null,"finish_reason":"stop"}],` +
    `"usage":{"prompt_tokens":250,"completion_tokens":460,"total_tokens":710}}`;
  const body = make("The town council pays. ".repeat(90).slice(0, ANSWER_BYTES - make("").length));
  const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
  return Buffer.from(head + body);
}

const ANSWER = answer();
const STREAM_HEAD = Buffer.from(
  "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
);
const PIECE = chunk(`data: {${base},"choices":[{"index":0,"delta":{"content":"lantern "},"finish_reason":null}]}\n\n`);
const FINISH = chunk(`data: {${base},"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n`);
const USAGE = chunk(`data: {${base},"choices":[],${usage}}\n\n`);
const DONE = Buffer.concat([chunk("data: [DONE]\n\n"), Buffer.from("0\r\n\r\n")]);
const TAIL = Buffer.concat([FINISH, DONE]);
const TAIL_WITH_USAGE = Buffer.concat([FINISH, USAGE, DONE]);
const PIECES = Array.from({ length: STREAM_CHUNKS - 1 }, () => PIECE);
const WHOLE = Buffer.concat([STREAM_HEAD, ...PIECES, TAIL]);
const WHOLE_WITH_USAGE = Buffer.concat([STREAM_HEAD, ...PIECES, TAIL_WITH_USAGE]);
const NO_MODELS = '{"object":"list","data":[]}';
const MODELS = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${NO_MODELS.length}\r\n\r\n${NO_MODELS}`,
);

interface Paced {
  readonly socket: Socket;
  readonly tail: Buffer;
  sent: number;
}

// Streams are paced by one clock with four phases: a timer a stream would be the benchmark's greatest cost.
const phases: Set<Paced>[] = Array.from({ length: PHASES }, () => new Set());
let tick = 0;
let nextPhase = 0;
setInterval(() => {
  const due = phases[tick++ % PHASES]!;
  for (const stream of due) {
    stream.sent += 1;
    if (stream.sent < STREAM_CHUNKS) stream.socket.write(PIECE);
    else {
      stream.socket.write(stream.tail);
      due.delete(stream);
    }
  }
}, PACE_MS / PHASES);

function respond(socket: Socket, request: Buffer): void {
  if (request[0] !== 0x50) socket.write(MODELS);
  else if (!request.includes('"stream":true')) socket.write(ANSWER);
  else {
    const withUsage = request.includes('"include_usage":true');
    if (!request.includes('"paced"')) {
      socket.write(withUsage ? WHOLE_WITH_USAGE : WHOLE);
      return;
    }
    const paced = { socket, tail: withUsage ? TAIL_WITH_USAGE : TAIL, sent: 1 };
    socket.write(STREAM_HEAD);
    socket.write(PIECE);
    const phase = phases[nextPhase++ % PHASES]!;
    phase.add(paced);
    socket.once("close", () => phase.delete(paced));
  }
}

/** The length of the first whole request in `bytes`, or 0 where it is not whole yet. */
function requestLength(bytes: Buffer): number {
  const headEnd = bytes.indexOf(HEAD_END);
  if (headEnd < 0) return 0;
  const head = bytes.toString("latin1", 0, headEnd).toLowerCase();
  const stated = /\r\ncontent-length: *(\d+)/.exec(head);
  if (stated) {
    const length = headEnd + 4 + Number(stated[1]);
    return bytes.length >= length ? length : 0;
  }
  if (!head.includes("transfer-encoding: chunked")) return headEnd + 4;
  const end = bytes.indexOf("0\r\n\r\n", headEnd);
  return end < 0 ? 0 : end + 5;
}

const server = createServer({ noDelay: true }, (socket) => {
  let waiting: Buffer | undefined;
  socket.setMaxListeners(0);
  socket.on("error", () => socket.destroy());
  socket.on("data", (bytes: Buffer) => {
    let rest = waiting ? Buffer.concat([waiting, bytes]) : bytes;
    for (let length = requestLength(rest); length > 0; length = rest.length > 0 ? requestLength(rest) : 0) {
      respond(socket, rest.subarray(0, length));
      rest = rest.subarray(length);
    }
    waiting = rest.length > 0 ? rest : undefined;
  });
});
server.listen(0, "127.0.0.1", 4096, () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on("disconnect", () => process.exit(0));
