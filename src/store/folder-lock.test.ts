import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lockDataFolder } from "./folder-lock.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "maidan-lock-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const inUse = expect.objectContaining({
  code: "conflict",
  message: expect.stringContaining("Another Maidan is using"),
});

test("a folder is locked once, and again after its release", () => {
  const lock = lockDataFolder(folder);
  expect(() => lockDataFolder(folder)).toThrow(inUse);
  lock.release();
  lock.release();
  lockDataFolder(folder).release();
});

test("kill -9 gives the lock back", async () => {
  const module = new URL("./folder-lock.ts", import.meta.url).href;
  const script = `(async () => { const { lockDataFolder } = await import(${JSON.stringify(module)});
    lockDataFolder(${JSON.stringify(folder)}); console.log("locked"); setInterval(() => {}, 1000); })();`;
  const child = spawn(process.execPath, [...process.execArgv, "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  expect(() => lockDataFolder(folder)).toThrow(inUse);
  child.kill("SIGKILL");
  await once(child, "exit");
  lockDataFolder(folder).release();
});

test("a folder that cannot be made is named", () => {
  writeFileSync(join(folder, "file"), "");
  expect(() => lockDataFolder(join(folder, "file", "below"))).toThrow(
    expect.objectContaining({ code: "invalid_request", message: expect.stringContaining("below") }),
  );
});
