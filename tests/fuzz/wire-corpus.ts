import { mutateBytes } from "./mutate-bytes.ts";
import { mutateJson } from "./mutate-json.ts";
import type { Random } from "./random.ts";
import { makeRequest } from "./requests.ts";
import { SURFACES, type SurfacePath } from "./requests-corpus.ts";
import { scrapBytes } from "./scraps.ts";

/** Requests as they stand on the wire, right ones and broken ones. */

export interface Head {
  readonly method: string;
  readonly path: string;
  readonly key: string;
  readonly body: Buffer | undefined;
  readonly type?: string;
}

export function clientHead(random: Random, key: string, models: readonly string[]): Head {
  if (random.once(10)) {
    const path = random.pick([
      "/v1/models",
      "/v1/models?limit=2&after_id=x",
      "/v1/nothing",
      "/v1/responses/resp_x",
      "/livez",
      "/readyz?verbose",
      "/metrics",
      "/docs",
      "/openapi.json",
      "/",
    ]);
    return { method: random.pick(["GET", "GET", "HEAD", "OPTIONS", "DELETE"]), path, key, body: undefined };
  }
  const path = random.pick(Object.keys(SURFACES) as SurfacePath[]);
  const body = makeRequest(path, random, random.pick(models));
  const asked = path === "/v1/messages" && random.once(4) ? `${path}/count_tokens` : path;
  return { method: random.once(12) ? random.pick(["PUT", "GET", "PATCH"]) : "POST", path: asked, key, body };
}

const PRICE = { currency: "USD", input: "1", output: "2" };
/** What operators write, by path. Endpoints of other addresses are left out: nothing shall be sent anywhere. */
const WRITTEN: Readonly<Record<string, object>> = {
  payers: {
    id: "new",
    name: { zh: "新", en: "New" },
    parent: "acme",
    limits: { rpm: 100, tpm: 1_000_000, concurrency: 5 },
  },
  keys: { id: "new-key", payer: "acme", routes: ["rehearsal/*"], expiresAt: "2099-01-01", limits: { rpm: 10 } },
  budgets: {
    id: "new-budget",
    payer: "acme",
    amount: "12.5",
    currency: "USD",
    window: "week",
    timezone: "Asia/Shanghai",
    kind: "soft",
  },
  endpoints: {
    id: "stage",
    protocol: "practice",
    price: PRICE,
    timeouts: { firstByteMs: 100 },
    models: [{ id: "one", maxOutputTokens: 9, practice: { answer: "yes", failureRate: 0.5, failure: "error" } }],
  },
  routes: { id: "any", to: ["rehearsal/echo"], on: ["error", "timeout"], tries: 2 },
  prices: { model: "rehearsal/echo", ...PRICE, since: "2026-11-01", tiers: [{ above: 10, input: "3" }] },
  rates: { from: "USD", to: "CNY", rate: "7.1", since: "2026-11-01", source: "x" },
  "prices/compute": { model: "rehearsal/echo", usage: { input: 10, output: 20 }, at: "2026-11-02T00:00:00Z" },
  adjustments: { payer: "acme", amount: "-0.01", currency: "USD", reason: "fuzz", attempt: "call_x.1" },
};
const QUERIES: Readonly<Record<string, string>> = {
  calls: "payer=acme&subtree=false&key=acme-key&state=settled&from=2026-01-01&to=2099-01-01&limit=5&cursor=WzEsMl0",
  entries: "attempt=call_x.1&call=x&payer=acme&from=2026-01-01&to=2099-01-01&limit=5",
  usage: "by=payer,model,day&from=2026-01-01&to=2099-01-01&currency=CNY&timezone=Asia/Shanghai&payer=acme&format=csv",
  statements: "payer=acme&month=2026-11&timezone=Asia/Shanghai&format=focus&currency=CNY",
  unsettled: "limit=3&cursor=x",
  catalogue: "q=qwen&vendor=alibaba&limit=4&cursor=eyJ9",
  models: "limit=2",
  vendors: "",
  status: "",
  audit: "",
  export: "",
  doctor: "",
  budgets: "payer=acme&limit=2",
  payers: "limit=2",
  keys: "payer=acme",
};
const IDS = [
  "acme",
  "acme-key",
  "acme-total",
  "rehearsal",
  "any",
  "new",
  "call_x.1",
  "%2e%2e",
  "%00",
  "__proto__",
  "a/b",
  "%ff",
  "x".repeat(300),
];

