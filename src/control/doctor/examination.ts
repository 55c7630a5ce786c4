import type { Clock } from "../../base/clock.ts";
import { controlWords } from "../../base/messages/control.ts";
import type { EndpointOffer } from "../../catalogue/catalogue.ts";
import type { UnsettledAttempt } from "../../ledger/spec.ts";
import type { SettingsSnapshot } from "../snapshot.ts";
import { runDoctor } from "./doctor.ts";
import type { EndpointProbe } from "./probe.ts";
import type { DoctorReport, ExaminedEndpoint, ExaminedModel, LedgerAudit } from "./spec.ts";

/** The parts of a running Maidan that the doctor looks at. */
export interface Patient {
  readonly clock: Clock;
  readonly dataFolder: string;
  readonly snapshot: () => SettingsSnapshot;
  readonly probeEndpoint: (id: string) => Promise<EndpointProbe>;
  readonly auditLedger: () => Promise<LedgerAudit>;
  readonly unsettled: () => readonly UnsettledAttempt[];
  readonly lastEntryAt: () => Promise<number | undefined>;
  readonly checkStore: () => Promise<readonly string[]>;
}

/** Examines a Maidan by the settings in force. */
export function examine(patient: Patient): Promise<DoctorReport> {
  const { clock, dataFolder, probeEndpoint, auditLedger, unsettled, lastEntryAt, checkStore } = patient;
  const { settings, catalogue } = patient.snapshot();
  const now = clock.now();
  return runDoctor({
    clock,
    dataFolder,
    nodeVersion: process.version,
    endpoints: () => catalogue.endpoints().map((offer) => examineEndpoint(offer, modelsOf(offer.id))),
    probeEndpoint,
    keys: () =>
      settings.keys.map(({ id, payer, expiresAt, revokedAt }) => ({
        id,
        payer,
        expiresAt: expiresAt === undefined ? undefined : Date.parse(expiresAt),
        revoked: revokedAt !== undefined,
      })),
    budgetCurrencies: () => settings.budgets.map(({ id, currency }) => ({ budget: id, currency })),
    hasRate: (from, to) => catalogue.rate(from, to, now) !== undefined,
    auditLedger,
    unsettled,
    lastEntryAt,
    checkStore,
  });

  function modelsOf(endpoint: string): ExaminedModel[] {
    const models = catalogue.models().filter((model) => model.endpoint.id === endpoint);
    return models.map((model) => ({
      ref: model.ref,
      priceCurrency: model.priceAt(now)?.currency,
      allowUnpriced: model.allowUnpriced,
      maxOutputTokens: model.maxOutputTokens,
    }));
  }
}

function examineEndpoint(offer: EndpointOffer, models: readonly ExaminedModel[]): ExaminedEndpoint {
  const { id, baseUrl, missingCredentials } = offer;
  const fault = missingCredentials.length > 0 ? controlWords.credentialMissing(id, missingCredentials) : undefined;
  return { id, address: baseUrl, fault, models };
}
