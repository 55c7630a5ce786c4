import { systemClock } from "../../base/clock.ts";
import type { AnswerHeaders, Protocol, SendBounds, Target, Transport } from "../../vendors/spec.ts";
import type { VendorFault } from "../../vendors/vendor-fault.ts";

/** What came back of a request that costs nothing. */
export interface EndpointProbe {
  /** Undefined where the vendor answered as it should. */
  readonly fault: VendorFault | undefined;
  /** The vendor's HTTP status; undefined where there was no answer. */
  readonly status: number | undefined;
  /** What the vendor's clock showed, milliseconds; undefined where it did not say. */
  readonly vendorTime: number | undefined;
  /** When the head of the answer came, by this machine's clock, milliseconds. */
  readonly answeredAt: number;
  readonly elapsedMs: number;
}

export interface ProbeSubject {
  readonly protocol: Protocol;
  readonly transport: Transport;
  readonly target: Target;
}

export const PROBE_BOUNDS: SendBounds = { connectMs: 5_000, firstByteMs: 10_000, betweenBytesMs: 5_000 };

/** More of an error than this is not read. */
const LONGEST_ERROR_BYTES = 64 * 1024;

/** Asks an endpoint something that costs nothing, to prove its address and its credential. Never throws. */
export function probeEndpoint(
  subject: ProbeSubject,
  now: () => number = Date.now,
  bounds: SendBounds = PROBE_BOUNDS,
): Promise<EndpointProbe> {
  const { protocol, transport, target } = subject;
  const startedAt = now();
  return new Promise((resolve) => {
    let status: number | undefined;
    let headers: AnswerHeaders = {};
    let answeredAt = startedAt;
    const chunks: Buffer[] = [];
    let bytes = 0;
    let finished = false;
    const finish = (fault: VendorFault | undefined): void => {
      if (finished) return;
      finished = true;
      const vendorTime = readDate(headers.date);
      resolve({ fault, status, vendorTime, answeredAt, elapsedMs: now() - startedAt });
    };
    const judge = (): void => {
      const good = status !== undefined && status < 300;
      const body = Buffer.concat(chunks);
      finish(good ? protocol.readProbe?.(headers, body) : protocol.readError(status ?? 0, headers, body));
    };
    const exchange = transport.send(
      protocol.probe(target, systemClock.now()),
      {
        onHead(code, answerHeaders) {
          status = code;
          headers = answerHeaders;
          answeredAt = now();
        },
        onChunk(chunk) {
          bytes += chunk.length;
          if (bytes <= LONGEST_ERROR_BYTES) chunks.push(chunk);
          else {
            exchange.abort();
            judge();
          }
        },
        onEnd: judge,
        onFail: finish,
      },
      bounds,
    );
  });
}

function readDate(header: string | string[] | undefined): number | undefined {
  const time = Date.parse(Array.isArray(header) ? (header[0] ?? "") : (header ?? ""));
  return Number.isNaN(time) ? undefined : time;
}
