import { parseAmount, parseDecimal, parseRate } from "../base/money.ts";

/** What a text in a setting must look like. Each name is also the name of the message that says so. */
export const FORMATS = {
  id: isId,
  routeId: (text) => /^[A-Za-z0-9][A-Za-z0-9._:@+-]{0,127}$/.test(text),
  modelId: (text) => MODEL_ID.test(text),
  modelRef: (text) => {
    const slash = text.indexOf("/");
    return slash > 0 && isId(text.slice(0, slash)) && MODEL_ID.test(text.slice(slash + 1));
  },
  routePattern: (text) => text === "*" || /^[A-Za-z0-9][\x21-\x7e]{0,254}$/.test(text),
  currency: (text) => /^[A-Z]{3,8}$/.test(text),
  amount: (text) => {
    const amount = parseAmount(text);
    return amount !== undefined && amount >= 0n && amount <= MOST_NANO;
  },
  price: (text) => {
    const price = parseDecimal(text, PRICE_DIGITS);
    return price !== undefined && price >= 0n && price <= MOST_PRICE;
  },
  rate: (text) => {
    const rate = parseRate(text);
    return rate !== undefined && rate.numerator <= MOST_RATE;
  },
  day: (text) => /^\d{4}-\d{2}-\d{2}$/.test(text) && isDay(text),
  instant: (text) => instantOf(text) !== undefined,
  clockTime: (text) => /^([01]\d|2[0-3]):[0-5]\d$/.test(text),
  timezone: isTimezone,
  hash: (text) => /^[0-9a-f]{64}$/.test(text),
  secret: (text) => text.length >= SHORTEST_SECRET && text.length <= LONGEST_SECRET && /^[\x21-\x7e]+$/.test(text),
  address: isAddress,
  headerName: (text) => /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/.test(text),
  headerValue: (text) => /^[\t\x20-\x7e\x80-\xff]{0,4096}$/.test(text),
  credentialHeader: (text) => !CREDENTIAL_HEADERS.has(text.toLowerCase()),
} as const satisfies Record<string, (text: string) => boolean>;

export type Format = keyof typeof FORMATS;

function isId(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$/.test(text);
}

/** Amounts are kept in 64 bits. */
const MOST_NANO = (1n << 63n) - 1n;

/** Decimal places of a price: a millionth of a nano-unit a token is far below any vendor's. */
const PRICE_DIGITS = 9;
const MOST_PRICE = 10n ** BigInt(9 + PRICE_DIGITS);
const MOST_RATE = 10n ** (9n + 18n);

/** Goes into an HTTP header, so visible ASCII only. May contain slashes and colons, as many models' names do. */
const MODEL_ID = /^[A-Za-z0-9][\x21-\x7e]{0,199}$/;

/** Keys of a client's API: long enough not to be guessed within a rate limit, short enough to be a header. */
const SHORTEST_SECRET = 8;
const LONGEST_SECRET = 512;

/** Headers that carry secrets belong under `credentials`, where they are sealed. */
const CREDENTIAL_HEADERS = new Set([
  "authorization",
  "proxy-authorization",
  "cookie",
  "x-api-key",
  "api-key",
  "x-goog-api-key",
]);

/**
 * Milliseconds of a day (`2026-11-01`, midnight UTC) or an instant with its zone (`2026-11-01T08:00:00+08:00`), or
 * undefined where the text is neither.
 */
export function instantOf(text: string): number | undefined {
  const match = /^(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/.exec(text);
  if (!match || !isDay(match[1]!)) return undefined;
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}

/** Whether the calendar has that day: `Date.parse` alone lets 30 February pass. */
function isDay(text: string): boolean {
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

const zones = new Map<string, boolean>();
const MOST_ZONES = 2_000;

function isTimezone(text: string): boolean {
  const known = zones.get(text);
  if (known !== undefined) return known;
  let valid = /^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/.test(text);
  try {
    if (valid) new Intl.DateTimeFormat("en", { timeZone: text });
  } catch {
    valid = false;
  }
  if (zones.size < MOST_ZONES) zones.set(text, valid); // making a formatter takes about 30 µs
  return valid;
}

/** An http(s) or ws(s) address to which paths are appended: no credentials, query or fragment in it. */
function isAddress(text: string): boolean {
  if (text.length > 2_048 || !URL.canParse(text)) return false;
  const url = new URL(text);
  const web = /^(https?|wss?):$/.test(url.protocol);
  return web && url.username === "" && url.password === "" && url.search === "" && url.hash === "";
}
