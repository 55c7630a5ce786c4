import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable, Writable } from "node:stream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Fault } from "../base/faults.ts";
import { runCli } from "./run-cli.ts";
import type { CliDependencies, StartedServer, StartOptions } from "./spec.ts";

interface Heard {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

interface Reply {
  readonly status?: number;
  readonly type?: string;
  readonly headers?: Record<string, string>;
  readonly body: unknown;
}

/** A server that answers what a test says, on a socket in a data folder or on a port. */
class Gateway {
  readonly heard: Heard[] = [];
  readonly replies = new Map<string, Reply | ((heard: Heard) => Reply)>();
  readonly server: Server;

  constructor() {
    this.server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const body = Buffer.concat(chunks).toString();
      const heard: Heard = { method: request.method!, url: request.url!, headers: request.headers, body };
      this.heard.push(heard);
      const path = heard.url.split("?")[0]!;
      const found = this.replies.get(`${heard.method} ${path}`);
      const reply = typeof found === "function" ? found(heard) : found;
      const { status = 200, type = "application/json", headers = {}, body: answer } = reply ?? notFound(path);
      response.writeHead(status, { "content-type": type, ...headers });
      response.end(typeof answer === "string" ? answer : JSON.stringify(answer));
    });
  }

  on(route: string, reply: Reply | ((heard: Heard) => Reply)): void {
    this.replies.set(route, reply);
  }

  async listen(where: string | number): Promise<string> {
    await new Promise<void>((resolve) =>
      this.server.listen(where, ...((typeof where === "number" ? ["127.0.0.1"] : []) as []), resolve),
    );
    return typeof where === "number" ? `http://127.0.0.1:${(this.server.address() as AddressInfo).port}` : where;
  }

  get last(): Heard {
    return this.heard.at(-1)!;
  }
}

const notFound = (path: string): Reply => ({
  status: 404,
  headers: { "x-maidan-origin": "gateway" },
  body: { error: { message: `no ${path}`, type: "invalid_request_error", param: null, code: "not_found" } },
});

const list = (...items: unknown[]): Reply => ({ body: { items, next: null } });

let folder: string;
let gateway: Gateway;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "maidan-cli-"));
  gateway = new Gateway();
  await gateway.listen(join(folder, "control.sock"));
});

