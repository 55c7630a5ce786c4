import { type AddressInfo, createServer, type Socket } from "node:net";
import { INTERVAL_MS, TIME_DIGITS, TIME_MARK } from "./slow-cases.ts";

/**
 * A vendor of slow streams: a chunk of each about every half second, which carries the time at which it was written.
 * The clock is the machine's monotonic one, the same for all its processes.
 */

const base = '"id":"chatcmpl-slow","object":"chat.completion.chunk","created":1790000000,"model":"mini"';
const HEAD = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
const MODELS =
  'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 27\r\n\r\n{"object":"list","data":[]} ';

function chunk(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}

function piece(): string {
  const time = process.hrtime.bigint().toString().padStart(TIME_DIGITS, "0");
  const content = `"content":"${TIME_MARK}${time}${TIME_MARK}"`;
  return chunk(`data: {${base},"choices":[{"index":0,"delta":{${content}},"finish_reason":null}]}\n\n`);
}

function tail(chunks: number, withUsage: boolean): string {
  const usage = `"usage":{"prompt_tokens":20,"completion_tokens":${chunks},"total_tokens":${20 + chunks}}`;
  const finish = chunk(`data: {${base},"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n`);
  const counted = withUsage ? chunk(`data: {${base},"choices":[],${usage}}\n\n`) : "";
  return `${finish}${counted}${chunk("data: [DONE]\n\n")}0\r\n\r\n`;
}

interface Slow {
  readonly socket: Socket;
  readonly chunks: number;
  readonly withUsage: boolean;
  sent: number;
}

// One clock for all: a millisecond of it writes to the streams whose turn it is.
const turns: Set<Slow>[] = Array.from({ length: INTERVAL_MS }, () => new Set());
let turn = 0;
let nextTurn = 0;
const began = performance.now();
setInterval(() => {
  const now = Math.floor(performance.now() - began);
  for (; turn < now; turn++) {
    const due = turns[turn % INTERVAL_MS]!;
    for (const stream of due) {
      stream.sent += 1;
      if (stream.sent <= stream.chunks) stream.socket.write(piece());
      else {
        stream.socket.write(tail(stream.chunks, stream.withUsage));
        due.delete(stream);
      }
    }
  }
}, 1);

function respond(socket: Socket, request: string): void {
  const asked = /"user":"chunks=(\d+)"/.exec(request);
  if (!asked) {
    socket.write(MODELS);
    return;
  }
  const stream = { socket, chunks: Number(asked[1]), withUsage: request.includes('"include_usage":true'), sent: 0 };
  socket.write(HEAD + piece());
  // Neighbours in time are not neighbours of the ledger: the turns are spread.
  const due = turns[(nextTurn++ * 7) % INTERVAL_MS]!;
  due.add(stream);
  socket.once("close", () => due.delete(stream));
}

const server = createServer({ noDelay: true }, (socket) => {
  let waiting = "";
  socket.setMaxListeners(0);
  socket.on("error", () => socket.destroy());
  socket.on("data", (bytes: Buffer) => {
    waiting += bytes.toString("latin1");
    const head = waiting.indexOf("\r\n\r\n");
    if (head < 0) return;
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(waiting.slice(0, head))?.[1] ?? 0);
    if (waiting.length < head + 4 + length) return;
    respond(socket, waiting);
    waiting = "";
  });
});
server.listen(0, "127.0.0.1", 4096, () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on("disconnect", () => process.exit(0));
