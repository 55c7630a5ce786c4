import { DatabaseSync } from "@photostructure/sqlite";
import fc from "fast-check";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { anyEntry, findUnnoted, HOUR, SUMMED } from "./batch.suite.ts";
import { type Batch, BatchEncoder, newBatch, sealBatch } from "./batch.ts";
import { BatchWriter } from "./batch-writer.ts";
import { MIGRATIONS, POSTGRES_WORDS, SQLITE_WORDS } from "./migrations.ts";
import { onPostgres } from "./postgres.suite.ts";
import { PostgresBatchWriter } from "./postgres-batch-writer.ts";
import { openDatabase } from "./postgres-migrate.ts";
import { readRows, TYPES } from "./postgres-values.ts";
import { type EntryRow, type JournalRow, type KeptAnswerRow, PHASE, type WindowTotal } from "./spec.ts";
import { sampleEntry, sampleSettlement } from "./store.suite.ts";

type Row = Record<string, unknown>;

const SEAT = { number: 3, epoch: 5 };
const SLOT_OPENINGS = 2;

/** What a batch leaves behind, all of it. */
const LEFT = [
  "select * from entries order by attempt, phase, n",
  `select * from budget_windows where settled <> 0 order by book, "window"`,
  "select * from usage_hourly order by hour, payer, key, route, model, currency, seat",
  "select * from unsettled order by attempt",
  `select attempt, book, "window", bound from doubt_shares order by attempt, book, "window"`,
  "select * from kept_answers order by id",
  "select * from meta where name <> 'schema-version' order by name",
  `select book, "window", seat, settled, held from node_windows order by book, "window"`,
  ...SUMMED,
];

const kept = fc
  .record({
    id: fc.constantFrom("k1", "k2"),
    state: fc.constantFrom("pending", "kept") as fc.Arbitrary<"kept">,
    at: fc.nat(9),
  })
  .map(({ id, state, at }): KeptAnswerRow => {
    const answer = state === "kept" ? Uint8Array.of(0, at, 255) : undefined;
    return { id, requestHash: 'h"\\', call: "call_1", state, at, status: 200, headers: "{}", answer };
  });

const anyRow: fc.Arbitrary<JournalRow> = fc.oneof(
  { weight: 12, arbitrary: anyEntry.map((entry): JournalRow => ({ op: "entry", entry })) },
  { weight: 2, arbitrary: fc.tuple(anyEntry, kept).map(([entry, kept]): JournalRow => ({ op: "entry", entry, kept })) },
  { weight: 1, arbitrary: kept.map((kept): JournalRow => ({ op: "kept", kept })) },
  { weight: 1, arbitrary: fc.constantFrom("k1", "k2").map((id): JournalRow => ({ op: "forget-kept", id })) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom("m", "n"), fc.string())
      .map(([name, value]): JournalRow => ({ op: "mark", name, value: value.replaceAll("\0", "") })),
  },
);

const anyTotal = fc.record({
  book: fc.constantFrom("a", "b"),
  window: fc.constantFrom(0, 5 * HOUR),
  settled: fc.bigInt(0n, 2n ** 60n),
  held: fc.bigInt(0n, 9n),
}) as fc.Arbitrary<WindowTotal>;

