import { createRoute, z } from "@hono/zod-openapi";
import { Fault } from "../../base/faults.ts";
import { lookWords } from "../../base/messages/catalogue.ts";
import { LARGE_DEFINITIONS } from "../../catalogue/large.ts";
import {
  type CatalogueEntry,
  catalogueEntries,
  namedEntries,
  namedVendor,
  searchCatalogue,
  searchVendors,
} from "../../catalogue/search.ts";
import { entrySchema, vendorDetailSchema, vendorSchema } from "./catalogue-schemas.ts";
import { showEntry, showVendor } from "./catalogue-views.ts";
import { answer, explain, failure, type OperatorsApp, secured } from "./declare.ts";
import type { OperatorsDependencies } from "./dependencies.ts";
import { pageOf, pageSize } from "./pages.ts";
import { pageSchema, paging } from "./schemas.ts";

const MOST_COMPARED = 20;

const yesOrNo = (what: string) =>
  z
    .enum(["true", "false"])
    .optional()
    .openapi({ description: `${what} A model of which that is not known fits neither.` });

const words = z.string().max(200).optional();

const query = z.strictObject({
  q: words.openapi({ description: "Words that all stand in the model's name, or in its vendor's names in zh or en." }),
  vendor: z.string().optional(),
  modality: z
    .enum(["text", "image", "audio", "video", "vector"])
    .optional()
    .openapi({ description: "What it takes or makes." }),
  tools: yesOrNo("Whether it calls tools."),
  reasoning: yesOrNo("Whether it thinks before it answers."),
  large: z
    .enum(LARGE_DEFINITIONS)
    .optional()
    .openapi({ description: "Large, by what its vendor published of its size, under this definition." }),
  currency: z.string().optional().openapi({ description: "Of its price.", example: "CNY" }),
  compare: z
    .string()
    .optional()
    .openapi({
      description: `Just these models, up to ${MOST_COMPARED}, in this order: \`vendor/model\`, with commas between them.`,
      example: "alibaba/qwen3-max,deepseek/deepseek-flash",
    }),
  ...paging,
});

const search = createRoute({
  tags: ["catalogue"],
  ...secured,
  method: "get",
  path: "/api/v1/catalogue",
  summary: "Search, filter and compare the models of all vendors that are known",
  request: { query },
  responses: { 200: answer("A page of models, by name.", pageSchema("CatalogueEntryPage", entrySchema)), ...failure },
});

const vendors = createRoute({
  tags: ["catalogue"],
  ...secured,
  method: "get",
  path: "/api/v1/vendors",
  summary: "The vendors of the catalogue",
  request: { query: z.strictObject({ q: words, ...paging }) },
  responses: { 200: answer("A page of vendors, by id.", pageSchema("VendorPage", vendorSchema)), ...failure },
});

const show = createRoute({
  tags: ["catalogue"],
  ...secured,
  method: "get",
  path: "/api/v1/catalogue/{vendor}",
  summary: "A vendor: what became of it, how it is reached, its rules and its models",
  request: { params: z.object({ vendor: z.string().min(1) }) },
  responses: { 200: answer("The vendor.", vendorDetailSchema), ...failure },
});

export function addCatalogue(app: OperatorsApp, { control, clock }: OperatorsDependencies): void {
  const known = () => control.snapshot().catalogue.vendors.all;
  app.openapi(
    search,
    (c) => {
      const { limit, cursor, ...asked } = c.req.valid("query");
      const entries = catalogueEntries(known(), clock.now());
      if (asked.compare !== undefined)
        return c.json({ items: compared(entries, asked).map(showEntry), next: null }, 200);
      if (asked.vendor !== undefined) namedVendor(known(), asked.vendor);
      const found = searchCatalogue(entries, {
        ...asked,
        tools: truth(asked.tools),
        reasoning: truth(asked.reasoning),
      });
      const page = pageOf("catalogue", found, ({ ref }) => ref, pageSize(limit, control.snapshot().limits), cursor);
      return c.json({ items: page.items.map(showEntry), next: page.next }, 200);
    },
    explain(search),
  );
  app.openapi(
    vendors,
    (c) => {
      const { q, limit, cursor } = c.req.valid("query");
      const found = searchVendors(known(), q);
      const page = pageOf("vendors", found, ({ id }) => id, pageSize(limit, control.snapshot().limits), cursor);
      return c.json({ items: page.items.map(showVendor), next: page.next }, 200);
    },
    explain(vendors),
  );
  app.openapi(
    show,
    (c) => {
      const vendor = namedVendor(known(), c.req.valid("param").vendor);
      const models = catalogueEntries([{ ...vendor, sameAs: undefined }], clock.now());
      return c.json({ ...showVendor(vendor), models: models.map(showEntry) }, 200);
    },
    explain(show),
  );
}

function compared(
  entries: readonly CatalogueEntry[],
  { compare = "", ...others }: Readonly<Record<string, string | undefined>>,
): CatalogueEntry[] {
  const [other] = Object.keys(others).filter((name) => others[name] !== undefined);
  if (other !== undefined) throw new Fault("invalid_request", lookWords.compareAlone(other), { param: other });
  const refs = [...new Set(compare.split(",").map((ref) => ref.trim()))].filter(Boolean);
  if (refs.length > MOST_COMPARED) {
    throw new Fault("invalid_request", lookWords.tooManyCompared(MOST_COMPARED), { param: "compare" });
  }
  return namedEntries(entries, refs);
}

function truth(text: "true" | "false" | undefined): boolean | undefined {
  return text === undefined ? undefined : text === "true";
}
