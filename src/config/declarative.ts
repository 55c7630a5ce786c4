import type { Text } from "../base/language.ts";
import { DEFAULT_LIMITS } from "../base/limits.ts";
import { checkWords, fileWords } from "../base/messages/config.ts";
import type { Seal } from "./credentials.ts";
import { keepEndpoint, keepKey } from "./documents.ts";
import { fileSchema, type WrittenFile, type WrittenPayer } from "./file-schema.ts";
import { type Path, type Problem, refusal } from "./problems.ts";
import type {
  BudgetSetting,
  DocumentKind,
  DocumentOf,
  EndpointSetting,
  GeneralSetting,
  KeySetting,
  PayerSetting,
  Settings,
} from "./settings.ts";
import { GENERAL_ID, idOf, NO_SETTINGS } from "./settings.ts";
import { shapeProblems } from "./shape.ts";
import type { Environment } from "./variables.ts";
import { readYaml, type WrittenDocument } from "./yaml.ts";

export interface FileOptions {
  readonly environment: Environment;
  readonly seal: Seal;
  /** What the file is called in errors. */
  readonly name?: string | undefined;
  /** `limits.fileBytes` in force. */
  readonly fileBytes?: number | undefined;
}

/** What a declarative file says, and where it says it. */
export interface DeclarativeFile {
  /** Only what stands in the file; `general` is filled up with defaults. */
  readonly settings: Settings;
  readonly hasGeneral: boolean;
  readonly warnings: readonly Problem[];
  /** Puts problems found later on their lines; those of documents that are not in the file stay without one. */
  place(kind: DocumentKind, id: string, problem: Problem): Problem;
  readonly name: Text;
}

/**
 * Reads a declarative file. Throws one `invalid_request` fault that lists every problem of its syntax, its fields and
 * its formats, each with line and column. What settings say of each other is checked later, by `checkSettings`, since
 * the other end may be in the store and not in the file.
 */
export function readDeclarative(text: string, options: FileOptions): DeclarativeFile {
  const given = options.name;
  const name = given === undefined ? fileWords.theFile() : () => given;
  const bytes = Buffer.byteLength(text);
  const most = options.fileBytes ?? DEFAULT_LIMITS.fileBytes;
  if (bytes > most) throw refusal(name, [{ text: fileWords.tooLarge(bytes, most), path: [] }], "body_too_large");

  const { document, problems } = readYaml(text, options.environment);
  if (problems.length > 0) throw refusal(name, problems);
  const { root } = document;
  if (typeof root !== "object" || root === null || Array.isArray(root)) {
    throw refusal(name, [{ text: fileWords.notAMapping(), path: [], position: { line: 1, column: 1 } }]);
  }
  const written = readShape(document, name);
  const file = new Flattened(document, options.seal);
  file.add(written);
  if (file.problems.length > 0) throw refusal(name, file.problems);
  return { ...file.result(written), name };
}

/** Checks the shape, taking scalars as they were written where a text is expected: `amount: 0.10` means "0.10". */
function readShape(document: WrittenDocument, name: Text): WrittenFile {
  const first = fileSchema.safeParse(document.root);
  if (first.success) return first.data;
  let mended = false;
  for (const issue of first.error.issues) {
    if (issue.code !== "invalid_type") continue;
    const path = issue.path as Path;
    const scalar = document.scalar(path);
    const value = scalar && mend(issue.expected, scalar.value, scalar.written, scalar.hasVariables);
    if (value === undefined) continue;
    document.replace(path, value);
    mended = true;
  }
  const { data, error } = mended ? fileSchema.safeParse(document.root) : first;
  if (!error) return data as WrittenFile;
  const isHidden = (path: Path) => document.scalar(path)?.hasVariables === true;
  const problems = shapeProblems(error.issues, fileSchema, document.root, isHidden);
  throw refusal(
    name,
    problems.map((problem) => ({ ...problem, position: document.position(problem.path, true) })),
  );
}

function mend(
  expected: string,
  value: unknown,
  written: string,
  hasVariables: boolean,
): string | number | boolean | undefined {
  if (expected === "string" && typeof value === "number") return written;
  if (!hasVariables || typeof value !== "string") return undefined; // the value of a variable is always a text
  if (expected === "boolean" && (value === "true" || value === "false")) return value === "true";
  if ((expected === "number" || expected === "int") && /^-?\d{1,15}(\.\d{1,15})?$/.test(value)) return Number(value);
  return undefined;
}

