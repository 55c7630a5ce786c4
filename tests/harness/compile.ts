import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The root of the project. */
export const PROJECT = fileURLToPath(new URL("../../", import.meta.url));

const SOURCES = ["upstream-behaviour.ts", "upstream-answers.ts", "upstream.ts", "upstream-process.ts"];

/**
 * Compiles the simulated vendor for a process of its own, once for each state of its sources, and returns the file to
 * run. Several test processes may ask at once: the folder appears whole or not at all.
 */
export function compileUpstream(): string {
  const files = SOURCES.map((name) => join(PROJECT, "tests/harness", name));
  const hash = createHash("sha256");
  for (const file of files) hash.update(readFileSync(file));
  const cache = join(PROJECT, "node_modules/.cache/maidan-tests");
  const folder = join(cache, hash.digest("hex").slice(0, 16));
  const main = join(folder, "upstream-process.js");
  if (existsSync(main)) return main;
  mkdirSync(cache, { recursive: true });
  const making = mkdtempSync(join(cache, "making-"));
  const options = "--ignoreConfig --strict --target es2023 --module nodenext --types node --skipLibCheck";
  const imports = "--rewriteRelativeImportExtensions --allowImportingTsExtensions";
  const compiler = join(PROJECT, "node_modules/typescript/bin/tsc");
  execFileSync(process.execPath, [compiler, ...`${options} ${imports} --outDir`.split(" "), making, ...files], {
    cwd: PROJECT,
    stdio: ["ignore", "inherit", "inherit"],
  });
  writeFileSync(join(making, "package.json"), '{"type":"module"}\n');
  try {
    renameSync(making, folder);
  } catch (cause) {
    rmSync(making, { recursive: true, force: true });
    if (!existsSync(main)) throw cause;
  }
  return main;
}
