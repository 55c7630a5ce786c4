import fc from "fast-check";
import { firstIdAt, timeOfId } from "../base/ids.ts";
import { SLOT_MOST_MS } from "./schema.ts";
import { type EntryRow, PHASE } from "./spec.ts";
import { sampleEntry } from "./store.suite.ts";
import { DAY_FIGURES, THIRDS } from "./usage-columns.ts";

export const HOUR = 3_600_000;

const amount = fc.oneof(fc.bigInt(0n, 1_000n), fc.bigInt(-(2n ** 55n), 2n ** 55n));
const count = fc.option(fc.nat(1_000), { nil: undefined, freq: 2 });
const shares = fc.array(
  fc.record({ budget: fc.constantFrom("a", "b", 'c"$', "团队"), window: fc.constantFrom(0, 5 * HOUR) }),
  { maxLength: 3 },
);

/** Entries of few calls, so that many are there already, or resolve or adjust what others began. */
export const anyEntry = fc
  .record({
    call: fc.nat(12),
    number: fc.constantFrom(1, 1, 1, 2),
    kind: fc.constantFrom("hold", "settle", "release", "adjust", "unsettled") as fc.Arbitrary<EntryRow["kind"]>,
    n: fc.constantFrom(0, 0, 0, 1),
    at: fc.oneof(fc.integer({ min: HOUR, max: 3 * HOUR }), fc.integer({ min: HOUR, max: 40 * HOUR })),
    payer: fc.constantFrom("p", "q"),
    key: fc.constantFrom("k", "l"),
    rates: fc.constantFrom("", "CNY:7.1"),
    amount,
    held: amount,
    equal: fc.boolean(),
    resolves: fc.constantFrom(false, false, true),
    shares,
    other: amount,
    overrun: fc.constantFrom(false, false, true),
    basis: fc.constantFrom("reported", "estimated", undefined),
    input: count,
    output: count,
    reasoning: count,
    cacheWrite5m: fc.option(fc.nat(9), { nil: undefined, freq: 1 }),
    detail: fc.constantFrom("{}", '{"finish":"停"}'),
  })
  .map(({ call, number, equal, resolves, shares: places, other, ...rest }): EntryRow => {
    const { hold, close, resolve, adjust } = PHASE;
    const closing = resolves && rest.kind !== "unsettled" ? resolve : close;
    const phase = rest.kind === "hold" ? hold : rest.kind === "adjust" ? adjust : closing;
    const same = rest.kind === "hold" ? rest.held : rest.amount;
    const told = places.map((place) => ({ ...place, amount: equal ? same : other }));
    const id = `${firstIdAt(HOUR + call * 200_000)}${String(call).padStart(11, "0")}`;
    return { ...sampleEntry(`${id}.${number}`), ...rest, phase, shares: told };
  });

/** What reports read, beside the hours. */
export const SUMMED = [
  "select payer, key, route, model, currency from kin order by payer, key, route, model, currency",
  `select day, payer, key, route, model, currency, seat,
    ${THIRDS.flatMap((third) => DAY_FIGURES.map((figure) => `${figure}_${third}`)).join(", ")}
    from usage_days join kin on kin.id = usage_days.kin order by day, payer, key, route, model, currency, seat`,
];

type Row = Record<string, unknown>;

/**
 * Openings whose kin is not noted where lists look for it. Where slots begin is each writer's own.
 *
 * @param seat whose slots they are in
 */
export async function findUnnoted(read: (query: string) => Promise<Row[]>, seat: number): Promise<Row[]> {
  const openings = await read(
    `select attempt, kin.id as kin from entries join kin on kin.payer = entries.payer and kin.key = entries.key
      and kin.route = entries.route and kin.model = entries.model and kin.currency = entries.currency
      where phase = 0 and n = 0`,
  );
  const slots = await read(`select since from opening_slots where seat = ${seat}`);
  const starts = slots.map(({ since }) => Number(since));
  const noted = await read(`select kin, since from kin_slots where seat = ${seat}`);
  const names = new Set(noted.map(({ kin, since }) => `${kin} ${since}`));
  return openings.filter(({ attempt, kin }) => {
    const time = timeOfId(attempt as string);
    const since = Math.max(...starts.filter((start) => start <= time && time < start + SLOT_MOST_MS));
    return !names.has(`${kin} ${since}`);
  });
}
