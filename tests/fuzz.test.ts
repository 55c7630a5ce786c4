import { afterAll, beforeAll, describe, test } from "vitest";
import { parse, stringify } from "yaml";
import { type ServedSimulators, serveSimulators } from "../src/simulators/serve.ts";
import { fuzz, SEED } from "./fuzz/campaign.ts";
import { recordCorpora } from "./fuzz/corpus.ts";
import { makeFile, SettingsBench } from "./fuzz/declarative.ts";
import { httpAnswerTarget } from "./fuzz/http-answers.ts";
import { priceTarget } from "./fuzz/prices.ts";
import type { Random } from "./fuzz/random.ts";
import { bodyTarget, streamTarget } from "./fuzz/readers.ts";
import { requestTargets } from "./fuzz/requests.ts";
import { expectSound, fuzzWire } from "./fuzz/wire.ts";
import { clientHead, conversation, operatorsHead, requestBytes } from "./fuzz/wire-corpus.ts";
import { ADMIN_KEY, type RunningMaidan, startMaidan } from "./harness/maidan.ts";
import { payer, yaml } from "./harness/settings.ts";

/**
 * Fuzzing: whatever vendors, clients and operators send, nothing crashes, hangs or rejects unheard, and the books stay
 * in order. About a minute by default; `MAIDAN_FUZZ_SEED`, `MAIDAN_FUZZ_CASES` and `MAIDAN_FUZZ_INPUT` (see
 * `fuzz/campaign.ts`) repeat a run, lengthen it, and run one case again.
 */

const corpora = await recordCorpora();

console.log(`fuzzing with MAIDAN_FUZZ_SEED=${SEED}`);
const PATIENCE_MS = 24 * 3_600_000;

describe("vendors' answers", () => {
  for (const corpus of corpora) {
    for (const target of [streamTarget(corpus, 200), bodyTarget(corpus, 150)]) {
      test(target.name, () => fuzz(target), PATIENCE_MS);
    }
  }
  const framed = httpAnswerTarget(4_000);
  test(framed.name, () => fuzz(framed), PATIENCE_MS);
});

describe("clients' requests", () => {
  for (const target of requestTargets(corpora, 500)) test(target.name, () => fuzz(target), PATIENCE_MS);
});

describe("what operators write", () => {
  const settings = new SettingsBench();
  afterAll(() => settings.close());
  for (const target of [settings.target(300), priceTarget(600)]) test(target.name, () => fuzz(target), PATIENCE_MS);
});

describe("the wire", () => {
  const practice = {
    id: "rehearsal",
    protocol: "practice",
    price: { currency: "USD", input: "1", output: "2" },
    models: [
      { id: "echo", maxOutputTokens: 50 },
      { id: "slow", practice: { answer: "one after the other", betweenChunksMs: 5 } },
      { id: "moody", practice: { failureRate: 0.5, failure: "cut" } },
    ],
  };
  let simulators: ServedSimulators;
  let surfaces: RunningMaidan;
  let office: RunningMaidan;
  const settings = yaml({ endpoints: [practice], payers: [payer("acme", "1000")] });
  let models: string[];

  beforeAll(async () => {
    simulators = await serveSimulators({ host: "127.0.0.1", port: 0, protocols: undefined });
    const { endpoints } = parse(simulators.settings) as { endpoints: { id: string; models: { id: string }[] }[] };
    models = ["rehearsal/echo", "rehearsal/slow", "rehearsal/moody", "rehearsal/none", "practice/echo"];
    models.push(...endpoints.map((endpoint) => `${endpoint.id}/${endpoint.models[0]!.id}`));
    const all = stringify({ ...parse(settings), endpoints: [practice, ...endpoints] });
    [surfaces, office] = await Promise.all([startMaidan({ yaml: all }), startMaidan({ yaml: settings })]);
  });
  afterAll(async () => {
    await Promise.all([surfaces?.stop(), office?.stop()]);
    await simulators?.close();
  });

  test(
    "wire clients",
    async () => {
      const make = (random: Random) => conversation(random, (one) => clientHead(one, "sk-test-acme", models));
      await fuzzWire(surfaces, { name: "wire clients", cases: 720, make });
      await expectSound(surfaces);
    },
    PATIENCE_MS,
  );

  test(
    "wire operators",
    async () => {
      const make = (random: Random) => conversation(random, (one) => operatorsHead(one, ADMIN_KEY));
      // What a batch changed is put back as far as it can be.
      const after = async () => void (await office.admin.raw("apply", { method: "POST", body: settings }));
      await fuzzWire(office, { name: "wire operators", cases: 720, make, after });
      await expectSound(office);
    },
    PATIENCE_MS,
  );

  test(
    "wire apply",
    async () => {
      const make = (random: Random) => {
        const head = { method: "POST", path: "/api/v1/apply", key: ADMIN_KEY, type: "application/yaml" };
        return requestBytes({ ...head, body: makeFile(random) }, random);
      };
      await fuzzWire(office, { name: "wire apply", cases: 120, make });
      await expectSound(office);
    },
    PATIENCE_MS,
  );
});
