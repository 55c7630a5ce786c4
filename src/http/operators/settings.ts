import { createRoute, z } from "@hono/zod-openapi";
import { languageOfHeader } from "../../base/language.ts";
import { writePath } from "../../config/problems.ts";
import { answer, explain, failure, type OperatorsApp, secured } from "./declare.ts";
import type { OperatorsDependencies } from "./dependencies.ts";

const report = z
  .object({
    changes: z.array(
      z.object({
        action: z.enum(["add", "change", "remove"]),
        kind: z.string(),
        id: z.string(),
        fields: z.array(z.string()).optional().openapi({ description: "What changed within it." }),
      }),
    ),
    applied: z.boolean().openapi({ description: "false for a dry run." }),
    warnings: z.array(z.object({ message: z.string(), field: z.string(), line: z.int().optional() })),
  })
  .openapi("ApplyReport");

const apply = createRoute({
  tags: ["settings"],
  ...secured,
  method: "post",
  path: "/api/v1/apply",
  summary: "Make the settings agree with a declarative file",
  description: `The body is the file, YAML. All of it is applied, or nothing; doing it again changes nothing. What an earlier file set and this one does not is removed; what the API set is left alone. \${NAME} is read from the server's environment.`,
  request: {
    query: z.strictObject({
      dryRun: z.enum(["true", "false"]).optional().openapi({ description: "true: only say what would change." }),
      name: z.string().max(1_000).optional().openapi({ description: "What the file is called in errors." }),
    }),
    body: {
      required: true,
      description: "A declarative file.",
      content: { "application/yaml": { schema: z.string() } },
    },
  },
  responses: { 200: answer("What changed.", report), ...failure },
});

const exported = createRoute({
  tags: ["settings"],
  ...secured,
  method: "get",
  path: "/api/v1/export",
  summary: "All settings as a declarative file",
  description: "Applied here, it changes nothing. Keys are written as hashes, credentials as variables or sealed.",
  responses: {
    200: { description: "The file.", content: { "application/yaml": { schema: z.string() } } },
    ...failure,
  },
});

export function addSettings(app: OperatorsApp, { control, language }: OperatorsDependencies): void {
  app.openapi(
    apply,
    async (c) => {
      const { dryRun, name } = c.req.valid("query");
      const file = await c.req.text();
      const made = await control.applyFile(file, { dryRun: dryRun === "true", ...(name !== undefined && { name }) });
      const asked = languageOfHeader(c.req.header("accept-language"), language);
      return c.json(
        {
          changes: made.changes.map(({ action, kind, id, fields }) => ({
            action,
            kind,
            id,
            ...(fields && { fields: [...fields] }),
          })),
          applied: made.applied,
          warnings: made.warnings.map(({ text, path, position }) => ({
            message: text(asked),
            field: writePath(path),
            ...(position && { line: position.line }),
          })),
        },
        200,
      );
    },
    explain(apply),
  );
  app.openapi(exported, (c) =>
    c.body(control.exportYaml(), 200, { "content-type": "application/yaml; charset=utf-8" }),
  );
}
