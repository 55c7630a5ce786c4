import { stringify } from "yaml";
import { Draw, Random } from "./random.ts";

/**
 * A company of some size: 200 payers in a tree, 300 keys, 20 routes, 40 models priced in three currencies, budgets at
 * three levels in two currencies. The same for the same seed.
 */

export interface CompanyModel {
  /** `endpoint/model`. */
  readonly name: string;
  readonly price: Readonly<Record<"currency" | "input" | "cachedInput" | "output", string>>;
}

export interface CompanyKey {
  readonly id: string;
  readonly payer: string;
  /** From the payer to the root. */
  readonly path: readonly string[];
  readonly ways: Draw<Way>;
}

/** A route, and the models behind it. */
export interface Way {
  readonly route: string;
  readonly models: readonly CompanyModel[];
}

export interface Company {
  readonly models: readonly CompanyModel[];
  readonly keys: readonly CompanyKey[];
  /** What a call is drawn from. */
  readonly busy: Draw<CompanyKey>;
  readonly odd: OddCallers;
  /** The settings, as a declarative file. */
  readonly file: string;
}

/**
 * Callers that ask something of an index: one whose calls are few, one whose calls are spread thin over all the time,
 * one that was busy in the first tenth of the time and is silent since. `never` has none of anything.
 */
export interface OddCallers {
  readonly rare: CompanyKey;
  readonly scattered: CompanyKey;
  readonly early: CompanyKey;
}

export const NEVER = { payer: "never", key: "never-key", route: "never-route", model: "never/model" } as const;

const DEPARTMENTS = 8;
const TEAMS = 40;
const PEOPLE = 147; // and the three odd callers, and the one that never calls: 200 payers with the group
const KEYS = 296;
const ROUTES = 20;
const ENDPOINTS = ["bailian", "volcano", "openai-east", "anthropic-west", "mistral-eu"] as const;
const MODELS_OF_ENDPOINT = 8;
const ZONE = "Asia/Shanghai";

export function makeCompany(seed: number): Company {
  const random = new Random(seed);
  const models = makeModels(random);
  const ways: Way[] = Array.from({ length: ROUTES }, (_, n) => ({
    route: `route-${n + 1}`,
    models: [models[(n * 2) % 38]!, models[(n * 5 + 7) % 38]!, models[(n * 11 + 3) % 38]!],
  }));
  const paths = makePaths();
  const callers = [...paths.keys()].filter((payer) => /^(team|person)/.test(payer));
  const makeKey = (id: string, payer: string, all: readonly Way[]): CompanyKey => ({
    id,
    payer,
    path: paths.get(payer)!,
    ways: new Draw(all, (_, place) => 1 / (place + 1)),
  });
  const keys = Array.from({ length: KEYS }, (_, n) => {
    const own = Array.from({ length: 1 + random.below(4) }, () => ways[random.below(ROUTES)]!);
    const direct = models[random.below(38)]!;
    if (random.next() < 0.3) own.push({ route: direct.name, models: [direct] });
    return makeKey(`key-${n + 1}`, callers[random.below(callers.length)]!, [...new Set(own)]);
  });
  const odd: OddCallers = {
    rare: makeKey("rare-key", "rare", [{ route: "rare-route", models: [models[38]!] }]),
    scattered: makeKey("scattered-key", "scattered", [{ route: "scattered-route", models: [models[39]!] }]),
    early: makeKey("early-key", "early", [{ route: "early-route", models: [models[5]!] }]),
  };
  const never = makeKey(NEVER.key, NEVER.payer, []);
  const all = [...keys, ...Object.values(odd), never];
  const busy = new Draw(keys, (_, place) => 1 / (place + 3));
  return { models, keys: all, busy, odd, file: writeFile(models, ways, odd, paths, all) };
}

