import { type Kysely, type RawBuilder, sql } from "kysely";
import { type Currency, type Ratio, UNIT_RATIO } from "../base/money.ts";
import { payerIsAmong } from "../records/payer-filter.ts";
import { wordsOf } from "../store/dialect-words.ts";
import { type KinTable, type Schema, THIRD_MS } from "../store/schema.ts";
import { DAY_FIGURES, INPUT_COLUMNS, OUTPUT_COLUMNS, THIRDS } from "../store/usage-columns.ts";
import { DAY_MS, type Segment } from "./periods.ts";
import type { UsageAsk } from "./usage-ask.ts";
import type { Part, UsageSums } from "./usage-sums.ts";
import { coverUnits, type HourSpan, type ThirdSpan, type Unit, unitsOf } from "./usage-units.ts";

/** Sums that the database may hand over for one segment, before they are summed further. */
const MOST_SUMS = 2_000_000;
/** Stretches of time are written out in the statement. */
const MOST_UNITS = 2_000;

type Third = (typeof THIRDS)[number];

/** Units of one statement: while the database sums up the next ones, these are added up here. */
const UNITS_OF_A_READ = 8;

/**
 * Sums up a segment of whole hours, by days or months or all of it, out of thirds of days and hours. False, and nothing
 * is added, where that would be too much at once.
 */
export async function addDays(
  query: Kysely<Schema>,
  ask: UsageAsk,
  segment: Segment,
  sums: UsageSums,
  ratioOf: (currency: Currency) => Ratio,
): Promise<boolean> {
  const units = unitsOf(segment, ask.by);
  if (units.length > MOST_UNITS || units.length * (await countKin(query, ask)) > MOST_SUMS) return false;
  const spans = spansOf(units);
  const times = units.map(({ keys }) => sums.time(keys));
  let kin = await readKin(query, ask, sums);
  const add = (unit: number, packed: Packed, sign: 1 | -1): void => {
    const [id, calls, attempts, estimated, inputTokens, outputTokens, billions, below] = packed;
    const { rest, currency } = kin.get(id)!;
    const figures = { calls, attempts, estimated, cost: costOf(billions, below), inputTokens, outputTokens };
    sums.add(times[unit]!, rest, figures, figures.cost === 0n ? UNIT_RATIO : ratioOf(currency), sign);
  };
  let next: Promise<readonly SpanSums[]> | undefined;
  for (let first = 0; first < spans.length; ) {
    const end = endOfRead(spans, first);
    const read = await (next ?? readSums(query, ask, spans.slice(first, end)));
    const after = spans.slice(end, endOfRead(spans, end));
    next = after.length > 0 ? readSums(query, ask, after) : undefined;
    // Some of them may be of a kin that was met a moment ago.
    if (read.some(({ all }) => all.some(([id]) => !kin.has(id)))) kin = await readKin(query, ask, sums);
    for (const { place, all } of read) {
      const { into, outOf } = spans[first + place]!;
      for (const packed of all) {
        add(into, packed, 1);
        if (outOf !== undefined) add(outOf, packed, -1);
      }
    }
    first = end;
  }
  return true;
}

/** A stretch of time whose sums go into one unit, and perhaps out of another. */
interface Span extends HourSpan {
  /** Of each of its days these, where it is days; undefined where it is hours. */
  readonly thirds: readonly Third[] | undefined;
  /**
   * Spans of the same home are read in one statement: what is counted in a third and taken out again by the hour must
   * be the same.
   */
  readonly home: number;
}

function spansOf(units: readonly Unit[]): Span[] {
  const { thirds, hours } = coverUnits(units);
  const spans = thirds.flatMap(daysOf);
  for (const span of hours) spans.push({ ...span, thirds: undefined, home: span.outOf ?? span.into });
  return spans.sort((a, b) => a.home - b.home);
}

/** The rest of a first day, whole days, and the beginning of a last one. */
function daysOf({ from, to, unit }: ThirdSpan): Span[] {
  const spans: Span[] = [];
  const add = (start: number, end: number): void => {
    if (start >= end) return;
    const day = Math.floor(start / DAY_MS) * DAY_MS;
    const last = Math.ceil(end / DAY_MS) * DAY_MS;
    const isThere = (third: Third): boolean =>
      day + (third - 1) * THIRD_MS >= start && last - (THIRDS.length - third) * THIRD_MS <= end;
    spans.push({ thirds: THIRDS.filter(isThere), home: unit, from: day, to: last, into: unit, outOf: undefined });
  };
  const firstWhole = Math.ceil(from / DAY_MS) * DAY_MS;
  const lastWhole = Math.floor(to / DAY_MS) * DAY_MS;
  if (firstWhole > lastWhole) {
    add(from, to);
    return spans;
  }
  add(from, firstWhole);
  add(firstWhole, lastWhole);
  add(lastWhole, to);
  return spans;
}

function endOfRead(spans: readonly Span[], first: number): number {
  let end = first;
  while (end < spans.length && spans[end]!.home < spans[first]!.home + UNITS_OF_A_READ) end += 1;
  return end;
}

async function countKin(query: Kysely<Schema>, { payers }: UsageAsk): Promise<number> {
  let select = query.selectFrom("kin").select(({ fn }) => fn.countAll<number>().as("count"));
  if (payers) select = select.where(payerIsAmong(payers));
  return Number((await select.executeTakeFirstOrThrow()).count);
}

