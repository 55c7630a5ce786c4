import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, test } from "vitest";

/** The house (docs/architecture.md): a folder imports only from folders of a lower rank, and from itself. */
const RANKS: Record<string, number> = {
  base: 0,
  stats: 0,
  plots: 1,
  config: 1,
  store: 2,
  vendors: 2,
  catalogue: 3,
  payers: 3,
  ledger: 3,
  screening: 3,
  records: 3,
  simulators: 3,
  admission: 4,
  routing: 4,
  call: 5,
  judges: 6,
  knowledge: 6,
  feedback: 6,
  trust: 7,
  trials: 7,
  arena: 7,
  reports: 8,
  control: 8,
  http: 9,
  cli: 10,
  "main.ts": 11,
};

const LONGEST_FILE = 400;
const LONGEST_FUNCTION = 80;
const BANNED_NAMES = /^(utils?|helpers?|shared|common|misc|managers?|data|info)\d*$/i;

const root = resolve(import.meta.dirname, "..");
const src = join(root, "src");

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}

const sources = filesBelow(src).filter((path) => path.endsWith(".ts"));
const product = sources.filter((path) => !/\.(test|suite)\.ts$/.test(path));
const text = new Map(sources.map((path) => [path, readFileSync(path, "utf8")]));
const place = (path: string): string => relative(src, path).split("/")[0]!;
const imports = (path: string): string[] =>
  [...text.get(path)!.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)].map((match) =>
    resolve(dirname(path), match[1]!),
  );

describe("the house", () => {
  test("every folder has a rank", () => {
    expect(readdirSync(src).filter((name) => RANKS[name] === undefined)).toEqual([]);
  });

  test("a folder imports only from lower ranks, never from its own", () => {
    const wrong: string[] = [];
    for (const path of product) {
      for (const target of imports(path)) {
        const [from, to] = [place(path), place(target)];
        if (from !== to && RANKS[to]! >= RANKS[from]!)
          wrong.push(`${relative(root, path)} → ${relative(root, target)}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test("vendors know only base and each other", () => {
    const strangers = product
      .filter((path) => place(path) === "vendors")
      .flatMap((path) => imports(path).map(place))
      .filter((to) => !["vendors", "base", "config"].includes(to));
    expect(strangers).toEqual([]);
  });

  test("no import runs in a circle", () => {
    const circles: string[] = [];
    const state = new Map<string, "open" | "done">();
    const visit = (path: string, trail: string[]): void => {
      if (state.get(path) === "done" || !text.has(path)) return;
      if (state.get(path) === "open") {
        circles.push([...trail.slice(trail.indexOf(path)), path].map((step) => relative(src, step)).join(" → "));
        return;
      }
      state.set(path, "open");
      for (const target of valueImports(path)) visit(target, [...trail, path]);
      state.set(path, "done");
    };
    for (const path of product) visit(path, []);
    expect(circles).toEqual([]);
  });
});

/** Imports that remain in the built program: `import type` does not. */
function valueImports(path: string): string[] {
  const statements = text.get(path)!.matchAll(/^(?:import|export)\s+(?!type\b)[^;]*?from\s+"(\.[^"]+)"/gm);
  return [...statements].map((match) => resolve(dirname(path), match[1]!));
}

describe("the style", () => {
  test(`a file has at most ${LONGEST_FILE} lines`, () => {
    const long = product.map((path) => [relative(root, path), text.get(path)!.split("\n").length] as const);
    expect(long.filter(([, lines]) => lines > LONGEST_FILE)).toEqual([]);
  });

  test(`a function has at most ${LONGEST_FUNCTION} lines`, () => {
    expect(product.flatMap(longFunctions)).toEqual([]);
  });

  test("no drawer for odds and ends", () => {
    const names = product.flatMap((path) => relative(src, path).replace(/\.ts$/, "").split("/"));
    expect(names.filter((name) => BANNED_NAMES.test(name))).toEqual([]);
  });

  test("nobody writes to the console but the command line", () => {
    const noisy = product.filter((path) => place(path) !== "cli" && /\bconsole\.\w+\(/.test(text.get(path)!));
    expect(noisy.map((path) => relative(root, path))).toEqual([]);
  });

  test("messages stand in both languages: the Chinese ones hold Chinese", () => {
    const areas = product.filter((path) => path.includes("/base/messages/"));
    expect(areas.length).toBeGreaterThan(3);
    for (const path of areas)
      expect(text.get(path), relative(root, path)).toMatch(/translations\([\s\S]*[\u4e00-\u9fff]/);
  });
});

/** Functions and methods by indentation, as the formatter lays them out. Declarations of data are no functions. */
function longFunctions(path: string): string[] {
  const lines = text.get(path)!.split("\n");
  const found: string[] = [];
  for (let start = 0; start < lines.length; start++) {
    const head =
      /^(\s*)(?:export )?(?:default )?(?:static )?(?:async )?(?:function\*? \w+|(?:get |set )?#?\w+)(?:<[^>]*>)?\(.*\{$/.exec(
        lines[start]!,
      );
    if (!head || /^\s*(?:if|for|while|switch|catch|describe|test|return)\b/.test(lines[start]!)) continue;
    const end = lines.findIndex((line, index) => index > start && line.startsWith(`${head[1]}}`));
    if (end - start + 1 > LONGEST_FUNCTION)
      found.push(`${relative(root, path)}:${start + 1} (${end - start + 1} lines)`);
  }
  return found;
}

describe("dependencies", () => {
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const names = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });

  test("each has its reason in docs/decisions/dependencies.md, and no other is there", () => {
    const reasons = readFileSync(join(root, "docs/decisions/dependencies.md"), "utf8");
    const listed = [...reasons.matchAll(/^\| `([^`]+)` *\|/gm)].map((match) => match[1]!);
    expect(listed.sort()).toEqual(names.sort());
  });

  test("each is pinned to an exact version", () => {
    const versions = Object.values({ ...manifest.dependencies, ...manifest.devDependencies }) as string[];
    expect(versions.filter((version) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
  });

  test("every package that the product imports is a dependency", () => {
    const imported = product.flatMap((path) =>
      [...text.get(path)!.matchAll(/from "((?:@[^/"]+\/)?[^./"][^/"]*)/g)].map((match) => match[1]!),
    );
    const outside = [...new Set(imported)].filter((name) => !name.startsWith("node:"));
    expect(outside.filter((name) => !(name in manifest.dependencies))).toEqual([]);
  });
});
