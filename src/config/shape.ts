import type { z } from "zod";
import type { Text } from "../base/language.ts";
import { formatWords, shapeWords } from "../base/messages/config.ts";
import { nearest } from "../base/nearest.ts";
import type { Format } from "./formats.ts";
import { type Path, type Problem, writePath } from "./problems.ts";

const MOST_EXPLAINED = 1_000;

type Issue = z.core.$ZodIssue;

/**
 * Says what a schema found wrong in words for people: never a value that may be a secret.
 *
 * @param isHidden whether the value at a path came from where secrets come from, so that it is not shown either
 */
export function shapeProblems(
  issues: readonly Issue[],
  schema: z.core.$ZodType,
  root: unknown,
  isHidden: (path: Path) => boolean = () => false,
): Problem[] {
  return issues.slice(0, MOST_EXPLAINED).flatMap((issue) => {
    const path = issue.path as Path;
    if (issue.code !== "unrecognized_keys") return [{ path, ...explain(issue, path, root, isHidden) }];
    const fields = fieldsAt(schema, path);
    return issue.keys.map((key) => {
      const near = nearest(key, fields);
      const where = path.length > 0 ? () => `"${writePath(path)}"` : shapeWords.top();
      const text: Text = (language) => shapeWords.unknownField(key, where(language), near, fields.join(", "))(language);
      return { path: [...path, key], text, near };
    });
  });
}

function explain(
  issue: Issue,
  path: Path,
  root: unknown,
  isHidden: (path: Path) => boolean,
): { text: Text; near?: string[] } {
  const field = writePath(path);
  const value = valueAt(root, path);
  const shown = isHidden(path) ? undefined : shownValue(value, path);
  switch (issue.code) {
    case "invalid_type":
      if (value === undefined) return { text: shapeWords.missing(field) };
      return { text: shapeWords.wrongType(field, issue.expected, shown) };
    case "invalid_value": {
      if (value === undefined) return { text: shapeWords.missing(field) };
      const allowed = issue.values.map(String);
      const near = typeof value === "string" ? nearest(value, allowed, 1) : [];
      return { text: shapeWords.notOneOf(field, shown, allowed.join(", "), near), near };
    }
    case "too_small":
      return { text: shapeWords.tooSmall(field, String(issue.minimum), kindOf(issue.origin)) };
    case "too_big":
      return { text: shapeWords.tooLarge(field, String(issue.maximum), kindOf(issue.origin)) };
    case "invalid_union":
      return { text: value === undefined ? shapeWords.missing(field) : shapeWords.nameShape(field) };
    case "invalid_key": {
      const inner = issue.issues[0];
      return inner?.code === "custom" ? explain(inner, path, root, isHidden) : { text: shapeWords.wrong(field) };
    }
    case "custom": {
      const format = issue.params?.format as Format | undefined;
      if (!format) return { text: shapeWords.wrong(field) };
      const near = format === "timezone" ? nearest(String(value), Intl.supportedValuesOf("timeZone"), 1) : [];
      return { text: formatWords[format](field, shown, near), near };
    }
    default:
      return { text: shapeWords.wrong(field) };
  }
}

function kindOf(origin: string): "number" | "length" {
  return origin === "number" || origin === "int" || origin === "bigint" ? "number" : "length";
}

const SHOWN_CHARACTERS = 60;

/** A value short enough to show, and of a field that holds no secret. */
function shownValue(value: unknown, path: Path): string | undefined {
  const hidden = path.some((step) => HIDDEN_FIELDS.has(String(step)));
  if (hidden || (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean"))
    return undefined;
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length <= SHOWN_CHARACTERS ? text : undefined;
}

/** What stands in these is, or may be, a secret. */
const HIDDEN_FIELDS = new Set(["credentials", "secret", "hash", "headers", "baseUrl", "quirks"]);

export function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const step of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}

/** The fields that a schema knows at a path. */
function fieldsAt(schema: z.core.$ZodType, path: Path): string[] {
  let here: z.core.$ZodType | undefined = schema;
  for (const step of path) here = here && below(here, step);
  const inner = here && unwrap(here);
  return inner?._zod.def.type === "object" ? Object.keys((inner as z.ZodObject)._zod.def.shape) : [];
}

function below(schema: z.core.$ZodType, step: string | number): z.core.$ZodType | undefined {
  const inner = unwrap(schema);
  switch (inner._zod.def.type) {
    case "object":
      return (inner as z.ZodObject)._zod.def.shape[step];
    case "array":
      return (inner as z.ZodArray)._zod.def.element;
    case "record":
      return (inner as z.ZodRecord)._zod.def.valueType;
    default:
      return undefined;
  }
}

/** The schema within `optional`; of a union, the mapping in it. */
function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  const def = schema._zod.def;
  if (def.type === "optional") return unwrap((schema as z.ZodOptional)._zod.def.innerType);
  if (def.type === "union") {
    const options = (schema as z.ZodUnion)._zod.def.options;
    return options.find((option) => option._zod.def.type === "object") ?? schema;
  }
  return schema;
}
