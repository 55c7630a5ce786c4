import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { DEFAULT_LIMITS } from "../src/base/limits.ts";
import { checkSettings } from "../src/config/checks.ts";
import type { Seal } from "../src/config/credentials.ts";
import { readDeclarative } from "../src/config/declarative.ts";
import { fileSchema } from "../src/config/file-schema.ts";
import { NO_SETTINGS, SETTING_KINDS, type Settings } from "../src/config/settings.ts";
import { knowledgeOf } from "../src/control/knowledge.ts";
import { PROJECT } from "./harness/compile.ts";

/** What the documents say is read by the program itself. */
const CONFIGURATION = ["docs/configuration.md", "docs/configuration.zh-CN.md"] as const;
const FILES = [
  ...readdirSync(PROJECT),
  ...readdirSync(join(PROJECT, "docs"), { recursive: true, encoding: "utf8" }).map((name) => join("docs", name)),
  ...readdirSync(join(PROJECT, "examples"), { recursive: true, encoding: "utf8" }).map((name) =>
    join("examples", name),
  ),
];
const DOCUMENTS = FILES.filter((name) => name.endsWith(".md"));
const EXAMPLES = FILES.filter((name) => name.startsWith("examples") && name.endsWith(".yaml"));

const contentOf = (name: string): string => readFileSync(join(PROJECT, name), "utf8");
const blocksOf = (name: string): string[] =>
  [...contentOf(name).matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, text]) => text!);

const seal: Seal = { seal: (text) => text, open: (text) => text };

/** Every variable that is asked for is set, as a reader would have done. */
function read(text: string) {
  const names = [...text.matchAll(/\$\{(\w+)\}/g)].map(([, name]) => name!);
  const environment = Object.fromEntries(names.map((name) => [name, `the-value-of-${name}`]));
  return readDeclarative(text, { environment, seal });
}

function together(all: readonly Settings[]): Settings {
  const kinds = SETTING_KINDS.map((kind) => [kind, all.flatMap((one) => one[kind] as readonly unknown[])]);
  return { ...NO_SETTINGS, ...Object.fromEntries(kinds) };
}

function expectSound(settings: Settings): void {
  const { problems, warnings } = checkSettings(settings, knowledgeOf(settings));
  expect([...problems, ...warnings].map(({ kind, id, text }) => `${kind} ${id}: ${text("en")}`)).toEqual([]);
}

/** The names of all fields of a file, wherever they stand. */
function fieldsOf(schema: unknown, names = new Set<string>(), seen = new Set<unknown>()): Set<string> {
  if (typeof schema !== "object" || schema === null || seen.has(schema)) return names;
  seen.add(schema);
  const { def } = (schema as { _zod?: { def: Record<string, unknown> } })._zod ?? {};
  if (!def) return names;
  const { shape, element, innerType, options, valueType } = def;
  for (const [name, field] of Object.entries(shape ?? {})) {
    names.add(name);
    fieldsOf(field, names, seen);
  }
  for (const inner of [element, innerType, valueType, ...((options as unknown[]) ?? [])]) fieldsOf(inner, names, seen);
  return names;
}

describe.each(DOCUMENTS)("%s", (name) => {
  it("leads only to files and sections that exist", () => {
    const lost = [...contentOf(name).matchAll(/\]\(([^)\s]+)\)|src="([^"]+)"/g)]
      .map(([, link, source]) => (link ?? source)!)
      .filter((link) => !/^[a-z]+:/.test(link) && !leadsSomewhere(name, link));
    expect(lost).toEqual([]);
  });

  it("has only YAML that Maidan reads", () => {
    for (const block of blocksOf(name)) expect(() => read(block), block).not.toThrow();
  });
});

function leadsSomewhere(from: string, link: string): boolean {
  const [path, section] = link.split("#");
  const file = path === "" ? from : join(dirname(from), path!);
  if (!existsSync(resolve(PROJECT, file))) return false;
  return section === undefined || sectionsOf(file).includes(decodeURIComponent(section));
}

/** Headings as GitHub names them. */
function sectionsOf(file: string): string[] {
  const headings = contentOf(file)
    .replaceAll(/^```[\s\S]*?^```$/gm, "")
    .matchAll(/^#+ (.*)$/gm);
  return [...headings].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(/\s/g, "-"),
  );
}

describe.each(EXAMPLES)("%s", (name) => {
  it("is a file without a problem or a warning", () => {
    expectSound(read(contentOf(name)).settings);
  });
});

describe.each(CONFIGURATION)("%s", (name) => {
  it("adds up to one sound file", () => {
    expectSound(together(blocksOf(name).map((block) => read(block).settings)));
  });

  it("tells every field in words, and shows it in an example", () => {
    const words = contentOf(name).replaceAll(/^```[\s\S]*?^```$/gm, "");
    const told = new Set([...words.matchAll(/`(\w+)(?:: [^`]*)?`/g)].map(([, field]) => field!));
    const range = ["input", "cachedInput", "cacheWrite5m", "cacheWrite1h", "output", "outputAudio", "inputImage"];
    const examples = blocksOf(name).join("\n");
    const limits = Object.keys(DEFAULT_LIMITS);
    const fields = [...fieldsOf(fileSchema)];
    expect(fields.length).toBeGreaterThan(90);
    expect(fields.filter((field) => !told.has(field) && !range.includes(field))).toEqual([]);
    const unshown = fields.filter((field) => !limits.includes(field) && !new RegExp(`\\b${field}:`).test(examples));
    expect(unshown.filter((field) => !RARE.includes(field))).toEqual([]);
  });

  it("knows every limit and its default", () => {
    for (const [limit, value] of Object.entries(DEFAULT_LIMITS)) {
      expect(contentOf(name)).toContain(`| \`${limit}\` | ${value} |`);
    }
  });
});

/** Fields that are told in words only: few will ever need them. */
const RARE = ["paths", "chat", "embeddings", "images", "keyHeader", "suites", "region"];

describe("the two languages of the configuration", () => {
  it("have the same sections, tables and examples", () => {
    const [english, chinese] = CONFIGURATION.map(contentOf);
    const levels = (text: string) => [...text.matchAll(/^(#+) /gm)].map(([, marks]) => marks);
    const rows = (text: string) => [...text.matchAll(/^\| (`\w+`)/gm)].map(([, first]) => first);
    const plain = (text: string) => text.replaceAll(/ *#.*$/gm, "");
    expect(levels(chinese!)).toEqual(levels(english!));
    expect(rows(chinese!)).toEqual(rows(english!));
    expect(blocksOf(CONFIGURATION[1]).map(plain)).toEqual(blocksOf(CONFIGURATION[0]).map(plain));
  });
});
