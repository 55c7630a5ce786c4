import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { signJwt } from "../vendors/jwt.ts";
import { tokenOf } from "../vendors/sensenova/sign.ts";
import { sensenovaSimulator } from "./sensenova.ts";
import { type RunningSimulator, startSimulator } from "./server.ts";

/** What no client of others can show here: who is let in, and what is refused. */
let simulator: RunningSimulator;
const { accessKeyId = "", accessKeySecret = "" } = sensenovaSimulator.credentials;

beforeAll(async () => {
  simulator = await startSimulator(sensenovaSimulator);
});
afterAll(() => simulator.close());

async function ask(token: string, body: object): Promise<{ status: number; code: number | undefined }> {
  const answer = await fetch(`${simulator.baseUrl}/v1/llm/chat-completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const { error } = (await answer.json()) as { error?: { code: number } };
  return { status: answer.status, code: error?.code };
}

const QUESTION = { model: "practice-model", messages: [{ role: "user", content: "hi" }] };
const token = (at = Date.now(), id = accessKeyId, secret = accessKeySecret) => tokenOf(id, secret, at);

describe("the simulator of sensenova", () => {
  test("lets in who has signed with its key, now", async () => {
    expect(await ask(token(), QUESTION)).toEqual({ status: 200, code: undefined });
    const hour = 3_600_000;
    const claims = { iss: accessKeyId, exp: Date.now() / 1000 + 100, nbf: 0 };
    for (const refused of [
      "",
      "not.a.token",
      token(Date.now() - hour),
      token(Date.now() + hour),
      token(Date.now(), "other"),
      token(Date.now(), accessKeyId, "other"),
      signJwt({ alg: "none" }, claims, accessKeySecret),
    ]) {
      expect(await ask(refused, QUESTION), refused).toEqual({ status: 401, code: 16 });
    }
  });

  test.each([
    [{ model: "other" }, 404, 5],
    [{ messages: [] }, 400, 3],
    [{ messages: [{ role: "wizard", content: "hi" }] }, 400, 3],
    [{ messages: [{ role: "assistant", content: null }] }, 400, 3],
    [{ temperature: 0 }, 400, 3],
    [{ top_p: 1 }, 400, 3],
    [{ n: 5 }, 400, 3],
  ])("refuses %j", async (fields, status, code) => {
    expect(await ask(token(), { ...QUESTION, ...fields })).toEqual({ status, code });
  });
});
