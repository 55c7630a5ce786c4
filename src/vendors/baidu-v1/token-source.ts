import { baiduWords as words } from "../../base/messages/baidu.ts";
import { isObject, numberOf, parseJson } from "../json-values.ts";
import type { AnswerHeaders, SendBounds, Transport } from "../spec.ts";
import { VendorFault } from "../vendor-fault.ts";
import { readError } from "./errors.ts";

const BOUNDS: SendBounds = { connectMs: 10_000, firstByteMs: 15_000, betweenBytesMs: 5_000 };
const TOKEN_BYTES = 64 * 1024;
/** A token is given up so long before its end, for requests under way and clocks that differ. */
const EARLY_MS = 300_000;

/** The access token of one account: fetched when it is needed, and kept for as long as it is good (thirty days, usually). */
export class TokenSource {
  readonly #transport: Transport;
  readonly #path: string;
  readonly #address: string;
  readonly #now: () => number;
  #token: { readonly text: string; readonly until: number } | undefined;
  #fetching: Promise<string> | undefined;

  /**
   * @param path with the credentials in its query: it must not be shown
   * @param address what may be shown
   */
  constructor(transport: Transport, path: string, address: string, now: () => number) {
    this.#transport = transport;
    this.#path = path;
    this.#address = address;
    this.#now = now;
  }

  /** The token that is good now; undefined where one must be fetched. */
  get kept(): string | undefined {
    return this.#token && this.#now() < this.#token.until ? this.#token.text : undefined;
  }

  /** Forgets a token that was refused. One that has taken its place meanwhile stays. */
  forget(text: string): void {
    if (this.#token?.text === text) this.#token = undefined;
  }

  /** One request for all who wait. Rejects with a `VendorFault` that charges nothing: no model was asked. */
  fetch(): Promise<string> {
    this.#fetching ??= this.#request().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  async #request(): Promise<string> {
    const sentAt = this.#now();
    const { status, headers, body } = await this.#exchange();
    const answer = parseJson(body.toString("utf8"));
    if (isObject(answer) && typeof answer.access_token === "string" && answer.access_token !== "") {
      const seconds = numberOf(answer.expires_in);
      const lasts = seconds > 0 ? seconds * 1000 : 0;
      // Of a short life half is used: it must be good for one request at least.
      const until = sentAt + Math.max(lasts - EARLY_MS, lasts / 2);
      this.#token = { text: answer.access_token, until };
      return answer.access_token;
    }
    const refused = status < 200 || status > 299 || (isObject(answer) && answer.error !== undefined);
    if (refused) throw readError(status < 300 ? 401 : status, headers, body);
    throw new VendorFault(words.strangeToken(this.#address), {
      errorClass: "server_error",
      charged: "nothing",
      vendorStatus: status,
    });
  }

  #exchange(): Promise<{ status: number; headers: AnswerHeaders; body: Buffer }> {
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      let status = 0;
      let headers: AnswerHeaders = {};
      const headersSent = { accept: "application/json", "content-type": "application/json" };
      const exchange = this.#transport.send(
        { method: "POST", path: this.#path, headers: headersSent, body: Buffer.alloc(0) },
        {
          onHead: (code, answerHeaders) => {
            status = code;
            headers = answerHeaders;
          },
          onChunk: (chunk) => {
            bytes += chunk.length;
            if (bytes <= TOKEN_BYTES) chunks.push(Buffer.from(chunk));
            else {
              exchange.abort();
              resolve({ status, headers, body: Buffer.alloc(0) });
            }
          },
          onEnd: () => resolve({ status, headers, body: Buffer.concat(chunks) }),
          onFail: (fault) => reject(chargingNothing(fault)),
        },
        BOUNDS,
      );
    });
  }
}

function chargingNothing(fault: VendorFault): VendorFault {
  if (fault.charged === "nothing") return fault;
  const { text, errorClass, details, cause } = fault;
  return new VendorFault(text, { errorClass, charged: "nothing", ...(details && { details }), cause });
}
