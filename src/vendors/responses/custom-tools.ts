import type { Tool } from "../conversation.ts";
import { isObject, type JsonObject, listOf, objectAt, parseJson, stringOf } from "../json-values.ts";

/**
 * Custom tools take a free text. To vendors that know functions only they are functions with one text as argument, and their calls
 * become custom calls again on the way back.
 */
const ARGUMENT = "input";

export function customAsFunction(tool: JsonObject): Tool {
  const { definition, syntax } = objectAt(tool, "format");
  const grammar =
    typeof definition === "string" ? ` It follows this ${String(syntax ?? "")} grammar:\n${definition}` : "";
  const description = `The whole input, as free text.${grammar}`;
  return {
    name: stringOf(tool.name) ?? "",
    description: stringOf(tool.description),
    parameters: {
      type: "object",
      properties: { [ARGUMENT]: { type: "string", description } },
      required: [ARGUMENT],
      additionalProperties: false,
    },
  };
}

/** Names of the custom tools of a request. */
export function customNames(tools: unknown): ReadonlySet<string> {
  const custom = listOf(tools).filter((tool) => isObject(tool) && tool.type === "custom") as JsonObject[];
  return new Set(custom.map(({ name }) => String(name)));
}

export function argumentsOfInput(input: string): string {
  return JSON.stringify({ [ARGUMENT]: input });
}

/** The free text of a call; what a model wrote in another shape goes as it is. */
export function inputOfArguments(given: string): string {
  const document = parseJson(given);
  const input = isObject(document) ? document[ARGUMENT] : undefined;
  return typeof input === "string" ? input : given;
}
