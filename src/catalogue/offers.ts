import { Fault } from "../base/faults.ts";
import { checkWords } from "../base/messages/config.ts";
import { catalogueWords } from "../base/messages/prices.ts";
import { nearest } from "../base/nearest.ts";
import type { WayProblem } from "../config/checks.ts";
import type { Credential, EndpointSetting, ModelSetting, Name } from "../config/settings.ts";
import type { Quirks } from "../vendors/spec.ts";
import type { PriceDocument } from "./price-document.ts";
import { KNOWN_VENDORS, type VendorTable } from "./vendor-table.ts";
import type { CatalogueModel, Vendor, VendorProtocol } from "./vendors/vendor.ts";

/** An endpoint as calls see it: what its setting says, completed by what the catalogue knows of its vendor. */
export interface EndpointOffer {
  readonly id: string;
  /** A vendor of the catalogue, where the endpoint is one's. */
  readonly vendor: string | undefined;
  readonly name: Name;
  readonly protocol: string;
  /** Undefined for vendors inside this process. */
  readonly baseUrl: string | undefined;
  /** In clear, in memory only: never logged, shown or stored. */
  readonly credentials: Readonly<Record<string, string>>;
  /** Credentials that the vendor wants and that are not there. */
  readonly missingCredentials: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  readonly quirks: Quirks;
  /** Other protocols that are spoken with the same credentials, for clients whose bytes can pass on them untouched. */
  readonly beside: readonly BesideOffer[];
  readonly timeouts: NonNullable<EndpointSetting["timeouts"]>;
  /** `abort` only where the vendor bills no more than it generated. */
  readonly onDisconnect: "drain" | "abort";
  readonly billsOnAbort: "generated" | "full";
  readonly billsOnBreak: "unknown" | "generated" | "nothing";
  /** `recorded`: the folder of suites. */
  readonly suites: string | undefined;
}

/** Another protocol of an endpoint. */
export interface BesideOffer {
  readonly protocol: string;
  readonly baseUrl: string;
  readonly quirks: Quirks;
  /** The models that are served this way, as the vendor knows them; undefined for all. */
  readonly models: readonly string[] | undefined;
}

/** A model of an endpoint, as it can be called. */
export interface ModelOffer {
  /** `endpoint/model`. */
  readonly ref: string;
  readonly id: string;
  readonly endpoint: EndpointOffer;
  /** The name that the vendor knows it by. */
  readonly upstream: string;
  readonly contextTokens: number | undefined;
  readonly maxOutputTokens: number | undefined;
  /** The most input tokens that one image can cost. */
  readonly imageTokens: number | undefined;
  readonly allowUnpriced: boolean;
  /**
   * The price in force at an instant (milliseconds): of the prices set for this model the one that began last, else
   * the model's own, the endpoint's, the vendor's. Undefined where there is none; free where that is allowed.
   */
  priceAt(at: number): PriceDocument | undefined;
}

/** Reads a credential in clear; undefined where its variable is not set or it cannot be opened. */
export type ResolveCredential = (credential: Credential) => string | undefined;

/** Endpoints that are there without a setting; a setting with the same id takes their place. */
export const BUILT_IN_ENDPOINTS: readonly EndpointSetting[] = [
  { id: "practice", vendor: "practice", credentials: {}, models: [] },
];

/** All endpoints of an installation: those set, then the built-in ones that no setting replaces. */
export function allEndpoints(settings: readonly EndpointSetting[]): EndpointSetting[] {
  const ids = new Set(settings.map((setting) => setting.id));
  return [...settings, ...BUILT_IN_ENDPOINTS.filter((endpoint) => !ids.has(endpoint.id))];
}

/**
 * The vendor of an endpoint; undefined where it is none of the catalogue's. Vendors inside this process are also
 * meant by their protocol alone. A region that is a vendor of its own is that vendor.
 *
 * @throws Fault `invalid_request` with the nearest names where the setting names a vendor that does not exist
 */
