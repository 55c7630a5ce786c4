import { hmacBase64 } from "../hmac.ts";

export interface SparkKey {
  readonly apiKey: string;
  readonly apiSecret: string;
}

export interface SignedAddress {
  /** `GET` for the handshake of a WebSocket. */
  readonly method: string;
  /** As in the address, with its port where it names one. */
  readonly host: string;
  /** With its leading slash. */
  readonly path: string;
}

/** What a signature is made of, each step as the platform's documentation shows it. */
export interface AddressSignature {
  readonly signature: string;
  readonly authorization: string;
  /** For the address, without `?`. */
  readonly query: string;
}

/**
 * Signs an address by the platform's general scheme: HMAC-SHA256 over host, date and request line, all of it in the query,
 * https://www.xfyun.cn/doc/spark/general_url_authentication.html. It is good for five minutes.
 *
 * @param date of the request in GMT, as `Date.toUTCString` spells it
 */
export function signAddress({ method, host, path }: SignedAddress, key: SparkKey, date: string): AddressSignature {
  const toSign = `host: ${host}\ndate: ${date}\n${method} ${path} HTTP/1.1`;
  const signature = hmacBase64("sha256", key.apiSecret, toSign);
  const signed = `api_key="${key.apiKey}", algorithm="hmac-sha256", headers="host date request-line", signature="${signature}"`;
  const authorization = Buffer.from(signed).toString("base64");
  return { signature, authorization, query: new URLSearchParams({ authorization, date, host }).toString() };
}
