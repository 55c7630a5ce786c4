import { z } from "@hono/zod-openapi";

/** What many answers have in common. */

export const errorSchema = z
  .object({
    error: z
      .object({
        message: z.string().openapi({ description: "For people, in the language asked for." }),
        type: z.string(),
        param: z.string().nullable().openapi({ description: "The field or parameter that is wrong." }),
        code: z.string().openapi({ description: "For machines, never translated.", example: "invalid_request" }),
      })
      .loose(),
  })
  .openapi("Error");

export const amount = z.string().openapi({
  description: "A decimal, exact to the nano-unit.",
  example: "0.000123",
  pattern: "^-?\\d+(\\.\\d{1,9})?$",
});

export const currency = z.string().openapi({ example: "USD" });

export const instant = z.string().openapi({ format: "date-time", example: "2026-11-24T06:00:00.000Z" });

export const usageSchema = z
  .object({
    input: z
      .int()
      .min(0)
      .optional()
      .openapi({ description: "Fresh text tokens: neither cached, nor audio, nor image." }),
    cachedInput: z.int().min(0).optional(),
    cacheWrite5m: z.int().min(0).optional(),
    cacheWrite1h: z.int().min(0).optional(),
    inputAudio: z.int().min(0).optional(),
    inputImage: z.int().min(0).optional(),
    output: z.int().min(0).optional().openapi({ description: "Tokens of the visible answer and its tool calls." }),
    reasoning: z.int().min(0).optional().openapi({ description: "Tokens of reasoning, not in `output`." }),
    outputAudio: z.int().min(0).optional(),
    images: z.int().min(0).optional(),
    seconds: z.int().min(0).optional(),
    toolCalls: z.int().min(0).optional(),
  })
  .openapi("Usage", { description: "Disjoint classes: no token is in two of them. What is unknown is left out." });

export const lineSchema = z
  .object({
    class: z.string().openapi({ example: "input" }),
    quantity: z.number(),
    unitPrice: z.string(),
    per: z.string().openapi({ description: "What `unitPrice` buys.", example: "1M tokens" }),
    amount,
  })
  .openapi("CostLine");

/** A page of a list. */
export function pageSchema<S extends z.ZodType>(name: string, item: S) {
  return z
    .object({
      items: z.array(item),
      next: z.string().nullable().openapi({ description: "`cursor` of the next page; null on the last." }),
    })
    .openapi(name);
}

/** The parameters of every list. */
export const paging = {
  limit: z.coerce.number().int().min(1).optional().openapi({
    description: "Rows of a page: 100 unless told, `limits.pageRows` at the most.",
    example: 100,
  }),
  cursor: z.string().min(1).optional().openapi({ description: "`next` of the page before." }),
};

export const idParams = z.object({ id: z.string().min(1) });

export const moment = (what: string) =>
  z
    .string()
    .min(1)
    .optional()
    .openapi({
      description: `${what} A day (2026-11-01) or an instant with its zone.`,
      example: "2026-11-01",
    });
