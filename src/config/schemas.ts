import { z } from "zod";
import { DEFAULT_LIMITS, type Limits } from "../base/limits.ts";
import { FORMATS, type Format } from "./formats.ts";

/**
 * One strict schema for each kind of document, as an operator writes it: in the declarative file and by the API alike.
 * They check the shape of one thing; what things say of each other is checked in `checks.ts`.
 */

/** A text of a format of `FORMATS`. The issue names the format, so that the message can say what is expected. */
export function text(format: Format) {
  return z.string().refine(FORMATS[format], { params: { format } });
}

/** setTimeout and Buffer both end near here. */
const MOST_NUMBER = 2 ** 31 - 1;

const count = z.int().min(1).max(MOST_NUMBER);
const countOrNone = z.int().min(0).max(MOST_NUMBER);
const milliseconds = countOrNone;
const share = z.number().min(0).max(1);
const freeText = z.string().max(1_000);

const MOST_LISTED = 10_000;

export const nameSchema = z.union([
  z.string().min(1).max(200),
  z.strictObject({ zh: z.string().min(1).max(200).optional(), en: z.string().min(1).max(200).optional() }),
]);

const rates = {
  input: text("price").optional(),
  cachedInput: text("price").optional(),
  cacheWrite5m: text("price").optional(),
  cacheWrite1h: text("price").optional(),
  output: text("price").optional(),
  reasoning: text("price").optional(),
  inputAudio: text("price").optional(),
  outputAudio: text("price").optional(),
  inputImage: text("price").optional(),
  perCall: text("price").optional(),
  perImage: text("price").optional(),
  perSecond: text("price").optional(),
  perToolCall: text("price").optional(),
};

const tier = z.strictObject({
  above: countOrNone,
  of: z.enum(["input", "output"]).optional(),
  applies: z.enum(["request", "excess"]).optional(),
  ...rates,
});

const hours = z.strictObject({
  from: text("clockTime"),
  to: text("clockTime"),
  timezone: text("timezone"),
  days: z
    .array(z.enum(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]))
    .max(7)
    .optional(),
  except: z.array(text("day")).max(1_000).optional(),
  ...rates,
});

const priceFields = {
  currency: text("currency"),
  ...rates,
  tiers: z.array(tier).max(16).optional(),
  hours: z.array(hours).max(14).optional(),
  batch: z.strictObject(rates).optional(),
  since: text("instant").optional(),
  source: freeText.optional(),
  checked: text("day").optional(),
};

export const priceSchema = z.strictObject(priceFields);

export const practiceSchema = z.strictObject({
  answer: z.string().max(100_000).optional(),
  outputTokens: countOrNone.optional(),
  reasoningTokens: countOrNone.optional(),
  cachedInputTokens: countOrNone.optional(),
  firstByteMs: milliseconds.optional(),
  betweenChunksMs: milliseconds.optional(),
  failureRate: share.optional(),
  failure: z.enum(["error", "rate_limit", "overloaded", "reset", "hang", "garbage", "cut"]).optional(),
  usage: z.boolean().optional(),
  callTool: z.boolean().optional(),
});

export const modelSchema = z.strictObject({
  id: text("modelId"),
  upstream: z.string().min(1).max(400).optional(),
  contextTokens: count.optional(),
  maxOutputTokens: count.optional(),
  imageTokens: count.optional(),
  price: priceSchema.optional(),
  practice: practiceSchema.optional(),
});

const bounds = z.strictObject({
  min: z.number().optional(),
  max: z.number().optional(),
  exclusiveMin: z.boolean().optional(),
  exclusiveMax: z.boolean().optional(),
  step: z.number().positive().optional(),
  scale: z.number().positive().optional(),
});

const clampFields = {
  temperature: bounds.optional(),
  top_p: bounds.optional(),
  top_k: bounds.optional(),
  max_tokens: bounds.optional(),
  frequency_penalty: bounds.optional(),
  presence_penalty: bounds.optional(),
  n: bounds.optional(),
  stop: z.strictObject({ max: count.optional(), bytes: count.optional() }).optional(),
  tool_choice: z
    .array(z.enum(["auto", "none", "required", "function"]))
    .max(4)
    .optional(),
  omit: z.array(z.string().min(1).max(128)).max(100).optional(),
};

/** Values that a vendor takes no others than: `vendors/clamps.ts` says what each means. */
const clampsSchema = z.strictObject({
  ...clampFields,
  byModel: z
    .array(z.strictObject({ models: z.array(z.string().min(1).max(256)).max(100), ...clampFields }))
    .max(100)
    .optional(),
});

const ERROR_CLASSES = [
  "invalid_request",
  "context_length",
  "content_filter",
  "auth",
  "permission",
  "billing",
  "not_found",
  "rate_limit",
  "quota",
  "overloaded",
  "timeout",
  "server_error",
] as const;

