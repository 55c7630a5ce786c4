import { createRoute, z } from "@hono/zod-openapi";
import { Fault } from "../../base/faults.ts";
import { operatorWords } from "../../base/messages/operators.ts";
import type { ModelOffer } from "../../catalogue/catalogue.ts";
import { priceSchema } from "../../config/schemas.ts";
import type { PriceSetting } from "../../config/settings.ts";
import { answer, explain, failure, type OperatorsApp, secured } from "./declare.ts";
import type { OperatorsDependencies } from "./dependencies.ts";
import { pageOf, pageSize } from "./pages.ts";
import { pageSchema, paging } from "./schemas.ts";

const model = z
  .object({
    id: z.string().openapi({ description: "`endpoint/model`.", example: "lab/mini" }),
    endpoint: z.string(),
    upstream: z.string().openapi({ description: "The name that the vendor knows it by." }),
    contextTokens: z.int().nullable(),
    maxOutputTokens: z.int().nullable(),
    allowUnpriced: z.boolean().openapi({ description: "Served, at no cost, where it has no price." }),
    priceId: z.string().nullable(),
    price: priceSchema.nullable().openapi({
      description:
        "The price in force now, wherever it comes from: set beside the endpoint, in it, or known of its vendor. Null where there is none: then calls are refused.",
    }),
  })
  .openapi("Model");

const list = createRoute({
  tags: ["prices"],
  ...secured,
  method: "get",
  path: "/api/v1/models",
  summary: "Every model that can be called, with its price in force",
  request: {
    query: z.strictObject({ model: z.string().optional().openapi({ description: "`endpoint/model`." }), ...paging }),
  },
  responses: { 200: answer("A page of models, by id.", pageSchema("ModelPage", model)), ...failure },
});

export function addModels(app: OperatorsApp, { control, clock }: OperatorsDependencies): void {
  app.openapi(
    list,
    (c) => {
      const query = c.req.valid("query");
      const { catalogue, limits } = control.snapshot();
      const offers = catalogue.models().filter(({ ref }) => query.model === undefined || ref === query.model);
      if (query.model !== undefined && offers.length === 0) {
        const near = catalogue.nearest(query.model, []);
        const details = { nearest: near };
        throw new Fault("model_not_found", operatorWords.unknownModel(query.model, near), { param: "model", details });
      }
      const page = pageOf("models", offers, ({ ref }) => ref, pageSize(query.limit, limits), query.cursor);
      return c.json({ items: page.items.map((offer) => show(offer, clock.now())), next: page.next }, 200);
    },
    explain(list),
  );
}

function show(offer: ModelOffer, now: number): z.infer<typeof model> {
  const price = offer.priceAt(now);
  return {
    id: offer.ref,
    endpoint: offer.endpoint.id,
    upstream: offer.upstream,
    contextTokens: offer.contextTokens ?? null,
    maxOutputTokens: offer.maxOutputTokens ?? null,
    allowUnpriced: offer.allowUnpriced,
    priceId: price?.id ?? null,
    price: price ? (JSON.parse(price.json) as PriceSetting as z.infer<typeof priceSchema>) : null,
  };
}
