import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import { fileWords } from "../base/messages/config.ts";
import type { Path, Position, Problem } from "./problems.ts";
import { type Environment, substitute } from "./variables.ts";

/** With aliases written out. A company of ten thousand people, each with a budget and two keys, has about 200,000. */
const MOST_VALUES = 500_000;
const MOST_LEVELS = 100;

/** A scalar as it was written, beside the value that YAML makes of it. */
export interface WrittenScalar {
  /** The text before variables were replaced. */
  readonly written: string;
  readonly value: string | number | boolean;
  readonly hasVariables: boolean;
}

interface Place {
  readonly field: number | undefined;
  readonly value: number;
  readonly scalar: WrittenScalar | undefined;
}

type Places = Map<string | number, Place>;

/** A YAML document as plain values, and where in the file each of them stands. */
export class WrittenDocument {
  readonly root: unknown;
  readonly #places: WeakMap<object, Places>;
  readonly #lines: LineCounter;

  constructor(root: unknown, places: WeakMap<object, Places>, lines: LineCounter) {
    this.root = root;
    this.#places = places;
    this.#lines = lines;
  }

  /** Where the value stands, or the nearest thing around it that does. @param field at its name rather than its value */
  position(path: Path, field = false): Position {
    let offset = 0;
    let value = this.root;
    for (const [i, step] of path.entries()) {
      const place = isObject(value) ? this.#places.get(value)?.get(step) : undefined;
      if (!place) break;
      offset = field && i === path.length - 1 ? (place.field ?? place.value) : place.value;
      value = (value as Record<string | number, unknown>)[step];
    }
    return positionAt(this.#lines, offset);
  }

  scalar(path: Path): WrittenScalar | undefined {
    const parent = this.value(path.slice(0, -1));
    return isObject(parent) ? this.#places.get(parent)?.get(path.at(-1)!)?.scalar : undefined;
  }

  value(path: Path): unknown {
    let value = this.root;
    for (const step of path) {
      if (!isObject(value) || !Object.hasOwn(value, step)) return undefined;
      value = (value as Record<string | number, unknown>)[step];
    }
    return value;
  }

  /** Puts the text of a scalar in place of what YAML made of it, or the other way round. */
  replace(path: Path, value: string | number | boolean): void {
    const parent = this.value(path.slice(0, -1));
    if (isObject(parent)) (parent as Record<string | number, unknown>)[path.at(-1)!] = value;
  }
}

/**
 * Reads one YAML document, with variables replaced. Problems are syntax, a second document, fields that stand twice,
 * aliases without end, unknown tags and missing variables; with any, `document` must not be used.
 */
export function readYaml(text: string, environment: Environment): { document: WrittenDocument; problems: Problem[] } {
  const lines = new LineCounter();
  const problems: Problem[] = [];
  const reader = new Reader(environment, lines, problems);
  let root: unknown = {};
  try {
    // The reader checks for fields that stand twice itself: the library compares each with every other.
    const parsed = parseDocument(text, {
      lineCounter: lines,
      schema: "core",
      resolveKnownTags: false,
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: "error",
    });
    for (const { code, pos } of [...parsed.errors, ...parsed.warnings].slice(0, 100)) {
      const words = code === "MULTIPLE_DOCS" ? fileWords.manyDocuments() : fileWords.syntax(code);
      problems.push({ text: words, path: [], position: positionAt(lines, pos[0]) });
    }
    if (problems.length === 0 && parsed.contents) root = reader.read(parsed.contents, 0) ?? {};
  } catch (cause) {
    if (cause instanceof RangeError) problems.push({ text: fileWords.tooDeep(MOST_LEVELS), path: [] });
    else if (!(cause instanceof TooMuch)) throw cause;
  }
  return { document: new WrittenDocument(root, reader.places, lines), problems };
}

/** Ends the reading at a bound; the problem has been noted. */
class TooMuch extends Error {}

class Reader {
  readonly places = new WeakMap<object, Places>();
  readonly #environment: Environment;
  readonly #lines: LineCounter;
  readonly #problems: Problem[];
  readonly #anchors = new Map<string, unknown>();
  /** Nodes that are being read, to see an alias that stands inside what it means. */
  readonly #open = new Set<unknown>();
  #values = 0;
  #scalar: WrittenScalar | undefined;

