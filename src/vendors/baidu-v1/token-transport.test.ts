import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ManualClock } from "../../base/clock.ts";
import type { Transport, WireRequest } from "../spec.ts";
import { describeTransport, record } from "../transport.suite.ts";
import { tokenAddress } from "./addresses.ts";
import { baiduTransport } from "./token-transport.ts";

const INTERFACE = "/rpc/2.0/ai_custom/v1/wenxinworkshop";
const CREDENTIALS = { apiKey: "the key", secretKey: "s/e+c&ret" };
const REFUSED = '{"error_code":111,"error_msg":"Access token expired"}';

/** A platform that hands out numbered tokens, and knows only those in `good`. */
class Platform {
  readonly asked: string[] = [];
  readonly tokenQueries: URLSearchParams[] = [];
  good = (_token: string): boolean => true;
  expires = 2_592_000;
  giveToken: ((response: ServerResponse) => void) | undefined;
  holdTokens: Promise<void> | undefined;
  #server: Server | undefined;

  get address(): string {
    return `http://127.0.0.1:${(this.#server!.address() as AddressInfo).port}`;
  }

  async start(): Promise<void> {
    this.#server = createServer((request, response) => {
      request.resume().on("end", () => void this.#answer(request, response));
    });
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
  }

  async stop(): Promise<void> {
    const closed = once(this.#server!, "close");
    this.#server!.close();
    this.#server!.closeAllConnections();
    await closed;
  }

  async #answer({ url = "" }: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(url, "http://x");
    if (pathname === "/oauth/2.0/token") return this.#answerToken(searchParams, response);
    const token = searchParams.get("access_token") ?? "";
    this.asked.push(`${pathname.slice(INTERFACE.length)} ${token}`);
    if (!this.good(token)) {
      response.setHeader("content-type", "application/json").end(REFUSED);
      return;
    }
    play(pathname.slice(INTERFACE.length), response);
  }

  async #answerToken(query: URLSearchParams, response: ServerResponse): Promise<void> {
    this.tokenQueries.push(query);
    await this.holdTokens;
    if (this.giveToken) this.giveToken(response);
    else response.end(JSON.stringify({ access_token: `token ${this.tokenQueries.length}`, expires_in: this.expires }));
  }
}

function play(path: string, response: ServerResponse): void {
  switch (path) {
    case "/body":
      response.setHeader("content-type", "application/json").end('{"result":"ok"}');
      return;
    case "/long":
      response.setHeader("content-type", "application/json").end(`{"result":"${"x".repeat(100_000)}"}`);
      return;
    case "/stream": {
      response.writeHead(200, { "content-type": "text/event-stream" });
      let sent = 0;
      const next = (): void => {
        if (sent === 6) response.end();
        else {
          sent += 1;
          response.write(`data: {"result":"${sent}"}\n\n`, () => setTimeout(next, 5));
        }
      };
      next();
      return;
    }
    case "/error":
      response.writeHead(503).end("busy");
      return;
    case "/slow":
      return;
    case "/stall":
      response.writeHead(200, { "content-type": "text/event-stream" }).write("data: 1\n\n");
      return;
    case "/broken":
      response.destroy();
      return;
    case "/cut":
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("data: 1\n\n", () => setTimeout(() => response.destroy(), 20));
  }
}

const request = (path: string): WireRequest => ({ method: "POST", path, headers: {}, body: Buffer.from("{}") });

describeTransport("baidu-v1", async () => {
  const platform = new Platform();
  await platform.start();
  const transport = baiduTransport({ baseUrl: platform.address + INTERFACE, credentials: CREDENTIALS });
  const scenes = ["body", "stream", "error", "slow", "stall", "broken", "cut"] as const;
  return {
    transport,
    scenes: Object.fromEntries(scenes.map((scene) => [scene, request(`/${scene}`)])),
    stop: async () => {
      await platform.stop();
      await transport.close();
    },
  };
});

