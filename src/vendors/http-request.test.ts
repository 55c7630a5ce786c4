import { describe, expect, test } from "vitest";
import { RequestHeads } from "./http-request.ts";
import type { WireRequest } from "./spec.ts";
import { WireError } from "./wire-error.ts";

const request = (changes: Partial<WireRequest> = {}): WireRequest => ({
  method: "POST",
  path: "/chat?x=1",
  headers: { "Content-Type": "application/json", authorization: "Bearer sk-test" },
  body: Buffer.from('{"a":"买单"}'),
  ...changes,
});
const heads = new RequestHeads("api.example.com:8443", "/v1");

describe("the head of a request", () => {
  test("says its path, its host, its headers and the bytes of its body", () => {
    expect(heads.write(request())).toBe(
      "POST /v1/chat?x=1 HTTP/1.1\r\nhost: api.example.com:8443\r\nconnection: keep-alive\r\naccept-encoding: identity\r\n" +
        "Content-Type: application/json\r\nauthorization: Bearer sk-test\r\ncontent-length: 14\r\n\r\n",
    );
  });

  test("says no length for a GET, and none for an empty body", () => {
    expect(heads.write(request({ method: "GET" }))).not.toContain("content-length");
    expect(heads.write(request({ body: Buffer.alloc(0) }))).toContain("content-length: 0\r\n");
  });

  test("takes another host and a close from its headers, and no compression, in whatever letters", () => {
    const headers = { HOST: "other", "Accept-Encoding": "gzip", Connection: "Close" };
    expect(heads.write(request({ headers }))).toBe(
      "POST /v1/chat?x=1 HTTP/1.1\r\nhost: other\r\nconnection: close\r\naccept-encoding: identity\r\ncontent-length: 14\r\n\r\n",
    );
  });

  test("is written anew where headers changed; those that are frozen cannot", () => {
    const headers: Record<string, string> = { a: "1" };
    expect(heads.write(request({ headers }))).toContain("\r\na: 1\r\n");
    headers.a = "2";
    expect(heads.write(request({ headers }))).toContain("\r\na: 2\r\n");
    const frozen = Object.freeze({ a: "3" });
    const first = heads.write(request({ headers: frozen }));
    expect(heads.write(request({ headers: frozen }))).toBe(first);
    expect(new RequestHeads("other", "").write(request({ headers: frozen }))).toContain("host: other\r\n");
  });

  const stray = ["\r", "\n", "\r\nx: y", "\0", "\x7f", "\x0b", "买"];
  test.each<[string, Partial<WireRequest>]>([
    ...stray.map((text): [string, Partial<WireRequest>] => ["a value", { headers: { a: `b${text}` } }]),
    ...[...stray, "", " ", ":", "(", "\xe4"].map((text): [string, Partial<WireRequest>] => [
      "a name",
      { headers: { [text === "" ? "" : `a${text}`]: "b" } },
    ]),
    ...[...stray, " ", "\t", " HTTP/1.1\r\n\r\n"].map((text): [string, Partial<WireRequest>] => [
      "a path",
      { path: `/a${text}` },
    ]),
    ...["content-length", "Transfer-Encoding", "keep-alive", "upgrade", "Expect", "te", "trailer"].map(
      (name): [string, Partial<WireRequest>] => ["a header of the connection", { headers: { [name]: "5" } }],
    ),
  ])("%s that would change what is sent: %j", (_what, changes) => {
    expect(() => heads.write(request(changes))).toThrow(WireError);
    expect(() => heads.write(request({ ...changes, headers: Object.freeze(changes.headers ?? {}) }))).toThrow(
      WireError,
    );
  });

  test("a path that is none", () => {
    expect(() => new RequestHeads("a", "").write(request({ path: "" }))).toThrow(WireError);
    expect(() => new RequestHeads("a", "").write(request({ path: "http://other/" }))).toThrow(WireError);
  });
});
