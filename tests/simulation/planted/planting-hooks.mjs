import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { plant } from "./planting.ts";

let bug;

export function initialize(planted) {
  bug = planted;
}

export async function load(url, context, next) {
  if (url !== bug.url) return next(url, context);
  const path = fileURLToPath(url);
  const source = await plant(bug, path, await readFile(path, "utf8"));
  return { format: "module", source, shortCircuit: true };
}
