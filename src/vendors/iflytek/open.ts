import { httpTransport } from "../http-transport.ts";
import type { Transport } from "../spec.ts";
import { isSocket } from "./address.ts";
import { isLastFrame } from "./frames.ts";
import { webSocketTransport } from "./websocket-transport.ts";

/** The way to an endpoint of iFlytek's: a WebSocket, or HTTP, as its address says. Throws `invalid_request` for any other. */
export function openIflytek(endpoint: {
  readonly baseUrl: string;
  readonly connectMs?: number | undefined;
  readonly headerBytes?: number | undefined;
}): Transport {
  const { baseUrl, connectMs, headerBytes } = endpoint;
  if (!isSocket(baseUrl)) return httpTransport({ baseUrl, connectMs, headerBytes });
  return webSocketTransport({ baseUrl, connectMs, isLast: isLastFrame });
}