/** A request of the operators' API; `apply` has a target of its own. */
export function operatorsHead(random: Random, key: string): Head {
  if (random.once(3)) {
    const [path, query] = random.pick(Object.entries(QUERIES));
    const asked = random.once(2) ? mutateBytes(Buffer.from(query), random).toString("latin1") : query;
    return { method: "GET", path: `/api/v1/${path}${asked ? `?${asked}` : ""}`, key, body: undefined };
  }
  const [kind, document] = random.pick(Object.entries(WRITTEN));
  const json = random.once(6) ? JSON.stringify(document) : mutateJson(document, random);
  const body = random.once(8) ? mutateBytes(Buffer.from(json), random) : Buffer.from(json);
  if (random.once(2)) return { method: "POST", path: `/api/v1/${kind}`, key, body };
  const method = random.pick(["PATCH", "PATCH", "PUT", "DELETE", "GET", "POST"]);
  return { method, path: `/api/v1/${kind}/${random.pick(IDS)}`, key, body: method === "GET" ? undefined : body };
}

const HEADERS = [
  ...[
    "expect: 100-continue",
    "expect: nothing",
    "connection: close",
    "connection: upgrade\r\nupgrade: websocket",
    "upgrade: h2c",
  ],
  ...[
    "accept-language: zh",
    "accept-language: ;;q=x,*",
    "content-encoding: gzip",
    "content-encoding: identity",
    "te: trailers",
  ],
  ...[
    "idempotency-key: one",
    "idempotency-key: \u00ff\u00fe",
    `idempotency-key: ${"k".repeat(4_000)}`,
    "anthropic-version: 2023-06-01",
  ],
  ...[
    "anthropic-beta: a,b",
    "anthropic-version: \u00e9",
    "x-api-key: sk-test-acme",
    "authorization: Bearer",
    "authorization: basic eDp5",
  ],
  ...[
    "cookie: __proto__=1",
    "x-forwarded-for: 127.0.0.1",
    "origin: null",
    "range: bytes=0-1",
    `x-long: ${"y".repeat(40_000)}`,
  ],
  ...[
    "content-length: 5",
    "transfer-encoding: chunked",
    "transfer-encoding: gzip, chunked",
    " folded: line",
    "no-colon",
    ": no name",
    "a b: c",
  ],
].map((header) => `${header}\r\n`);

/** The bytes of one request; one in three is wrong in its head, its lengths or its chunks. */
export function requestBytes(head: Head, random: Random): Buffer {
  const { method, path, key, body, type = "application/json" } = head;
  let headers = `host: 127.0.0.1\r\nauthorization: Bearer ${key}\r\n`;
  for (let times = random.pick([0, 0, 0, 1, 1, 3]); times > 0; times--) headers += random.pick(HEADERS);
  if (random.once(60)) headers += "x-a: b\r\n".repeat(random.between(100, 3_000));
  const version = random.once(30) ? random.pick(["1.0", "0.9", "2.0", "1.1 "]) : "1.1";
  const start = `${method} ${random.once(40) ? `http://host${path}` : path} HTTP/${version}\r\n${headers}`;
  if (body === undefined) return Buffer.from(`${start}\r\n`, "latin1");
  const typed = `${start}content-type: ${random.once(20) ? "text/plain; charset=\u00ff" : type}\r\n`;
  if (random.once(4))
    return Buffer.concat([Buffer.from(`${typed}transfer-encoding: chunked\r\n\r\n`, "latin1"), chunked(body, random)]);
  const wrong = random.once(8)
    ? random.pick([
        "0",
        "-1",
        "1e3",
        String(body.length + 5),
        String(Math.max(0, body.length - 5)),
        "99999999999",
        "x",
        "",
      ])
    : undefined;
  return Buffer.concat([Buffer.from(`${typed}content-length: ${wrong ?? body.length}\r\n\r\n`, "latin1"), body]);
}

function chunked(body: Buffer, random: Random): Buffer {
  const chunks = random.cut(body).slice(0, 2_000);
  const parts = chunks.flatMap((chunk) => {
    const size = random.once(200)
      ? random.pick(["-1", "ffffffffffffffffff", "g", "", "5;ext=\u0001"])
      : chunk.length.toString(16);
    return [Buffer.from(`${size}\r\n`), chunk, Buffer.from("\r\n")];
  });
  const end = random.once(8)
    ? random.pick(["", "0\r\n", "0\r\nx: y\r\n\r\n", "0\n\n", "00000000\r\n\r\n"])
    : "0\r\n\r\n";
  return Buffer.concat([...parts, Buffer.from(end)]);
}

/** All that is sent over one connection: some requests after one another, now and then with noise. */
export function conversation(random: Random, head: (random: Random) => Head): Buffer {
  const requests = Array.from({ length: random.pick([1, 1, 1, 2, 4]) }, () => requestBytes(head(random), random));
  if (random.once(12)) requests.splice(random.below(requests.length + 1), 0, scrapBytes(random));
  const bytes = Buffer.concat(requests);
  if (random.once(40)) return Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), random.bytes(40)]);
  return random.once(10) ? mutateBytes(bytes, random) : bytes;
}