export function vendorOf(setting: EndpointSetting, vendors: VendorTable = KNOWN_VENDORS): Vendor | undefined {
  if (setting.vendor === undefined) {
    const inside = vendors.byId(setting.protocol ?? "");
    return isInside(inside) ? inside : undefined;
  }
  const vendor = vendors.byId(setting.vendor);
  if (vendor) return vendors.byId(vendor.regions?.[setting.region ?? ""] ?? "") ?? vendor;
  const names = nearest(
    setting.vendor,
    vendors.all.map(({ id }) => id),
  );
  throw new Fault("invalid_request", catalogueWords.vendorUnknown(setting.id, setting.vendor, names), {
    param: `endpoints[${setting.id}].vendor`,
    details: { nearest: names },
  });
}

/**
 * The models of an endpoint: those of its vendor and those of its setting. A model of the setting takes what it does
 * not say from the vendor's model of the same name (the name sent to the vendor, `upstream`); only the vendor's prices
 * stay where they are, because a price of the endpoint goes before them.
 */
export function modelsOf(setting: EndpointSetting, vendor: Vendor | undefined): ModelSetting[] {
  const facts = new Map(soldModels(setting, vendor).map((model) => [model.id, settingOf(model)]));
  const models = new Map<string, ModelSetting>(facts);
  for (const model of setting.models) {
    const said = Object.fromEntries(Object.entries(model).filter(([, value]) => value !== undefined));
    models.set(model.id, {
      ...facts.get(model.upstream ?? model.id),
      ...(said as Partial<ModelSetting>),
      id: model.id,
    });
  }
  return [...models.values()];
}

/** What of a row of the catalogue is a setting; its other facts are for people. */
function settingOf({
  id,
  upstream,
  contextTokens,
  maxOutputTokens,
  imageTokens,
  practice,
}: CatalogueModel): ModelSetting {
  return { id, upstream, contextTokens, maxOutputTokens, imageTokens, practice };
}

/** The models that a vendor sells by the protocol and in the region of an endpoint. */
export function soldModels(setting: EndpointSetting, vendor: Vendor | undefined): readonly CatalogueModel[] {
  return wayOf(setting, vendor).models ?? vendor?.models ?? [];
}

/** How an endpoint's vendor is reached by the protocol and in the region that it names. */
function wayOf(setting: EndpointSetting, vendor: Vendor | undefined): Partial<VendorProtocol> & { protocol: string } {
  const protocol = setting.protocol ?? vendor?.protocol ?? "openai";
  const own = vendor && { ...vendor, models: undefined };
  const region = regionOf(setting, vendor);
  if (!vendor || (protocol === vendor.protocol && region === undefined)) return { ...own, protocol };
  const way = vendor.also?.find((one) => one.protocol === protocol && one.region === region);
  if (!way) return { protocol, quirks: {} };
  return { ...way, quirks: { ...rulesOf(vendor), ...way.quirks } };
}

/** The region within a vendor; none where the region that was asked for is this vendor itself. */
function regionOf(setting: EndpointSetting, vendor: Vendor | undefined): string | undefined {
  return vendor?.id === setting.vendor ? setting.region : undefined;
}

/** What is wrong with how an endpoint's vendor is reached; undefined where nothing is, or the setting has an address of its own. */
export function wayProblemOf(setting: EndpointSetting, vendor: Vendor): WayProblem | undefined {
  if (setting.baseUrl !== undefined || isInside(vendor) || wayOf(setting, vendor).baseUrl !== undefined)
    return undefined;
  const protocol = setting.protocol ?? vendor.protocol;
  const region = regionOf(setting, vendor);
  const ways = [{ protocol: vendor.protocol, region: undefined }, ...(vendor.also ?? [])];
  if (region !== undefined) {
    const known = ways.filter((way) => way.protocol === protocol).flatMap((way) => way.region ?? []);
    const regions = [...known, ...Object.keys(vendor.regions ?? {})];
    const text = checkWords.noSuchRegion(vendor.id, protocol, region, regions.join(", "));
    return { field: "region", text, near: nearest(region, regions) };
  }
  if (ways.some((way) => way.protocol === protocol))
    return { field: "baseUrl", text: checkWords.ownAddress(vendor.id) };
  const spoken = [...new Set(ways.map((way) => way.protocol))];
  const text = checkWords.protocolNotSpoken(vendor.id, protocol, spoken.join(", "));
  return { field: "protocol", text, near: nearest(protocol, spoken) };
}

