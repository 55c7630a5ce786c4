import { Fault } from "../base/faults.ts";
import { Fenced } from "../store/spec.ts";
import type { BookKeeping } from "./book-keeping.ts";
import type { Resolution, Settlement } from "./spec.ts";

/** The reason of settlements that came after the node's seat was taken away. */
const LATE = "late";

/** Settles an attempt that another node has left in doubt. Somebody may have resolved it already: that stays. */
export function settleLate(keeping: BookKeeping, attempt: string, settlement: Settlement, at: number): Promise<void> {
  const { cost, usage, basis, detail, kept } = settlement;
  return resolveLate(keeping, attempt, { action: "settle", cost, usage, basis, detail, reason: LATE }, at, kept);
}

/** Gives back what another node has left in doubt: it surely cost nothing. */
export function releaseLate(keeping: BookKeeping, attempt: string, reason: string, at: number): Promise<void> {
  return resolveLate(keeping, attempt, { action: "release", reason }, at);
}

/** Does what remains to be done where a row was refused because the seat was taken away before it was on the disk. */
export async function orLate(durable: Promise<void>, late: () => Promise<void>): Promise<void> {
  try {
    await durable;
  } catch (error) {
    if (!(error instanceof Fenced)) throw error;
    await late();
  }
}

async function resolveLate(
  keeping: BookKeeping,
  attempt: string,
  resolution: Resolution,
  at: number,
  kept?: Settlement["kept"],
): Promise<void> {
  try {
    await keeping.resolve(attempt, resolution, at, kept);
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== "not_found") throw error;
  }
}
