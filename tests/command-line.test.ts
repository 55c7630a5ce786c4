import { spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PROJECT } from "./harness/compile.ts";
import { type RunningMaidan, startMaidan } from "./harness/maidan.ts";
import { type RunningUpstream, startUpstream } from "./harness/start-upstream.ts";

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs the built program to its end, as a person on the same machine would. */
async function maidan(args: readonly string[], options: { environment?: object; stdin?: string } = {}): Promise<Ran> {
  const { PATH = "", HOME = "" } = process.env;
  const child = spawn(process.execPath, [join(PROJECT, "dist/main.js"), ...args], {
    env: { PATH, HOME, MAIDAN_LANG: "en", ...options.environment },
    cwd: tmpdir(),
    stdio: ["pipe", "pipe", "pipe"],
  });
  let [out, err] = ["", ""];
  child.stdout.on("data", (chunk) => (out += chunk));
  child.stderr.on("data", (chunk) => (err += chunk));
  child.stdin.end(options.stdin ?? "");
  const [code] = (await once(child, "close")) as [number | null];
  return { code, out, err };
}

const settings = (baseUrl: string): string => `
currency: CNY
rates:
  - { from: USD, to: CNY, rate: "7.10", since: 2026-01-01 }
endpoints:
  - id: lab
    protocol: openai
    baseUrl: ${baseUrl}
    credentials: { apiKey: sk-right }
    models:
      - { id: mini, maxOutputTokens: 100, price: { currency: USD, input: "1", output: "2" } }
payers:
  - id: acme
    budgets: [{ id: acme-total, amount: "5.00", currency: USD, window: total }]
`;

describe("the command line and a running server", () => {
  let upstream: RunningUpstream;
  let server: RunningMaidan;
  const run = (...args: string[]) => maidan([...args, "--data", server.dataFolder]);

  beforeAll(async () => {
    upstream = await startUpstream({ models: { mini: { outputTokens: 5, inputTokens: 11 } }, apiKey: "sk-right" });
    server = await startMaidan();
  });
  afterAll(async () => {
    await server.stop();
    await upstream.stop();
  });

  it("applies a file, and a second time changes nothing", async () => {
    const apply = (more: string[] = []) =>
      maidan(["apply", "-", "--data", server.dataFolder, ...more], { stdin: settings(upstream.baseUrl) });
    expect(await apply(["--dry-run"])).toMatchObject({
      code: 0,
      out: expect.stringContaining("+ budgets acme-total\n"),
    });
    expect(await apply()).toMatchObject({ code: 0, out: expect.stringContaining("+ endpoints lab\n") });
    expect(await apply()).toEqual({ code: 0, out: "", err: "Nothing to change.\n" });
  });

  it("makes a key, calls with it, and shows what it cost", async () => {
    const made = await run("key", "create", "--payer", "acme", "--id", "bot");
    const secret = made.out.trim();
    expect(made.code).toBe(0);
    const environment = { MAIDAN_KEY: secret };
    const call = await maidan(["call", "lab/mini", "hello", "--data", server.dataFolder], { environment });
    expect(call.code).toBe(0);
    expect(call.out.trim()).not.toBe("");
    expect(call.err).toMatch(/^lab\/mini · 11 tokens in, 5 out · 0\.000021 USD · call_\w+\n$/);
    const whole = await maidan(["call", "lab/mini", "hello", "--no-stream", "--data", server.dataFolder], {
      environment,
    });
    expect(whole.err).toContain("0.000021 USD");
    expect((await run("usage", "--by", "key,model", "--currency", "CNY")).out).toMatch(
      /^bot +lab\/mini +2 +2 +22 +10 +0\.0002982 +CNY +0$/m,
    );
    expect((await run("budget", "show", "acme-total")).out).toMatch(
      /^acme-total +acme +5\.00 +0\.000042 +0\.00 +4\.999958 /m,
    );
    expect((await run("statement", "acme", "--format", "csv")).out).toContain("lab/mini");
    await run("budget", "set", "acme-total", "--amount", "0.000042");
    const refused = await maidan(["call", "lab/mini", "hello", "--data", server.dataFolder], { environment });
    expect(refused).toMatchObject({ code: 4, out: "", err: expect.stringContaining("acme-total") });
  });

  it("tells each price from where it comes, and computes with it", async () => {
    expect((await run("price", "list")).out).toMatch(/^lab\/mini +USD +1\.00 +– +2\.00 /m);
    expect((await run("price", "compute", "lab/mini", "--input", "11", "--output", "5")).out).toMatch(
      /^0\.000021 USD$/m,
    );
  });

  it("exports what was applied", async () => {
    const { out } = await run("export");
    expect(out).toContain("acme-total");
    expect(out).not.toContain("sk-right");
    expect(await maidan(["apply", "-", "--data", server.dataFolder], { stdin: out })).toMatchObject({
      code: 0,
      out: "",
    });
  });

  it("refuses a second server on the same data", async () => {
    const second = await run("start", "--port", "0");
    expect(second).toMatchObject({ code: 1, err: expect.stringContaining(server.dataFolder) });
  });

  it("speaks to a server elsewhere by its address and the admin key", async () => {
    const far = (...args: string[]) => maidan(["payer", "list", "--url", server.address, ...args]);
    expect((await far("--admin-key", "admin-key-of-the-tests")).out).toContain("acme");
    expect(await far("--admin-key", "another-key-than-that")).toMatchObject({ code: 4, out: "" });
    expect(
      await maidan(["payer", "list", "--url", "http://127.0.0.1:9", "--admin-key", "another-key-than-that"]),
    ).toMatchObject({
      code: 3,
    });
  });
});

