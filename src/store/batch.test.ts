import { DatabaseSync } from "@photostructure/sqlite";
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { USAGE_CLASSES } from "../base/usage.ts";
import { anyEntry, findUnnoted, HOUR, SUMMED } from "./batch.suite.ts";
import { BatchEncoder, CIRCUMSTANCES_KEPT, newBatch } from "./batch.ts";
import { BatchWriter } from "./batch-writer.ts";
import { MIGRATIONS, SQLITE_WORDS } from "./migrations.ts";
import type { EntryRow } from "./spec.ts";
import { sampleEntry, sampleSettlement } from "./store.suite.ts";
import { DAY_FIGURES, INPUT_COLUMNS, OUTPUT_COLUMNS, THIRDS, USAGE_COLUMNS } from "./usage-columns.ts";

type Row = Record<string, unknown>;

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
  return { ...row, lease: "", shares: JSON.stringify(parts), basis: basis ?? null, overrun: BigInt(overrun), detail };
}

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
          read(
            "select *, null as calls, null as seat from usage_hourly order by hour, payer, key, route, model, currency",
          ),
        ).toEqual(
          read(`select at / ${HOUR} * ${HOUR} as hour, payer, key, route, model, currency, null as calls, null as seat,
            sum(kind = 'settle') as attempts, sum(kind = 'settle' and basis is 'estimated') as estimated,
            sum(amount) as cost, ${sums.join(", ")}
            from entries where kind in ('settle', 'adjust') group by 1, 2, 3, 4, 5, 6 order by 1, 2, 3, 4, 5, 6`),
        );
        const facts = "payer, key, route, model, currency";
        expect(read(`select distinct ${facts} from circumstances order by ${facts}`)).toEqual(
          read(`select ${facts} from kin order by ${facts}`),
        );
        for (const third of THIRDS) {
          const figures = DAY_FIGURES.map((name) => `${name}_${third}`);
          const isTold = `attempts_${third} <> 0 or cost_${third} <> 0`;
          const kept = read(`select day, ${facts}, ${figures.join(", ")} from usage_days join kin on kin.id = kin
            where ${isTold} order by day, ${facts}`);
          const sums = [...DAY_FIGURES.slice(0, 4), INPUT_COLUMNS.join(" + "), OUTPUT_COLUMNS.join(" + ")];
          const summed = sums.map((columns, i) => `sum(${columns}) as ${figures[i]}`).join(", ");
          expect(kept).toEqual(
            read(`select hour / ${24 * HOUR} * ${24 * HOUR} as day, ${facts}, ${summed} from usage_hourly
              where hour / ${8 * HOUR} % 3 = ${third - 1} group by 1, ${facts} having ${isTold} order by 1, ${facts}`),
          );
        }
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

test("a store of the first version keeps its entries", () => {
  database = new DatabaseSync(":memory:");
  const [first, ...later] = MIGRATIONS;
  for (const statement of first!.statements(SQLITE_WORDS)) database.exec(statement);
  for (const i of [1, 2, 3]) {
    database.exec(`insert into entries (attempt, phase, n, kind, at, payer, key, route, model, currency, amount, held,
      shares, price, rates, basis, output, detail) values ('call_${i}.1', 1, 0, 'settle', 5, 'p', 'k${i % 2}', 'r', 'm',
      'USD', ${i}, 9, '[["b",0,"${i}"]]', 'price', 'CNY:7', 'reported', 4, '{}')`);
  }
  const columns = Object.keys(read("select * from entries")[0]!).join(", ");
  const before = read(`select ${columns} from entries order by attempt`);
  database.exec(`insert into entries select 'call_9.1', 1, 0, 'unsettled', 5, 'p', 'k', 'r', 'm', 'USD', 7, 7,
    '[["b",0,"7"],["c",5,"50"]]', price, rates, null, 0, ${USAGE_COLUMNS.map(() => "null").join(", ")}, '{}'
    from entries limit 1`);
  database.exec("insert into unsettled values ('call_9.1', 5, 'crash')");
  for (const { statements } of later) for (const statement of statements(SQLITE_WORDS)) database.exec(statement);
  expect(read(`select ${columns} from entries where kind = 'settle' order by attempt`)).toEqual(before);
  expect(before).toHaveLength(3);
  expect(read("select * from doubt_shares order by book")).toEqual([
    { attempt: "call_9.1", book: "b", window: 0n, bound: 7n },
    { attempt: "call_9.1", book: "c", window: 5n, bound: 50n },
  ]);
});

test("a store of the third version is made to tell what reports and lists ask", async () => {
  const copied = ["circumstances", "entry_rows", "usage_hourly"];
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(anyEntry, { maxLength: 40 }), { maxLength: 3 }), async (batches) => {
      begin();
      for (const batch of batches) write(batch);
      const written = SUMMED.map(read);
      const tables = copied.map((table) => read(`select * from ${table}`));
      database = new DatabaseSync(":memory:");
      database.exec("create table meta (name text not null primary key, value text not null) strict, without rowid");
      const [last, ...earlier] = [...MIGRATIONS].reverse();
      for (const { statements } of earlier.reverse()) for (const sql of statements(SQLITE_WORDS)) database.exec(sql);
      for (const [i, rows] of tables.entries()) {
        for (const row of rows) {
          const names = Object.keys(row);
          const places = names.map(() => "?").join();
          database
            .prepare(`insert into ${copied[i]} (${names.join()}) values (${places})`)
            .run(...(Object.values(row) as string[]));
        }
      }
      for (const sql of last!.statements(SQLITE_WORDS)) database.exec(sql);
      expect(SUMMED.map(read)).toEqual(written);
      expect(await findUnnoted(async (query) => read(query), 0)).toEqual([]);
    }),
    { numRuns: 50 },
  );
});
