import { createRoute, z } from "@hono/zod-openapi";
import { languageOfHeader } from "../../base/language.ts";
import { formatAmount } from "../../base/money.ts";
import { showReport } from "../../control/doctor/doctor.ts";
import { CHECKS } from "../../control/doctor/spec.ts";
import { checkReadiness } from "../health.ts";
import { answer, explain, failure, type OperatorsApp, secured } from "./declare.ts";
import type { OperatorsDependencies } from "./dependencies.ts";
import { showInstant } from "./queries.ts";
import { amount, currency, instant } from "./schemas.ts";

const status = z
  .object({
    version: z.string(),
    startedAt: instant,
    uptimeSeconds: z.int(),
    address: z.string().nullable(),
    dataFolder: z.string(),
    durability: z.enum(["disk", "process"]),
    language: z.enum(["en", "zh"]),
    ready: z.boolean(),
    callsInFlight: z.int(),
    journalDepth: z.int(),
    unsettled: z.int(),
    nodes: z.array(z.object({ seat: z.int(), name: z.string(), joinedAt: instant })).openapi({
      description: "That share the store, as long as nobody has found them dead. None where it has one only.",
    }),
    settings: z
      .object({
        version: z.int().openapi({ description: "Counts up with every change since the start." }),
        currency,
        endpoints: z.int(),
        routes: z.int(),
        payers: z.int(),
        budgets: z.int(),
        keys: z.int(),
      })
      .openapi({ description: "How many there are of each." }),
  })
  .openapi("Status");

const audit = z
  .object({
    ok: z.boolean().openapi({ description: "Nothing was found that does not add up." }),
    entries: z.int(),
    problems: z.array(z.object({ where: z.string(), message: z.string() })),
    balances: z.array(z.object({ currency, held: amount, unsettled: amount, spent: amount })),
  })
  .openapi("LedgerAudit");

const state = z.enum(["ok", "warning", "problem"]);
const doctor = z
  .object({
    at: instant,
    state,
    checks: z.array(
      z.object({
        id: z.enum(CHECKS),
        state,
        title: z.string(),
        what: z.string(),
        where: z.string().optional(),
        do: z.string().optional().openapi({ description: "What to do about it." }),
      }),
    ),
  })
  .openapi("DoctorReport");

const readiness = z
  .object({
    status: z.enum(["ready", "not-ready"]),
    checks: z
      .array(
        z.object({
          name: z.enum(["store", "journal", "clock", "process", "endpoint"]),
          state: z.enum(["ok", "warning", "failed"]),
          endpoint: z.string().optional(),
          breaker: z.enum(["closed", "open", "half-open"]).optional(),
          detail: z.string().optional(),
        }),
      )
      .optional(),
  })
  .openapi("Readiness");

const readStatus = createRoute({
  tags: ["system"],
  ...secured,
  method: "get",
  path: "/api/v1/status",
  summary: "How this process is",
  responses: { 200: answer("How it is.", status), ...failure },
});

const runAudit = createRoute({
  tags: ["system"],
  ...secured,
  method: "get",
  path: "/api/v1/audit",
  summary: "Whether the books balance",
  description: "Reads the whole ledger.",
  responses: { 200: answer("What was found.", audit), ...failure },
});

const runDoctor = createRoute({
  tags: ["system"],
  ...secured,
  method: "get",
  path: "/api/v1/doctor",
  summary: "What is wrong, and what to do about it",
  responses: { 200: answer("What was found.", doctor), ...failure },
});

const live = createRoute({
  tags: ["health"],
  method: "get",
  path: "/livez",
  summary: "Whether the process answers",
  responses: { 200: answer("It does.", z.object({ status: z.literal("ok") })) },
});

const ready = createRoute({
  tags: ["health"],
  method: "get",
  path: "/readyz",
  summary: "Whether calls can be served and accounted for",
  request: { query: z.object({ verbose: z.string().optional().openapi({ description: "Shows every check." }) }) },
  responses: { 200: answer("They can.", readiness), 503: answer("They cannot.", readiness) },
});

const metrics = createRoute({
  tags: ["health"],
  method: "get",
  path: "/metrics",
  summary: "For Prometheus, with OpenTelemetry's gen_ai names",
  responses: { 200: { description: "Metrics.", content: { "text/plain": { schema: z.string() } } } },
});

async function listNodes({ query }: OperatorsDependencies["store"]) {
  const seats = query.selectFrom("nodes").select(["seat", "name", "joined_at"]).where("ended_at", "is", null);
  const rows = await seats.orderBy("seat").execute();
  return rows.map(({ seat, name, joined_at }) => ({ seat, name, joinedAt: showInstant(joined_at) }));
}

export function addSystem(app: OperatorsApp, dependencies: OperatorsDependencies): void {
  const { control, ledger, clock, start, language, health } = dependencies;
  app.openapi(readStatus, async (c) => {
    const { settings, version } = control.snapshot();
    const { startedAt, address, ...facts } = start;
    return c.json(
      {
        ...facts,
        startedAt: showInstant(startedAt),
        uptimeSeconds: Math.max(0, Math.floor((clock.now() - startedAt) / 1000)),
        address: address ?? null,
        language,
        ready: (await checkReadiness(health)).ready,
        callsInFlight: dependencies.inFlight(),
        journalDepth: health.journalDepth(),
        unsettled: (await ledger.readUnsettled()).length,
        nodes: await listNodes(dependencies.store),
        settings: {
          version,
          currency: settings.general.currency,
          endpoints: settings.endpoints.length,
          routes: settings.routes.length,
          payers: settings.payers.length,
          budgets: settings.budgets.length,
          keys: settings.keys.length,
        },
      },
      200,
    );
  });
  app.openapi(runAudit, async (c) => {
    const { entries, problems, balances } = await ledger.audit();
    const asked = languageOfHeader(c.req.header("accept-language"), language);
    return c.json(
      {
        ok: problems.length === 0,
        entries,
        problems: problems.map(({ where, what }) => ({ where, message: what(asked) })),
        balances: balances.map((one) => ({
          currency: one.currency,
          held: formatAmount(one.held),
          unsettled: formatAmount(one.unsettled),
          spent: formatAmount(one.spent),
        })),
      },
      200,
    );
  });
  app.openapi(runDoctor, async (c) => {
    const asked = languageOfHeader(c.req.header("accept-language"), language);
    const shown = showReport(await dependencies.doctor(), asked);
    return c.json({ ...shown, checks: [...shown.checks] }, 200);
  });
  app.openapi(live, (c) => c.json({ status: "ok" } as const, 200));
  app.openapi(
    ready,
    async (c) => {
      const { ready: isReady, checks } = await checkReadiness(health);
      const verbose = c.req.valid("query").verbose;
      const shown = verbose !== undefined && verbose !== "false" ? { checks: [...checks] } : {};
      if (isReady) return c.json({ status: "ready", ...shown } as const, 200);
      return c.json({ status: "not-ready", ...shown } as const, 503);
    },
    explain(ready),
  );
  app.openapi(metrics, async (c) => {
    const { text, contentType } = await dependencies.metrics.scrape();
    return c.text(text, 200, { "content-type": contentType });
  });
}
