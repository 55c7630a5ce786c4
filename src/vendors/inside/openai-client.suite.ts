import OpenAI from "openai";
import type { Transport } from "../spec.ts";

/** The official client, speaking to a transport instead of a network: what it accepts is the protocol. */
export function openaiClient(transport: Transport): OpenAI {
  return new OpenAI({
    apiKey: "none",
    baseURL: "http://inside/v1",
    maxRetries: 0,
    fetch: (url, init) => exchange(transport, String(url), init ?? {}),
  });
}

function exchange(transport: Transport, url: string, init: RequestInit): Promise<Response> {
  return new Promise((resolve, reject) => {
    let body: ReadableStreamDefaultController<Uint8Array>;
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        body = controller;
      },
    });
    transport.send(
      {
        method: init.method === "GET" ? "GET" : "POST",
        path: new URL(url).pathname,
        headers: {},
        body: Buffer.from(typeof init.body === "string" ? init.body : ""),
      },
      {
        onHead: (status, headers) =>
          resolve(new Response(stream, { status, headers: headers as Record<string, string> })),
        onChunk: (chunk) => body.enqueue(chunk),
        onEnd: () => body.close(),
        onFail: (fault) => {
          reject(fault);
          body.error(fault);
        },
      },
      { connectMs: 20_000, firstByteMs: 20_000, betweenBytesMs: 20_000 },
    );
  });
}