  constructor(environment: Environment, lines: LineCounter, problems: Problem[]) {
    this.#environment = environment;
    this.#lines = lines;
    this.#problems = problems;
  }

  /** The plain value of a node; undefined for null, and where there is a problem. */
  read(node: unknown, level: number): unknown {
    this.#scalar = undefined;
    this.#values += 1;
    if (this.#values > MOST_VALUES) this.#stop(node, fileWords.tooMany(MOST_VALUES));
    if (level > MOST_LEVELS) this.#stop(node, fileWords.tooDeep(MOST_LEVELS));
    if (isAlias(node)) return this.#readAlias(node.source, node, level);
    const anchor = isMap(node) || isSeq(node) || isScalar(node) ? node.anchor : undefined;
    if (anchor !== undefined) this.#anchors.set(anchor, node);
    if (isScalar(node)) return this.#readScalar(node);
    if (!isMap(node) && !isSeq(node)) return undefined;
    this.#open.add(node);
    const value = isMap(node) ? this.#readMap(node, level) : this.#readList(node, level);
    this.#open.delete(node);
    this.#scalar = undefined;
    return value;
  }

  #readAlias(name: string, node: unknown, level: number): unknown {
    const target = this.#anchors.get(name);
    if (target === undefined) this.#problem(node, fileWords.aliasUnknown(name));
    else if (this.#open.has(target)) this.#problem(node, fileWords.aliasCycle(name));
    else return this.read(target, level + 1);
    return undefined;
  }

  #readMap(node: YAMLMap, level: number): object {
    const value: Record<string, unknown> = {};
    const places: Places = new Map();
    this.places.set(value, places);
    for (const pair of node.items) {
      const name = nameOf(pair.key);
      if (name === undefined) {
        this.#problem(pair.key ?? pair.value ?? node, fileWords.badKey());
      } else if (places.has(name)) {
        this.#problem(pair.key, fileWords.duplicateField(name));
      } else {
        const read = this.read(pair.value, level + 1);
        const field = offsetOf(pair.key);
        places.set(name, { field, value: offsetOf(pair.value) ?? field ?? 0, scalar: this.#scalar });
        if (read !== undefined) value[name] = read;
      }
    }
    return value;
  }

  #readList(node: YAMLSeq, level: number): unknown[] {
    const value: unknown[] = [];
    const places: Places = new Map();
    this.places.set(value, places);
    for (const [i, item] of node.items.entries()) {
      value.push(this.read(item, level + 1));
      places.set(i, { field: undefined, value: offsetOf(item) ?? 0, scalar: this.#scalar });
    }
    return value;
  }

  #readScalar(node: Scalar): unknown {
    const { value, source } = node;
    if (value === null || value === undefined) return undefined;
    if (typeof value === "string") {
      const { text, names, missing, malformed } = substitute(value, this.#environment);
      if (malformed) this.#problem(node, fileWords.variableMalformed());
      for (const name of missing) this.#problem(node, fileWords.variableMissing(name));
      this.#scalar = { written: value, value: text, hasVariables: names.length > 0 };
      return text;
    }
    if (typeof value === "number" || typeof value === "boolean") {
      this.#scalar = { written: source ?? String(value), value, hasVariables: false };
      return value;
    }
    this.#problem(node, fileWords.badValue());
    return undefined;
  }

  #problem(node: unknown, text: Problem["text"]): void {
    this.#problems.push({ text, path: [], position: positionAt(this.#lines, offsetOf(node) ?? 0) });
  }

  #stop(node: unknown, text: Problem["text"]): never {
    this.#problem(node, text);
    throw new TooMuch();
  }
}

/** The name of a field, or undefined where it is no plain text. */
function nameOf(key: unknown): string | undefined {
  if (!isScalar(key) || key.value === null || key.value === undefined) return undefined;
  const name = typeof key.value === "string" ? key.value : (key.source ?? String(key.value));
  return name === "__proto__" ? undefined : name;
}

function offsetOf(node: unknown): number | undefined {
  return isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? node.range?.[0] : undefined;
}

function positionAt(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
