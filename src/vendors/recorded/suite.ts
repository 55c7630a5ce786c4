import { readdir, readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { Fault } from "../../base/faults.ts";
import type { Text } from "../../base/language.ts";
import { recordedWords as words } from "../../base/messages/transports.ts";
import type { PriceSetting } from "../../config/settings.ts";
import { isObject } from "../inside/question.ts";

/** A suite of recorded answers, as its `suite.json` describes it. */
export interface Suite {
  /** The name of its folder. */
  readonly id: string;
  readonly folder: string;
  readonly name: string;
  readonly models: readonly SuiteModel[];
}

export interface SuiteModel {
  readonly vendor: string;
  readonly model: string;
  /** The name of its file under `answers/`. */
  readonly file: string;
  readonly price: PriceSetting | undefined;
}

const MOST_SUITES = 200;
const MOST_MODELS = 500;
const SUITE_BYTES = 1024 * 1024;
const NAME = /^[^\s/\\\p{Cc}][^\s\\\p{Cc}]{0,199}$/u;

/** A file that is not as it should be: which, where in it, and what is wrong. */
export function malformed(file: string, line: number | undefined, reason: Text): Fault {
  return new Fault("invalid_request", (language) => words.malformed(file, line, reason(language))(language), {
    details: { file, ...(line !== undefined && { line }) },
  });
}

/** Reads what suites a folder holds. Throws `invalid_request`, naming file and field, where one is not as it should be. */
export async function readSuites(folder: string): Promise<Suite[]> {
  const names = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw new Fault("invalid_request", words.noFolder(folder), { param: "suites", cause });
  });
  const suites: Suite[] = [];
  for (const entry of names.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    const isSuite = await stat(join(path, "suite.json")).then(
      (found) => found.isFile(),
      () => false,
    );
    if (!isSuite) continue;
    if (suites.length === MOST_SUITES) throw malformed(folder, undefined, words.tooMany("suites", MOST_SUITES));
    suites.push(await readSuite(entry.name, path));
  }
  if (suites.length === 0) throw new Fault("invalid_request", words.noSuites(folder), { param: "suites" });
  return suites;
}

async function readSuite(id: string, folder: string): Promise<Suite> {
  const file = `${id}/suite.json`;
  const json = parse(await readBounded(join(folder, "suite.json"), file, SUITE_BYTES));
  if (!isObject(json)) throw malformed(file, undefined, words.notJson());
  if (!Array.isArray(json.models)) throw malformed(file, undefined, words.wrongField("models", "[…]"));
  if (json.models.length > MOST_MODELS) throw malformed(file, undefined, words.tooMany("models", MOST_MODELS));
  const models: SuiteModel[] = [];
  const seen = new Set<string>();
  for (const [index, row] of json.models.entries()) {
    const model = readModel(row, `models[${index}]`, file);
    const name = `${model.vendor}__${model.model}`;
    if (seen.has(name)) throw malformed(file, undefined, words.repeated(name));
    seen.add(name);
    await stat(join(folder, "answers", model.file)).catch(() => {
      throw malformed(`${id}/answers/${model.file}`, undefined, words.missing());
    });
    models.push(model);
  }
  return { id, folder, name: typeof json.name === "string" ? json.name : id, models };
}

function readModel(row: unknown, where: string, suiteFile: string): SuiteModel {
  const text = (field: "vendor" | "model" | "file"): string => {
    const value = isObject(row) ? row[field] : undefined;
    if (typeof value === "string" && NAME.test(value)) return value;
    throw malformed(suiteFile, undefined, words.wrongField(`${where}.${field}`, '"…"'));
  };
  const file = text("file");
  if (basename(file) !== file) throw malformed(suiteFile, undefined, words.wrongField(`${where}.file`, '"….jsonl"'));
  const raw = isObject(row) ? row.priceUsdPerMillionTokens : undefined;
  const price = raw === undefined ? undefined : readPrice(raw, `${where}.priceUsdPerMillionTokens`, suiteFile);
  return { vendor: text("vendor"), model: text("model"), file, price };
}

const RATES = ["input", "output", "cachedInput", "reasoning"] as const;

function readPrice(raw: unknown, where: string, suiteFile: string): PriceSetting {
  if (!isObject(raw)) throw malformed(suiteFile, undefined, words.wrongField(where, "{…}"));
  const rates: Partial<Record<(typeof RATES)[number], string>> = {};
  for (const name of RATES) {
    if (raw[name] === undefined) continue;
    const rate = spellDecimal(raw[name]);
    if (rate === undefined) throw malformed(suiteFile, undefined, words.wrongField(`${where}.${name}`, "0, 0.15, …"));
    rates[name] = rate;
  }
  const asOf = typeof raw.asOf === "string" ? ` (${raw.asOf})` : "";
  return { currency: "USD", ...rates, source: `suite.json${asOf}` };
}

/** A price as a decimal string: JSON has it as a number, which is spelt here as its writer spelt it. */
function spellDecimal(value: unknown): string | undefined {
  const text = typeof value === "number" ? String(value) : value;
  if (typeof text !== "string") return undefined;
  const plain = /e/i.test(text)
    ? Number(text)
        .toFixed(12)
        .replace(/\.?0+$/, "")
    : text;
  return /^\d{1,9}(\.\d{1,12})?$/.test(plain) ? plain : undefined;
}

/** Reads a whole file of bounded length. @param shown what it is called in an error */
export async function readBounded(path: string, shown: string, mostBytes: number): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) throw malformed(shown, undefined, words.missing());
  if (found.size > mostBytes) throw malformed(shown, undefined, words.tooLarge(mostBytes));
  return readFile(path, "utf8");
}

export function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
