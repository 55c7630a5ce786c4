import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { transform } from "rolldown/utils"; // comes with vitest

let bug;

export function initialize(planted) {
  bug = planted;
}

export async function load(url, context, next) {
  if (url !== bug.url) return next(url, context);
  const path = fileURLToPath(url);
  const source = await readFile(path, "utf8");
  if (source.split(bug.replace).length !== 2) throw new Error(`${bug.file} has no single place for: ${bug.name}`);
  const { code, errors } = await transform(
    path,
    source.replace(bug.replace, () => bug.by),
    { sourcemap: false },
  );
  if (errors.length > 0) throw errors[0];
  return { format: "module", source: code, shortCircuit: true };
}
