import { connect, type Socket } from "node:net";
import { INTERVAL_MS, type SlowOrder, type SlowResult, slowRequest, TIME_DIGITS, TIME_MARK } from "./slow-cases.ts";

/** Reads many slow streams at once, and notes how long each chunk was on its way. */

const TIME = new RegExp(`${TIME_MARK}(\\d{${TIME_DIGITS}})${TIME_MARK}`, "g");
/** Longer than any mark: what may be the beginning of one is kept for the next read. */
const KEPT = TIME_DIGITS + 2;
/** After the last chunk was due. */
const PATIENCE_MS = 20_000;

class Streams {
  readonly #delays: number[] = [];
  #measuring = false;
  begun = 0;
  ended = 0;
  failure: string | undefined;

  open(order: SlowOrder, request: string): Socket {
    const socket = connect({ port: order.port, host: "127.0.0.1", noDelay: true });
    let kept = "";
    let isBegun = false;
    socket.on("connect", () => socket.write(request));
    socket.on("data", (bytes: Buffer) => {
      const now = process.hrtime.bigint();
      const text = kept + bytes.toString("latin1");
      if (!isBegun && !text.startsWith("HTTP/1.1 200")) this.failure ??= text.slice(0, 300);
      if (!isBegun) this.begun += 1;
      isBegun = true;
      let last = 0;
      for (const found of text.matchAll(TIME)) {
        last = found.index + found[0].length;
        if (this.#measuring) this.#delays.push(Number(now - BigInt(found[1]!)) / 1e6);
      }
      if (text.includes("data: [DONE]", last)) this.ended += 1;
      kept = text.slice(Math.max(last, text.length - KEPT));
    });
    socket.on("error", (cause) => {
      this.failure ??= cause.message;
    });
    return socket;
  }

  measure(on: boolean): void {
    this.#measuring = on;
  }

  result(begun: number): SlowResult {
    const sorted = Float64Array.from(this.#delays).sort();
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
    const { ended, failure } = this;
    return { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1), chunks: sorted.length, begun, ended, failure };
  }
}

async function read(order: SlowOrder): Promise<SlowResult> {
  const chunks = Math.ceil((order.openMs + order.measureMs + 2_000) / INTERVAL_MS);
  const body = slowRequest(order.model, chunks);
  const headers = Object.entries(order.headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const request =
    `POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:${order.port}\r\ncontent-type: application/json\r\n` +
    `${headers.join("")}content-length: ${body.length}\r\n\r\n${body}`;
  const streams = new Streams();
  const sockets: Socket[] = [];
  for (let n = 0; n < order.streams; n++) {
    setTimeout(() => sockets.push(streams.open(order, request)), (n * order.openMs) / order.streams);
  }
  await sleep(order.openMs + 1_000);
  process.send?.({ begun: streams.begun });
  const { begun } = streams;
  streams.measure(true);
  await sleep(order.measureMs);
  streams.measure(false);
  process.send?.({ measured: true });
  const until = performance.now() + order.openMs + PATIENCE_MS;
  while (streams.ended < order.streams && !streams.failure && performance.now() < until) await sleep(50);
  for (const socket of sockets) socket.destroy();
  return streams.result(begun);
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

process.on("message", (order: SlowOrder) => {
  read(order).then(
    (result) => process.send?.({ result }),
    (cause) => process.send?.({ result: { failure: String(cause) } }),
  );
});
process.on("disconnect", () => process.exit(0));