/** Of each payer the path to the root. */
function makePaths(): Map<string, readonly string[]> {
  const paths = new Map<string, readonly string[]>([["group", ["group"]]]);
  const add = (payer: string, above: string): unknown => paths.set(payer, [payer, ...paths.get(above)!]);
  for (let n = 0; n < DEPARTMENTS; n++) add(`department-${n + 1}`, "group");
  for (let n = 0; n < TEAMS; n++) add(`team-${n + 1}`, `department-${(n % DEPARTMENTS) + 1}`);
  for (let n = 0; n < PEOPLE; n++) add(`person-${n + 1}`, `team-${(n % TEAMS) + 1}`);
  for (const payer of ["rare", "scattered", "early", NEVER.payer]) add(payer, "team-1");
  return paths;
}

/** Rates in whole nano-units a token, so that a cost needs no rounding. */
function makeModels(random: Random): CompanyModel[] {
  const currencies = { bailian: "CNY", volcano: "CNY", "mistral-eu": "EUR" } as Record<string, string>;
  return ENDPOINTS.flatMap((endpoint) =>
    Array.from({ length: MODELS_OF_ENDPOINT }, (_, n) => {
      const input = 100 * (1 + random.below(30));
      const [cached, output] = [input / 10, input * 4];
      const perMillion = (nano: number): string => String(nano / 1_000);
      return {
        name: `${endpoint}/model-${n + 1}`,
        price: {
          currency: currencies[endpoint] ?? "USD",
          input: perMillion(input),
          cachedInput: perMillion(cached),
          output: perMillion(output),
        },
      };
    }),
  );
}

function writeFile(
  models: readonly CompanyModel[],
  ways: readonly Way[],
  odd: OddCallers,
  paths: ReadonlyMap<string, readonly string[]>,
  keys: readonly CompanyKey[],
): string {
  const oddWays = Object.values(odd).map((key) => key.ways.next(new Random(1)));
  const routes = [...ways, ...oddWays].map((way: Way) => ({
    id: way.route,
    to: way.models.map(({ name }) => name),
  }));
  return stringify({
    currency: "CNY",
    rates: [
      { from: "USD", to: "CNY", rate: "7.1", since: "2020-01-01", source: "benchmark" },
      { from: "EUR", to: "CNY", rate: "8.2", since: "2020-01-01", source: "benchmark" },
    ],
    endpoints: ENDPOINTS.map((id) => ({
      id,
      protocol: "openai",
      baseUrl: "http://127.0.0.1:9/v1", // The discard port: nobody calls these.
      credentials: { apiKey: "sk-benchmark" },
      models: models
        .filter(({ name }) => name.startsWith(`${id}/`))
        .map(({ name, price }) => ({ id: name.slice(id.length + 1), maxOutputTokens: 8_000, price })),
    })),
    routes,
    payers: payersBelow("group", paths, keys),
  });
}

function payersBelow(
  top: string,
  paths: ReadonlyMap<string, readonly string[]>,
  keys: readonly CompanyKey[],
): object[] {
  const below = [...paths].filter(([, path]) => path[1] === top).map(([payer]) => payer);
  return [
    {
      id: top,
      budgets: budgetsOf(top),
      keys: keys.filter(({ payer }) => payer === top).map(({ id }) => ({ id, secret: `sk-${id}-benchmark` })),
      payers: below.flatMap((payer) => payersBelow(payer, paths, keys)),
    },
  ];
}

const PERIODS = ["month", "week", "day", "total"] as const;

/** Three levels of budgets, nowhere near their limits. */
function budgetsOf(payer: string): object[] {
  const amount = "1000000000";
  const number = Number(payer.split("-")[1]);
  if (payer === "group") return [{ id: "group-month", amount, currency: "CNY", window: "month", timezone: ZONE }];
  if (payer.startsWith("department")) {
    const currency = number > 6 ? "USD" : "CNY";
    return [{ id: `${payer}-month`, amount, currency, window: "month", timezone: ZONE }];
  }
  if (!payer.startsWith("team")) return [];
  const window = PERIODS[number % PERIODS.length]!;
  return [{ id: `${payer}-${window}`, amount, currency: "CNY", window, timezone: ZONE }];
}
