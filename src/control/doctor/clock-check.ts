import { doctorWords as words } from "../../base/messages/doctor.ts";
import type { ProbedEndpoint } from "./endpoint-checks.ts";
import type { DoctorBounds, DoctorDependencies, Finding } from "./spec.ts";

/**
 * Compares this machine's clock with those of the vendors (the median of their `Date` headers) and with the ledger: an
 * entry in the future means that the clock was set back. A wrong clock puts calls in the wrong window of a budget, at
 * the wrong price, and makes signed requests fail.
 */
export async function checkClock(
  dependencies: Pick<DoctorDependencies, "clock" | "lastEntryAt">,
  bounds: DoctorBounds,
  probed: readonly ProbedEndpoint[],
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const offset = medianOffset(probed);
  if (offset !== undefined) {
    const state = stateOf(Math.abs(offset), bounds);
    if (state !== "ok")
      findings.push({
        state,
        what: words.clockOff(Math.round(offset / 1000)),
        where: words.thisMachine(),
        remedy: words.clockDo(),
      });
  }
  const last = await dependencies.lastEntryAt();
  const ahead = last === undefined ? 0 : last - dependencies.clock.now();
  const state = stateOf(ahead, bounds);
  if (last !== undefined && state !== "ok")
    findings.push({
      state,
      what: words.entryInFuture(new Date(last).toISOString(), Math.round(ahead / 1000)),
      where: words.thisMachine(),
      remedy: words.clockDo(),
    });
  if (findings.length > 0) return findings;
  const what = offset === undefined ? words.clockUnknown() : words.clockGood(Math.round(Math.abs(offset) / 1000));
  return [{ state: "ok", what }];
}

/** How far this machine is ahead of the vendors, milliseconds. A `Date` header has whole seconds, so half of one is added. */
function medianOffset(probed: readonly ProbedEndpoint[]): number | undefined {
  const offsets = probed
    .flatMap(({ probe }) => (probe?.vendorTime === undefined ? [] : [probe.answeredAt - (probe.vendorTime + 500)]))
    .sort((a, b) => a - b);
  return offsets[Math.floor((offsets.length - 1) / 2)];
}

function stateOf(offsetMs: number, bounds: DoctorBounds): Finding["state"] {
  if (offsetMs > bounds.clockProblemMs) return "problem";
  return offsetMs > bounds.clockWarningMs ? "warning" : "ok";
}
