import { z } from "@hono/zod-openapi";
import { nameSchema, priceSchema } from "../../config/schemas.ts";

/** How the catalogue is shown. What is null is not known. */

const confidence = z.enum(["high", "medium", "low"]).openapi({
  description:
    "high: read in the vendor's own documentation or client; medium: two independent sources, or one careful recent one; low: one old or third source.",
});

const day = z.string().openapi({ example: "2026-10-03" });
const name = nameSchema;
const large = z.enum(["yes", "no", "unknown"]);
const modalities = z.array(z.enum(["text", "image", "audio", "video", "vector"])).nullable();

const claim = z
  .object({
    about: z.enum(["size", "score", "price", "limit", "status"]),
    text: name,
    source: z.string(),
    confidence,
  })
  .openapi("Claim", { description: "Said by the vendor or by others, and measured by nobody here." });

export const entrySchema = z
  .object({
    id: z.string().openapi({ description: "`vendor/model`.", example: "alibaba/qwen3-max" }),
    vendor: z.string(),
    model: z.string(),
    sold: z.boolean().openapi({ description: "Sold by its vendor under this name; else only published." }),
    protocols: z.array(z.string()),
    contextTokens: z.int().nullable(),
    maxOutputTokens: z.int().nullable(),
    input: modalities,
    output: modalities,
    tools: z.boolean().nullable(),
    reasoning: z.boolean().nullable(),
    size: z
      .object({ total: z.int().nullable(), active: z.int().nullable(), source: z.string(), confidence })
      .nullable()
      .openapi({ description: "Parameters, as the vendor published them." }),
    large: z
      .object({ tenBillion: large, hundredMillionAcrossDomains: large })
      .openapi({ description: "Whether it is a large model, under each definition." }),
    licence: z.string().nullable(),
    year: z.int().nullable(),
    confidence,
    price: priceSchema
      .nullable()
      .openapi({ description: "The vendor's list price in force now, in its own currency." }),
    priceId: z.string().nullable(),
    claims: z.array(claim),
  })
  .openapi("CatalogueEntry");

const way = z
  .object({
    protocol: z.string(),
    region: z.string().nullable(),
    baseUrl: z.string().nullable(),
    credentials: z.array(z.object({ name: z.string(), variable: z.string().nullable(), required: z.boolean() })),
    quirks: z.looseObject({}).openapi({
      description:
        "How it differs from the protocol's original: fields, bounds of parameters (`clamps`), error codes (`errors`).",
    }),
    confidence,
  })
  .openapi("VendorProtocol");

const vendorFields = {
  id: z.string(),
  name,
  company: name.nullable(),
  family: name.nullable(),
  status: z
    .object({ state: z.enum(["alive", "unverified", "merged", "private"]), note: name, day })
    .nullable()
    .openapi({ description: "What became of it, as of a day." }),
  sameAs: z.string().nullable(),
  documentation: z.string().nullable(),
  confidence,
  currency: z.string().nullable(),
  billing: z.object({
    onDisconnect: z.enum(["drain", "abort"]),
    billsOnAbort: z.enum(["generated", "full"]),
    billsOnBreak: z.enum(["unknown", "generated", "nothing"]),
  }),
  protocols: z.array(way),
  regions: z.record(z.string(), z.string()).openapi({ description: "Regions that are vendors of their own, by name." }),
  claims: z.array(claim),
};

export const vendorSchema = z.object(vendorFields).openapi("Vendor");

export const vendorDetailSchema = z.object({ ...vendorFields, models: z.array(entrySchema) }).openapi("VendorDetail");
