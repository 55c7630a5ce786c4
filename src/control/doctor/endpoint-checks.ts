import { doctorWords as words } from "../../base/messages/doctor.ts";
import { VendorFault } from "../../vendors/vendor-fault.ts";
import type { EndpointProbe } from "./probe.ts";
import type { DoctorDependencies, ExaminedEndpoint, Finding } from "./spec.ts";

export interface ProbedEndpoint {
  readonly endpoint: ExaminedEndpoint;
  /** Undefined where the endpoint could not be asked: it has no usable credential. */
  readonly probe: EndpointProbe | undefined;
}

const AT_ONCE = 8;

/** Asks every endpoint, a few at a time. */
export async function probeAll(
  dependencies: Pick<DoctorDependencies, "endpoints" | "probeEndpoint">,
): Promise<readonly ProbedEndpoint[]> {
  const endpoints = dependencies.endpoints();
  const probed: ProbedEndpoint[] = new Array(endpoints.length);
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < endpoints.length) {
      const index = next++;
      const endpoint = endpoints[index]!;
      const probe = endpoint.fault ? undefined : await dependencies.probeEndpoint(endpoint.id).catch(failedProbe);
      probed[index] = { endpoint, probe };
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, endpoints.length) }, work));
  return probed;
}

/** An endpoint that cannot even be asked must not hide what is found of the others. */
function failedProbe(cause: unknown): EndpointProbe {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const fault = new VendorFault(() => reason, { errorClass: "server_error", charged: "nothing", cause });
  return { fault, status: undefined, vendorTime: undefined, answeredAt: 0, elapsedMs: 0 };
}

/** Credentials that are missing, cannot be opened, or that the vendor refuses. */
export function checkCredentials(probed: readonly ProbedEndpoint[]): readonly Finding[] {
  const findings: Finding[] = [];
  let accepted = 0;
  for (const { endpoint, probe } of probed) {
    const where = words.endpoint(endpoint.id, endpoint.address);
    const refusal = probe?.fault;
    if (endpoint.fault)
      findings.push({ state: "problem", what: endpoint.fault, where, remedy: words.credentialDo(endpoint.id) });
    else if (refusal?.errorClass === "auth")
      findings.push({
        state: "problem",
        what: words.credentialRefused(probe?.status, refusal.text),
        where,
        remedy: words.credentialDo(endpoint.id),
      });
    else if (refusal?.errorClass === "permission")
      findings.push({
        state: "problem",
        what: words.noPermission(refusal.text),
        where,
        remedy: words.noPermissionDo(),
      });
    else if (refusal?.errorClass === "billing" || refusal?.errorClass === "quota")
      findings.push({
        state: "problem",
        what: words.vendorBilling(refusal.text),
        where,
        remedy: words.vendorBillingDo(),
      });
    else if (probe && !refusal) accepted++;
  }
  if (findings.length > 0) return findings;
  return [{ state: "ok", what: words.credentialsGood(accepted) }];
}

const REFUSALS = new Set(["auth", "permission", "billing", "quota"]);

/** Addresses that do not answer, or not as their protocol has it. */
export function checkReachable(probed: readonly ProbedEndpoint[]): readonly Finding[] {
  const findings: Finding[] = [];
  let reached = 0;
  for (const { endpoint, probe } of probed) {
    if (!probe) continue;
    const { fault, status } = probe;
    if (!fault || REFUSALS.has(fault.errorClass)) {
      reached++;
      continue;
    }
    const where = words.endpoint(endpoint.id, endpoint.address);
    if (status === undefined)
      findings.push({
        state: "problem",
        what: words.unreachable(fault.text),
        where,
        remedy: words.unreachableDo(endpoint.id),
      });
    else if (fault.errorClass === "not_found")
      findings.push({ state: "warning", what: words.noProbePath(status), where, remedy: words.noProbePathDo() });
    else
      findings.push({
        state: "warning",
        what: words.oddAnswer(status, fault.text),
        where,
        remedy: words.oddAnswerDo(),
      });
  }
  if (findings.length > 0) return findings;
  return [{ state: "ok", what: words.reachableGood(reached) }];
}
