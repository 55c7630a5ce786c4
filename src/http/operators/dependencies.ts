import type { Clock } from "../../base/clock.ts";
import type { Language } from "../../base/language.ts";
import type { Control } from "../../control/control.ts";
import type { EndpointProbe } from "../../control/doctor/probe.ts";
import type { DoctorReport } from "../../control/doctor/spec.ts";
import type { Adjustment, BudgetState, LedgerAudit, Resolution, UnsettledAttempt } from "../../ledger/spec.ts";
import type { Recalculation } from "../../reports/recalculation.ts";
import type { HealthState } from "../../routing/health.ts";
import type { Store } from "../../store/spec.ts";
import type { HealthSources } from "../health.ts";
import type { Metrics } from "../metrics.ts";

/** Everything that the operators' API works with. Made once, by `main.ts`. */
export interface OperatorsDependencies {
  readonly clock: Clock;
  /** Of answers to those who ask for neither Chinese nor English. */
  readonly language: Language;
  readonly start: StartFacts;
  readonly store: Pick<Store, "query">;
  readonly ledger: LedgerPort;
  readonly control: Pick<Control, "snapshot" | "applyFile" | "change" | "written" | "source" | "exportYaml">;
  readonly endpoints: EndpointsPort;
  readonly recalculation: Recalculation;
  readonly metrics: Pick<Metrics, "scrape">;
  readonly health: HealthSources;
  /** Whether this is the admin key. Takes the same time whatever it is given. */
  readonly isAdminKey: (secret: string) => boolean;
  readonly inFlight: () => number;
  readonly doctor: () => Promise<DoctorReport>;
  /** Told of what nobody expected, so that it can be logged. */
  readonly onError: (cause: unknown) => void;
}

/** How this process was started: shown by `GET status`. */
export interface StartFacts {
  readonly version: string;
  /** Milliseconds. */
  readonly startedAt: number;
  readonly address: string | undefined;
  readonly dataFolder: string;
  readonly durability: "disk" | "process";
}

export interface LedgerPort {
  readBudgets(): Promise<readonly BudgetState[]>;
  readUnsettled(): Promise<readonly UnsettledAttempt[]>;
  /** Throws a fault where the attempt is not in doubt. */
  resolve(attempt: string, resolution: Resolution): Promise<unknown>;
  adjust(adjustment: Adjustment): Promise<unknown>;
  audit(): Promise<LedgerAudit>;
}

export interface EndpointsPort {
  health(id: string): HealthState;
  probe(id: string): Promise<EndpointProbe>;
}
