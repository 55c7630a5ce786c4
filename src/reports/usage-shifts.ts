import { type Kysely, type RawBuilder, sql } from "kysely";
import { type Currency, type Ratio, UNIT_RATIO } from "../base/money.ts";
import { payerIsAmong } from "../records/payer-filter.ts";
import type { KinTable, Schema } from "../store/schema.ts";
import { INPUT_COLUMNS, OUTPUT_COLUMNS } from "../store/usage-columns.ts";
import type { Period, Segment } from "./periods.ts";
import type { UsageAsk } from "./usage-ask.ts";
import type { Part, UsageFigures, UsageSums } from "./usage-sums.ts";
import { coverUnits, unitsOf } from "./usage-units.ts";

/** Sums that the database may hand over for one segment, before they are summed further. */
const MOST_SUMS = 2_000_000;
/** Stretches of time are written out in the statement. */
const MOST_UNITS = 2_000;

/**
 * Sums up a segment of whole hours, by days or months or all of it, out of thirds of days and hours. False, and nothing
 * is added, where that would be too much at once.
 */
export async function addShifts(
  query: Kysely<Schema>,
  ask: UsageAsk,
  segment: Segment,
  sums: UsageSums,
  ratioOf: (currency: Currency) => Ratio,
): Promise<boolean> {
  const units = unitsOf(segment, ask.by);
  if (units.length > MOST_UNITS || units.length * (await countKin(query, ask)) > MOST_SUMS) return false;
  const { shifts, hours } = coverUnits(units);
  const ofShifts = await readSums(query, shiftSums(ask), shifts);
  const ofHours = await readSums(query, hourSums(ask), hours);
  // Not before: the sums may name kin that were met a moment ago.
  const kin = await readKin(query, ask, sums);
  const times = units.map(({ keys }) => sums.time(keys));
  const add = (unit: number, { id, figures }: KinSum, sign: 1 | -1): void => {
    const { rest, currency } = kin.get(id)!;
    sums.add(times[unit]!, rest, figures, figures.cost === 0n ? UNIT_RATIO : ratioOf(currency), sign);
  };
  for (const [span, sum] of ofShifts) add(shifts[span]!.unit, sum, 1);
  for (const [span, sum] of ofHours) {
    const { into, outOf } = hours[span]!;
    add(into, sum, 1);
    if (outOf !== undefined) add(outOf, sum, -1);
  }
  return true;
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

interface KinSum {
  readonly id: number;
  readonly figures: UsageFigures;
}

/** Figures in the order in which they are packed. */
const FIGURES = ["calls", "attempts", "estimated", "cost", "input_tokens", "output_tokens"];

const inSpan = (column: string): RawBuilder<unknown> =>
  sql`${sql.ref(column)} >= span.low and ${sql.ref(column)} < span.high`;
const total = (columns: readonly string[], name: string): RawBuilder<unknown> =>
  sql`sum(${sql.join(
    columns.map((column) => sql.ref(column)),
    sql` + `,
  )}) as ${sql.ref(name)}`;

function shiftSums({ payers }: UsageAsk): RawBuilder<unknown> {
  return sql`select kin, ${sql.join(FIGURES.map((name) => total([name], name)))} from usage_shifts
    where ${inSpan("shift")} ${payers ? sql`and kin in (select id from kin where ${payerIsAmong(payers)})` : sql``}
    group by kin`;
}

function hourSums({ payers }: UsageAsk): RawBuilder<unknown> {
  const kept = FIGURES.slice(0, 4).map((name) => total([name], name));
  return sql`select kin.id as kin, ${sql.join([...kept, total(INPUT_COLUMNS, "input_tokens"), total(OUTPUT_COLUMNS, "output_tokens")])}
    from (select * from usage_hourly where ${inSpan("hour")} ${payers ? sql`and ${payerIsAmong(payers)}` : sql``}) as used
    join kin on kin.payer = used.payer and kin.key = used.key and kin.route = used.route and kin.model = used.model
      and kin.currency = used.currency
    group by kin.id`;
}

/**
 * The sums of each stretch of time, with its place in `spans`. They come as one text a stretch: a row costs more to bring over than
 * to sum up.
 */
async function readSums(
  query: Kysely<Schema>,
  sumsOfSpan: RawBuilder<unknown>,
  spans: readonly Period[],
): Promise<[span: number, sum: KinSum][]> {
  if (spans.length === 0) return [];
  const written = spans.map(({ from, to }, place) => sql`(${sql.lit(place)}, ${sql.lit(from)}, ${sql.lit(to)})`);
  const figures = ["kin", ...FIGURES].map((name) =>
    name === "cost" ? sql`'"' || cast(cost as text) || '"'` : sql`cast(${sql.ref(name)} as text)`,
  );
  const { rows } = await sql<{ place: number; packed: string | null }>`
    with span(place, low, high) as (values ${sql.join(written)})
    select place, (select string_agg(${sql.join(figures, sql` || ',' || `)}, '],[') from (${sumsOfSpan}) as summed) as packed
    from span`.execute(query);
  return rows.flatMap(({ place, packed }) => unpack(packed).map((sum): [number, KinSum] => [place, sum]));
}

type Packed = readonly [
  kin: number,
  calls: number,
  attempts: number,
  estimated: number,
  cost: string,
  inputTokens: number,
  outputTokens: number,
];

function unpack(packed: string | null): KinSum[] {
  const sums = JSON.parse(packed === null ? "[]" : `[[${packed}]]`) as Packed[];
  return sums.map(([id, calls, attempts, estimated, cost, inputTokens, outputTokens]) => ({
    id,
    figures: { calls, attempts, estimated, cost: BigInt(cost), inputTokens, outputTokens },
  }));
}
