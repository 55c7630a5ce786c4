import { DatabaseSync } from "@photostructure/sqlite";
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { firstIdAt } from "../base/ids.ts";
import { USAGE_CLASSES } from "../base/usage.ts";
import { BatchEncoder, CIRCUMSTANCES_KEPT, newBatch } from "./batch.ts";
import { BatchWriter } from "./batch-writer.ts";
import { MIGRATIONS, SQLITE_WORDS } from "./migrations.ts";
import type { EntryRow } from "./spec.ts";
import { sampleEntry, sampleSettlement } from "./store.suite.ts";
import { USAGE_COLUMNS } from "./usage-columns.ts";

type Row = Record<string, unknown>;

const HOUR = 3_600_000;

let database: InstanceType<typeof DatabaseSync>;
let encoder: BatchEncoder;
let writer: BatchWriter;

function begin(): void {
  database = new DatabaseSync(":memory:");
  database.exec("create table meta (name text not null primary key, value text not null) strict, without rowid");
  for (const { statements } of MIGRATIONS) for (const statement of statements(SQLITE_WORDS)) database.exec(statement);
  encoder = new BatchEncoder();
  writer = new BatchWriter(database);
}

beforeEach(begin);

function write(entries: readonly EntryRow[]): void {
  const batch = newBatch();
  for (const entry of entries) encoder.add(batch, { op: "entry", entry });
  writer.write(structuredClone(batch));
}

function read(query: string): Row[] {
  const statement = database.prepare(query);
  statement.setReadBigInts(true);
  return statement.all() as Row[];
}

function asRead(entry: EntryRow): Row {
  const { shares, basis, overrun, detail } = entry;
  const row: Row = {};
  for (const name of ["attempt", "kind", "payer", "key", "route", "model", "currency", "price", "rates"] as const) {
    row[name] = entry[name];
  }
  for (const name of ["phase", "n", "at", "amount", "held"] as const) row[name] = BigInt(entry[name]);
  for (const [i, name] of USAGE_CLASSES.entries()) {
    const count = entry[name];
    row[USAGE_COLUMNS[i]!] = count === undefined ? null : BigInt(count);
  }
  const parts = shares.map(({ budget, window, amount }) => [budget, window, String(amount)]);
  return { ...row, shares: JSON.stringify(parts), basis: basis ?? null, overrun: BigInt(overrun), detail };
}

const amount = fc.oneof(fc.bigInt(0n, 1_000n), fc.bigInt(-(2n ** 55n), 2n ** 55n));
const count = fc.option(fc.nat(1_000), { nil: undefined, freq: 2 });
const shares = fc.array(
  fc.record({ budget: fc.constantFrom("a", "b", 'c"$', "团队"), window: fc.constantFrom(0, 5 * HOUR) }),
  { maxLength: 3 },
);

