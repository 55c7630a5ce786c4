import { OpenAPIHono, type RouteConfig, type z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { Fault } from "../../base/faults.ts";
import type { Language, Text } from "../../base/language.ts";
import { operatorWords } from "../../base/messages/operators.ts";
import { writePath } from "../../config/problems.ts";
import { shapeProblems } from "../../config/shape.ts";
import type { OperatorsBindings } from "./bindings.ts";
import { errorSchema } from "./schemas.ts";

export type OperatorsApp = OpenAPIHono<{ Bindings: OperatorsBindings }>;

export function makeApp(): OperatorsApp {
  return new OpenAPIHono<{ Bindings: OperatorsBindings }>();
}

/** More problems of one request are counted, but not shown. */
const MOST_SHOWN = 10;

interface Checked {
  readonly target: string;
  readonly success: boolean;
  readonly error?: { readonly issues: readonly z.core.$ZodIssue[] };
  readonly data?: unknown;
}

/**
 * What to do when a request does not have the declared shape: say in words what is wrong, where, and what is right.
 * To be handed to `app.openapi` with the route.
 */
export function explain(route: Pick<RouteConfig, "request">) {
  return (result: Checked, _c: Context): undefined => {
    if (result.success) return undefined;
    throw shapeFault(result, schemaOf(route, result.target));
  };
}

function shapeFault({ target, error, data }: Checked, schema: z.core.$ZodType): Fault {
  if (target === "json" && (typeof data !== "object" || data === null || Array.isArray(data))) {
    return new Fault("invalid_request", operatorWords.notAnObject());
  }
  const problems = shapeProblems(error?.issues ?? [], schema, data).map((problem) => ({
    ...problem,
    text:
      target === "query" && problem.path.length === 1 && problem.near
        ? unknownParameter(problem, schema)
        : problem.text,
  }));
  const shown = problems.slice(0, MOST_SHOWN);
  const text: Text = (language: Language) => shown.map((problem) => problem.text(language)).join(" ");
  return new Fault("invalid_request", text, {
    ...(problems[0] && { param: writePath(problems[0].path) }),
    details: {
      problems: shown.map(({ path, near }) => ({
        field: writePath(path),
        ...(near && near.length > 0 && { nearest: near }),
      })),
    },
  });
}

function unknownParameter(
  problem: { readonly path: readonly (string | number)[]; readonly near?: readonly string[] | undefined; text: Text },
  schema: z.core.$ZodType,
): Text {
  const names = Object.keys((schema as z.ZodObject)._zod.def.shape);
  const name = String(problem.path[0]);
  return names.includes(name) ? problem.text : operatorWords.unknownParameter(name, problem.near ?? [], names);
}

function schemaOf({ request }: Pick<RouteConfig, "request">, target: string): z.core.$ZodType {
  if (target === "query") return request!.query as never;
  if (target === "param") return request!.params as never;
  return (request!.body!.content["application/json"] as { readonly schema: z.core.$ZodType }).schema;
}

/** A JSON answer with this schema. */
export function answer<S extends z.ZodType>(description: string, schema: S) {
  return { description, content: { "application/json": { schema } } };
}

/** A JSON body with this schema, which must be sent. */
export function body<S extends z.ZodType>(schema: S) {
  return { required: true, content: { "application/json": { schema } } };
}

/** How every route answers when it cannot do what was asked: see the table of faults. */
export const failure = {
  default: {
    description:
      "An error: `message` says what is wrong and what to do, in the language of `Accept-Language` (zh or en); `code` is for machines.",
    content: { "application/json": { schema: errorSchema } },
  },
} as const;

export const secured = { security: [{ adminKey: [] as string[] }] };
