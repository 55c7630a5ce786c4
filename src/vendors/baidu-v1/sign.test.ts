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
