import { z } from "zod";
import { modelSchema, nameSchema, priceSchema, quirksSchema, text } from "./schemas.ts";

/** The shape of what an operator says of a vendor. */

const MOST_LISTED = 10_000;
const MOST_PARAMETERS = 1e15;

const confidence = z.enum(["high", "medium", "low"]);
const shortText = z.string().min(1).max(400);
const credentialName = z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/);
const variables = z.record(credentialName, z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/));
const parameters = z.int().min(1).max(MOST_PARAMETERS);
const modalities = z
  .array(z.enum(["text", "image", "audio", "video", "vector"]))
  .min(1)
  .max(5);

const claim = z.strictObject({
  about: z.enum(["size", "score", "price", "limit", "status"]),
  text: nameSchema,
  source: shortText,
  confidence,
});

const reached = {
  baseUrl: text("address").optional(),
  environment: variables.optional(),
  required: z.array(credentialName).max(16).optional(),
  quirks: quirksSchema.optional(),
};

const way = z.strictObject({
  protocol: z.string().min(1).max(128),
  region: text("id").optional(),
  ...reached,
  confidence: confidence.optional(),
});

const { upstream: _, practice: __, ...modelFields } = modelSchema.shape;

const vendorModel = z.strictObject({
  ...modelFields,
  input: modalities.optional(),
  output: modalities.optional(),
  tools: z.boolean().optional(),
  reasoning: z.boolean().optional(),
  size: z
    .strictObject({ total: parameters.optional(), active: parameters.optional(), source: shortText, confidence })
    .optional(),
  licence: shortText.optional(),
  use: z.enum(["general", "special"]).optional(),
  confidence: confidence.optional(),
  prices: z.array(priceSchema).max(100).optional(),
  claims: z.array(claim).max(100).optional(),
});

export const vendorSchema = z.strictObject({
  id: text("id"),
  name: nameSchema.optional(),
  company: nameSchema.optional(),
  family: nameSchema.optional(),
  status: z
    .strictObject({
      state: z.enum(["alive", "unverified", "merged", "private"]),
      note: nameSchema,
      day: text("day"),
    })
    .optional(),
  documentation: shortText.optional(),
  confidence: confidence.optional(),
  currency: text("currency").optional(),
  protocol: z.string().min(1).max(128).optional(),
  ...reached,
  also: z.array(way).max(100).optional(),
  regions: z.record(text("id"), text("id")).optional(),
  onDisconnect: z.enum(["drain", "abort"]).optional(),
  billsOnAbort: z.enum(["generated", "full"]).optional(),
  billsOnBreak: z.enum(["unknown", "generated", "nothing"]).optional(),
  price: priceSchema.optional(),
  models: z.array(vendorModel).max(MOST_LISTED).optional(),
  claims: z.array(claim).max(100).optional(),
});