onPostgres("what is put into batches for PostgreSQL", (server) => {
  let url: string;
  let client: pg.Client;

  beforeAll(async () => {
    url = await server().createDatabase();
    await openDatabase({ url, durability: "disk" });
    client = new pg.Client({ connectionString: url, pipeline: true, types: TYPES });
    await client.connect();
  });
  afterAll(() => client.end());

  async function empty(): Promise<void> {
    const tables = [
      "entry_rows, circumstances, kin, budget_windows, usage_hourly, usage_days, opening_slots, kin_slots",
      "unsettled, doubt_shares, kept_answers, node_windows, nodes",
    ];
    await client.query(`truncate ${tables.join()}; delete from meta where name <> 'schema-version'`);
    await client.query("insert into nodes values ($1, $2, 'test', 0, 1, 1, null)", [SEAT.number, SEAT.epoch]);
  }

  async function read(query: string): Promise<Row[]> {
    return readRows(await client.query({ text: query, values: [], rowMode: "array", types: TYPES }));
  }

  function openSqlite(): { database: InstanceType<typeof DatabaseSync>; writer: BatchWriter } {
    const database = new DatabaseSync(":memory:");
    database.exec("create table meta (name text not null primary key, value text not null) strict, without rowid");
    for (const { statements } of MIGRATIONS) for (const sql of statements(SQLITE_WORDS)) database.exec(sql);
    database.exec(`insert into nodes values (${SEAT.number}, ${SEAT.epoch}, 'test', 0, 1, 1, null)`);
    return { database, writer: new BatchWriter(database, SLOT_OPENINGS) };
  }

  const plain = (rows: readonly Row[]): unknown[] =>
    rows.map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([name, value]) => [
          name,
          value instanceof Uint8Array ? [...value].join() : typeof value === "number" ? BigInt(value) : value,
        ]),
      ),
    );

  test("comes to the same as in SQLite, however often a batch is written", async () => {
    const batches = fc.array(
      fc.record({
        rows: fc.array(anyRow, { maxLength: 40 }),
        totals: fc.array(anyTotal, { maxLength: 1 }),
        again: fc.boolean(),
        isNewConnection: fc.boolean(),
      }),
      { maxLength: 4 },
    );
    await fc.assert(
      fc.asyncProperty(batches, fc.boolean(), async (given, isSeated) => {
        await empty();
        const { database, writer } = openSqlite();
        const encoder = new BatchEncoder(isSeated ? SEAT : undefined);
        const postgres = new PostgresBatchWriter(SLOT_OPENINGS);
        for (const { rows, totals, again, isNewConnection } of given) {
          const batch = newBatch();
          for (const row of rows) encoder.add(batch, row);
          if (isSeated) sealBatch(batch, { ...SEAT, totals: () => totals });
          // The whole batch once more, as after an outage that left its outcome unknown.
          for (const mayBeThere of again ? [false, true] : [false]) {
            if (isNewConnection) postgres.forgetRows();
            expect(await postgres.write(client, structuredClone(batch), mayBeThere)).toBe(true);
          }
          writer.write(structuredClone(batch));
        }
        for (const query of LEFT) {
          const statement = database.prepare(query);
          statement.setReadBigInts(true);
          expect(plain(await read(query)), query).toEqual(plain(statement.all() as Row[]));
        }
        for (const rows of [read, async (query: string) => database.prepare(query).all() as Row[]]) {
          expect(await findUnnoted(rows, isSeated ? SEAT.number : 0)).toEqual([]);
        }
        database.close();
      }),
      { numRuns: 100 },
    );
  });

  test("was not refused where an earlier try came through and the seat was taken away since", async () => {
    const entry = (one: EntryRow): JournalRow => ({ op: "entry", entry: one });
    const odd = { overrun: true } as const; // travels among the others
    const closes = [sampleSettlement("call_1.1"), sampleSettlement("call_1.1", odd)];
    for (const one of [sampleEntry("call_1.1"), ...closes]) {
      await empty();
      const postgres = new PostgresBatchWriter();
      const encoder = new BatchEncoder(SEAT);
      const batchOf = (...entries: readonly EntryRow[]): Batch => {
        const batch = newBatch();
        for (const row of entries) encoder.add(batch, entry(row));
        sealBatch(batch, { ...SEAT, totals: () => [] });
        return batch;
      };
      const there = batchOf(one);
      expect(await postgres.write(client, there)).toBe(true);
      expect(await postgres.write(client, batchOf(sampleEntry("call_2.1")))).toBe(true);
      await client.query("update nodes set epoch = epoch + 1, ended_at = 1");
      // Whoever ends the seat leaves in doubt what it had open: the place of its close is taken.
      const end = newBatch();
      const doubt = sampleEntry("call_2.1", { phase: PHASE.close, kind: "unsettled", amount: 20n });
      new BatchEncoder().add(end, entry(doubt));
      await new PostgresBatchWriter().write(client, end);
      const before = await Promise.all(LEFT.map(read));
      expect(await postgres.write(client, there, true)).toBe(true);
      expect(await postgres.write(client, there)).toBe(false);
      for (const refused of [
        sampleSettlement("call_2.1"),
        sampleSettlement("call_2.1", odd),
        doubt,
        sampleEntry("call_3.1"),
      ])
        expect(await postgres.write(client, batchOf(refused), true), refused.kind).toBe(false);
      expect(await Promise.all(LEFT.map(read))).toEqual(before);
    }
  });

  test("is found again by reports and lists where it was written before they had tables of their own", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyRow, { minLength: 1, maxLength: 40 }), async (rows) => {
        await empty();
        const batch = newBatch();
        const encoder = new BatchEncoder();
        for (const row of rows) encoder.add(batch, row);
        await new PostgresBatchWriter().write(client, batch);
        const written = await Promise.all(SUMMED.map(read));
        for (const table of ["kin", "usage_days", "opening_slots", "kin_slots"])
          await client.query(`drop table ${table}`);
        await client.query("drop index entry_rows_released");
        for (const statement of MIGRATIONS.at(-1)!.statements(POSTGRES_WORDS)) await client.query(statement);
        expect(await Promise.all(SUMMED.map(read))).toEqual(written);
        expect(await findUnnoted(read, 0)).toEqual([]);
      }),
      { numRuns: 10 },
    );
  });

  test("may be written by two nodes that meet the same kin at a time", async () => {
    await empty();
    const [first, second] = [SEAT, { number: 4, epoch: 1 }];
    await client.query("insert into nodes values ($1, $2, 'other', 0, 1, 1, null)", [second.number, second.epoch]);
    const other = new pg.Client({ connectionString: url, pipeline: true, types: TYPES });
    await other.connect();
    try {
      const writers = [first, second].map((seat, i) => {
        return {
          seat,
          client: [client, other][i]!,
          encoder: new BatchEncoder(seat),
          writer: new PostgresBatchWriter(),
        };
      });
      for (let round = 0; round < 20; round++) {
        const outcomes = writers.map(({ seat, client: own, encoder, writer }) => {
          const batch = newBatch();
          for (let n = 0; n < 5; n++) {
            // Each meets them in another order.
            const payer = `p${round} ${seat.number === 4 ? n : 4 - n}`;
            const entry = sampleSettlement(`call_${round}_${n}_${seat.number}.1`, { payer });
            encoder.add(batch, { op: "entry", entry });
          }
          sealBatch(batch, { ...seat, totals: () => [] });
          return writer.write(own, batch);
        });
        expect(await Promise.all(outcomes)).toEqual([true, true]);
      }
    } finally {
      await other.end();
    }
    expect(await read("select count(*) as kin from kin")).toEqual([{ kin: 100 }]);
    expect(
      await read("select sum(attempts_1 + attempts_2 + attempts_3) as attempts, count(*) as places from usage_days"),
    ).toEqual([{ attempts: 200, places: 200 }]);
  });
});
