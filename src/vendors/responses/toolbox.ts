import { createHash } from "node:crypto";
import type { Tool } from "../conversation.ts";
import { isObject, type JsonObject, listOf, objectAt, parseJson, stringOf, wordOf } from "../json-values.ts";

/** A tool as the client knows it. */
export interface ClientTool {
  readonly name: string;
  readonly namespace: string | undefined;
  /** It takes a free text in the place of JSON. */
  readonly custom: boolean;
}

/** Tools that OpenAI runs itself, at the model's wish. All others are run by the client. */
const HOSTED =
  /^(web_search|file_search|code_interpreter|image_generation|mcp|tool_search)(_preview)?(_\d{4}_\d{2}_\d{2}|_\d{8})?$/;
/** Its tools are called by their names alone. */
const PLAIN_NAMESPACE = "functions";
/** The longest name that most vendors take, and what a name may not hold. */
const NAME_CHARACTERS = 64;
const STRANGE = /[^A-Za-z0-9_-]/g;
/** The one argument of a custom tool. */
const ARGUMENT = "input";

/**
 * The tools of a request, as functions for vendors that know nothing else. Custom tools take a free text: they become functions with one
 * text as argument. Tools in a namespace get its name before their own. What a model calls is a tool of the client's again on the way back.
 */
export class Toolbox {
  readonly functions: Tool[] = [];
  /** Types of hosted tools that were offered. */
  readonly hosted: string[] = [];
  /** The type of a tool that the client runs and no function can stand for. */
  readonly strange: string | undefined;
  readonly #tools = new Map<string, ClientTool>();
  readonly #names = new Map<string, string>();

  constructor(tools: unknown) {
    for (const tool of listOf(tools).filter(isObject)) {
      const type = wordOf(tool.type);
      if (type === "namespace") {
        for (const one of listOf(tool.tools).filter(isObject)) this.#add(one, stringOf(tool.name));
      } else if (type === "function" || type === "custom") this.#add(tool, undefined);
      else if (HOSTED.test(type)) this.hosted.push(type);
      else this.strange ??= type;
    }
  }

  /** What the client calls the tool that a model calls so. */
  toolOf(called: string): ClientTool {
    return this.#tools.get(called) ?? { name: called, namespace: undefined, custom: false };
  }

  /** What a model calls the client's tool. */
  nameOf(name: string, namespace: string | undefined): string {
    return this.#names.get(keyOf(name, namespace)) ?? joined(name, namespace);
  }

  #add(tool: JsonObject, namespace: string | undefined): void {
    const name = stringOf(tool.name) ?? "";
    const custom = tool.type === "custom";
    const joint = joined(name, namespace);
    let called = joint;
    for (let copy = 2; this.#tools.has(called); copy++) called = `${joint.slice(0, NAME_CHARACTERS - 6)}_${copy}`;
    this.#tools.set(called, { name, namespace, custom });
    this.#names.set(keyOf(name, namespace), called);
    this.functions.push(custom ? customAsFunction(called, tool) : functionOf(called, tool));
  }
}

function keyOf(name: string, namespace: string | undefined): string {
  return `${namespace ?? PLAIN_NAMESPACE}\n${name}`;
}

function joined(name: string, namespace: string | undefined): string {
  if (namespace === undefined || namespace === PLAIN_NAMESPACE) return name;
  const joint = `${namespace}${namespace.endsWith("_") ? "" : "__"}${name}`;
  const plain = joint.replace(STRANGE, "_");
  if (plain === joint && joint.length <= NAME_CHARACTERS) return joint;
  const mark = createHash("sha256").update(joint).digest("hex").slice(0, 8);
  return `${plain.slice(0, NAME_CHARACTERS - mark.length - 1)}_${mark}`;
}

function functionOf(name: string, { description, parameters, strict }: JsonObject): Tool {
  return {
    name,
    description: stringOf(description),
    parameters: isObject(parameters) ? parameters : undefined,
    ...(typeof strict === "boolean" && { strict }),
  };
}

function customAsFunction(name: string, tool: JsonObject): Tool {
  const { definition, syntax } = objectAt(tool, "format");
  const grammar = typeof definition === "string" ? ` It follows this ${wordOf(syntax)} grammar:\n${definition}` : "";
  const description = `The whole input, as free text.${grammar}`;
  return {
    name,
    description: stringOf(tool.description),
    parameters: {
      type: "object",
      properties: { [ARGUMENT]: { type: "string", description } },
      required: [ARGUMENT],
      additionalProperties: false,
    },
  };
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
