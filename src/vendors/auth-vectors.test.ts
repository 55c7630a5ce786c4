import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { authorizeBce, canonicalHeaders, canonicalQuery, signingKey } from "./baidu-v1/sign.ts";
import { hmacBase64 } from "./hmac.ts";
import { signAddress as signIflytek } from "./iflytek/sign.ts";
import { tokenOf as senseNovaToken } from "./sensenova/sign.ts";
import { sign as signSkywork } from "./skywork/encode.ts";
import { authorize as authorizeTencent } from "./tencent/sign.ts";
import { tokenOf as zhipuToken } from "./zhipu/sign.ts";

/**
 * Known-answer vectors of how vendors know an account, published or computed by two other programs, reproduced by the very code
 * that signs requests. The file is beside the project where it is there at all; the published ones stand in each protocol's own tests too.
 */
const FILE = new URL("../../../shared/reference/auth-vectors.json", import.meta.url);

// biome-ignore lint/suspicious/noExplicitAny: each scheme has fields of its own
type Vector = any;
const vectors: Vector[] = existsSync(FILE) ? JSON.parse(readFileSync(FILE, "utf8")).vectors : [];

const CHECKS: Readonly<Record<string, (vector: Vector) => void>> = {
  "TC3-HMAC-SHA256": ({ input, expect: expected }) => {
    const request = {
      method: input.method,
      path: input.uri,
      query: input.query,
      host: input.host,
      contentType: input.content_type,
      ...(input.x_tc_action && { action: input.x_tc_action }),
      body: input.payload,
    };
    const key = { secretId: input.secret_id, secretKey: input.secret_key };
    const authorization = authorizeTencent(request, key, input.service, input.timestamp);
    expect(authorization).toContain(`Signature=${expected.signature}`);
    if (expected.authorization) expect(authorization).toBe(expected.authorization);
  },
  "bce-auth-v1": ({ input, expect: expected }) => {
    const { query, headers = {}, timestamp, expire_s: seconds } = input;
    const signed: string[] = (input.signed_headers ?? "").split(";").filter(Boolean);
    if (expected.canonical_query !== undefined) expect(canonicalQuery(query)).toBe(expected.canonical_query);
    if (expected.canonical_headers) expect(canonicalHeaders(headers, signed)).toBe(expected.canonical_headers);
    if (expected.signing_key) {
      const prefix = `bce-auth-v1/${input.access_key}/${timestamp}/${seconds}`;
      expect(signingKey(input.secret_key, prefix)).toBe(expected.signing_key);
    }
    if (!expected.authorization) return;
    const request = { method: input.method, path: input.uri, query, headers };
    const key = { accessKey: input.access_key, secretKey: input.secret_key };
    expect(authorizeBce(request, key, timestamp, seconds, signed)).toBe(expected.authorization);
  },
  "iflytek-url-hmac": ({ input, expect: expected }) => {
    const { host, pathname: path } = new URL(input.url);
    const key = { apiKey: input.api_key, apiSecret: input.api_secret };
    const signed = signIflytek({ method: input.method, host, path }, key, input.date);
    expect(signed.signature).toBe(expected.signature);
    if (expected.authorization) expect(signed.authorization).toBe(expected.authorization);
    if (expected.url) expect(`${input.url}?${signed.query}`).toBe(expected.url);
  },
  "jwt-hs256": ({ input, expect: expected }) => {
    const token = input.ak
      ? senseNovaToken(input.ak, input.sk, input.now * 1000)
      : zhipuToken(input.api_key, input.now_ms);
    expect(token).toBe(expected.token);
  },
  "HMAC-SHA256-base64": ({ input, expect: expected }) => {
    expect(hmacBase64("sha256", input.key, input.message)).toBe(expected.base64);
  },
  "HMAC-SHA1-base64": ({ input, expect: expected }) => {
    expect(hmacBase64("sha1", input.key, input.message)).toBe(expected.base64);
  },
  "md5-concat": ({ input, expect: expected }) => {
    expect(signSkywork(input.app_key, input.app_secret, input.timestamp)).toBe(expected.sign);
  },
};

describe.skipIf(vectors.length === 0)(
  "known answers (skipped where the file of vectors is not beside the project)",
  () => {
    test.each(vectors.map((vector) => [vector.id, vector]))("%s", (_, vector) => {
      const check = CHECKS[vector.scheme];
      expect(check, `no check of ${vector.scheme}`).toBeDefined();
      check!(vector);
    });
  },
);
