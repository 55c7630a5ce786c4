import { CompiledQuery, sql } from "kysely";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../base/limits.ts";
import { wordsOf } from "./dialect-words.ts";
import { IS_DECIDED, WAS_NEVER_HELD } from "./kept-calls.ts";
import { onPostgres } from "./postgres.suite.ts";
import { STATEMENTS } from "./postgres-statements.ts";
import { openPostgresStore } from "./postgres-store.ts";
import type { Store } from "./spec.ts";

const ATTEMPTS = 10_000;

/** What is asked of a few calls must not read the whole ledger, which PostgreSQL does where it takes them for many. */
onPostgres("the entries of a call, among many, are found by the key", (server) => {
  let store: Store;

  beforeAll(async () => {
    const url = await server().createDatabase();
    store = await openPostgresStore({ url, limits: DEFAULT_LIMITS });
    await server().run(
      `insert into entry_rows (attempt, phase, n, kind, at, circumstances, amount, held, detail)
       select 'call_' || lpad(i::text, 8, '0') || '.1', phase, 0, case phase when 0 then 'hold' else 'settle' end,
         i, 1, 1, 1, repeat('x', 100) from generate_series(1, ${ATTEMPTS}) as i, generate_series(0, 1) as phase`,
      url,
    );
    await server().run("analyze", url);
  });
  afterAll(() => store?.close());

  const plan = async (query: CompiledQuery): Promise<string> => {
    const { rows } = await store.query.executeQuery(
      CompiledQuery.raw(`explain ${query.sql}`, [...query.parameters] as unknown[]),
    );
    return rows.map((row) => Object.values(row as object)[0]).join("\n");
  };
  const ids = Array.from({ length: 51 }, (_, n) => sql`(${`call_000000${n + 10}`})`);
  const wanted = sql`(values ${sql.join(ids)}) as wanted(id)`;

  test.each([
    ["lists", () => sql`select entries.* from ${wanted} ${wordsOf(store.query).entriesOf(sql`wanted.id`)}`],
    ["kept answers that expire", () => sql`delete from kept_answers where at < 7 and ${IS_DECIDED}`],
    ["keys that nothing was held for", () => sql`delete from kept_answers where ${WAS_NEVER_HELD}`],
  ])("by %s", async (_, statement) => {
    const found = await plan(statement().compile(store.query));
    // Within the limit of one call there is no other way that it would take.
    expect(found).toContain("Limit");
    expect(found).toContain("entry_rows_pkey");
    expect(found).not.toMatch(/Seq Scan on entry_rows/);
  });

  test("by the writer of batches", async () => {
    const found = await plan(CompiledQuery.raw(STATEMENTS.settledOfCalls, [["call_00000007", "call_00000008"]]));
    expect(found).toContain("entry_rows_pkey");
    expect(found).not.toMatch(/Seq Scan on entry_rows/);
  });
});
