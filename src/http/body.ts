import type { IncomingMessage } from "node:http";
import { Fault } from "../base/faults.ts";
import { httpWords } from "../base/messages/http.ts";

/**
 * Reads a request's whole body, of at most `limit` bytes. Rejects with `body_too_large`, or `invalid_request` when the
 * client breaks off.
 */
export function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const tooLarge = (): Fault => new Fault("body_too_large", httpWords.bodyTooLarge(limit));
    const encoding = request.headers["content-encoding"];
    if (encoding !== undefined && encoding !== "identity") {
      reject(new Fault("invalid_request", httpWords.encodedBody(encoding), { param: "content-encoding" }));
      return;
    }
    if (Number(request.headers["content-length"] ?? 0) > limit) {
      reject(tooLarge());
      return;
    }
    let first: Buffer | undefined;
    let chunks: Buffer[] | undefined;
    let length = 0;
    request.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length > limit) {
        request.removeAllListeners("data");
        request.resume();
        reject(tooLarge());
      } else if (!first) first = chunk;
      else (chunks ??= [first]).push(chunk);
    });
    request.on("end", () => resolve(chunks ? Buffer.concat(chunks, length) : (first ?? Buffer.alloc(0))));
    request.on("error", (cause) => reject(new Fault("invalid_request", httpWords.bodyBrokenOff(), { cause })));
  });
}
