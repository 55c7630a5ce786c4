import { transform } from "rolldown/utils"; // comes with vitest
import type { PlantedBug } from "./bugs.ts";

/** The source of a file with a bug in it, as JavaScript. Throws where the bug's place is not there exactly once. */
export async function plant(bug: PlantedBug, path: string, source: string): Promise<string> {
  if (source.split(bug.replace).length !== 2) throw new Error(`${bug.file} has no single place for: ${bug.name}`);
  const planted = source.replace(bug.replace, () => bug.by);
  const { code, errors } = await transform(path, planted, { sourcemap: false });
  if (errors.length > 0) throw errors[0];
  return code;
}
