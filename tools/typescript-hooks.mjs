// Strips the types off `.ts` files as Node loads them. rolldown comes with vitest.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { transform } from "rolldown/utils";

export async function load(url, context, next) {
  if (!url.startsWith("file:") || !url.endsWith(".ts")) return next(url, context);
  const path = fileURLToPath(url);
  const { code, errors } = await transform(path, await readFile(path, "utf8"), { sourcemap: false });
  if (errors.length > 0) throw errors[0];
  return { format: "module", source: code, shortCircuit: true };
}
