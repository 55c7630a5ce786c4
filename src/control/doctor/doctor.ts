import type { Language } from "../../base/language.ts";
import { doctorWords as words } from "../../base/messages/doctor.ts";
import { checkClock } from "./clock-check.ts";
import { checkDiskSpace, checkDiskSpeed } from "./disk-checks.ts";
import { checkCredentials, checkReachable, probeAll } from "./endpoint-checks.ts";
import { checkFolder, checkLock } from "./folder-checks.ts";
import { checkLedger, checkStore, checkUnsettled } from "./ledger-checks.ts";
import { checkRuntime } from "./runtime-check.ts";
import { checkKeys, checkOutputLimits, checkPrices, checkRates } from "./setting-checks.ts";
import {
  CHECKS,
  type CheckId,
  type CheckState,
  DOCTOR_BOUNDS,
  type DoctorBounds,
  type DoctorCheck,
  type DoctorDependencies,
  type DoctorReport,
  type Finding,
} from "./spec.ts";

/**
 * Examines an installation: the machine, the books, the vendors and the settings. Each check reports what it found,
 * where, and what to do. A check that fails or takes longer than its bound is itself a problem; the others go on.
 *
 * @example
 * const report = await runDoctor(dependencies);
 * report.state; // "problem"
 * showReport(report, "en").checks[0].do; // "Free space on the disk, or move the data folder …"
 */
export async function runDoctor(dependencies: DoctorDependencies): Promise<DoctorReport> {
  const bounds: DoctorBounds = { ...DOCTOR_BOUNDS, ...dependencies.bounds };
  const probes = probeAll(dependencies);
  const run: Record<CheckId, () => Promise<readonly Finding[]> | readonly Finding[]> = {
    runtime: () => checkRuntime(dependencies),
    "data-folder": () => checkFolder(dependencies),
    lock: () => checkLock(dependencies),
    "disk-space": () => checkDiskSpace(dependencies, bounds),
    "disk-speed": () => checkDiskSpeed(dependencies, bounds),
    store: () => checkStore(dependencies),
    ledger: () => checkLedger(dependencies),
    unsettled: () => checkUnsettled(dependencies),
    clock: async () => checkClock(dependencies, bounds, await probes),
    "endpoint-credential": async () => checkCredentials(await probes),
    "endpoint-reachable": async () => checkReachable(await probes),
    price: () => checkPrices(dependencies),
    "output-limit": () => checkOutputLimits(dependencies),
    rate: () => checkRates(dependencies),
    key: () => checkKeys(dependencies, bounds),
  };
  const found = await Promise.all(CHECKS.map((id) => examine(id, run[id], bounds)));
  const checks = found.flat();
  return { at: dependencies.clock.now(), state: worst(checks), checks };
}

async function examine(
  id: CheckId,
  run: () => Promise<readonly Finding[]> | readonly Finding[],
  bounds: DoctorBounds,
): Promise<readonly DoctorCheck[]> {
  const findings = await findingsOf(run, bounds);
  const shown = findings.slice(0, bounds.findings);
  const rest = findings.slice(shown.length);
  if (rest.length > 0) shown.push({ state: worst(rest), what: words.more(rest.length), remedy: words.moreDo() });
  return shown.map((finding) => ({ id, title: words.title(id), ...finding }));
}

async function findingsOf(
  run: () => Promise<readonly Finding[]> | readonly Finding[],
  bounds: DoctorBounds,
): Promise<Finding[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<readonly Finding[]>((resolve) => {
    const finding = { state: "problem", what: words.late(bounds.checkMs), remedy: words.lateDo() } as const;
    timer = setTimeout(() => resolve([finding]), bounds.checkMs);
  });
  try {
    return [...(await Promise.race([run(), late]))];
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return [{ state: "problem", what: words.failed(reason), remedy: words.failedDo() }];
  } finally {
    clearTimeout(timer);
  }
}

function worst(findings: readonly { readonly state: CheckState }[]): CheckState {
  if (findings.some((finding) => finding.state === "problem")) return "problem";
  return findings.some((finding) => finding.state === "warning") ? "warning" : "ok";
}

/** A report as the operators' API shows it, in one language. */
export interface ShownReport {
  /** An instant, ISO 8601. */
  readonly at: string;
  readonly state: CheckState;
  readonly checks: readonly {
    readonly id: CheckId;
    readonly state: CheckState;
    readonly title: string;
    readonly what: string;
    readonly where?: string;
    readonly do?: string;
  }[];
}

/** Writes a report in a language, for JSON. */
export function showReport(report: DoctorReport, language: Language): ShownReport {
  return {
    at: new Date(report.at).toISOString(),
    state: report.state,
    checks: report.checks.map((check) => ({
      id: check.id,
      state: check.state,
      title: check.title(language),
      what: check.what(language),
      ...(check.where && { where: check.where(language) }),
      ...(check.remedy && { do: check.remedy(language) }),
    })),
  };
}