interface KinPart {
  readonly rest: Part;
  readonly currency: Currency;
}

async function readKin(query: Kysely<Schema>, { payers }: UsageAsk, sums: UsageSums): Promise<Map<number, KinPart>> {
  let select = query.selectFrom("kin").selectAll();
  if (payers) select = select.where(payerIsAmong(payers));
  const parts = new Map<number, KinPart>();
  for (const { id, currency, ...facts } of await select.execute()) {
    const keys: Omit<KinTable, "id" | "currency"> & { endpoint: string } = { ...facts, endpoint: endpointOf(facts) };
    parts.set(id, { rest: sums.rest(keys, currency), currency });
  }
  return parts;
}

function endpointOf({ model }: { readonly model: string }): string {
  return model.slice(0, Math.max(0, model.indexOf("/")));
}

const inSpan = (column: string): RawBuilder<unknown> =>
  sql`${sql.ref(column)} >= span.low and ${sql.ref(column)} < span.high`;
const total = (columns: readonly string[], name: string): RawBuilder<unknown> =>
  sql`cast(sum(${sql.join(
    columns.map((column) => sql.ref(column)),
    sql` + `,
  )}) as bigint) as ${sql.ref(name)}`;

/** @param many whether the span is of several days: those of one are not worth summing up in the database */
function daySums({ payers }: UsageAsk, thirds: readonly Third[], many: boolean): RawBuilder<unknown> {
  const figures = DAY_FIGURES.map((name) => {
    const sum = sql.join(
      thirds.map((third) => sql.ref(`${name}_${third}`)),
      sql` + `,
    );
    return sql`${many ? sql`cast(sum(${sum}) as bigint)` : sum} as ${sql.ref(name)}`;
  });
  const telling = thirds.flatMap((third) => [sql.ref(`attempts_${third}`), sql.ref(`cost_${third}`)]);
  const isUsed = sql.join(
    telling.map((name) => sql`${name} <> 0`),
    sql` or `,
  );
  return sql`select kin, ${sql.join(figures)} from usage_days where ${inSpan("day")} and (${isUsed})
    ${payers ? sql`and kin in (select id from kin where ${payerIsAmong(payers)})` : sql``}
    ${many ? sql`group by kin` : sql``}`;
}

function hourSums({ payers }: UsageAsk): RawBuilder<unknown> {
  const kept = DAY_FIGURES.slice(0, 4).map((name) => total([name], name));
  return sql`select kin.id as kin, ${sql.join([...kept, total(INPUT_COLUMNS, "input_tokens"), total(OUTPUT_COLUMNS, "output_tokens")])}
    from (select * from usage_hourly where ${inSpan("hour")} ${payers ? sql`and ${payerIsAmong(payers)}` : sql``}) as used
    join kin on kin.payer = used.payer and kin.key = used.key and kin.route = used.route and kin.model = used.model
      and kin.currency = used.currency
    group by kin.id`;
}

/** As the database hands it over. */
type Packed = readonly [
  kin: number,
  calls: number,
  attempts: number,
  estimated: number,
  inputTokens: number,
  outputTokens: number,
  /** Of the cost, which may be more than a number holds. */
  billions: number,
  below: number,
];

const BILLION = 1_000_000_000;

function costOf(billions: number, below: number): bigint {
  const cost = billions * BILLION + below;
  return Number.isSafeInteger(cost) ? BigInt(cost) : BigInt(billions) * BigInt(BILLION) + BigInt(below);
}

interface SpanSums {
  /** In `spans`. */
  readonly place: number;
  readonly all: readonly Packed[];
}

/** The sums of each stretch of time. They come as one text a stretch: a row costs more to bring over than to sum up. */
async function readSums(query: Kysely<Schema>, ask: UsageAsk, spans: readonly Span[]): Promise<SpanSums[]> {
  const counts = ["kin", ...DAY_FIGURES].filter((name) => name !== "cost");
  const cost = [sql`cost / ${sql.lit(BILLION)}`, sql`cost % ${sql.lit(BILLION)}`];
  const listed = wordsOf(query).listed([...counts.map((name) => sql`${sql.ref(name)}`), ...cost]);
  const packed = sql`string_agg(${listed}, '],[')`;
  // Spans that ask the same of their rows share a part of the statement.
  const parts = new Map<string, { readonly sums: RawBuilder<unknown>; readonly spans: RawBuilder<unknown>[] }>();
  for (const [place, { thirds, from, to }] of spans.entries()) {
    const many = to - from > DAY_MS;
    const name = `${thirds} ${many}`;
    let part = parts.get(name);
    if (!part) parts.set(name, (part = { sums: thirds ? daySums(ask, thirds, many) : hourSums(ask), spans: [] }));
    part.spans.push(sql`(${sql.lit(place)}, ${sql.lit(from)}, ${sql.lit(to)})`);
  }
  const statements = Array.from(
    parts.values(),
    (part) => sql`select place, (select ${packed} from (${part.sums}) as summed) as packed
      from (select column1 as place, column2 as low, column3 as high
        from (values ${sql.join(part.spans)}) as given) as span`,
  );
  const { rows } = await sql<{
    place: number;
    packed: string | null;
  }>`${sql.join(statements, sql` union all `)}`.execute(query);
  return rows.map((row) => ({
    place: Number(row.place),
    all: JSON.parse(row.packed === null ? "[]" : `[[${row.packed}]]`) as Packed[],
  }));
}