describe("maidan doctor", () => {
  it("finds what is wrong, with a server and without one, and says what to do", async () => {
    const upstream = await startUpstream({ models: { mini: {} }, apiKey: "sk-right" });
    const server = await startMaidan();
    const doctor = async () => {
      const { code, out } = await maidan(["doctor", "--json", "--data", server.dataFolder]);
      const { checks } = JSON.parse(out) as { checks: { id: string; state: string; where?: string; do?: string }[] };
      const problems = checks.filter((check) => check.state === "problem");
      for (const problem of problems) expect(problem.do).toBeTruthy();
      return { code, problems: problems.map((problem) => `${problem.id}: ${problem.where}`) };
    };
    try {
      expect(await doctor()).toEqual({ code: 0, problems: [] });
      await server.admin.apply(`
endpoints:
  - { id: locked, protocol: openai, baseUrl: "${upstream.baseUrl}", credentials: { apiKey: sk-wrong }, models: [{ id: mini }] }
  - { id: gone, protocol: openai, baseUrl: "http://127.0.0.1:9/v1", credentials: { apiKey: sk-any } }
`);
      const found = {
        code: 5,
        problems: [
          `endpoint-credential: endpoint locked (${upstream.baseUrl})`,
          "endpoint-reachable: endpoint gone (http://127.0.0.1:9/v1)",
          "price: model locked/mini",
        ],
      };
      expect(await doctor()).toEqual(found);
      await server.ask("/v1/chat/completions", firstKeyIn(server), {
        body: { model: "practice/echo", messages: [{ role: "user", content: "hello" }] },
      });
      // What is asked for is in the tables by then, not in the log alone.
      await server.admin.get("calls?limit=1");
      await server.kill();
      const database = new DatabaseSync(join(server.dataFolder, "maidan.db"));
      database.exec("update entry_rows set amount = amount + 1 where kind = 'settle'");
      database.close();
      const { code, problems } = await doctor();
      expect(code).toBe(5);
      expect(problems).toEqual(expect.arrayContaining(found.problems));
      expect(problems.filter((problem) => problem.startsWith("ledger: "))).not.toEqual([]);
    } finally {
      await server.stop();
      await upstream.stop();
    }
  });
});

function firstKeyIn(server: RunningMaidan): string {
  return /First key +(\S+)/.exec(server.printed.text)![1]!;
}
