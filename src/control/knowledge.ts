import { Fault } from "../base/faults.ts";
import { documentOf } from "../catalogue/model-prices.ts";
import { BUILT_IN_ENDPOINTS, modelsOf, vendorOf } from "../catalogue/offers.ts";
import { VENDORS, vendorById } from "../catalogue/vendors/table.ts";
import type { Vendor } from "../catalogue/vendors/vendor.ts";
import type { Knowledge } from "../config/checks.ts";
import type { EndpointSetting } from "../config/settings.ts";
import { PROTOCOL_IDS } from "../vendors/table.ts";

/** What the checks of settings ask of the table of vendors. */
export const KNOWLEDGE: Knowledge = {
  vendors: VENDORS.map((vendor) => vendor.id),
  protocols: PROTOCOL_IDS,
  builtIn: BUILT_IN_ENDPOINTS,
  needsAddress: (protocol) => {
    const inside = vendorById(protocol);
    return !inside || inside.baseUrl !== undefined;
  },
  modelsOf: (endpoint) => {
    const vendor = knownVendor(endpoint);
    // What cannot be told before the vendor itself is asked is not refused.
    if (isUnknown(endpoint) || (vendor && isOpen(vendor))) return undefined;
    return modelsOf(endpoint, vendor).map((model) => model.id);
  },
  currenciesOf: (endpoint) => {
    const vendor = knownVendor(endpoint);
    const prices = [
      ...modelsOf(endpoint, vendor).map((model) => model.price),
      ...(vendor?.models ?? []).map((model) => model.price),
      endpoint.price,
      vendor?.price,
    ];
    return [...new Set(prices.flatMap((price) => price?.currency ?? []))];
  },
  priceProblem: (price, where) => {
    try {
      documentOf(price, where);
      return undefined;
    } catch (fault) {
      if (fault instanceof Fault) return fault.text;
      throw fault;
    }
  },
};

/** Whether a vendor serves models whose names only it can tell: servers that people run, and recorded answers. */
function isOpen(vendor: Vendor): boolean {
  return vendor.detection !== undefined || vendor.protocol === "recorded";
}

export function servesAnyName(endpoint: EndpointSetting): boolean {
  const vendor = knownVendor(endpoint);
  return vendor !== undefined && isOpen(vendor);
}

function isUnknown({ vendor }: EndpointSetting): boolean {
  return vendor !== undefined && vendorById(vendor) === undefined;
}

function knownVendor(endpoint: EndpointSetting): Vendor | undefined {
  return isUnknown(endpoint) ? undefined : vendorOf(endpoint);
}
