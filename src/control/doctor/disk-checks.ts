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

/** Every call waits twice for the disk, so a slow one is felt by everybody. Writes and syncs a small file a few times. */
export async function checkDiskSpeed(
  { dataFolder }: Pick<DoctorDependencies, "dataFolder">,
  bounds: DoctorBounds,
): Promise<readonly Finding[]> {
  const path = join(dataFolder, `.doctor-${randomBytes(6).toString("hex")}`);
  const where = words.path(dataFolder);
  const times: number[] = [];
  const file = await open(path, "wx", 0o600);
  try {
    for (let round = 0; round < SYNCS; round++) {
      const start = performance.now();
      await file.write(Buffer.alloc(4096, round), 0, 4096, 0);
      await file.datasync();
      times.push(performance.now() - start);
    }
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
  const median = times.sort((a, b) => a - b)[(SYNCS - 1) / 2]!;
  const shown = median.toFixed(1);
  if (median > bounds.syncWarningMs)
    return [{ state: "warning", what: words.slowDisk(shown), where, remedy: words.slowDiskDo() }];
  return [{ state: "ok", what: words.fastDisk(shown), where }];
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