/** The ways in which an address may differ from its protocol's original: those that the vendors' contract knows. */
export const quirksSchema = z.strictObject({
  maxOutputField: z.enum(["max_tokens", "max_completion_tokens"]).optional(),
  noStreamOptions: z.boolean().optional(),
  paths: z
    .strictObject({
      chat: z.string().startsWith("/").max(200).optional(),
      embeddings: z.string().startsWith("/").max(200).optional(),
      images: z.string().startsWith("/").max(200).optional(),
      models: z.string().startsWith("/").max(200).optional(),
    })
    .optional(),
  keyHeader: text("headerName").optional(),
  clamps: clampsSchema.optional(),
  errors: z.record(z.string().min(1).max(128), z.enum(ERROR_CLASSES)).optional(),
  defaults: z.record(z.string().min(1).max(128), z.union([z.string().max(1_000), z.number(), z.boolean()])).optional(),
});

export const endpointSchema = z.strictObject({
  id: text("id"),
  vendor: z.string().min(1).max(128).optional(),
  protocol: z.string().min(1).max(128).optional(),
  region: z.string().min(1).max(64).optional(),
  baseUrl: text("address").optional(),
  speaks: z
    .array(z.strictObject({ protocol: z.string().min(1).max(128), baseUrl: text("address").optional() }))
    .max(10)
    .optional(),
  /** Each a literal, a template (`${NAME}`) or, from an export of the same installation, `sealed:…`. */
  credentials: z.record(z.string().min(1).max(64), z.string().min(1).max(16_384)).optional(),
  headers: z
    .record(
      z
        .string()
        .refine(FORMATS.headerName, { params: { format: "headerName" }, abort: true })
        .refine(FORMATS.credentialHeader, { params: { format: "credentialHeader" } }),
      text("headerValue"),
    )
    .optional(),
  models: z.array(modelSchema).max(MOST_LISTED).optional(),
  price: priceSchema.optional(),
  allowUnpriced: z.boolean().optional(),
  onDisconnect: z.enum(["drain", "abort"]).optional(),
  billsOnAbort: z.enum(["generated", "full"]).optional(),
  billsOnBreak: z.enum(["unknown", "generated", "nothing"]).optional(),
  timeouts: z
    .strictObject({
      firstByteMs: count.optional(),
      betweenBytesMs: count.optional(),
      connectMs: count.optional(),
    })
    .optional(),
  quirks: quirksSchema.optional(),
  suites: z.string().min(1).max(4_096).optional(),
});

export const priceEntrySchema = z.strictObject({ model: text("modelRef"), ...priceFields });

export const routeSchema = z.strictObject({
  id: text("routeId"),
  to: z.array(text("modelRef")).min(1).max(64),
  on: z
    .array(z.enum(["error", "timeout", "rate_limit", "overloaded", "auth", "not_found", "context_length"]))
    .max(7)
    .optional(),
  tries: z.int().min(1).max(10).optional(),
});

export const admissionLimitsSchema = z.strictObject({
  rpm: count.optional(),
  tpm: count.optional(),
  concurrency: count.optional(),
});

export const payerSchema = z.strictObject({
  id: text("id"),
  name: nameSchema.optional(),
  parent: text("id").optional(),
  limits: admissionLimitsSchema.optional(),
});

/** A budget as it stands under its payer in the file. */
export const budgetFields = {
  id: text("id"),
  amount: text("amount"),
  currency: text("currency"),
  window: z.enum(["hour", "day", "week", "month", "total"]),
  timezone: text("timezone").optional(),
  kind: z.enum(["hard", "soft"]).optional(),
};

export const budgetSchema = z.strictObject({ ...budgetFields, payer: text("id") });

export const keyRoutesSchema = z.array(text("routePattern")).min(1).max(1_000);

/** A key by the API: a secret of the operator's own, a hash of one, or neither for a new secret. */
export const keySchema = z.strictObject({
  id: text("id"),
  payer: text("id"),
  secret: text("secret").optional(),
  hash: text("hash").optional(),
  createdAt: text("instant").optional(),
  expiresAt: text("instant").optional(),
  revokedAt: text("instant").optional(),
  routes: keyRoutesSchema.optional(),
  limits: admissionLimitsSchema.optional(),
});

export const rateSchema = z.strictObject({
  from: text("currency"),
  to: text("currency"),
  rate: text("rate"),
  since: text("instant"),
  source: freeText.optional(),
});

const limitNames = Object.keys(DEFAULT_LIMITS) as (keyof Limits)[];

export const limitsSchema = z.strictObject(
  Object.fromEntries(limitNames.map((name) => [name, count.exactOptional()])) as Record<
    keyof Limits,
    z.ZodExactOptional<z.ZodInt>
  >,
);

export const generalSchema = z.strictObject({ currency: text("currency"), limits: limitsSchema.optional() });