/** Flattens the tree of payers, keeps secrets sealed or hashed, and remembers where each document stands. */
class Flattened {
  readonly problems: Problem[] = [];
  readonly #document: WrittenDocument;
  readonly #seal: Seal;
  readonly #warnings: Problem[] = [];
  readonly #paths = new Map<string, Path>();
  readonly #endpoints: EndpointSetting[] = [];
  readonly #payers: PayerSetting[] = [];
  readonly #budgets: BudgetSetting[] = [];
  readonly #keys: KeySetting[] = [];

  constructor(document: WrittenDocument, seal: Seal) {
    this.#document = document;
    this.#seal = seal;
  }

  add(written: WrittenFile): void {
    for (const kind of ["rates", "vendors", "prices", "routes"] as const) {
      for (const [i, document] of (written[kind] ?? []).entries()) this.#enter(kind, document as never, [kind, i]);
    }
    for (const [i, endpoint] of (written.endpoints ?? []).entries()) {
      const path = ["endpoints", i];
      const credentials = Object.keys(endpoint.credentials ?? {}).map((name) => {
        const place = [...path, "credentials", name];
        return [name, this.#document.scalar(place)?.written ?? ""] as const;
      });
      const kept = keepEndpoint(endpoint, Object.fromEntries(credentials), this.#seal);
      this.#endpoints.push(kept.endpoint);
      this.#enter("endpoints", kept.endpoint, path);
      for (const problem of kept.problems) this.problems.push(this.#at(path, problem));
    }
    for (const [i, payer] of (written.payers ?? []).entries()) this.#addPayer(payer, undefined, ["payers", i]);
    this.#paths.set(`general ${GENERAL_ID}`, []);
  }

  #addPayer(written: WrittenPayer, above: string | undefined, path: Path): void {
    const { budgets = [], keys = [], payers = [], ...payer } = written;
    const { id } = payer;
    if (above !== undefined && payer.parent !== undefined && payer.parent !== above) {
      this.problems.push(this.#at(path, { text: checkWords.nestedParent(id, above), path: ["parent"] }));
    }
    const parent = above ?? payer.parent;
    const flat: PayerSetting = parent === undefined ? payer : { ...payer, parent };
    this.#payers.push(flat);
    this.#enter("payers", flat, path);
    for (const [i, budget] of budgets.entries()) {
      const flatBudget: BudgetSetting = { ...budget, payer: id };
      this.#budgets.push(flatBudget);
      this.#enter("budgets", flatBudget, [...path, "budgets", i]);
    }
    for (const [i, { created, expires, revoked, ...key }] of keys.entries()) {
      const place = [...path, "keys", i];
      const kept = keepKey({
        ...key,
        payer: id,
        ...(created === undefined ? {} : { createdAt: created }),
        ...(expires === undefined ? {} : { expiresAt: expires }),
        ...(revoked === undefined ? {} : { revokedAt: revoked }),
      });
      this.#keys.push(kept.key);
      this.#enter("keys", kept.key, place);
      for (const problem of kept.problems) this.problems.push(this.#at(place, problem));
      for (const warning of kept.warnings) this.#warnings.push(this.#at(place, warning));
    }
    for (const [i, child] of payers.entries()) this.#addPayer(child, id, [...path, "payers", i]);
  }

  #enter<K extends DocumentKind>(kind: K, document: DocumentOf<K>, path: Path): void {
    const name = `${kind} ${idOf(kind, document)}`;
    if (this.#paths.has(name)) {
      const text = checkWords.duplicate(kind, idOf(kind, document));
      this.problems.push(this.#at(path, { text, path: ["id"] }));
    }
    this.#paths.set(name, path);
  }

  #at(base: Path, problem: Problem): Problem {
    const path = [...base, ...problem.path];
    return { ...problem, path, position: this.#document.position(path) };
  }

  result(written: WrittenFile): Omit<DeclarativeFile, "name"> {
    const { currency, limits, rates = [], vendors = [], prices = [], routes = [] } = written;
    const general: GeneralSetting = {
      currency: currency ?? NO_SETTINGS.general.currency,
      ...(limits === undefined ? {} : { limits }),
    };
    return {
      settings: {
        general,
        rates,
        vendors,
        endpoints: this.#endpoints,
        prices,
        routes,
        payers: this.#payers,
        budgets: this.#budgets,
        keys: this.#keys,
      },
      hasGeneral: currency !== undefined || limits !== undefined,
      warnings: this.#warnings,
      place: (kind, id, problem) => {
        const base = this.#paths.get(`${kind} ${id}`);
        return base ? this.#at(base, problem) : problem;
      },
    };
  }
}