afterEach(async () => {
  gateway.server.closeAllConnections();
  await new Promise((resolve) => gateway.server.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

class Captured extends Writable {
  text = "";
  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

interface Options {
  readonly environment?: Record<string, string>;
  readonly stdin?: string;
  readonly terminal?: boolean;
  readonly more?: Partial<CliDependencies>;
}

async function run(command: string | string[], options: Options = {}) {
  const [stdout, stderr] = [new Captured(), new Captured()];
  const code = await runCli(typeof command === "string" ? command.split(" ") : command, {
    version: "1.2.3",
    environment: { MAIDAN_DATA: folder, MAIDAN_LANG: "en", ...options.environment },
    stdin: Readable.from([Buffer.from(options.stdin ?? "")]),
    stdout,
    stderr,
    isTerminal: options.terminal ?? false,
    startServer: () => Promise.reject(new Error("not in this test")),
    startWorkers: () => Promise.reject(new Error("not in this test")),
    openInProcess: () => Promise.reject(new Error("not in this test")),
    ...options.more,
  });
  return { code, out: stdout.text, err: stderr.text };
}

describe("how a command is written", () => {
  test.each([
    ["strat", 2, 'Did you mean "start"?'],
    ["key lst", 2, '"maidan key" has no "lst". Did you mean "list"?'],
    ["usage --curency CNY", 2, 'There is no option "--curency". Did you mean "--currency"?'],
    ["usage --jsn", 2, 'Did you mean "--json"'],
    ["apply", 2, "<file> is missing"],
    ["key create", 2, '"--payer <id>" is required'],
    ["key create --payer", 2, '"--payer <id>" needs a value'],
    ["key create --payer a --rpm many", 2, "Give a whole number from 1"],
    ["key create --payer a --expires soon", 2, "Give a day"],
    ["budget set b --amount 1e3", 2, "Give a decimal"],
    ["budget set b --window fortnight", 2, "fortnight"],
    ["export one two", 2, "Too many arguments"],
    ["unsettled resolve a.1 --release --cost 1 --reason x", 2, "exclude each other"],
    ["usage --lang fr", 2, "Give zh or en"],
    ["usage --url nowhere", 2, "Give an http(s) address"],
  ])("maidan %s", async (command, code, message) => {
    const result = await run(command);
    expect(result.err).toContain(message);
    expect(result).toMatchObject({ code, out: "" });
    expect(gateway.heard).toEqual([]);
  });

  test("errors and help speak Chinese where asked to", async () => {
    const wrong = await run("kye --lang zh");
    expect(wrong.err).toMatch(/^错误：“maidan”没有“kye”。您是否想用 “key”？/);
    const help = await run("--help --lang=zh");
    expect(help).toMatchObject({ code: 0, err: "" });
    expect(help.out).toContain("用法：");
    expect(help.out).toContain("检查安装状况");
    expect(help.out).not.toMatch(/Options:|Commands:|display help/);
  });

  test("without a verb the help is shown, and it is an error", async () => {
    const result = await run([]);
    expect(result).toMatchObject({ code: 2, out: "" });
    expect(result.err).toContain("Usage: maidan");
    for (const verb of "start apply export call key payer budget catalogue price usage statement unsettled doctor".split(
      " ",
    ))
      expect(result.err).toMatch(new RegExp(`^  ${verb} `, "m"));
  });

  test("the version is the result", async () => {
    expect(await run("--version")).toEqual({ code: 0, out: "1.2.3\n", err: "" });
  });

  test("an environment variable that is wrong is named", async () => {
    const result = await run("usage", { environment: { MAIDAN_PORT: "http" } });
    expect(result.code).toBe(2);
    expect(result.err).toContain("MAIDAN_PORT");
  });
});

describe("which server is used", () => {
  test("the socket in the data folder, without a key", async () => {
    gateway.on("GET /api/v1/payers", list());
    expect((await run("payer list --json")).out).toBe("[]\n");
    expect(gateway.last.headers.authorization).toBeUndefined();
    expect(gateway.last.headers["accept-language"]).toBe("en");
  });

  test("--url beats the socket, and needs the admin key", async () => {
    const other = new Gateway();
    const url = await other.listen(0);
    other.on("GET /api/v1/payers", list({ id: "far" }));
    expect(await run(`payer list --url ${url}`)).toMatchObject({
      code: 2,
      err: expect.stringContaining("MAIDAN_ADMIN_KEY"),
    });
    const result = await run(`payer list --url ${url}/ --admin-key the-key-of-admin`);
    expect(result).toEqual({ code: 0, out: "far\n", err: "" });
    expect(other.last.headers.authorization).toBe("Bearer the-key-of-admin");
    expect(gateway.heard).toEqual([]);
    other.server.close();
  });

  test("MAIDAN_URL beats a folder that nobody named, but not one that was", async () => {
    const other = new Gateway();
    const url = await other.listen(0);
    const environment = { MAIDAN_URL: url, MAIDAN_ADMIN_KEY: "the-key-of-admin" };
    for (const one of [gateway, other]) one.on("GET /api/v1/payers", list());
    await run("payer list", { environment });
    expect([gateway.heard.length, other.heard.length]).toEqual([1, 0]);
    const [stdout, stderr] = [new Captured(), new Captured()];
    const streams = { stdin: Readable.from([]), stdout, stderr, isTerminal: false, version: "1" };
    const never = () => Promise.reject(new Error("not in this test"));
    await runCli(["payer", "list"], {
      ...streams,
      environment,
      startServer: never,
      startWorkers: never,
      openInProcess: never,
    });
    expect([gateway.heard.length, other.heard.length]).toEqual([1, 1]);
    other.server.close();
  });

  test("the data folder itself, where no server runs", async () => {
    const idle = join(folder, "idle");
    mkdirSync(idle);
    const asked: string[] = [];
    let closed = false;
    const openInProcess = async (data: string) => ({
      fetch: async (request: Request) => {
        asked.push(`${data === idle} ${request.method} ${new URL(request.url).pathname} ${await request.text()}`);
        return Response.json({ changes: [], applied: true });
      },
      close: async () => {
        closed = true;
      },
    });
    const result = await run(["apply", "-", "--data", idle], { stdin: "currency: CNY\n", more: { openInProcess } });
    expect(result).toMatchObject({ code: 0, err: "Nothing to change.\n" });
    expect(asked).toEqual(["true POST /api/v1/apply currency: CNY\n"]);
    expect(closed).toBe(true);
  });

  test("nothing is created by looking, and a locked folder is told", async () => {
    const missing = await run(["usage", "--data", join(folder, "missing")]);
    expect(missing).toMatchObject({ code: 3, err: expect.stringContaining("there is no data folder") });
    const idle = join(folder, "idle");
    mkdirSync(idle);
    const locked = () => Promise.reject(new Fault("conflict", () => "another process holds it"));
    const result = await run(["usage", "--data", idle], { more: { openInProcess: locked } });
    expect(result).toMatchObject({ code: 3, err: "error: another process holds it\n" });
  });

  test("a socket left behind by a crash is not taken for a server", async () => {
    const dead = join(folder, "dead");
    mkdirSync(dead);
    const left = new Gateway();
    await left.listen(join(dead, "alive.sock"));
    renameSync(join(dead, "alive.sock"), join(dead, "control.sock")); // closing would remove it
    await new Promise((resolve) => left.server.close(resolve));
    expect(existsSync(join(dead, "control.sock"))).toBe(true);
    let opened = 0;
    const openInProcess = async () => {
      opened++;
      return { fetch: () => Response.json({ items: [], next: null }), close: async () => {} };
    };
    expect((await run(["payer", "list", "--data", dead], { more: { openInProcess } })).code).toBe(0);
    expect(opened).toBe(1);
  });

  test("a server that does not answer is told apart from one that refuses", async () => {
    const closed = new Gateway();
    const url = await closed.listen(0);
    await new Promise((resolve) => closed.server.close(resolve));
    const gone = await run(`usage --url ${url} --admin-key 0123456789abcdef`);
    expect(gone).toMatchObject({ code: 3, err: expect.stringContaining("cannot be reached (ECONNREFUSED)") });
    gateway.on("GET /api/v1/usage", {
      status: 401,
      headers: { "x-maidan-origin": "gateway" },
      body: { error: { message: "wrong key", code: "invalid_api_key" } },
    });
    expect(await run("usage")).toMatchObject({ code: 4, err: expect.stringContaining("wrong key (MAIDAN_ADMIN_KEY") });
    gateway.on("GET /api/v1/usage", { type: "text/html", body: "<html>a proxy</html>" });
    expect(await run("usage")).toMatchObject({ code: 1, err: expect.stringContaining("none of Maidan's") });
  });
});

describe("apply and export", () => {
  const changes = [
    { action: "add", kind: "payers", id: "acme" },
    { action: "change", kind: "budgets", id: "acme-month", fields: ["amount", "currency"] },
    { action: "remove", kind: "routes", id: "old" },
  ];

  test("what changed is the result, the sum is a note", async () => {
    gateway.on("POST /api/v1/apply", {
      body: { changes, applied: true, warnings: [{ message: "a rate is missing", field: "rates", line: 7 }] },
    });
    const file = join(folder, "file.yaml");
    writeFileSync(file, "payers:\n  - id: acme\n");
    const result = await run(["apply", file]);
    expect(result.out).toBe("+ payers acme\n~ budgets acme-month (amount, currency)\n- routes old\n");
    expect(result.err).toBe("warning: line 7: a rate is missing\n1 added, 1 changed, 1 removed.\n");
    expect(gateway.last).toMatchObject({
      method: "POST",
      url: "/api/v1/apply?name=file.yaml",
      body: "payers:\n  - id: acme\n",
    });
    expect(gateway.last.headers["content-type"]).toBe("application/yaml");
  });

  test("a dry run says so", async () => {
    gateway.on("POST /api/v1/apply", { body: { changes, applied: false } });
    const result = await run("apply - --dry-run --lang zh");
    expect(gateway.last.url).toBe("/api/v1/apply?dryRun=true");
    expect(result.err).toBe("新增 1 项，更改 1 项，移除 1 项。（试运行：未执行。）\n");
  });

  test("a file that is wrong is refused in the gateway's words; a missing one is not sent", async () => {
    const message = 'line 3: unknown field "budgts"';
    gateway.on("POST /api/v1/apply", { status: 400, body: { error: { message, code: "invalid_request" } } });
    expect(await run("apply -")).toEqual({ code: 4, out: "", err: `error: ${message}\n` });
    const asJson = await run("apply - --json");
    expect(JSON.parse(asJson.err)).toEqual({ error: { message, code: "invalid_request" } });
    expect(await run("apply /nowhere.yaml")).toMatchObject({ code: 1, err: expect.stringContaining("ENOENT") });
    expect(gateway.heard).toHaveLength(2);
  });

  test("export writes the YAML as it is; to a file that only its owner reads", async () => {
    gateway.on("GET /api/v1/export", { type: "application/yaml", body: "currency: CNY\n" });
    expect(await run("export")).toEqual({ code: 0, out: "currency: CNY\n", err: "" });
    const file = join(folder, "out.yaml");
    expect(await run(["export", "-o", file])).toMatchObject({ code: 0, out: "" });
    expect(readFileSync(file, "utf8")).toBe("currency: CNY\n");
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });
});

describe("keys, payers, budgets", () => {
  test("the secret of a new key is the only result", async () => {
    gateway.on("POST /api/v1/keys", { status: 201, body: { id: "bot", payer: "acme", secret: "sk-new" } });
    const result = await run("key create --payer acme --id bot --routes mini,lab/* --rpm 60 --expires 2099-01-01");
    expect(result).toMatchObject({ code: 0, out: "sk-new\n" });
    expect(JSON.parse(gateway.last.body)).toEqual({
      id: "bot",
      payer: "acme",
      expiresAt: "2099-01-01",
      routes: ["mini", "lab/*"],
      limits: { rpm: 60 },
    });
  });

  test("a span from now becomes an instant", async () => {
    gateway.on("POST /api/v1/keys", { body: { id: "bot", secret: "sk-new" } });
    const before = Date.now();
    await run("key create --payer acme --expires 30d");
    const at = Date.parse(JSON.parse(gateway.last.body).expiresAt);
    expect(at).toBeGreaterThanOrEqual(before + 30 * 86_400_000);
    expect(at).toBeLessThanOrEqual(Date.now() + 30 * 86_400_000);
  });

  test("keys are listed with their state", async () => {
    gateway.on(
      "GET /api/v1/keys",
      list(
        { id: "a", payer: "acme", state: "active", routes: ["mini", "big"] },
        { id: "b", payer: "acme", state: "revoked", routes: null },
        { id: "c", payer: "acme", state: "expired", expiresAt: "2020-01-01T00:00:00Z" },
      ),
    );
    const { out } = await run("key list --payer acme");
    expect(gateway.last.url).toContain("payer=acme");
    expect(
      out.split("\n").map((line) =>
        line
          .split(/\s{2,}/)
          .slice(0, 3)
          .join("|"),
      ),
    ).toEqual(["Key|Payer|State", "───|─────|───────", "a|acme|active", "b|acme|revoked", "c|acme|expired", ""]);
  });

  test("what cannot be undone asks first, and does nothing where nobody can be asked", async () => {
    gateway.on("DELETE /api/v1/keys/bot", { body: { id: "bot", revokedAt: "now" } });
    expect(await run("key revoke bot")).toMatchObject({ code: 2, err: expect.stringContaining("add --yes") });
    expect(await run("key revoke bot --no-input", { terminal: true })).toMatchObject({ code: 2 });
    expect(await run("key revoke bot", { terminal: true, stdin: "n\n" })).toMatchObject({ code: 1 });
    expect(gateway.heard).toEqual([]);
    expect(await run("key revoke bot", { terminal: true, stdin: "y\n" })).toMatchObject({ code: 0 });
    expect(await run("key revoke bot --yes")).toMatchObject({ code: 0, err: "Key bot is revoked.\n" });
    expect(gateway.heard.map((heard) => heard.method)).toEqual(["DELETE", "DELETE"]);
  });

  test("payers are a tree, names in the person's language", async () => {
    const rows = [
      { id: "acme", name: { zh: "集团", en: "Group" }, parent: null },
      { id: "sales", parent: "acme" },
      { id: "support", name: "Support", parent: "acme" },
      { id: "bot", parent: "support" },
      { id: "lost", parent: "nobody" },
    ];
    gateway.on("GET /api/v1/payers", list(...rows));
    expect((await run("payer list --lang zh")).out).toBe(
      "acme  集团\n├─ sales\n└─ support  Support\n   └─ bot\nlost\n",
    );
  });

  test("a list is read page by page", async () => {
    gateway.on("GET /api/v1/payers", ({ url }) => {
      const cursor = new URL(url, "http://x").searchParams.get("cursor");
      return { body: cursor === "2" ? { items: [{ id: "b" }], next: null } : { items: [{ id: "a" }], next: "2" } };
    });
    expect((await run("payer list")).out).toBe("a\nb\n");
  });

  test("a payer with its budgets and keys", async () => {
    gateway.on("GET /api/v1/payers/acme", { body: { id: "acme", limits: { rpm: 5 } } });
    gateway.on("GET /api/v1/budgets", list(budget));
    gateway.on("GET /api/v1/keys", list({ id: "k1" }, { id: "k2" }));
    const { out } = await run("payer show acme");
    expect(out).toContain('Limits: {"rpm":5}');
    expect(out).toContain("Keys: k1, k2");
    expect(out).toContain("acme-month");
    expect(await run("payer show nobody")).toMatchObject({ code: 4, err: "error: no /api/v1/payers/nobody\n" });
  });

  test("payers are added and removed", async () => {
    gateway.on("POST /api/v1/payers", { body: { id: "new" } });
    await run(["payer", "add", "new", "--parent", "acme", "--name", "New", "--name-zh", "新"]);
    expect(JSON.parse(gateway.last.body)).toEqual({ id: "new", parent: "acme", name: { zh: "新", en: "New" } });
    gateway.on("DELETE /api/v1/payers/new", {
      status: 409,
      body: { error: { message: "has keys", code: "conflict" } },
    });
    expect(await run("payer remove new -y")).toEqual({ code: 4, out: "", err: "error: has keys\n" });
  });

  const budget = {
    id: "acme-month",
    payer: "acme",
    limit: "20000",
    currency: "CNY",
    settled: "1.000000001",
    held: "0",
    left: "19998.999999999",
    window: "month",
    resetsAt: "2026-12-01T00:00:00+08:00",
    kind: "hard",
  };

  test("budgets stand with their points under each other, aligned by what is seen", async () => {
    gateway.on(
      "GET /api/v1/budgets",
      list(budget, { ...budget, id: "预算甲", limit: "5.5", kind: "soft", window: "total" }),
    );
    const { out } = await run("budget list --lang zh");
    const [head, , first, second] = out.split("\n");
    expect(head).toMatch(/^预算 +付款方 +额度 +已结算/);
    expect(first).toMatch(/^acme-month {2}acme {4}20000\.00 {2}/);
    expect(second).toMatch(/^预算甲 {6}acme {8}5\.50 {2}/);
    expect(second).toContain("软性");
  });

  test("set creates with all it needs, and changes with what is given", async () => {
    expect(await run("budget set b --amount 5")).toMatchObject({
      code: 2,
      err: expect.stringContaining("add --payer, --currency, --window"),
    });
    gateway.on("POST /api/v1/budgets", { body: budget });
    await run("budget set b --payer acme --amount 5.00 --currency USD --window total");
    expect(JSON.parse(gateway.last.body)).toEqual({
      id: "b",
      payer: "acme",
      amount: "5.00",
      currency: "USD",
      window: "total",
    });
    gateway.on("GET /api/v1/budgets/b", { body: budget });
    gateway.on("PATCH /api/v1/budgets/b", { body: budget });
    expect(await run("budget set b --amount 6")).toMatchObject({ code: 0, err: "Budget b is changed.\n" });
    expect(gateway.last).toMatchObject({ method: "PATCH", body: '{"amount":"6"}' });
    expect(await run("budget set b --payer other")).toMatchObject({
      code: 2,
      err: expect.stringContaining("belongs to acme"),
    });
    await run("budget set b --payer acme --kind soft");
    expect(gateway.last.body).toBe('{"kind":"soft"}');
  });
});

describe("prices, usage, statements", () => {
  test("a cost is computed line by line", async () => {
    const lines = [{ class: "input", quantity: 1000, unitPrice: "0.15", per: 1_000_000, amount: "0.00015" }];
    gateway.on("POST /api/v1/prices/compute", { body: { cost: "0.00015", currency: "USD", lines } });
    const { out } = await run("price compute lab/mini --input 1000 --cache-write-5m 7 --at 2026-11-01");
    expect(JSON.parse(gateway.last.body)).toEqual({
      model: "lab/mini",
      usage: { input: 1000, cacheWrite5m: 7 },
      at: "2026-11-01",
    });
    expect(out).toMatch(/^input +1000 +0\.15 +1000000 +0\.00015$/m);
    expect(out).toMatch(/^0\.00015 USD$/m);
    expect(await run("price compute lab/mini")).toMatchObject({ code: 2 });
  });

  test("a price is added as decimals", async () => {
    gateway.on("POST /api/v1/prices", { body: { model: "lab/mini" } });
    await run("price add lab/mini --currency USD --input 0.15 --output 0.60 --per-call 0.01 --since 2026-12-01");
    expect(JSON.parse(gateway.last.body)).toEqual({
      model: "lab/mini",
      currency: "USD",
      input: "0.15",
      output: "0.60",
      perCall: "0.01",
      since: "2026-12-01",
    });
    expect(await run("price add lab/mini --currency USD")).toMatchObject({ code: 2 });
  });

  test("prices are listed and shown, what is unknown as a dash", async () => {
    const price = { currency: "USD", input: "0.15", tiers: [{ above: 5 }] };
    gateway.on("GET /api/v1/models", list({ id: "lab/bare", price: null }, { id: "lab/mini", price }));
    const { out } = await run("price list");
    expect(out).toMatch(/^lab\/mini +USD +0\.15 +– +– +tiers +– +–$/m);
    expect(out).toMatch(/^lab\/bare +(– +){6}–$/m);
    gateway.on("GET /api/v1/models", list({ id: "lab/mini", price }));
    gateway.on("GET /api/v1/prices", list({ id: "lab/mini@2026-12-01", model: "lab/mini", input: "0.2" }));
    const shown = (await run("price show lab/mini")).out;
    expect(shown).toContain('  tiers: [{"above":5}]\n');
    expect(shown).toContain("lab/mini@2026-12-01:\n  input: 0.2\n");
    expect(gateway.last.url).toContain("model=lab%2Fmini");
    gateway.on("GET /api/v1/models", list({ id: "lab/mini", price: null }));
    expect(await run("price show lab/mini")).toMatchObject({ code: 4 });
  });

  test("usage by any keys", async () => {
    const row = {
      payer: "acme",
      day: "2026-11-01",
      calls: 3,
      attempts: 4,
      inputTokens: 10,
      outputTokens: 2,
      cost: "0.01",
      currency: "USD",
      estimated: 1,
    };
    gateway.on("GET /api/v1/usage", list(row));
    const result = await run("usage --by payer,day --from 2026-11-01 --currency USD --timezone Asia/Shanghai");
    const query = new URL(gateway.last.url, "http://x").searchParams;
    expect(Object.fromEntries(query)).toMatchObject({
      by: "payer,day",
      from: "2026-11-01",
      currency: "USD",
      timezone: "Asia/Shanghai",
    });
    expect(result.out).toMatch(/^acme +2026-11-01 +3 +4 +10 +2 +0\.01 +USD +1$/m);
    expect(JSON.parse((await run("usage --json")).out)).toEqual([row]);
    gateway.on("GET /api/v1/usage", list());
    expect(await run("usage")).toEqual({ code: 0, out: "", err: "Nothing was used.\n" });
  });

  test("a statement is written as the gateway wrote it", async () => {
    gateway.on("GET /api/v1/statements", ({ url }) => ({
      type: "text/csv",
      body: `${new URL(url, "http://x").search}\r\n`,
    }));
    expect((await run("statement acme --month 2026-11 --format focus --currency CNY")).out).toBe(
      "?payer=acme&month=2026-11&format=focus&currency=CNY\r\n",
    );
    expect((await run("statement acme --month 2026-11 --json")).out).toContain("format=json");
    const file = join(folder, "november.csv");
    expect(await run(["statement", "acme", "-o", file])).toMatchObject({
      code: 0,
      out: "",
      err: `Written to ${file}.\n`,
    });
    expect(readFileSync(file, "utf8")).toContain("format=table");
  });
});

describe("attempts in doubt", () => {
  const row = {
    attempt: "call_1.1",
    payer: "acme",
    model: "lab/mini",
    amount: "0.5",
    currency: "CNY",
    since: "2026-11-01T00:00:00Z",
    reason: "crash",
  };

  test("are listed", async () => {
    gateway.on("GET /api/v1/unsettled", list(row));
    expect((await run("unsettled list")).out).toContain("call_1.1");
  });

  test("are settled in their own currency, or released", async () => {
    gateway.on("GET /api/v1/unsettled", list(row));
    gateway.on("POST /api/v1/unsettled/call_1.1", { body: { attempt: "call_1.1" } });
    expect(await run(["unsettled", "resolve", "call_1.1", "--reason", "invoice 7"])).toMatchObject({ code: 2 });
    expect(await run(["unsettled", "resolve", "call_1.1", "--cost", "0.012", "--reason", "invoice 7"])).toMatchObject({
      code: 0,
    });
    expect(JSON.parse(gateway.last.body)).toEqual({
      action: "settle",
      cost: "0.012",
      currency: "CNY",
      basis: "vendor-bill",
      reason: "invoice 7",
    });
    expect(await run("unsettled resolve call_1.1 --release --reason none")).toMatchObject({ code: 2 });
    await run("unsettled resolve call_1.1 --release --reason none --yes");
    expect(JSON.parse(gateway.last.body)).toEqual({ action: "release", reason: "none" });
  });
});

describe("doctor", () => {
  const check = (id: string, state: string) => ({
    id,
    state,
    title: id,
    what: `${id} is ${state}`,
    where: "here",
    do: "mend it",
  });

  test("ends with 5 where there are problems, with 0 where there are only warnings", async () => {
    gateway.on("GET /api/v1/doctor", {
      body: {
        at: "",
        state: "problem",
        checks: [check("clock", "ok"), check("ledger", "problem"), check("key", "warning")],
      },
    });
    const result = await run("doctor");
    expect(result).toMatchObject({ code: 5, err: "1 problem, 1 warning.\n" });
    expect(result.out).toBe(
      "✓ clock   clock is ok\n✗ ledger  ledger is problem\n          here\n          → mend it\n! key     key is warning\n          here\n          → mend it\n",
    );
    gateway.on("GET /api/v1/doctor", { body: { at: "", state: "warning", checks: [check("key", "warning")] } });
    expect(await run("doctor")).toMatchObject({ code: 0 });
    expect(JSON.parse((await run("doctor --json")).out).state).toBe("warning");
  });

  test("colours are for terminals, and not where NO_COLOR is set", async () => {
    gateway.on("GET /api/v1/doctor", { body: { at: "", state: "ok", checks: [check("clock", "ok")] } });
    expect((await run("doctor", { terminal: true })).out).toContain("\u001b[32m✓");
    expect((await run("doctor", { terminal: true, environment: { NO_COLOR: "1" } })).out).not.toContain("\u001b");
  });
});

describe("call", () => {
  const event = (chunk: object) => `data: ${JSON.stringify(chunk)}\n\n`;
  const piece = (content: string, finish: string | null = null) =>
    event({ choices: [{ delta: { content }, finish_reason: finish }] });
  const usage = event({
    choices: [],
    usage: { prompt_tokens: 3, completion_tokens: 2, cost: "0.000123", cost_currency: "USD" },
  });
  const headers = { "x-maidan-call": "call_1", "x-maidan-model": "practice/echo", "x-maidan-origin": "gateway" };

  const answer = (body: string, more: Partial<Reply> = {}) => {
    gateway.on("GET /api/v1/status", () => ({ body: { address } }));
    clients.on("POST /v1/chat/completions", { type: "text/event-stream", headers, body, ...more });
  };

  let clients: Gateway;
  let address: string;
  beforeEach(async () => {
    clients = new Gateway();
    address = await clients.listen(0);
  });
  afterEach(() => void clients.server.close());

  test("streams the text, and tells the cost and the id beside it", async () => {
    answer(`${piece("你")}: a comment\n\n${piece("好", "stop")}${usage}data: [DONE]\n\n`);
    const result = await run(["call", "mini", "say hello", "--system", "be kind", "--max-tokens", "9"], {
      environment: { MAIDAN_KEY: "sk-mine" },
    });
    expect(result).toEqual({
      code: 0,
      out: "你好\n",
      err: "practice/echo · 3 tokens in, 2 out · 0.000123 USD · call_1\n",
    });
    expect(clients.last.headers.authorization).toBe("Bearer sk-mine");
    expect(JSON.parse(clients.last.body)).toEqual({
      model: "mini",
      messages: [
        { role: "system", content: "be kind" },
        { role: "user", content: "say hello" },
      ],
      max_tokens: 9,
      stream: true,
      stream_options: { include_usage: true },
    });
  });

  test("a stream that breaks off is not taken for an answer", async () => {
    answer(piece("half"));
    expect(await run("call mini hi --key k")).toMatchObject({
      code: 6,
      out: "half\n",
      err: expect.stringContaining("broke off"),
    });
    answer(`${piece("half")}${event({ error: { message: "the vendor fell over" } })}data: [DONE]\n\n`);
    expect(await run("call mini hi --key k")).toMatchObject({ code: 6, err: expect.stringContaining("fell over") });
  });

  test("a whole answer, and its JSON", async () => {
    const body = {
      choices: [{ message: { content: "hi" }, finish_reason: "length" }],
      usage: { prompt_tokens: 1, completion_tokens: 1 },
    };
    const reply = {
      type: "application/json",
      headers: { ...headers, "x-maidan-cost": "0.5 CNY", "x-maidan-adjusted": "max_tokens=1" },
    };
    answer(JSON.stringify(body), reply);
    const result = await run("call mini --no-stream --key k", { stdin: "from standard input" });
    expect(result.out).toBe("hi\n");
    expect(result.err).toContain("0.5 CNY");
    expect(result.err).toContain("max_tokens=1");
    expect(result.err).toContain("longest allowed length");
    expect(JSON.parse(clients.last.body)).toEqual({
      model: "mini",
      messages: [{ role: "user", content: "from standard input" }],
    });
    expect(JSON.parse((await run("call mini hi --json --key k")).out)).toEqual(body);
  });

  test("refusals and failures of vendors end differently", async () => {
    const body = JSON.stringify({ error: { message: "no money left", code: "budget_exhausted" } });
    answer(body, { status: 402, type: "application/json" });
    expect(await run("call mini hi --key k")).toEqual({ code: 4, out: "", err: "error: no money left\n" });
    answer(body, { status: 502, type: "application/json", headers: { "x-maidan-origin": "vendor" } });
    expect(await run("call mini hi --key k")).toMatchObject({ code: 6 });
    answer(body, { status: 503, type: "application/json" });
    expect(await run("call mini hi --key k")).toMatchObject({ code: 1 });
  });

  test("an answer cannot send commands to the terminal", async () => {
    answer(`${piece("a\u001b]0;title\u0007b", "stop")}data: [DONE]\n\n`);
    expect((await run("call mini hi --key k", { terminal: true })).out).toBe("a]0;titleb\n");
    expect((await run("call mini hi --key k")).out).toBe("a\u001b]0;title\u0007b\n");
  });

  test("needs a key and a prompt", async () => {
    expect(await run("call mini hi")).toMatchObject({ code: 2, err: expect.stringContaining("MAIDAN_KEY") });
    expect(await run("call mini --key k", { terminal: true })).toMatchObject({ code: 2 });
    expect(await run("call mini hi --file x --key k")).toMatchObject({ code: 2 });
  });
});

describe("start", () => {
  const never = new Promise<unknown>(() => {});
  const server = (more: Partial<StartedServer> = {}): StartedServer => ({
    address: "http://127.0.0.1:4000",
    dataFolder: "/data",
    adminKey: "admin-once",
    firstKey: { secret: "sk-first", payer: "first", amount: "1.00", currency: "USD" },
    vendors: [{ id: "openai", source: "OPENAI_API_KEY", models: ["openai/gpt-x"], modelCount: 12 }],
    otherVendors: [{ name: { zh: "百炼", en: "Bailian" }, variables: ["DASHSCOPE_API_KEY"] }],
    failed: never,
    close: async () => {},
    ...more,
  });

  /** Starts, and sends the signals one after the other as soon as the program listens. */
  async function start(command: string, started: StartedServer, signals: string[], options: Options = {}) {
    const asked: StartOptions[] = [];
    const result = await run(command, {
      ...options,
      more: {
        startServer: async (what) => {
          asked.push(what);
          return started;
        },
        onSignal: (listener) => {
          const send = (): void => {
            const signal = signals.shift();
            if (signal === undefined) return;
            listener(signal);
            setImmediate(send);
          };
          setImmediate(send);
          return () => {};
        },
        ...options.more,
      },
    });
    return { ...result, asked };
  }

  test("prints where it is, what there is, and a first call to paste", async () => {
    const { code, out, err } = await start("start", server(), ["SIGINT"]);
    expect(code).toBe(0);
    expect(out).toContain("http://127.0.0.1:4000/docs");
    expect(out).toContain("admin-once");
    expect(out).toContain("first, 1.00 USD");
    expect(out).toMatch(/✓ openai {2}OPENAI_API_KEY {2}12 models: openai\/gpt-x, …/);
    expect(out).toContain("DASHSCOPE_API_KEY (Bailian)");
    const curl = out.split("\n").find((line) => line.includes("curl "))!;
    expect(curl).toContain('curl http://127.0.0.1:4000/v1/chat/completions -H "Authorization: Bearer sk-first"');
    expect(JSON.parse(/-d '(.*)'$/.exec(curl)![1]!)).toMatchObject({ model: "practice/echo" });
    expect(err).toContain("Stopped");
  });

  test("a later start shows no secret", async () => {
    const { out } = await start("start --lang zh", server({ adminKey: undefined, firstKey: undefined }), ["SIGTERM"]);
    expect(out).toContain("Bearer $MAIDAN_KEY");
    expect(out).toContain("maidan key create");
    expect(out).not.toContain("管理密钥  ");
  });

  test("flags beat the environment", async () => {
    const file = join(folder, "start.yaml");
    writeFileSync(file, "currency: CNY\n");
    const environment = { MAIDAN_PORT: "1", MAIDAN_HOST: "::1", MAIDAN_ADMIN_KEY: "0123456789abcdef" };
    const command = `start --port 0 --data ${folder}/d --durability process --apply ${file}`;
    const { asked, out } = await start(command, server({ applied: { changes: [], applied: true } }), ["SIGINT"], {
      environment,
    });
    expect(asked).toEqual([
      {
        host: "::1",
        port: 0,
        dataFolder: `${folder}/d`,
        durability: "process",
        language: "en",
        adminKey: "0123456789abcdef",
        apply: { name: "start.yaml", content: "currency: CNY\n" },
      },
    ]);
    expect(out).toContain("nothing to change");
  });

  test("as JSON for machines", async () => {
    const { out } = await start("start --json", server(), ["SIGINT"]);
    expect(JSON.parse(out)).toMatchObject({ address: "http://127.0.0.1:4000", firstKey: { secret: "sk-first" } });
  });

  test("a second Ctrl-C does not wait for calls in flight", async () => {
    const result = await start("start", server({ close: () => new Promise(() => {}) }), ["SIGINT", "SIGINT"]);
    expect(result).toMatchObject({ code: 130, err: expect.stringContaining("Ctrl-C again") });
  });

  test("a server that stops by itself is a failure that says why", async () => {
    const result = await start("start", server({ failed: Promise.resolve(new Error("fsync: EIO")) }), []);
    expect(result).toMatchObject({ code: 1, err: expect.stringContaining("fsync: EIO") });
  });

  test.each([
    ["EADDRINUSE", "is in use"],
    ["EACCES", "may not listen"],
    ["EADDRNOTAVAIL", "no address of this machine"],
  ])("%s is told in words", async (code, message) => {
    const startServer = () => Promise.reject(Object.assign(new Error(code), { code }));
    expect(await run("start --port 80", { more: { startServer } })).toMatchObject({
      code: 1,
      err: expect.stringContaining(message),
    });
  });

  test("a fault at the start is told in the person's language", async () => {
    const fault = new Fault("conflict", (language) =>
      language === "zh" ? "已有进程使用" : "in use by another process",
    );
    const startServer = () => Promise.reject(fault);
    expect(await run("start --lang zh", { more: { startServer } })).toMatchObject({
      code: 1,
      err: "错误：已有进程使用\n",
    });
  });
});
