import { createHash, createHmac } from "node:crypto";

/** What is signed of a request. All values as they are sent, byte for byte. */
export interface SignedRequest {
  readonly method: string;
  /** With its leading slash, percent-encoded. */
  readonly path: string;
  readonly query?: string;
  readonly host: string;
  readonly contentType: string;
  /** The value of `X-TC-Action`, where it is signed too. */
  readonly action?: string;
  readonly body: string | Buffer;
}

export interface TencentKey {
  readonly secretId: string;
  readonly secretKey: string;
}

const ALGORITHM = "TC3-HMAC-SHA256";

/**
 * The `Authorization` of a request by Tencent Cloud's signature v3, https://cloud.tencent.com/document/api/213/30654.
 *
 * @param seconds since 1970, as in `X-TC-Timestamp`
 */
export function authorize(request: SignedRequest, key: TencentKey, service: string, seconds: number): string {
  const date = new Date(seconds * 1000).toISOString().slice(0, 10);
  const scope = `${date}/${service}/tc3_request`;
  const { canonical, signedHeaders } = canonicalRequest(request);
  const toSign = [ALGORITHM, String(seconds), scope, sha256(canonical)].join("\n");
  const dateKey = hmac(`TC3${key.secretKey}`, date);
  const signature = hmac(hmac(hmac(dateKey, service), "tc3_request"), toSign).toString("hex");
  return `${ALGORITHM} Credential=${key.secretId}/${scope}, SignedHeaders=${signedHeaders}, Signature=${signature}`;
}

function canonicalRequest(request: SignedRequest): { readonly canonical: string; readonly signedHeaders: string } {
  const { method, path, query = "", host, contentType, action, body } = request;
  const headers = [`content-type:${plain(contentType)}`, `host:${plain(host)}`];
  let signedHeaders = "content-type;host";
  if (action !== undefined) {
    headers.push(`x-tc-action:${plain(action)}`);
    signedHeaders += ";x-tc-action";
  }
  const canonical = [method, path, query, `${headers.join("\n")}\n`, signedHeaders, sha256(body)].join("\n");
  return { canonical, signedHeaders };
}

function plain(value: string): string {
  return value.trim().toLowerCase();
}

function sha256(text: string | Buffer): string {
  return createHash("sha256").update(text).digest("hex");
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
