import { constants, existsSync } from "node:fs";
import { access, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { doctorWords as words } from "../../base/messages/doctor.ts";
import type { DoctorDependencies, Finding } from "./spec.ts";

/** What gives away every secret, or the whole gateway, to whoever can read it. */
const SECRET_FILES = new Set(["sealing.key", "control.sock"]);
const OTHERS = 0o077;
const LOCK_FILE = "lock.db";

/** The data folder must be writable, and what is secret in it readable by its owner alone. */
export async function checkFolder({ dataFolder }: Pick<DoctorDependencies, "dataFolder">): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  try {
    await access(dataFolder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    return [
      { state: "problem", what: words.notWritable(), where: words.path(dataFolder), remedy: words.notWritableDo() },
    ];
  }
  if (process.platform !== "win32") {
    for (const name of await readdir(dataFolder)) {
      const path = join(dataFolder, name);
      const { mode } = await stat(path);
      if ((mode & OTHERS) === 0) continue;
      const shown = (mode & 0o777).toString(8).padStart(3, "0");
      if (SECRET_FILES.has(name))
        findings.push({
          state: "problem",
          what: words.openSecret(shown),
          where: words.path(path),
          remedy: words.closeFile(path),
        });
      else if (name.includes(".db") && !name.startsWith(LOCK_FILE) && (await isOpen(dataFolder)))
        findings.push({
          state: "warning",
          what: words.openBooks(shown),
          where: words.path(path),
          remedy: words.closeFolder(dataFolder),
        });
    }
  }
  if (findings.length > 0) return findings;
  return [{ state: "ok", what: words.folderGood(), where: words.path(dataFolder) }];
}

/** Whether others can enter the folder at all: where they cannot, the modes of the files in it do not matter. */
async function isOpen(folder: string): Promise<boolean> {
  return ((await stat(folder)).mode & 0o011) !== 0;
}

/**
 * A second process must not be able to take the data folder while this one holds it. It could when `lock.db` was
 * deleted or replaced: then the lock that is held is on a file that nobody finds any more.
 */
export function checkLock(dependencies: Pick<DoctorDependencies, "dataFolder" | "lockIsFree">): readonly Finding[] {
  const file = join(dependencies.dataFolder, LOCK_FILE);
  const where = words.path(file);
  if (!existsSync(file)) return [{ state: "problem", what: words.lockGone(), where, remedy: words.lockDo() }];
  const free = (dependencies.lockIsFree ?? canTakeLock)(file);
  if (free) return [{ state: "problem", what: words.lockFree(), where, remedy: words.lockDo() }];
  return [{ state: "ok", what: words.lockHeld(), where }];
}

function canTakeLock(file: string): boolean {
  const database = new DatabaseSync(file);
  try {
    database.exec("PRAGMA busy_timeout = 0");
    database.exec("BEGIN EXCLUSIVE");
    database.exec("ROLLBACK");
    return true;
  } catch {
    return false;
  } finally {
    database.close();
  }
}
