import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningMaidan, startMaidan } from "./harness/maidan.ts";
import type { RawAnswer } from "./harness/requests.ts";
import { chat, endpoint, payer, yaml } from "./harness/settings.ts";
import { type RunningUpstream, startUpstream } from "./harness/start-upstream.ts";

const CHAT = "/v1/chat/completions";

describe("the bound of the ledger's queue", () => {
  it.each([
    { name: "one process", flags: [] },
    { name: "workers", flags: ["--workers", "2"] },
  ])("holds from the moment it is set, and no longer: $name", async ({ flags }) => {
    const upstream = await startUpstream({ models: { "*": { outputTokens: 4 } } });
    const settings = (limits: object) =>
      yaml({ endpoints: [endpoint(upstream)], payers: [payer("acme", "500.00")], limits });
    const maidan = await startMaidan({ flags, yaml: settings({ journalQueue: 1 }) });
    try {
      const burst = async (): Promise<Set<number>> => {
        const ask = () => maidan.ask(CHAT, "sk-test-acme", { body: chat("lab/mini") });
        return new Set((await Promise.all(Array.from({ length: 200 }, ask))).map(({ status }) => status));
      };
      if (flags.length > 0) await sleep(2_000); // until the settings are in force at the other worker
      expect(await burst()).toContain(503);
      await maidan.admin.apply(settings({ journalQueue: 10_000 }));
      if (flags.length > 0) await sleep(2_000);
      expect(await burst()).toEqual(new Set([200]));
    } finally {
      await maidan.stop();
      await upstream.stop();
    }
  });
});

/** Issue: "RPM, TPM and concurrency limits on any node of the tree". */
describe("limits of admission", () => {
  let upstream: RunningUpstream;
  let maidan: RunningMaidan;

  beforeAll(async () => {
    upstream = await startUpstream({ models: { "*": { outputTokens: 4 } } });
    const team = (id: string) => payer(id, "5.00");
    maidan = await startMaidan({
      yaml: yaml({
        endpoints: [endpoint(upstream)],
        payers: [
          { id: "calls", limits: { rpm: 6 }, payers: [team("c1"), team("c2")] },
          { id: "tokens", limits: { tpm: 1_000 }, payers: [team("t1"), team("t2")] },
          { id: "at-once", limits: { concurrency: 3 }, payers: [team("o1"), team("o2")] },
          payer("keyed", "5.00", { keys: [{ id: "k", secret: "sk-test-keyed", limits: { rpm: 2 } }] }),
        ],
      }),
    });
  });
  afterAll(async () => {
    await maidan?.stop();
    await upstream?.stop();
  });

  const ask = (id: string, more: object = {}) => maidan.ask(CHAT, `sk-test-${id}`, { body: chat("lab/mini", more) });
  const statuses = (answers: readonly RawAnswer[]) => answers.map((answer) => answer.status);

  function expectToldWhenToComeBack(answer: RawAnswer, node: string): void {
    expect(answer.status).toBe(429);
    expect(answer.headers["x-maidan-origin"]).toBe("gateway");
    expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0);
    const { error } = JSON.parse(answer.body.toString());
    expect(error.code).toBe("rate_limit_exceeded");
    expect(error.message).toContain(node);
  }

  it("requests a minute, of an ancestor, over all that stand below it", async () => {
    const answers: RawAnswer[] = [];
    for (let n = 0; n < 8; n++) answers.push(await ask(n % 2 === 0 ? "c1" : "c2"));
    expect(statuses(answers).slice(0, 6)).toEqual([200, 200, 200, 200, 200, 200]);
    for (const answer of answers.slice(6)) expectToldWhenToComeBack(answer, "calls");
  });

  it("tokens a minute: what is used counts, not what was asked for", async () => {
    const first = await ask("t1", { max_tokens: 380 });
    expect(first.status).toBe(200);
    // 380 more would not fit beside 380, were the first not given back what it did not use.
    expect((await ask("t2", { max_tokens: 380 })).status).toBe(200);
    expect((await ask("t1", { max_tokens: 380, simulate: { outputTokens: 380 } })).status).toBe(200);
    expectToldWhenToComeBack(
      await ask("t2", { max_tokens: 390, simulate: { outputTokens: 390 } }).then(againIfFits),
      "tokens",
    );
  });

  async function againIfFits(answer: RawAnswer): Promise<RawAnswer> {
    return answer.status === 200 ? ask("t2", { max_tokens: 390 }) : answer;
  }

  it("calls at once", async () => {
    const slow = { simulate: { firstByteMs: 400 } };
    const answers = await Promise.all(["o1", "o2", "o1", "o2", "o1"].map((id) => ask(id, slow)));
    expect(statuses(answers).sort()).toEqual([200, 200, 200, 429, 429]);
    for (const answer of answers.filter((one) => one.status === 429)) expectToldWhenToComeBack(answer, "at-once");
    expect((await ask("o1")).status).toBe(200);
  });

  it("of a key alone", async () => {
    expect((await ask("keyed")).status).toBe(200);
    expect((await ask("keyed")).status).toBe(200);
    expectToldWhenToComeBack(await ask("keyed"), "k");
  });

  it("what was refused was never sent and never held", async () => {
    const served = (await upstream.tally()).length;
    const calls = await maidan.admin.all("calls");
    expect(calls).toHaveLength(served);
  });
});
