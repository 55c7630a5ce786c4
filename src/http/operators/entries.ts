import { createRoute, z } from "@hono/zod-openapi";
import { formatAmount } from "../../base/money.ts";
import { text } from "../../config/schemas.ts";
import { postings } from "../../ledger/postings.ts";
import { listEntries } from "../../records/entries.ts";
import { callOfAttempt } from "../../records/entry-rows.ts";
import { answer, explain, failure, type OperatorsApp, secured } from "./declare.ts";
import type { OperatorsDependencies } from "./dependencies.ts";
import { pageSize, readCursor, writeCursor } from "./pages.ts";
import { payersBelow, readInstant, showInstant } from "./queries.ts";
import { amount, currency, instant, pageSchema, paging } from "./schemas.ts";

const posting = z
  .object({
    id: z.string().openapi({ description: "Of the entry: its postings share it, and sum to zero in each currency." }),
    attempt: z.string(),
    call: z.string(),
    kind: z.enum(["hold", "top-up", "settle", "release", "unsettled", "adjust"]),
    account: z.string().openapi({ example: "held:support" }),
    amount,
    currency,
    at: instant,
  })
  .openapi("Posting");

const list = createRoute({
  tags: ["entries"],
  ...secured,
  method: "get",
  path: "/api/v1/entries",
  summary: "The ledger in double entry",
  description:
    "Every entry as signed postings that sum to zero in each currency, in the order of attempts. `limit` counts entries; a page holds all postings of each.",
  request: {
    query: z.strictObject({
      attempt: z.string().optional(),
      call: z.string().optional(),
      payer: z.string().optional().openapi({ description: "Of this payer and all below it." }),
      from: text("instant").optional().openapi({ description: "Written then or later." }),
      to: text("instant").optional().openapi({ description: "Written before." }),
      ...paging,
    }),
  },
  responses: { 200: answer("A page of postings.", pageSchema("PostingPage", posting)), ...failure },
});

export function addEntries(app: OperatorsApp, { control, store }: OperatorsDependencies): void {
  app.openapi(
    list,
    async (c) => {
      const { attempt, call, payer, from, to, limit, cursor } = c.req.valid("query");
      const size = pageSize(limit, control.snapshot().limits);
      const place = cursor === undefined ? undefined : readCursor("entries", cursor, ["string", "number", "number"]);
      const filter = {
        attempt,
        call,
        payers: payersBelow(control, payer),
        from: readInstant("from", from),
        to: readInstant("to", to),
        after: place && { attempt: place[0], phase: place[1], n: place[2] },
      };
      const entries = await listEntries(store.query, filter, size + 1);
      const shown = entries.slice(0, size);
      const last = shown.at(-1);
      const items = shown.flatMap((entry) => {
        const { attempt: of, phase, n, kind, at } = entry;
        return postings(entry).map((one) => ({
          id: `${of}:${phase}:${n}`,
          attempt: of,
          call: callOfAttempt(of),
          kind,
          account: one.account,
          amount: formatAmount(one.amount),
          currency: one.currency,
          at: showInstant(at),
        }));
      });
      const more = entries.length > size && last;
      return c.json({ items, next: more ? writeCursor("entries", [last.attempt, last.phase, last.n]) : null }, 200);
    },
    explain(list),
  );
}
