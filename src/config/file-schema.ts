import { z } from "zod";
import {
  admissionLimitsSchema,
  budgetFields,
  endpointSchema,
  keyRoutesSchema,
  limitsSchema,
  nameSchema,
  priceEntrySchema,
  rateSchema,
  routeSchema,
  text,
} from "./schemas.ts";
import { vendorSchema } from "./vendor-schemas.ts";

/** The declarative file: payers stand in each other as they pay for each other, and hold their budgets and keys. */

const fileBudgetSchema = z.strictObject(budgetFields);

const fileKeySchema = z.strictObject({
  id: text("id"),
  secret: text("secret").optional(),
  hash: text("hash").optional(),
  routes: keyRoutesSchema.optional(),
  limits: admissionLimitsSchema.optional(),
  created: text("instant").optional(),
  expires: text("instant").optional(),
  revoked: text("instant").optional(),
});

const filePayerSchema = z.strictObject({
  id: text("id"),
  name: nameSchema.optional(),
  parent: text("id").optional(),
  limits: admissionLimitsSchema.optional(),
  budgets: z.array(fileBudgetSchema).optional(),
  keys: z.array(fileKeySchema).optional(),
  get payers() {
    return z.array(filePayerSchema).optional();
  },
});

export const fileSchema = z.strictObject({
  currency: text("currency").optional(),
  limits: limitsSchema.optional(),
  rates: z.array(rateSchema).optional(),
  vendors: z.array(vendorSchema).optional(),
  endpoints: z.array(endpointSchema).optional(),
  prices: z.array(priceEntrySchema).optional(),
  routes: z.array(routeSchema).optional(),
  payers: z.array(filePayerSchema).optional(),
});

export type WrittenFile = z.infer<typeof fileSchema>;
export type WrittenPayer = z.infer<typeof filePayerSchema>;
export type WrittenKey = z.infer<typeof fileKeySchema>;