/** What holds for a vendor's models whatever protocol they are asked in. */
function rulesOf({ quirks: { clamps, errors } }: Vendor): Quirks {
  return { ...(clamps && { clamps }), ...(errors && { errors }) };
}

/** Protocols that clients speak too. */
const CLIENTS_PROTOCOLS: ReadonlySet<string> = new Set(["openai", "anthropic", "responses"]);

/** An address of the setting's own is known to speak only what the setting says. */
function besideOf(
  setting: EndpointSetting,
  vendor: Vendor | undefined,
  offered: { protocol: string; baseUrl: string | undefined },
): BesideOffer[] {
  if (setting.speaks !== undefined) {
    return setting.speaks.flatMap(({ protocol, baseUrl = offered.baseUrl }) =>
      baseUrl === undefined ? [] : [{ protocol, baseUrl, quirks: {}, models: undefined }],
    );
  }
  if (!vendor || setting.baseUrl !== undefined) return [];
  const primary = { ...vendor, region: undefined, models: undefined };
  const names = Object.keys(wayOf(setting, vendor).environment ?? vendor.environment).join();
  return [primary, ...(vendor.also ?? [])].flatMap((way) => {
    const { protocol, baseUrl, region, environment = vendor.environment, quirks, models } = way;
    const same = Object.keys(environment).join() === names && region === regionOf(setting, vendor);
    if (!same || baseUrl === undefined || protocol === offered.protocol || !CLIENTS_PROTOCOLS.has(protocol)) return [];
    return [{ protocol, baseUrl, quirks: { ...rulesOf(vendor), ...quirks }, models: models?.map(({ id }) => id) }];
  });
}

/** Completes a setting by what the catalogue knows. Throws `invalid_request` where it has no address. */
export function makeEndpoint(
  setting: EndpointSetting,
  vendor: Vendor | undefined,
  resolve: ResolveCredential,
): EndpointOffer {
  const way = wayOf(setting, vendor);
  const baseUrl = setting.baseUrl ?? way.baseUrl;
  if (baseUrl === undefined && !isInside(vendor)) {
    throw new Fault("invalid_request", catalogueWords.addressMissing(setting.id), {
      param: `endpoints[${setting.id}].baseUrl`,
    });
  }
  const credentials = resolveAll(setting, way.environment ?? vendor?.environment, resolve);
  const billsOnAbort = setting.billsOnAbort ?? vendor?.billing.billsOnAbort ?? "full";
  const onDisconnect = setting.onDisconnect ?? vendor?.billing.onDisconnect ?? "drain";
  return {
    id: setting.id,
    vendor: vendor?.id,
    name: vendor?.name ?? setting.id,
    protocol: way.protocol,
    baseUrl,
    credentials,
    missingCredentials: (way.required ?? vendor?.required ?? []).filter((name) => !credentials[name]),
    headers: setting.headers ?? {},
    quirks: { ...way.quirks, ...(setting.quirks as Quirks | undefined) },
    beside: besideOf(setting, vendor, { protocol: way.protocol, baseUrl }),
    timeouts: setting.timeouts ?? {},
    onDisconnect: billsOnAbort === "generated" ? onDisconnect : "drain",
    billsOnAbort,
    billsOnBreak: setting.billsOnBreak ?? vendor?.billing.billsOnBreak ?? "unknown",
    suites: setting.suites,
  };
}

/** What the setting does not give is looked for in the environment, under the vendor's usual name. */
function resolveAll(
  setting: EndpointSetting,
  environment: Readonly<Record<string, string>> | undefined,
  resolve: ResolveCredential,
): Record<string, string> {
  const usual = Object.entries(environment ?? {}).map(([name, variable]): [string, Credential] => [
    name,
    { template: `\${${variable}}` },
  ]);
  const found: Record<string, string> = {};
  for (const [name, credential] of Object.entries({ ...Object.fromEntries(usual), ...setting.credentials })) {
    const plain = resolve(credential);
    if (plain) found[name] = plain;
  }
  return found;
}

/** Vendors inside this process have no address at all. */
function isInside(vendor: Vendor | undefined): boolean {
  return vendor?.protocol === "practice" || vendor?.protocol === "recorded";
}
