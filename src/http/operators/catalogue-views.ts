import type { z } from "@hono/zod-openapi";
import type { CatalogueEntry } from "../../catalogue/search.ts";
import type { CatalogueModel, Claim, PublishedModel, Vendor, VendorProtocol } from "../../catalogue/vendors/vendor.ts";
import type { entrySchema, vendorSchema } from "./catalogue-schemas.ts";

type EntryView = z.infer<typeof entrySchema>;
type VendorView = z.infer<typeof vendorSchema>;

export function showEntry({
  ref,
  vendor,
  model,
  sold,
  protocols,
  large,
  confidence,
  price,
}: CatalogueEntry): EntryView {
  const { contextTokens, maxOutputTokens, year } = model as Partial<CatalogueModel & PublishedModel>;
  const { input, output, tools, reasoning, size, licence, claims } = model;
  return {
    id: ref,
    vendor: vendor.id,
    model: model.id,
    sold,
    protocols: [...protocols],
    contextTokens: contextTokens ?? null,
    maxOutputTokens: maxOutputTokens ?? null,
    input: input ? [...input] : null,
    output: output ? [...output] : null,
    tools: tools ?? null,
    reasoning: reasoning ?? null,
    size: size ? { ...size, total: size.total ?? null, active: size.active ?? null } : null,
    large,
    licence: licence ?? null,
    year: year ?? null,
    confidence,
    price: price ? (JSON.parse(price.json) as EntryView["price"]) : null,
    priceId: price?.id ?? null,
    claims: showClaims(claims),
  };
}

export function showVendor(vendor: Vendor): VendorView {
  const { id, name, company, family, status, sameAs, documentation, confidence, currency, billing } = vendor;
  return {
    id,
    name: shown(name),
    company: company ? shown(company) : null,
    family: family ? shown(family) : null,
    status: status ? { ...status, note: shown(status.note) } : null,
    sameAs: sameAs ?? null,
    documentation: documentation ?? null,
    confidence,
    currency: currency ?? null,
    billing,
    protocols: [{ ...vendor, region: undefined }, ...(vendor.also ?? [])].map((way) => showWay(way, vendor)),
    regions: { ...vendor.regions },
    claims: showClaims(vendor.claims),
  };
}

function showWay(way: Omit<VendorProtocol, "models">, vendor: Vendor): VendorView["protocols"][number] {
  const { protocol, region, baseUrl, quirks = {}, confidence } = way;
  const { environment = vendor.environment, required = vendor.required } = way;
  const names = [...new Set([...required, ...Object.keys(environment)])];
  return {
    protocol,
    region: region ?? null,
    baseUrl: baseUrl ?? null,
    credentials: names.map((name) => ({
      name,
      variable: environment[name] ?? null,
      required: required.includes(name),
    })),
    quirks: { ...quirks },
    confidence,
  };
}

function showClaims(claims: readonly Claim[] | undefined): EntryView["claims"] {
  return (claims ?? []).map((claim) => ({ ...claim, text: shown(claim.text) }));
}

/** A name as the schema of answers has it. */
function shown(name: Vendor["name"]): VendorView["name"] {
  if (typeof name === "string") return name;
  return { ...(name.zh !== undefined && { zh: name.zh }), ...(name.en !== undefined && { en: name.en }) };
}
