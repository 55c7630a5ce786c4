import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  authorizeBce,
  BCE_SECONDS,
  type BceKey,
  bceTime,
  canonicalHeaders,
  canonicalQuery,
  signingKey,
} from "./sign.ts";

const DOCUMENTED: BceKey = { accessKey: "a".repeat(32), secretKey: "b".repeat(32) };
const REQUEST = {
  method: "PUT",
  path: "/v1/test/myfolder/readme.txt",
  query: { partNumber: "9", uploadId: "a44cc9bab11cbd156984767aad637851" },
  headers: {
    host: "bj.bcebos.com",
    "content-type": "text/plain",
    "content-length": "8",
    "content-md5": "NFzcPqhviddjRNnSOGo4rw==",
    "x-bce-date": "2015-04-27T08:23:49Z",
  },
};
const DAY = "2015-04-27T08:23:49Z";

describe("a signature of Baidu's cloud", () => {
  test.each([
    ["with the usual headers", REQUEST, [], "/d74a04362e6a848f5b39b15421cb449427f419c95a480fd6b8cf9fc783e2999e"],
    [
      "without a query",
      { ...REQUEST, query: {} },
      [],
      "/0558aac491bbef484d3aaa30ac1e65d4ff10daccd351f15c91e922ee4ce72690",
    ],
    [
      "with chosen headers",
      REQUEST,
      ["host", "x-bce-date"],
      "host;x-bce-date/1b8de5a23a56eef657c69f94c621e7acd227d049a4ba577f537d5e5cebf0cf32",
    ],
  ])("%s is the one that its documentation prints", (_how, request, signed, end) => {
    expect(authorizeBce(request, DOCUMENTED, DAY, BCE_SECONDS, signed)).toBe(
      `bce-auth-v1/${DOCUMENTED.accessKey}/${DAY}/1800/${end}`,
    );
  });

  test("has the documented key, headers and query", () => {
    const prefix = `bce-auth-v1/${DOCUMENTED.accessKey}/${DAY}/1800`;
    expect(signingKey(DOCUMENTED.secretKey, prefix)).toBe(
      "1d5ce5f464064cbee060330d973218821825ac6952368a482a592e6615aef479",
    );
    expect(canonicalHeaders(REQUEST.headers, []).split("\n")).toEqual([
      "content-length:8",
      "content-md5:NFzcPqhviddjRNnSOGo4rw%3D%3D",
      "content-type:text%2Fplain",
      "host:bj.bcebos.com",
      "x-bce-date:2015-04-27T08%3A23%3A49Z",
    ]);
    expect(canonicalQuery({ text: "", text1: "测试", text10: "test" })).toBe(
      "text10=test&text1=%E6%B5%8B%E8%AF%95&text=",
    );
  });

  test("tells the time to the second", () => {
    expect(bceTime(1_700_000_000_999)).toBe("2023-11-14T22:13:20Z");
  });
});

interface Vector {
  readonly id: string;
  readonly scheme: string;
  // biome-ignore lint/suspicious/noExplicitAny: each scheme has inputs of its own
  readonly input: any;
  readonly expect: Record<string, string>;
}

/** Kept beside the project, not in it; those of the documentation stand above in any case. */
const FILE = new URL("../../../../shared/reference/auth-vectors.json", import.meta.url);
const vectors: readonly Vector[] = existsSync(FILE)
  ? JSON.parse(readFileSync(FILE, "utf8")).vectors.filter(({ scheme }: Vector) => scheme === "bce-auth-v1")
  : [];

describe.skipIf(vectors.length === 0)("known answers (skipped where their file is not at hand)", () => {
  test.each(vectors.map((vector) => [vector.id, vector] as const))("%s", (_id, { input, expect: expected }) => {
    if (expected.canonical_query !== undefined) expect(canonicalQuery(input.query)).toBe(expected.canonical_query);
    if (input.access_key === undefined) return;
    const { access_key: accessKey, secret_key: secretKey, timestamp, expire_s: seconds } = input;
    const signed = input.signed_headers === "" ? [] : input.signed_headers.split(";");
    const request = { method: input.method, path: input.uri, query: input.query, headers: input.headers };
    expect(authorizeBce(request, { accessKey, secretKey }, timestamp, seconds, signed)).toBe(expected.authorization);
    const prefix = `bce-auth-v1/${accessKey}/${timestamp}/${seconds}`;
    if (expected.signing_key) expect(signingKey(secretKey, prefix)).toBe(expected.signing_key);
    if (expected.canonical_headers) {
      expect(canonicalHeaders(input.headers, signed)).toBe(expected.canonical_headers);
    }
  });
});
