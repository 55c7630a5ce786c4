// The official client of OpenAI asks recorded answers through Maidan, as three payers with budgets, buffered and streamed.
// Then it compares what it counted itself with what the ledger says, to the nano-unit.
//
//   node examples/openai-client.mjs                 after `npm start` or `npm run build`
//
// It starts a gateway of its own, on a free port and an empty folder, and leaves nothing behind. MAIDAN_RECORDED names
// another folder of suites than the one that comes with Maidan.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import OpenAI from "openai";

const here = fileURLToPath(new URL(".", import.meta.url));
const suites = [process.env.MAIDAN_RECORDED, join(here, "../../shared/data/recorded"), join(here, "recorded")].find(
  (folder) => folder && existsSync(folder),
);
const payers = ["north", "south", "east"];
const secret = () => randomBytes(24).toString("base64url");
const keys = Object.fromEntries(payers.map((payer) => [payer, secret()]));
const adminKey = secret();

/** As in recorded.yaml, for models whose suite has no list price; dollars per million tokens. */
const USUAL_PRICE = { input: 0.5, output: 1.5 };
const AT_ONCE = 16;

const gateway = await startGateway();
try {
  const questions = [...readQuestions()];
  console.log(`${questions.length} prompts from ${suites}, each buffered and streamed`);
  const counted = Object.fromEntries(payers.map((payer) => [payer, { calls: 0, nano: 0n }]));
  const clients = payers.map((payer) => new OpenAI({ baseURL: `${gateway.address}/v1`, apiKey: keys[payer] }));
  await inParallel(questions, async (question, index) => {
    const payer = index % payers.length;
    const buffered = await askBuffered(clients[payer], question);
    const streamed = await askStreamed(clients[payer], question);
    for (const { text, usage } of [buffered, streamed]) {
      if (text !== question.answer) throw new Error(`${question.model} did not answer as recorded: ${question.prompt}`);
      const mine = counted[payers[payer]];
      mine.calls += 1;
      mine.nano += costOf(usage, question.price);
    }
  });
  process.exitCode = (await compare(counted)) ? 0 : 1;
} finally {
  await gateway.stop();
}

async function askBuffered(client, { model, prompt }) {
  const answer = await client.chat.completions.create({ model, messages: [{ role: "user", content: prompt }] });
  return { text: answer.choices[0].message.content, usage: answer.usage };
}

async function askStreamed(client, { model, prompt }) {
  const stream = await client.chat.completions.create({
    model,
    messages: [{ role: "user", content: prompt }],
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = "";
  let usage;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? "";
    usage = chunk.usage ?? usage;
  }
  return { text, usage };
}

/** Nano-dollars: the exact sum, rounded once, a half to the even neighbour. */
function costOf(usage, price) {
  const nano = (dollars) => BigInt(Math.round(dollars * 1e9));
  const exact = BigInt(usage.prompt_tokens) * nano(price.input) + BigInt(usage.completion_tokens) * nano(price.output);
  const [whole, rest] = [exact / 1_000_000n, exact % 1_000_000n];
  return rest > 500_000n || (rest === 500_000n && whole % 2n === 1n) ? whole + 1n : whole;
}

/** What the ledger says beside what was counted here. */
async function compare(counted) {
  const { items: rows } = await ask("usage?by=payer&payer=office&currency=USD");
  const { items: budgets } = await ask("budgets?payer=office");
  const audit = await ask("audit");
  const settled = Object.fromEntries(budgets.map((budget) => [budget.payer, budget.settled]));
  const lines = payers.map((payer) => {
    const row = rows.find((one) => one.payer === payer);
    const { calls, nano } = counted[payer];
    const same = calls === row?.calls && nano === toNano(row.cost) && nano === toNano(settled[payer]);
    return { payer, calls, counted: fromNano(nano), ledger: row?.cost, budget: settled[payer], same };
  });
  const total = payers.reduce((sum, payer) => sum + counted[payer].nano, 0n);
  const calls = lines.reduce((sum, line) => sum + line.calls, 0);
  const ledger = fromNano(rows.reduce((sum, row) => sum + toNano(row.cost), 0n));
  const same = total === toNano(settled.office) && total === toNano(ledger);
  lines.push({ payer: "office", calls, counted: fromNano(total), ledger, budget: settled.office, same });
  console.table(lines);
  const good = audit.ok && lines.every((line) => line.same);
  console.log(good ? "It adds up, to the nano-dollar, and the books balance." : "It does NOT add up.");
  return good;
}

async function ask(path) {
  const headers = { authorization: `Bearer ${adminKey}` };
  const answer = await fetch(`${gateway.address}/api/v1/${path}`, { headers });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

/** Every prompt of every suite that somebody answered, with one of the models that did, each in its turn. */
function* readQuestions() {
  for (const suite of readdirSync(suites).filter((name) => existsSync(join(suites, name, "suite.json")))) {
    const folder = join(suites, suite);
    const { models } = JSON.parse(readFileSync(join(folder, "suite.json"), "utf8"));
    const asked = models.map(({ vendor, model, file, priceUsdPerMillionTokens: price = USUAL_PRICE }) => {
      const answers = new Map(readLines(join(folder, "answers", file)).map(({ id, answer }) => [id, answer]));
      return { name: `recorded/${suite}/${vendor}__${model}`, price, answers };
    });
    const seen = new Set();
    for (const [turn, { id, prompt }] of readLines(join(folder, "prompts.jsonl")).entries()) {
      const willing = asked.filter(({ answers }) => answers.has(id));
      const model = willing[turn % willing.length];
      // A prompt that stands in a suite twice is answered with its first answer.
      if (model && !seen.has(prompt))
        yield { model: model.name, price: model.price, prompt, answer: model.answers.get(id) };
      seen.add(prompt);
    }
  }
}

function readLines(file) {
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.filter((line) => line.trim() !== "").map((line) => JSON.parse(line));
}

async function inParallel(items, work) {
  const waiting = items.entries();
  const worker = async () => {
    for (const [index, item] of waiting) await work(item, index);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

async function startGateway() {
  const folder = mkdtempSync(join(tmpdir(), "maidan-example-"));
  const main = join(here, "../dist/main.js");
  const options = ["start", "--json", "--port", "0", "--data", folder, "--apply", join(here, "recorded.yaml")];
  const secrets = Object.fromEntries(payers.map((payer) => [`${payer.toUpperCase()}_KEY`, keys[payer]]));
  const env = { ...process.env, ...secrets, MAIDAN_RECORDED: suites, MAIDAN_ADMIN_KEY: adminKey };
  const child = spawn(process.execPath, [main, ...options], { env, stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const address = await new Promise((resolve, reject) => {
    let printed = "";
    child.stdout.on("data", (chunk) => {
      printed += chunk;
      const found = /"address": ?"([^"]+)"/.exec(printed);
      if (found) resolve(found[1]);
    });
    ended.then((code) => reject(new Error(`Maidan did not start (exit code ${code}).`)));
  });
  const stop = async () => {
    child.kill();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  return { address, stop };
}

/** "0.000123" as 123000n, and back. */
function toNano(amount) {
  const [whole, decimals = ""] = amount.split(".");
  return BigInt(whole + decimals.padEnd(9, "0"));
}

function fromNano(nano) {
  const digits = nano.toString().padStart(10, "0");
  return `${digits.slice(0, -9)}.${digits.slice(-9)}`.replace(/0+$/, "").replace(/\.$/, "");
}