const anyEntry = fc
  .record({
    call: fc.nat(12),
    number: fc.constantFrom(1, 1, 1, 2),
    kind: fc.constantFrom("hold", "settle", "release", "adjust", "unsettled") as fc.Arbitrary<EntryRow["kind"]>,
    n: fc.constantFrom(0, 0, 0, 1),
    at: fc.integer({ min: HOUR, max: 3 * HOUR }),
    payer: fc.constantFrom("p", "q"),
    key: fc.constantFrom("k", "l"),
    rates: fc.constantFrom("", "CNY:7.1"),
    amount,
    held: amount,
    equal: fc.boolean(),
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
  .map(({ call, number, equal, shares: places, other, ...rest }): EntryRow => {
    const phase = rest.kind === "hold" ? 0 : rest.kind === "adjust" ? 3 : 1;
    const same = rest.kind === "hold" ? rest.held : rest.amount;
    const told = places.map((place) => ({ ...place, amount: equal ? same : other }));
    return { ...sampleEntry(`call_${call}.${number}`), ...rest, phase, shares: told };
  });

describe("what is put into batches", () => {
  test("comes out of the store as it was, once, and its sums are those of the entries", () => {
    fc.assert(
      fc.property(fc.array(fc.array(anyEntry, { maxLength: 40 }), { maxLength: 4 }), (batches) => {
        begin();
        for (const batch of batches) write(batch);
        // Within a batch plain rows come first: of two rows with one key either may be the one that counts.
        const byKey = new Map<string, Row[]>();
        for (const entry of batches.flat()) {
          const name = `${entry.attempt} ${entry.phase} ${entry.n}`;
          byKey.set(name, [...(byKey.get(name) ?? []), asRead(entry)]);
        }
        const rows = read("select * from entries");
        expect(rows).toHaveLength(byKey.size);
        for (const row of rows) expect(byKey.get(`${row.attempt} ${row.phase} ${row.n}`)).toContainEqual(row);
        expect(read("select * from budget_windows where settled <> 0 order by 1, 2")).toEqual(
          read(`select share.value ->> 0 as book, share.value ->> 1 as "window",
            sum(cast(share.value ->> 2 as integer)) as settled
            from entries, json_each(shares) as share where kind in ('settle', 'adjust')
            group by 1, 2 having settled <> 0 order by 1, 2`),
        );
        const sums = USAGE_COLUMNS.map((name) => `sum(iif(kind = 'settle', coalesce(${name}, 0), 0)) as ${name}`);
        expect(
          read("select *, null as calls from usage_hourly order by hour, payer, key, route, model, currency"),
        ).toEqual(
          read(`select at / ${HOUR} * ${HOUR} as hour, payer, key, route, model, currency, null as calls,
            sum(kind = 'settle') as attempts, sum(kind = 'settle' and basis is 'estimated') as estimated,
            sum(amount) as cost, ${sums.join(", ")}
            from entries where kind in ('settle', 'adjust') group by 1, 2, 3, 4, 5, 6 order by 1, 2, 3, 4, 5, 6`),
        );
        const facts = "payer, key, route, model, currency";
        expect(read(`select distinct ${facts} from circumstances order by ${facts}`)).toEqual(
          read(`select ${facts} from kin order by ${facts}`),
        );
        const ofFirstThird = "calls_1, attempts_1, estimated_1, cost_1, input_tokens_1, output_tokens_1";
        expect(
          read(`select day, ${facts}, ${ofFirstThird} from usage_days join kin on kin.id = kin order by ${facts}`),
        ).toEqual(
          read(`select 0 as day, ${facts}, sum(calls) as calls_1, sum(attempts) as attempts_1,
            sum(estimated) as estimated_1, sum(cost) as cost_1, sum(input + cached_input + cache_write_5m +
            cache_write_1h + input_audio + input_image) as input_tokens_1,
            sum(output + reasoning + output_audio) as output_tokens_1
            from usage_hourly group by ${facts} order by ${facts}`),
        );
      }),
      { numRuns: 150 },
    );
  });

  test("is half as long: what many entries have in common is stored once", () => {
    const places = [{ budget: "b", window: 0 }];
    for (let i = 0; i < 3; i++) {
      write([
        sampleEntry(`call_${i}.1`, { held: 7n, shares: places.map((place) => ({ ...place, amount: 7n })) }),
        sampleSettlement(`call_${i}.1`, { amount: 5n, shares: places.map((place) => ({ ...place, amount: 5n })) }),
      ]);
    }
    encoder = new BatchEncoder(); // The program has been started again.
    writer = new BatchWriter(database);
    write([sampleEntry("call_9.1", { held: 7n, shares: places.map((place) => ({ ...place, amount: 7n })) })]);
    expect(read("select id, books from circumstances")).toEqual([{ id: 1n, books: '[["b",0,"$"]]' }]);
    expect(read("select distinct shares from entry_rows")).toEqual([{ shares: null }]);
  });

  test("may have any number of circumstances: those long unused are described again", () => {
    const hold = (i: number, payer: number) => sampleEntry(`call_${i}.1`, { payer: `p${payer}` });
    const first = hold(0, 0);
    write([first]);
    for (let round = 0; round < 2; round++) {
      const offset = 1 + round * (CIRCUMSTANCES_KEPT + 1);
      write(Array.from({ length: CIRCUMSTANCES_KEPT + 1 }, (_, i) => hold(offset + i, offset + i)));
    }
    const again = hold(10 * CIRCUMSTANCES_KEPT, 0);
    write([again]);
    expect(read("select attempt from entries where payer = 'p0' order by attempt")).toEqual(
      [first.attempt, again.attempt].sort().map((attempt) => ({ attempt })),
    );
    expect(read("select count(*) as wrong from entries where attempt <> 'call_' || substr(payer, 2) || '.1'")).toEqual([
      { wrong: 1n },
    ]);
  });

  test("costs too large to be summed as numbers are summed exactly", () => {
    const dear = 2n ** 40n - 1n;
    const settlements = Array.from({ length: 9_000 }, (_, i) =>
      sampleSettlement(`call_${i}.1`, { amount: dear, shares: [{ budget: "b", window: 0, amount: dear }] }),
    );
    write(settlements);
    expect(read("select settled from budget_windows")).toEqual([{ settled: dear * 9_000n }]);
    expect(read("select cost, calls from usage_hourly")).toEqual([{ cost: dear * 9_000n, calls: 9_000n }]);
  });
});

test("a store of an earlier version gets its days, its kin, and what was opened when", () => {
  database = new DatabaseSync(":memory:");
  database.exec("create table meta (name text not null primary key, value text not null) strict, without rowid");
  const newest = MIGRATIONS.at(-1)!;
  for (const { statements } of MIGRATIONS) for (const statement of statements(SQLITE_WORDS)) database.exec(statement);
  encoder = new BatchEncoder();
  writer = new BatchWriter(database);
  const start = Date.parse("2026-11-24T07:30:00Z");
  const times = [0, 20, 45 * 60_000, 9 * HOUR, 30 * HOUR].map((after) => start + after);
  for (const [n, at] of times.entries()) {
    const facts = { at, payer: n % 2 ? "p" : "q", input: 10, output: 3, amount: BigInt(n + 1), held: 9n };
    const attempt = `${firstIdAt(at)}${String(n).padStart(11, "0")}.1`;
    write([sampleEntry(attempt, { ...facts, input: undefined, output: undefined }), sampleSettlement(attempt, facts)]);
  }
  const days = read("select * from usage_days order by day, kin");
  const kin = read("select * from kin order by id");
  for (const table of ["usage_days", "kin", "kin_slots", "opening_slots"]) database.exec(`drop table ${table}`);
  database.exec("drop index entry_rows_released");
  for (const statement of newest.statements(SQLITE_WORDS)) database.exec(statement);
  expect(read("select * from usage_days order by day, kin")).toEqual(days);
  expect(read("select * from kin order by id")).toEqual(kin);
  const starts = read("select since from opening_slots order by since").map(({ since }) => Number(since));
  for (const [n, at] of times.entries()) {
    const { id } = kin.find(({ payer }) => payer === (n % 2 ? "p" : "q"))!;
    const since = starts.findLast((one) => one <= at)!;
    expect(since).toBeGreaterThan(at - 2 ** 20);
    expect(read(`select kin from kin_slots where since = ${since} and kin = ${id}`)).toHaveLength(1);
  }
});

test("a store of the first version keeps its entries", () => {
  database = new DatabaseSync(":memory:");
  const [first, second] = MIGRATIONS;
  for (const statement of first!.statements(SQLITE_WORDS)) database.exec(statement);
  for (const i of [1, 2, 3]) {
    database.exec(`insert into entries (attempt, phase, n, kind, at, payer, key, route, model, currency, amount, held,
      shares, price, rates, basis, output, detail) values ('call_${i}.1', 1, 0, 'settle', 5, 'p', 'k${i % 2}', 'r', 'm',
      'USD', ${i}, 9, '[["b",0,"${i}"]]', 'price', 'CNY:7', 'reported', 4, '{}')`);
  }
  const columns = Object.keys(read("select * from entries")[0]!).join(", ");
  const before = read(`select ${columns} from entries order by attempt`);
  for (const statement of second!.statements(SQLITE_WORDS)) database.exec(statement);
  expect(read(`select ${columns} from entries order by attempt`)).toEqual(before);
  expect(before).toHaveLength(3);
});
