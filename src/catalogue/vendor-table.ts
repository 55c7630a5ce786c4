import type { VendorModelSetting, VendorSetting, VendorWaySetting } from "../config/vendor-settings.ts";
import type { Quirks } from "../vendors/spec.ts";
import { VENDORS } from "./vendors/table.ts";
import { type CatalogueModel, PAID, type Vendor, type VendorProtocol } from "./vendors/vendor.ts";

/** The vendors that are known to an installation. */
export interface VendorTable {
  /** In the order in which they are shown. */
  readonly all: readonly Vendor[];
  byId(id: string): Vendor | undefined;
}

/** Those that come with Maidan. */
export const KNOWN_VENDORS: VendorTable = tableOf(VENDORS);

/** Those that come with Maidan, with what an operator says otherwise; then the operator's own. */
export function vendorTable(settings: readonly VendorSetting[]): VendorTable {
  if (settings.length === 0) return KNOWN_VENDORS;
  const said = new Map(settings.map((setting) => [setting.id, setting]));
  const known = VENDORS.map((vendor) => {
    const setting = said.get(vendor.id);
    return setting ? changed(vendor, setting) : vendor;
  });
  const added = settings
    .filter(({ id }) => !KNOWN_VENDORS.byId(id))
    .map((setting) => changed(newVendor(setting), setting));
  return tableOf([...known, ...added]);
}

function tableOf(all: readonly Vendor[]): VendorTable {
  const byId = new Map(all.map((vendor) => [vendor.id, vendor]));
  return { all, byId: (id) => byId.get(id) };
}

/** Until it says otherwise, a new vendor speaks OpenAI's protocol and wants one API key. */
function newVendor({ id, environment }: VendorSetting): Vendor {
  return {
    id,
    name: id,
    protocol: "openai",
    environment: {},
    required: environment ? Object.keys(environment) : ["apiKey"],
    quirks: {},
    billing: PAID,
    confidence: "high",
    models: [],
  };
}

/** What is said takes the place of what was known, field by field; lists are joined by what their things are called. */
function changed(vendor: Vendor, setting: VendorSetting): Vendor {
  const { id: _, onDisconnect, billsOnAbort, billsOnBreak, also, models, claims, ...plain } = setting;
  const { environment, quirks, regions, ...fields } = plain;
  return {
    ...vendor,
    ...given(fields),
    environment: { ...vendor.environment, ...environment },
    quirks: { ...vendor.quirks, ...(quirks as Quirks | undefined) },
    regions: { ...vendor.regions, ...regions },
    billing: { ...vendor.billing, ...given({ onDisconnect, billsOnAbort, billsOnBreak }) },
    also: joined(vendor.also ?? [], also ?? [], wayName, changedWay),
    models: joined(vendor.models, models ?? [], ({ id }) => id, changedModel),
    claims: [...(vendor.claims ?? []), ...(claims ?? [])],
  };
}

function changedWay(way: VendorProtocol | undefined, said: VendorWaySetting): VendorProtocol {
  const quirks = { ...way?.quirks, ...(said.quirks as Quirks | undefined) };
  return { confidence: "high", ...way, ...given(said), protocol: said.protocol, quirks };
}

function changedModel(model: CatalogueModel | undefined, said: VendorModelSetting): CatalogueModel {
  return { ...model, ...given(said), id: said.id };
}

function wayName({ protocol, region = "" }: { protocol: string; region?: string | undefined }): string {
  return `${protocol} ${region}`;
}

function joined<T, S>(
  known: readonly T[],
  said: readonly S[],
  nameOf: (one: T | S) => string,
  change: (one: T | undefined, said: S) => T,
): T[] {
  if (said.length === 0) return [...known];
  const result = new Map(known.map((one) => [nameOf(one), one]));
  for (const one of said) result.set(nameOf(one), change(result.get(nameOf(one)), one));
  return [...result.values()];
}

/** Without the fields that are undefined. */
function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
