import { createRoute, z } from "@hono/zod-openapi";
import { Fault } from "../../base/faults.ts";
import { operatorWords } from "../../base/messages/operators.ts";
import { formatAmount } from "../../base/money.ts";
import { showLine } from "../../catalogue/cost-lines.ts";
import { priceUsage } from "../../catalogue/price-engine.ts";
import { priceEntrySchema, rateSchema, text } from "../../config/schemas.ts";
import { idOf, type PriceEntrySetting, type RateSetting } from "../../config/settings.ts";
import { answer, body, explain, failure, type OperatorsApp, secured } from "./declare.ts";
import type { OperatorsDependencies } from "./dependencies.ts";
import { pageOf, pageSize } from "./pages.ts";
import { readInstant, showInstant } from "./queries.ts";
import { amount, currency, instant, lineSchema, pageSchema, paging, usageSchema } from "./schemas.ts";

const price = z
  .object({
    ...priceEntrySchema.shape,
    id: z.string().openapi({ description: "`endpoint/model`, and `@since` where it has one." }),
  })
  .openapi("Price");
const rate = z.object({ ...rateSchema.shape, id: z.string() }).openapi("Rate");
const cost = z
  .object({
    model: z.string(),
    at: instant,
    priceId: z.string(),
    cost: amount,
    currency,
    lines: z.array(lineSchema).openapi({ description: "They add up to `cost` exactly." }),
  })
  .openapi("ComputedCost");

const listPrices = createRoute({
  tags: ["prices"],
  ...secured,
  method: "get",
  path: "/api/v1/prices",
  summary: "Prices that were set beside the endpoints' own",
  request: {
    query: z.strictObject({ model: z.string().optional().openapi({ description: "`endpoint/model`." }), ...paging }),
  },
  responses: { 200: answer("A page of prices, by id.", pageSchema("PricePage", price)), ...failure },
});

const setPrice = createRoute({
  tags: ["prices"],
  ...secured,
  method: "post",
  path: "/api/v1/prices",
  summary: "Set a price",
  description:
    "Of a model, from `since` on. One that is there for the same model and `since` is replaced; what was settled by it stays as it was.",
  request: { body: body(priceEntrySchema) },
  responses: { 201: answer("The price.", price), ...failure },
});

const compute = createRoute({
  tags: ["prices"],
  ...secured,
  method: "post",
  path: "/api/v1/prices/compute",
  summary: "What usage costs",
  description: "The arithmetic of a cost, line by line, by the price that holds at the time. Nothing is charged.",
  request: {
    body: body(
      z.strictObject({
        model: text("modelRef").openapi({ example: "lab/mini" }),
        usage: z.strictObject(usageSchema.shape),
        at: text("instant").optional().openapi({ description: "Default: now." }),
        batch: z.boolean().optional(),
      }),
    ),
  },
  responses: { 200: answer("The cost.", cost), ...failure },
});

const listRates = createRoute({
  tags: ["rates"],
  ...secured,
  method: "get",
  path: "/api/v1/rates",
  summary: "All exchange rates",
  request: { query: z.strictObject(paging) },
  responses: { 200: answer("A page of rates, by id.", pageSchema("RatePage", rate)), ...failure },
});

const setRate = createRoute({
  tags: ["rates"],
  ...secured,
  method: "post",
  path: "/api/v1/rates",
  summary: "Set an exchange rate",
  description: "One unit of `from` buys `rate` units of `to`, from `since` on.",
  request: { body: body(rateSchema) },
  responses: { 201: answer("The rate.", rate), ...failure },
});

export function addPrices(app: OperatorsApp, { control, clock }: OperatorsDependencies): void {
  const showPrice = (setting: PriceEntrySetting) =>
    ({ id: idOf("prices", setting), ...setting }) as z.infer<typeof price>;
  const showRate = (setting: RateSetting) => ({ id: idOf("rates", setting), ...setting }) as z.infer<typeof rate>;
  app.openapi(
    listPrices,
    (c) => {
      const { model, limit, cursor } = c.req.valid("query");
      const { settings, limits } = control.snapshot();
      const prices = settings.prices.filter((one) => model === undefined || one.model === model).map(showPrice);
      return c.json(
        pageOf("prices", prices, (one) => one.id, pageSize(limit, limits), cursor),
        200,
      );
    },
    explain(listPrices),
  );
  app.openapi(
    setPrice,
    async (c) => {
      const { document } = await control.change("prices", undefined, c.req.valid("json"));
      return c.json(showPrice(document!), 201);
    },
    explain(setPrice),
  );
  app.openapi(
    compute,
    (c) => {
      const { model, usage, at: asked, batch } = c.req.valid("json");
      const at = readInstant("at", asked) ?? clock.now();
      const { catalogue } = control.snapshot();
      const slash = model.indexOf("/");
      const offer = catalogue.model(model.slice(0, slash), model.slice(slash + 1));
      if (!offer) {
        const near = catalogue.nearest(model, []);
        throw new Fault("model_not_found", operatorWords.unknownModel(model, near), {
          param: "model",
          details: { nearest: near },
        });
      }
      const document = offer.priceAt(at);
      if (!document) throw new Fault("unpriced_model", operatorWords.unpriced(model), { param: "model" });
      const computed = priceUsage(document, usage, { at, batch });
      return c.json(
        {
          model,
          at: showInstant(at),
          priceId: document.id,
          cost: formatAmount(computed.amount),
          currency: computed.currency,
          lines: computed.lines.map(showLine),
        },
        200,
      );
    },
    explain(compute),
  );
  app.openapi(
    listRates,
    (c) => {
      const { limit, cursor } = c.req.valid("query");
      const { settings, limits } = control.snapshot();
      const rates = settings.rates.map(showRate);
      return c.json(
        pageOf("rates", rates, (one) => one.id, pageSize(limit, limits), cursor),
        200,
      );
    },
    explain(listRates),
  );
  app.openapi(
    setRate,
    async (c) => {
      const { document } = await control.change("rates", undefined, c.req.valid("json"));
      return c.json(showRate(document!), 201);
    },
    explain(setRate),
  );
}