describe("the token of baidu-v1", () => {
  const platform = new Platform();
  let clock: ManualClock;
  let transport: Transport;
  beforeAll(() => platform.start());
  afterAll(() => platform.stop());
  beforeEach(() => {
    clock = new ManualClock(1_700_000_000_000);
    platform.asked.length = 0;
    platform.tokenQueries.length = 0;
    platform.good = () => true;
    platform.expires = 2_592_000;
    platform.giveToken = undefined;
    platform.holdTokens = undefined;
    transport = baiduTransport({
      baseUrl: platform.address + INTERFACE,
      credentials: CREDENTIALS,
      now: () => clock.now(),
    });
  });
  afterEach(() => transport.close());

  const ask = (path = "/body") => record(transport, request(path)).done;

  test("is fetched once for all, with the credentials, and goes into the query", async () => {
    const answers = await Promise.all([ask(), ask(), ask("/stream")]);
    expect(answers.map(({ events }) => events.at(-1))).toEqual(["end", "end", "end"]);
    await ask();
    expect(platform.tokenQueries.map((query) => Object.fromEntries(query))).toEqual([
      { grant_type: "client_credentials", client_id: "the key", client_secret: "s/e+c&ret" },
    ]);
    expect(platform.asked.toSorted()).toEqual(["/body token 1", "/body token 1", "/body token 1", "/stream token 1"]);
  });

  test("is fetched anew before it ends", async () => {
    await ask();
    clock.advance(2_592_000_000 - 300_001);
    await ask();
    expect(platform.tokenQueries).toHaveLength(1);
    clock.advance(1);
    await ask();
    expect(platform.asked.at(-1)).toBe("/body token 2");
  });

  test.each(["/body", "/stream", "/long"])(
    "that is refused is fetched anew, and the request sent again: %s",
    async (path) => {
      await ask();
      platform.good = (token) => token !== "token 1";
      const { events, status, body } = await ask(path);
      expect([events[0], events.at(-1), status]).toEqual(["head", "end", 200]);
      expect(body.includes("error_code")).toBe(false);
      expect(platform.asked).toEqual(["/body token 1", `${path} token 1`, `${path} token 2`]);
      await ask();
      expect(platform.asked.at(-1)).toBe("/body token 2");
    },
  );

  test("that is refused again is not fetched a third time: the refusal is the answer", async () => {
    platform.good = () => false;
    const { events, status, body } = await ask();
    expect([events.at(-1), status, body.toString()]).toEqual(["end", 200, REFUSED]);
    expect([platform.asked.length, platform.tokenQueries.length]).toEqual([2, 2]);
  });

  test("that is refused to many at once is fetched once", async () => {
    await ask();
    platform.good = (token) => token !== "token 1";
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask()));
    expect(answers.every(({ body }) => body.toString() === '{"result":"ok"}')).toBe(true);
    expect(platform.tokenQueries).toHaveLength(2);
  });

  test.each([
    [401, '{"error":"invalid_client","error_description":"unknown client id"}', "auth"],
    [200, '{"error":"invalid_client","error_description":"unknown client id"}', "auth"],
    [503, "busy", "overloaded"],
    [200, "<html></html>", "server_error"],
    [200, `{"pad":"${"x".repeat(70_000)}"}`, "server_error"],
  ])("that is not given is a fault that charges nothing (status %i, %#)", async (status, body, errorClass) => {
    platform.giveToken = (response) => void response.writeHead(status).end(body);
    const { events, fault } = await ask();
    expect(events).toEqual(["fail"]);
    expect(fault).toMatchObject({ errorClass, charged: "nothing" });
    expect(JSON.stringify([fault!.text("en"), fault!.details])).not.toMatch(/the key|s\/e|ret/);
    // What went wrong is not kept.
    platform.giveToken = undefined;
    expect((await ask()).events.at(-1)).toBe("end");
  });

  test("whose server breaks off charges nothing", async () => {
    platform.giveToken = (response) => void response.destroy();
    expect((await ask()).fault).toMatchObject({ charged: "nothing", errorClass: "server_error" });
  });

  test("is not waited for by those who have left, and waited for by those who have not", async () => {
    let give = (): void => {};
    platform.holdTokens = new Promise((resolve) => {
      give = resolve;
    });
    const gone = record(transport, request("/body"));
    const paused = record(transport, request("/body"));
    gone.exchange.abort();
    paused.exchange.pause();
    give();
    await ask();
    expect([gone.events, paused.events.includes("end")]).toEqual([[], false]);
    paused.exchange.resume();
    expect((await paused.done).events.at(-1)).toBe("end");
    expect(platform.asked).toHaveLength(2);
  });

  test("is not needed where requests are signed", async () => {
    const signed = baiduTransport({
      baseUrl: platform.address + INTERFACE,
      credentials: { accessKey: "a", secretKey: "b" },
    });
    expect((await record(signed, request("/body")).done).events.at(-1)).toBe("end");
    expect([platform.asked, platform.tokenQueries]).toEqual([["/body "], []]);
    await signed.close();
  });
});

test("tokens come from where the interface is, behind the same prefix", () => {
  expect(tokenAddress(`https://aip.baidubce.com${INTERFACE}`)).toEqual({
    baseUrl: "https://aip.baidubce.com",
    path: "/oauth/2.0/token",
  });
  expect(tokenAddress(`http://gateway.example:8080/baidu${INTERFACE}/`).baseUrl).toBe(
    "http://gateway.example:8080/baidu",
  );
  expect(tokenAddress("http://gateway.example/v1").baseUrl).toBe("http://gateway.example");
});
