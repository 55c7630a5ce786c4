import {
  budgetSchema,
  endpointSchema,
  generalSchema,
  keySchema,
  payerSchema,
  priceEntrySchema,
  rateSchema,
  routeSchema,
} from "./schemas.ts";
import { vendorSchema } from "./vendor-schemas.ts";

/** The shape of each kind of document, as an operator writes one alone. */
export const DOCUMENT_SCHEMAS = {
  general: generalSchema,
  rates: rateSchema,
  vendors: vendorSchema,
  endpoints: endpointSchema,
  prices: priceEntrySchema,
  routes: routeSchema,
  payers: payerSchema,
  budgets: budgetSchema,
  keys: keySchema,
} as const;
