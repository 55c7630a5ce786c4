import { Catalogue } from "../../src/catalogue/catalogue.ts";
import { openCredential } from "../../src/config/credentials.ts";
import { readDeclarative } from "../../src/config/declarative.ts";
import type { BudgetSetting, Settings } from "../../src/config/settings.ts";
import { Payers } from "../../src/payers/payers.ts";
import { Routes } from "../../src/routing/routes.ts";
import { Sealer } from "../../src/store/sealing.ts";
import type { Rates } from "../harness/arithmetic.ts";

/** The installation that is simulated: three vendors with three rules, two currencies, three levels of payers. */

export interface EndpointRules {
  readonly currency: "USD" | "CNY";
  readonly rates: Rates;
  readonly onDisconnect: "drain" | "abort";
  readonly billsOnAbort: "generated" | "full";
  readonly billsOnBreak: "unknown" | "generated" | "nothing";
}

const RATES: Rates = { input: "30", cachedInput: "3.1234567", output: "612.3456789", reasoning: "700.0000001" };
const YUAN_RATES: Rates = { input: "210", cachedInput: "21", output: "4200.7654321", reasoning: "4200.7654321" };

export const ENDPOINTS: Readonly<Record<string, EndpointRules>> = {
  hasty: { currency: "USD", rates: RATES, onDisconnect: "abort", billsOnAbort: "generated", billsOnBreak: "unknown" },
  patient: { currency: "USD", rates: RATES, onDisconnect: "drain", billsOnAbort: "full", billsOnBreak: "generated" },
  yuan: { currency: "CNY", rates: YUAN_RATES, onDisconnect: "drain", billsOnAbort: "full", billsOnBreak: "nothing" },
};

/** What one unit of USD is in CNY, in tenths. */
export const YUAN_TENTHS = 71n;

export const MOST_OUTPUT = 200;
export const STEP_TOKENS = 16;

/** The payers from each one to the root. */
export const TREE: Readonly<Record<string, readonly string[]>> = {
  org: ["org"],
  east: ["east", "org"],
  west: ["west", "org"],
  ann: ["ann", "east", "org"],
  bo: ["bo", "east", "org"],
};

/** Who calls, by what key. */
export const CALLERS = [
  { payer: "ann", secret: "the-secret-of-ann" },
  { payer: "bo", secret: "the-secret-of-bo" },
  { payer: "west", secret: "the-secret-of-west" },
] as const;

/** The budgets, but for their amounts. */
export const BUDGETS: readonly Omit<BudgetSetting, "amount">[] = [
  { id: "org-total", payer: "org", currency: "USD", window: "total" },
  { id: "org-day", payer: "org", currency: "CNY", window: "day", timezone: "Asia/Shanghai", kind: "soft" },
  { id: "east-hour", payer: "east", currency: "CNY", window: "hour" },
  { id: "west-hour", payer: "west", currency: "USD", window: "hour" },
  { id: "ann-total", payer: "ann", currency: "USD", window: "total" },
  { id: "bo-hour", payer: "bo", currency: "USD", window: "hour" },
];

export const ROUTES = ["short", "long", "east-only"] as const;

const SETTINGS = `
currency: USD
rates:
  - { from: USD, to: CNY, rate: "7.1", since: 2026-01-01, source: simulation }
endpoints:
${Object.entries(ENDPOINTS)
  .map(
    ([id, { currency, rates, onDisconnect, billsOnAbort, billsOnBreak }]) => `
  - id: ${id}
    protocol: openai
    baseUrl: http://${id}.invalid/v1
    credentials: {}
    onDisconnect: ${onDisconnect}
    billsOnAbort: ${billsOnAbort}
    billsOnBreak: ${billsOnBreak}
    timeouts: { connectMs: 500, firstByteMs: 1500, betweenBytesMs: 1200 }
    models:
      - id: mini
        maxOutputTokens: ${MOST_OUTPUT}
        price: { currency: ${currency}, input: "${rates.input}", cachedInput: "${rates.cachedInput}", output: "${rates.output}", reasoning: "${rates.reasoning}" }`,
  )
  .join("")}
routes:
  - { id: short, to: [hasty/mini] }
  - { id: long, to: [hasty/mini, patient/mini, yuan/mini], tries: 2 }
  - { id: east-only, to: [yuan/mini, patient/mini] }
payers:
  - id: org
    payers:
      - id: east
        payers:
          - { id: ann, keys: [{ id: ann-key, secret: the-secret-of-ann }] }
          - { id: bo, keys: [{ id: bo-key, secret: the-secret-of-bo }] }
      - { id: west, keys: [{ id: west-key, secret: the-secret-of-west }] }
`;

/** What never changes from run to run. */
export interface Installation {
  readonly settings: Settings;
  readonly catalogue: Catalogue;
  readonly payers: Payers;
  readonly routes: Routes;
  readonly sealer: Sealer;
}

export function readInstallation(): Installation {
  const sealer = new Sealer(Buffer.alloc(32, 7));
  const { settings } = readDeclarative(SETTINGS, { environment: {}, seal: sealer });
  const catalogue = new Catalogue(settings, (credential) => openCredential(credential, {}, sealer));
  const payers = new Payers(settings);
  return { settings, catalogue, payers, routes: new Routes(settings.routes, catalogue), sealer };
}
