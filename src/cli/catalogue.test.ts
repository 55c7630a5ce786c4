import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { VENDORS } from "../catalogue/vendors/table.ts";
import { Office } from "../http/operators/office.suite.ts";
import { runCli } from "./run-cli.ts";

/** `maidan catalogue` on a folder that no server uses: the verb, the real API and the real catalogue together. */

let office: Office;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "maidan-catalogue-"));
  office = await Office.open();
});

afterAll(async () => {
  await office.close();
  rmSync(folder, { recursive: true, force: true });
});

async function run(command: string, language = "en") {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const code = await runCli(command.split(" "), {
    version: "1.2.3",
    environment: { MAIDAN_DATA: folder, MAIDAN_LANG: language },
    stdin: Readable.from([]),
    stdout,
    stderr,
    isTerminal: false,
    startServer: () => Promise.reject(new Error("not in this test")),
    startWorkers: () => Promise.reject(new Error("not in this test")),
    openInProcess: async () => ({
      fetch: (request) => office.app.fetch(request, { trusted: true }),
      close: async () => {},
    }),
  });
  stdout.end();
  stderr.end();
  return { code, out: await text(stdout), err: await text(stderr) };
}

const json = async (command: string) => JSON.parse((await run(`${command} --json`)).out);

test("alone it lists the vendors, each on a line", async () => {
  const { out, code } = await run("catalogue");
  expect(code).toBe(0);
  for (const { id } of VENDORS) expect(out).toMatch(new RegExp(`^${id} `, "m"));
  expect((await run("catalogue vendors 千帆")).out).toMatch(/^baidu .*\bbaidu-v1\b.*CNY/m);
});

test("words and filters find models", async () => {
  const { out, err } = await run("catalogue qwen3 max --tools --currency CNY");
  expect(out).toMatch(/^alibaba\/qwen3-max +262144 .*2\.50 +10\.00 +CNY/m);
  expect(err).toContain("ten billion");
  const rows = await json("catalogue --vendor baidu --modality vector");
  expect(rows.map(({ model }: { model: string }) => model)).toContain("embedding-v1");
  expect((await json("catalogue --no-tools --modality vector")).length).toBeGreaterThan(0);
  for (const { large } of await json("catalogue --large tenBillion")) expect(large.tenBillion).toBe("yes");
});

test("nothing found is no error, and says so", async () => {
  expect(await run("catalogue no-such-model")).toMatchObject({
    code: 0,
    out: "",
    err: expect.stringContaining("Nothing in the catalogue"),
  });
});

test("a vendor is shown whole, in the language asked for", async () => {
  const { out } = await run("catalogue show baidu", "zh");
  for (const word of ["公司: 百度", "接入方式：", "QIANFAN_API_KEY", "secretKey", "baidu/ernie-5.1", "大模型"]) {
    expect(out).toContain(word);
  }
  expect(await run("catalogue show badu")).toMatchObject({ code: 4, err: expect.stringContaining('"baidu"') });
});

test("models stand side by side, their conditions among their rates", async () => {
  const { out } = await run("catalogue compare deepseek/deepseek-flash zhipu/glm-4.7");
  expect(out.split("\n")[0]).toMatch(/deepseek\/deepseek-flash +zhipu\/glm-4\.7/);
  expect(out).toMatch(/^input +1 +2$/m);
  expect(out).toMatch(/^tiers 1 +– +> 200 output: input 3, cachedInput 0\.6, output 14$/m);
  expect(out).toMatch(/^hours 2 +14:00–18:00 Asia\/Shanghai mon tue wed thu fri .*: input 2/m);
  expect(await run("catalogue compare zhipu/glm-47")).toMatchObject({
    code: 4,
    err: expect.stringContaining("glm-4.7"),
  });
});

test("a filter that cannot be is refused with what can", async () => {
  expect(await run("catalogue --large huge")).toMatchObject({ code: 4, err: expect.stringContaining("tenBillion") });
  expect(await run("catalogue --modalty image")).toMatchObject({ code: 2, err: expect.stringContaining("--modality") });
});
