import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openSealer } from "./sealing.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "maidan-seal-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("what is sealed opens again, also after a restart, and never shows in clear", () => {
  const sealer = openSealer(folder);
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.uint8Array(), (text, bytes) => {
      expect(openSealer(folder).open(sealer.seal(text))).toBe(text);
      expect(new Uint8Array(openSealer(folder).openBytes(sealer.sealBytes(bytes)))).toEqual(bytes);
    }),
    { numRuns: 50 },
  );
  expect(Buffer.from(sealer.seal("sk-secret-credential"), "base64").includes("secret")).toBe(false);
  expect(sealer.seal("same")).not.toBe(sealer.seal("same"));
});

test("the key is 32 bytes that only the owner can read, and stays", () => {
  openSealer(folder);
  const file = join(folder, "sealing.key");
  const key = readFileSync(file);
  expect(key.length).toBe(32);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  openSealer(folder);
  expect(readFileSync(file)).toEqual(key);
});

test("another installation, and a changed byte, do not open it", () => {
  const sealer = openSealer(folder);
  const other = openSealer(join(folder, "other"));
  expect(other.open(sealer.seal("x"))).toBeUndefined();
  const sealed = sealer.sealBytes(Buffer.from("abc"));
  for (let i = 0; i < sealed.length; i++) {
    const changed = Buffer.from(sealed);
    changed[i]! ^= 1;
    expect(() => sealer.openBytes(changed)).toThrow(expect.objectContaining({ code: "internal_error" }));
  }
  expect(() => sealer.openBytes(Buffer.from("short"))).toThrow(/another installation/);
  expect(sealer.open("never sealed")).toBeUndefined();
});

test("a file that is no key is refused", () => {
  writeFileSync(join(folder, "sealing.key"), "short");
  expect(() => openSealer(folder)).toThrow(/32 bytes/);
});
