import { closeSync, constants, fstatSync, fsyncSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Durability } from "../../config/environment.ts";

/** The log stands in two files, of which one is written while what stands in the other is folded into the database. */
export const LOG_FILES = ["maidan.log-0", "maidan.log-1"] as const;
/** Bytes after which the other file is written. */
export const LOG_FILE_BYTES = 16 * 1024 * 1024;

const PIECE_BYTES = 1024 * 1024;

/** Where the system has it (Windows has not): a write returns when the disk has what was written. */
const DURABLE_WRITES: number | undefined = constants.O_DSYNC;
/** Whether each write must be followed by an `fdatasync`. */
export const NEEDS_SYNC = DURABLE_WRITES === undefined;

/** Opened for writing, made where it is missing. `disk`: writes are durable, see `NEEDS_SYNC`. */
export function openLogFile(folder: string, file: number, durability: Durability): number {
  const durable = durability === "disk" ? (DURABLE_WRITES ?? 0) : 0;
  return openSync(join(folder, LOG_FILES[file]!), constants.O_RDWR | constants.O_CREAT | durable, 0o600);
}

export function openLogFileForReading(folder: string, file: number): number {
  return openSync(join(folder, LOG_FILES[file]!), constants.O_RDONLY);
}

/** Writes zeros behind what a file has, up to its full size: then a write need not make it grow, which takes twice as long. */
export function reserveLogFile(folder: string, file: number): void {
  const descriptor = openSync(join(folder, LOG_FILES[file]!), constants.O_RDWR | constants.O_CREAT, 0o600);
  const piece = Buffer.alloc(PIECE_BYTES);
  try {
    for (let at = fstatSync(descriptor).size; at < LOG_FILE_BYTES; at += piece.length) {
      writeSync(descriptor, piece, 0, Math.min(piece.length, LOG_FILE_BYTES - at), at);
    }
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Makes the names of new files durable. */
export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, constants.O_RDONLY);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** All bytes of a file; none where it is missing. */
export function readLogFile(folder: string, file: number): Buffer {
  try {
    return readFileSync(join(folder, LOG_FILES[file]!));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return Buffer.alloc(0);
    throw error;
  }
}

export function removeLogFiles(folder: string): void {
  for (const name of LOG_FILES) rmSync(join(folder, name), { force: true });
}
