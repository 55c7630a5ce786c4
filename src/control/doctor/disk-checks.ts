import { randomBytes } from "node:crypto";
import { open, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { doctorWords as words } from "../../base/messages/doctor.ts";
import type { DiskSpace, DoctorBounds, DoctorDependencies, Finding } from "./spec.ts";

/** File systems of other machines, by their `statfs` number: locks and fsync there are only as good as the network. */
const NETWORK_TYPES = new Map([
  [0x6969, "NFS"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB2"],
  [0x517b, "SMB"],
  [0x01021997, "9P"],
]);

export async function checkDiskSpace(
  dependencies: Pick<DoctorDependencies, "dataFolder" | "diskSpace">,
  bounds: DoctorBounds,
): Promise<readonly Finding[]> {
  const { dataFolder } = dependencies;
  const { freeBytes, totalBytes, type } = await (dependencies.diskSpace ?? readSpace)(dataFolder);
  const where = words.path(dataFolder);
  const findings: Finding[] = [];
  const network = NETWORK_TYPES.get(type);
  if (network)
    findings.push({ state: "warning", what: words.networkDisk(network), where, remedy: words.networkDiskDo() });
  const figures = [showBytes(freeBytes), showBytes(totalBytes)] as const;
  if (freeBytes < bounds.diskProblemBytes)
    findings.push({ state: "problem", what: words.diskFull(...figures), where, remedy: words.diskDo() });
  else if (freeBytes < bounds.diskWarningBytes)
    findings.push({ state: "warning", what: words.diskLow(...figures), where, remedy: words.diskDo() });
  else findings.push({ state: "ok", what: words.diskGood(...figures), where });
  return findings;
}

async function readSpace(folder: string): Promise<DiskSpace> {
  const { bavail, blocks, bsize, type } = await statfs(folder);
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize, type };
}

const SYNCS = 9;

/** Every call waits twice for the disk of the ledger, so a slow one is felt by everybody. */
export async function checkDiskSpeed(
  { dataFolder, commitOnce }: Pick<DoctorDependencies, "dataFolder" | "commitOnce">,
  bounds: DoctorBounds,
): Promise<readonly Finding[]> {
  const times = commitOnce ? await timesOf(commitOnce) : await timesOfSyncs(dataFolder);
  const median = times.sort((a, b) => a - b)[(SYNCS - 1) / 2]!;
  const shown = median.toFixed(1);
  const isSlow = median > bounds.syncWarningMs;
  if (commitOnce) {
    if (!isSlow) return [{ state: "ok", what: words.fastCommit(shown) }];
    return [{ state: "warning", what: words.slowCommit(shown), remedy: words.slowCommitDo() }];
  }
  const where = words.path(dataFolder);
  if (!isSlow) return [{ state: "ok", what: words.fastDisk(shown), where }];
  return [{ state: "warning", what: words.slowDisk(shown), where, remedy: words.slowDiskDo() }];
}

async function timesOf(wait: (round: number) => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < SYNCS; round++) {
    const start = performance.now();
    await wait(round);
    times.push(performance.now() - start);
  }
  return times;
}

/** Writes and syncs a small file a few times. */
async function timesOfSyncs(dataFolder: string): Promise<number[]> {
  const path = join(dataFolder, `.doctor-${randomBytes(6).toString("hex")}`);
  const file = await open(path, "wx", 0o600);
  try {
    return await timesOf(async (round) => {
      await file.write(Buffer.alloc(4096, round), 0, 4096, 0);
      await file.datasync();
    });
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
}

function showBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}
