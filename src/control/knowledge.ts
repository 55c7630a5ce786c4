import { Fault } from "../base/faults.ts";
import { documentOf } from "../catalogue/model-prices.ts";
import { BUILT_IN_ENDPOINTS, modelsOf, soldModels, vendorOf, wayProblemOf } from "../catalogue/offers.ts";
import { type VendorTable, vendorTable } from "../catalogue/vendor-table.ts";
import type { Vendor } from "../catalogue/vendors/vendor.ts";
import type { Knowledge } from "../config/checks.ts";
import type { EndpointSetting, Settings } from "../config/settings.ts";
import { PROTOCOL_IDS } from "../vendors/table.ts";

/** What the checks of settings ask of the vendors that are known to these settings. */
export function knowledgeOf(settings: Pick<Settings, "vendors">): Knowledge {
  const vendors = vendorTable(settings.vendors);
  const known = (endpoint: EndpointSetting) => knownVendor(endpoint, vendors);
  return {
    vendors: vendors.all.map((vendor) => vendor.id),
    protocols: PROTOCOL_IDS,
    builtIn: BUILT_IN_ENDPOINTS,
    needsAddress: (protocol) =>
      vendorOf({ id: protocol, protocol, credentials: {}, models: [] }, vendors) === undefined,
    wayProblem: (endpoint) => {
      const vendor = known(endpoint);
      return vendor && wayProblemOf(endpoint, vendor);
    },
    modelsOf: (endpoint) => {
      const vendor = known(endpoint);
      // What cannot be told before the vendor itself is asked is not refused.
      if (isUnknown(endpoint, vendors) || (vendor && isOpen(vendor))) return undefined;
      return modelsOf(endpoint, vendor).map((model) => model.id);
    },
    currenciesOf: (endpoint) => {
      const vendor = known(endpoint);
      const prices = [
        ...modelsOf(endpoint, vendor).map((model) => model.price),
        ...soldModels(endpoint, vendor).map((model) => model.price),
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
}

/** Whether a vendor serves models whose names only it can tell: servers that people run, and recorded answers. */
function isOpen(vendor: Vendor): boolean {
  return vendor.detection !== undefined || vendor.protocol === "recorded";
}

export function servesAnyName(endpoint: EndpointSetting, vendors: VendorTable): boolean {
  const vendor = knownVendor(endpoint, vendors);
  return vendor !== undefined && isOpen(vendor);
}

function isUnknown({ vendor }: EndpointSetting, vendors: VendorTable): boolean {
  return vendor !== undefined && vendors.byId(vendor) === undefined;
}

function knownVendor(endpoint: EndpointSetting, vendors: VendorTable): Vendor | undefined {
  return isUnknown(endpoint, vendors) ? undefined : vendorOf(endpoint, vendors);
}
