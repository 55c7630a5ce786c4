import { readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { randomId } from "../base/ids.ts";

const FILE = "node.id";

/**
 * The name of a node among those that share a store: the same at every start on one data folder. Whoever has the folder's
 * lock knows by it that the node before is gone.
 */
export function nodeName(folder: string, worker: number | undefined): string {
  const name = `${hostname()}/${readId(join(folder, FILE))}`;
  return worker === undefined ? name : `${name}/worker-${worker}`;
}

function readId(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const id = randomId("node");
  writeFileSync(file, `${id}\n`, { mode: 0o600, flag: "wx" });
  return id;
}
