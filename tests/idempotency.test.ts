import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { costOf } from "./harness/arithmetic.ts";
import { budgetsOf, expectCleanAudit } from "./harness/books.ts";
import { type RunningMaidan, startMaidan } from "./harness/maidan.ts";
import { chat, endpoint, payer, RATES, yaml } from "./harness/settings.ts";
import { type RunningUpstream, startUpstream } from "./harness/start-upstream.ts";

const CHAT = "/v1/chat/completions";

/** Issue: "the stored answer again, 409 for another body or a call still in doubt, never a second dispatch". */
describe("Idempotency-Key", () => {
  let upstream: RunningUpstream;
  let maidan: RunningMaidan;

  beforeAll(async () => {
    upstream = await startUpstream({ models: { "*": { outputTokens: 9 } } });
    maidan = await startMaidan({
      yaml: yaml({
        endpoints: [endpoint(upstream, { timeouts: { firstByteMs: 500 } })],
        payers: [payer("acme", "5.00"), payer("other", "5.00"), payer("poor", "0.000001")],
      }),
    });
  });
  afterAll(async () => {
    await maidan?.stop();
    await upstream?.stop();
  });

  const ask = (key: string, tag: string, more: object = {}, payerId = "acme") =>
    maidan.ask(CHAT, `sk-test-${payerId}`, {
      headers: { "idempotency-key": key },
      body: chat("lab/mini", { ...more, simulate: { tag, ...(more as { simulate?: object }).simulate } }),
    });
  const dispatches = async (tag: string) => (await upstream.tallyOf(tag)).length;
  const codeOf = (answer: { body: Buffer }) => JSON.parse(answer.body.toString()).error.code;

  it.each([false, true])("gives the stored answer again, byte for byte (streamed: %s)", async (stream) => {
    const tag = `again ${stream}`;
    const more = { stream, ...(stream ? { stream_options: { include_usage: true } } : {}) };
    const before = (await budgetsOf(maidan.admin)).get("acme-total")!.settled;
    const first = await ask(tag, tag, more);
    const second = await ask(tag, tag, more);
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(second.body.equals(first.body)).toBe(true);
    for (const name of ["x-maidan-call", "x-maidan-model", "x-maidan-cost", "content-type"]) {
      expect(second.headers[name], name).toBe(first.headers[name]);
    }
    expect(await dispatches(tag)).toBe(1);
    const [row] = await upstream.tallyOf(tag);
    expect((await budgetsOf(maidan.admin)).get("acme-total")!.settled).toBe(before + costOf(row!.billed!, RATES));
  });

  it("survives a restart: the stored answer is on the disk, and sealed", async () => {
    const first = await ask("restart", "restart");
    const { dataFolder } = maidan;
    await maidan.kill();
    maidan = await startMaidan({ dataFolder });
    const second = await ask("restart", "restart");
    expect(second.body.equals(first.body)).toBe(true);
    expect(second.headers["x-maidan-call"]).toBe(first.headers["x-maidan-call"]);
    expect(await dispatches("restart")).toBe(1);
  });

  it("is a conflict with another body, and the other is not sent", async () => {
    await ask("other body", "one");
    const other = await ask("other body", "two");
    expect([other.status, codeOf(other)]).toEqual([409, "idempotency_conflict"]);
    expect(await dispatches("two")).toBe(0);
  });

  it("belongs to the key that used it", async () => {
    await ask("mine", "mine");
    const answer = await ask("mine", "theirs", {}, "other");
    expect(answer.status).toBe(200);
    expect(await dispatches("theirs")).toBe(1);
  });

  it("is a conflict while a call is in doubt, and it is never sent again", async () => {
    const first = await ask("doubt", "doubt", { simulate: { failure: "reset" } });
    expect(first.status).toBe(502);
    const second = await ask("doubt", "doubt", { simulate: { failure: "reset" } });
    expect([second.status, codeOf(second)]).toEqual([409, "idempotency_conflict"]);
    expect(await dispatches("doubt")).toBe(1);
  });

  it("lets one of many at once through; the others are told to wait", async () => {
    const simulate = { firstByteMs: 150 };
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask("many", "many", { simulate })));
    const statuses = answers.map((answer) => answer.status).sort();
    expect(statuses).toEqual([200, ...Array(19).fill(409)]);
    expect(await dispatches("many")).toBe(1);
    expect((await ask("many", "many", { simulate })).status).toBe(200);
    expect(await dispatches("many")).toBe(1);
  });

  it("may be used again after a call that surely cost nothing", async () => {
    expect((await ask("free", "free", { simulate: { failure: "error" } })).status).toBe(502);
    expect((await ask("free", "free", { simulate: { failure: "error" } })).status).toBe(502);
    expect(await dispatches("free")).toBe(2);
    expect((await ask("no room", "no room", {}, "poor")).status).toBe(402);
    expect((await ask("no room", "no room", {}, "poor")).status).toBe(402);
  });

  it("the books balance", () => expectCleanAudit(maidan.admin));
});
