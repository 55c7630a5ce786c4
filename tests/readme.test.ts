import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { VENDORS } from "../src/catalogue/vendors/table.ts";
import { PROJECT } from "./harness/compile.ts";
import { Printed } from "./harness/lines.ts";

/**
 * Every command of both READMEs works as it is printed. Blocks marked `start` start a server; those marked `run` are
 * run one after the other beside it, in one shell, as a reader would. Only the port is another, and `call_….1` stands
 * for the attempt that the reader sees in doubt.
 */
const READMES = ["README.md", "README.zh-CN.md"] as const;

interface Block {
  readonly language: string;
  readonly mark: string;
  readonly text: string;
}

const contentOf = (name: string): string => readFileSync(join(PROJECT, name), "utf8");

function blocksOf(name: string): Block[] {
  const found = contentOf(name).matchAll(/^```(\w*) ?(\w*)\n([\s\S]*?)^```$/gm);
  return [...found].map(([, language, mark, text]) => ({ language: language!, mark: mark!, text: text! }));
}

/** What each `run` block must print, in their order. */
const PRINTED = [
  /x-maidan-model: practice\/echo[\s\S]*"content":"/,
  /0\.\d{9} USD/,
  /✓ Ledger/,
  /practice\/echo · \d+ tokens in, \d+ out · 0\.\d+ USD/,
  /\+ endpoints rehearsal\n\+ routes careful[\s\S]*practice\/echo · /,
  /mk-[\s\S]*team/,
  /team[\s\S]*team-month[\s\S]*Total/,
  /rehearsal\/torn[\s\S]*is settled/,
  /\+ endpoints sim-tencent[\s\S]*sim-gemini\/practice-model · /,
  /office.*true[\s\S]*adds up/,
];

const FIRST_IN_DOUBT = `$(maidan unsettled list --json | node -p 'JSON.parse(fs.readFileSync(0))[0].attempt')`;

/** Instead of installing and building once more, `npm start` is the built program on a free port. */
const NPM = `npm() { shift; if [ "\${1-}" = -- ]; then shift; fi; exec node dist/main.js start --port 0 "$@"; }`;

/** A clone, as far as the commands look at it. */
function makeClone(): string {
  const folder = mkdtempSync(join(tmpdir(), "maidan-readme-"));
  for (const name of ["dist", "examples", "node_modules", "package.json"]) {
    symlinkSync(join(PROJECT, name), join(folder, name));
  }
  return folder;
}

function shell(folder: string, script: string, more: Record<string, string> = {}): [ChildProcess, Printed] {
  const { PATH = "", HOME = "", TMPDIR = "" } = process.env;
  const env = { PATH, HOME, TMPDIR, MAIDAN_LANG: "en", MAIDAN_RECORDED: join(PROJECT, "examples/recorded"), ...more };
  const child = spawn("bash", ["-c", script], { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
  return [child, new Printed(child)];
}

async function start(folder: string, block: Block): Promise<{ address: string; text: string; stop(): Promise<void> }> {
  const [child, printed] = shell(folder, `set -eu\n${NPM}\n${block.text}`);
  const ended = once(child, "exit");
  const stop = async (): Promise<void> => {
    child.kill();
    await ended;
  };
  try {
    const [, address] = await printed.find(/Address +(http:\S+)[\s\S]*curl .*\n/, "Maidan did not start");
    return { address: address!, text: printed.text, stop };
  } catch (cause) {
    await stop();
    throw cause;
  }
}

/** The blocks as one script; each says its number before it begins. */
function scriptOf(blocks: readonly Block[], folder: string, address: string): string {
  const steps = blocks.map(({ language, text }, i) => {
    const here = text.replaceAll("http://127.0.0.1:4000", address).replaceAll("call_….1", FIRST_IN_DOUBT);
    if (language === "sh") return `echo "@@${i}@@"\n${here}`;
    writeFileSync(join(folder, `block-${i}.mjs`), here);
    return `echo "@@${i}@@"\nnode block-${i}.mjs\n`;
  });
  return `set -euo pipefail\nshopt -s expand_aliases\nexec 2>&1\n${steps.join("\n")}`;
}

describe.each(READMES)("%s", (name) => {
  const starts = blocksOf(name).filter(({ mark }) => mark === "start");
  const runs = blocksOf(name).filter(({ mark }) => mark === "run");

  it("its commands do what it says, one after the other", { timeout: 240_000 }, async () => {
    expect(starts[0]!.text).toBe("npm start\n");
    expect(runs).toHaveLength(PRINTED.length);
    const folder = makeClone();
    const server = await start(folder, starts[0]!);
    try {
      const key = /First key +(\S+)/.exec(server.text)![1]!;
      const [child, printed] = shell(folder, scriptOf(runs, folder, server.address), { MAIDAN_KEY: key });
      const [code] = await once(child, "close");
      expect(code, printed.text).toBe(0);
      const parts = printed.text.split(/@@\d+@@\n/).slice(1);
      for (const [i, part] of parts.entries()) expect(part, `block ${i}`).toMatch(PRINTED[i]!);
    } finally {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("its other starts start", { timeout: 120_000 }, async () => {
    expect(starts.length).toBeGreaterThan(1);
    for (const block of starts.slice(1)) {
      const folder = makeClone();
      try {
        const server = await start(folder, block);
        await server.stop();
        expect(server.text).toMatch(/✓ openai +https:\/\/\S+ +\d+ models/);
        expect(server.text).toContain("+ keys team-key");
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }
  });

  it("names every vendor, and every variable that a key is read from", () => {
    const text = contentOf(name);
    const names = VENDORS.flatMap(({ id, environment }) => [id, ...Object.values(environment)]);
    expect(names.filter((one) => !text.includes(`\`${one}\``))).toEqual([]);
  });
});

describe("the two READMEs", () => {
  const levels = (name: string): number[] =>
    [
      ...contentOf(name)
        .replaceAll(/^```[\s\S]*?^```$/gm, "")
        .matchAll(/^(#+) /gm),
    ].map(([, marks]) => marks!.length);
  const tables = (name: string): number => contentOf(name).match(/^\|.*\|$/gm)!.length;

  /** A block without its comments, and with what people read in it left out. */
  const commands = ({ language, mark, text }: Block): string =>
    `${language} ${mark}\n${text
      .replaceAll(/ *#.*$/gm, "")
      .replaceAll(/"([^"\n]*)"/g, (quoted, inner) => (/[ \u4e00-\u9fff]/.test(inner) ? '"…"' : quoted))}`;

  it("have the same sections, tables and commands", () => {
    expect(levels(READMES[1])).toEqual(levels(READMES[0]));
    expect(tables(READMES[1])).toBe(tables(READMES[0]));
    expect(blocksOf(READMES[1]).map(commands)).toEqual(blocksOf(READMES[0]).map(commands));
  });
});
