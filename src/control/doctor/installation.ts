import { sql } from "kysely";
import type { Clock } from "../../base/clock.ts";
import type { Text } from "../../base/language.ts";
import { doctorWords as words } from "../../base/messages/doctor.ts";
import type { EndpointOffer, ModelOffer } from "../../catalogue/catalogue.ts";
import { freePrice } from "../../catalogue/model-prices.ts";
import { vendorById } from "../../catalogue/vendors/table.ts";
import type { EndpointSetting } from "../../config/settings.ts";
import type { Store } from "../../store/spec.ts";
import { StoreError } from "../../store/thread.ts";
import type { SettingsSnapshot } from "../snapshot.ts";
import type { DoctorDependencies, ExaminedEndpoint, ExaminedModel } from "./spec.ts";

type OfSettings = Pick<DoctorDependencies, "endpoints" | "keys" | "budgetCurrencies" | "hasRate">;

/** What the doctor asks of the settings in force. */
export function examineSettings(snapshot: () => SettingsSnapshot, clock: Clock): OfSettings {
  return {
    endpoints: () => {
      const { settings, catalogue } = snapshot();
      const written = new Map(settings.endpoints.map((setting) => [setting.id, setting]));
      const models = catalogue.models();
      return catalogue.endpoints().map(
        (endpoint): ExaminedEndpoint => ({
          id: endpoint.id,
          address: endpoint.baseUrl,
          fault: credentialFault(endpoint, written.get(endpoint.id)),
          models: models
            .filter((model) => model.endpoint.id === endpoint.id)
            .map((model) => examineModel(model, clock.now(), snapshot())),
        }),
      );
    },
    keys: () =>
      snapshot().settings.keys.map(({ id, payer, expiresAt, revokedAt }) => ({
        id,
        payer,
        expiresAt: expiresAt === undefined ? undefined : Date.parse(expiresAt),
        revoked: revokedAt !== undefined,
      })),
    budgetCurrencies: () => snapshot().settings.budgets.map(({ id, currency }) => ({ budget: id, currency })),
    hasRate: (from, to) => snapshot().catalogue.rate(from, to, clock.now()) !== undefined,
  };
}

/** A rate above zero for output, anywhere in a price document. */
const BILLS_OUTPUT = /"(?:output|reasoning|outputAudio)":"[^"]*[1-9]/;

function examineModel(model: ModelOffer, now: number, { settings }: SettingsSnapshot): ExaminedModel {
  const { ref, maxOutputTokens, allowUnpriced } = model;
  const price = model.priceAt(now);
  // Where calls without a price are allowed, the catalogue stands in with a free one.
  const isStandIn = allowUnpriced && price?.id === freePrice(settings.general.currency).id;
  const billsOutput = price !== undefined && BILLS_OUTPUT.test(price.json);
  return { ref, maxOutputTokens, allowUnpriced, billsOutput, priceCurrency: isStandIn ? undefined : price?.currency };
}

/** Why an endpoint has no usable credential: what it names is not set, does not open, or was never given. */
function credentialFault(endpoint: EndpointOffer, setting: EndpointSetting | undefined): Text | undefined {
  for (const [name, credential] of Object.entries(setting?.credentials ?? {})) {
    if (endpoint.credentials[name] !== undefined) continue;
    if ("sealed" in credential) return words.credentialForeign(name);
    const variable = /\$\{([^}]+)\}/.exec(credential.template)?.[1] ?? credential.template;
    return words.credentialUnset(name, variable);
  }
  const [name] = endpoint.missingCredentials;
  if (name === undefined) return undefined;
  const vendor = vendorById(endpoint.vendor ?? "");
  const way = vendor?.also?.find(({ protocol, environment }) => protocol === endpoint.protocol && environment);
  return words.credentialAbsent(name, (way ?? vendor)?.environment?.[name]);
}

/** Lines of `PRAGMA quick_check` that are asked for. */
const MOST_LINES = 20;
/** SQLite's words for a damaged file, and for one that is no database: it gives no code while it reads rows. */
const DAMAGED = /malformed|not a database/;
/** Entries of the newest attempts, among which the last one is looked for. */
const NEWEST = 200;

type OfStore = Pick<DoctorDependencies, "checkStore" | "commitOnce" | "storeWarnings" | "lastEntryAt">;

/** A row of a name that nobody looks for. */
async function commitOnce(query: Store["query"]): Promise<void> {
  const row = { name: "doctor", due_at: 0 };
  await query
    .insertInto("jobs")
    .values(row)
    .onConflict((conflict) => conflict.column("name").doUpdateSet(row))
    .execute();
}

/** What the doctor asks of the store. It reads on the readers' threads: calls do not wait for it. */
export function examineStore({ engine, query, warnings }: Pick<Store, "engine" | "query" | "warnings">): OfStore {
  return {
    storeWarnings: () => warnings,
    commitOnce: engine === "postgres" ? () => commitOnce(query) : undefined,
    checkStore: async () => {
      if (engine === "postgres") {
        await query.selectFrom("meta").select("name").limit(1).execute();
        return undefined;
      }
      try {
        const { rows } = await sql<{ quick_check: string }>`pragma quick_check(${sql.lit(MOST_LINES)})`.execute(query);
        return rows.map((row) => row.quick_check);
      } catch (error) {
        // Damage can be so bad that the check itself cannot go on: that is its result.
        if (error instanceof StoreError && DAMAGED.test(error.message)) return [error.message];
        throw error;
      }
    },
    lastEntryAt: async () => {
      const { rows } = await sql<{ latest: number | null }>`
        select max(moment) as latest from (
          select max(at) as moment from (select at from entries order by attempt desc limit ${sql.lit(NEWEST)}) as newest
          union all select max(at) from entries where phase >= 2) as moments`.execute(query);
      return rows[0]?.latest ?? undefined;
    },
  };
}
