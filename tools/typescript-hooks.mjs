// Strips the types off `.ts` files as Node loads them, and remembers the result: threads are started often.
import { createHash } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const cache = new URL("../node_modules/.cache/maidan-typescript/", import.meta.url);

export async function load(url, context, next) {
  if (!url.startsWith("file:") || !url.endsWith(".ts")) return next(url, context);
  const source = await readFile(fileURLToPath(url), "utf8");
  return { format: "module", source: await strip(fileURLToPath(url), source), shortCircuit: true };
}

async function strip(path, source) {
  const kept = new URL(`${createHash("sha256").update(source).digest("hex")}.js`, cache);
  try {
    return await readFile(kept, "utf8");
  } catch {
    const { transform } = await import("rolldown/utils"); // comes with vitest
    const { code, errors } = await transform(path, source, { sourcemap: false });
    if (errors.length > 0) throw errors[0];
    await mkdir(cache, { recursive: true });
    const making = new URL(`${process.pid}-${Math.random()}.js`, cache);
    await writeFile(making, code);
    await rename(making, kept);
    return code;
  }
}
