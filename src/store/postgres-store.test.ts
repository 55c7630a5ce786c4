import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import { Fault } from "../base/faults.ts";
import { DEFAULT_LIMITS } from "../base/limits.ts";
import { NEWEST_VERSION } from "./migrations.ts";
import { onPostgres, PASSWORD } from "./postgres.suite.ts";
import { openPostgresStore } from "./postgres-store.ts";
import { Fenced, type Seat, type Store } from "./spec.ts";
import { sampleEntry, sampleSettlement, testStore } from "./store.suite.ts";
import { transact } from "./transact.ts";

onPostgres("PostgreSQL", (server) => {
  let database: string | undefined;
  testStore(
    "PostgreSQL",
    async () => openPostgresStore({ url: (database ??= await server().createDatabase()), limits: DEFAULT_LIMITS }),
    () => {
      database = undefined;
    },
  );

  const open = (url: string): Promise<Store> => openPostgresStore({ url, limits: DEFAULT_LIMITS });

  describe("opening", () => {
    test("of nodes that start at a time one makes the tables", async () => {
      const url = await server().createDatabase();
      const stores = await Promise.all(Array.from({ length: 8 }, () => open(url)));
      const [first] = stores;
      const rows = await first!.query.selectFrom("meta").selectAll().execute();
      expect(rows).toEqual([{ name: "schema-version", value: String(NEWEST_VERSION) }]);
      await Promise.all(
        stores.map(({ journal }, i) => journal.append({ op: "entry", entry: sampleEntry(`call_${i}.1`) })),
      );
      expect(await first!.query.selectFrom("entries").select("attempt").execute()).toHaveLength(8);
      await Promise.all(stores.map((store) => store.close()));
    });

    test("what an attempt left behind that was cut off is no hindrance", async () => {
      const url = await server().createDatabase();
      await (await open(url)).close();
      await server().run("update meta set value = '0'; drop table jobs; drop table leases", url);
      const store = await open(url);
      await store.query.insertInto("jobs").values({ name: "j", due_at: 1 }).execute();
      expect(await store.query.selectFrom("leases").selectAll().execute()).toEqual([]);
      await store.close();
    });

    test("tables of a newer version are refused, and not touched", async () => {
      const url = await server().createDatabase();
      await (await open(url)).close();
      await server().run("update meta set value = '999' where name = 'schema-version'", url);
      await expect(open(url)).rejects.toMatchObject({
        code: "internal_error",
        message: expect.stringContaining("999"),
      });
      expect(await server().run("select value from meta", url)).toEqual([{ value: "999" }]);
    });

    test("a user who may only use the tables uses them", async () => {
      const url = await server().createDatabase();
      await (await open(url)).close();
      await server().run("create role guest login password 'guest-password'", url);
      await server().run("grant select, insert, update, delete on all tables in schema public to guest", url);
      const guest = new URL(url);
      guest.username = "guest";
      guest.password = "guest-password";
      const store = await open(guest.href);
      await store.journal.append({ op: "entry", entry: sampleEntry("call_1.1") });
      await store.close();
      const empty = new URL(guest);
      empty.pathname = new URL(await server().createDatabase()).pathname;
      await expect(open(empty.href)).rejects.toThrow(/may not create Maidan's tables/);
    });

    test.each<[string, (url: URL) => void, RegExp]>([
      ["a wrong password", (url) => (url.password = "not-the-password"), /refuses the user/],
      ["an unknown user", (url) => (url.username = "nobody"), /refuses the user/],
      ["a missing database", (url) => (url.pathname = "/nowhere"), /nowhere does not exist/],
      ["a port where nobody listens", (url) => (url.port = "1"), /cannot be reached .*ECONNREFUSED/],
      [
        "a certificate that is not there",
        (url) => (url.search = "?sslrootcert=/nowhere.pem"),
        /cannot be asked for .*nowhere/,
      ],
      ["a server without TLS", (url) => (url.search = "?sslmode=require"), /cannot be reached .*SSL/],
      ["a host that is none", (url) => (url.hostname = "no-such-host.invalid"), /cannot be reached/],
    ])("%s is told clearly, and no password with it", async (_, change, says) => {
      const url = new URL(await server().createDatabase());
      change(url);
      const fault = await open(url.href).then(
        () => expect.fail("the store was opened"),
        (error: unknown) => error as Fault,
      );
      expect(fault).toBeInstanceOf(Fault);
      expect(fault.text("en")).toMatch(says);
      expect(fault.text("zh")).toMatch(/[\u4e00-\u9fff]/);
      const { inspect } = await import("node:util");
      const told = inspect(fault, { depth: 10, showHidden: true }) + fault.text("en") + fault.text("zh");
      expect(told).not.toContain(PASSWORD);
      expect(told).not.toContain("not-the-password");
    });

    test("a server that forgets at a power cut is warned of", async () => {
      const url = await server().createDatabase();
      const store = await open(url);
      expect(store.warnings.map((text) => text("en"))).toEqual([expect.stringContaining("fsync = off")]);
      expect(store.warnings.map((text) => text("zh"))).toEqual([expect.stringContaining("fsync = off")]);
      await store.close();
    });

    test.each([
      ["disk", "off", "on"],
      ["disk", "local", "on"],
      ["disk", "remote_apply", "remote_apply"],
      ["process", "on", "off"],
    ] as const)("durability %s makes synchronous_commit = %s into %s", async (durability, before, after) => {
      const url = await server().createDatabase();
      await server().run(`alter database ${new URL(url).pathname.slice(1)} set synchronous_commit = ${before}`);
      const store = await openPostgresStore({ url, durability, limits: DEFAULT_LIMITS });
      const { rows } = await sql`show synchronous_commit`.execute(store.query);
      expect(rows).toEqual([{ synchronous_commit: after }]);
      await store.close();
    });
  });

  describe("values and order", () => {
    test("texts are compared byte by byte, whatever the language of the database", async () => {
      const url = await server().createDatabase();
      const store = await open(url);
      // A language would have it a, B, c; and would ignore the dot and the slash.
      expect(await server().run("select 'a' < 'B' as language", url)).toEqual([{ language: true }]);
      const ids = ["B", "a", "c", "call/1", "call.1", "call_1", "é", "团"];
      await store.query
        .insertInto("prices")
        .values(ids.map((id) => ({ id, document: "", created_at: 1 })))
        .execute();
      const rows = await store.query.selectFrom("prices").select("id").orderBy("id").execute();
      const bytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
      expect(rows.map(({ id }) => id)).toEqual([...ids].sort(bytes));
      const range = store.query.selectFrom("prices").select("id").where("id", ">=", "call.").where("id", "<", "call/");
      expect(await range.execute()).toEqual([{ id: "call.1" }]);
      // Nor does any column follow the language.
      const { rows: columns } = await sql<{ name: string }>`select table_name || '.' || column_name as name
        from information_schema.columns where table_schema = 'public' and data_type = 'text'
        and collation_name is distinct from 'C'`.execute(store.query);
      expect(columns).toEqual([]);
      await store.close();
    });

    test("every type comes as SQLite has it", async () => {
      const store = await open(await server().createDatabase());
      const { rows } =
        await sql`select 7 as count, 7::bigint as amount, 9007199254740993 as large, null::bigint as none,
        1.5::numeric as share, 2::float8 as float, true as truth, 'x' as text, '\\x00ff'::bytea as bytes,
        sum(x) as settled, count(*) as rows from (values (1::bigint), (2)) as numbers(x)`.execute(store.query);
      expect(rows).toEqual([
        {
          count: 7,
          amount: 7n,
          large: 9_007_199_254_740_993n,
          none: null,
          share: 1.5,
          float: 2,
          truth: 1,
          text: "x",
          bytes: Uint8Array.of(0, 255),
          settled: 3n,
          rows: 2,
        },
      ]);
      await store.close();
    });

    test("a budget tree too deep for an index entry is no trouble", async () => {
      const store = await open(await server().createDatabase());
      const shares = Array.from({ length: 90 }, (_, i) => ({
        budget: `${"b".repeat(120)}${i}`,
        window: 0,
        amount: 20n,
      }));
      await store.journal.append({ op: "entry", entry: sampleEntry("call_1.1", { shares }) });
      await store.journal.append({ op: "entry", entry: sampleSettlement("call_1.1", { amount: 20n, shares }) });
      expect(await store.query.selectFrom("budget_windows").select("settled").execute()).toHaveLength(90);
      await store.close();
    });
  });

  describe("many at a time", () => {
    test("transactions that are in each other's way are done again", async () => {
      const store = await open(await server().createDatabase());
      await store.query.insertInto("jobs").values({ name: "count", due_at: 0 }).execute();
      const add = (isolation: "serializable" | "read committed") =>
        transact(
          store.query,
          async (transaction) => {
            let read = transaction.selectFrom("jobs").select("due_at").where("name", "=", "count");
            if (isolation === "read committed") read = read.forUpdate();
            const { due_at } = await read.executeTakeFirstOrThrow();
            await transaction
              .updateTable("jobs")
              .set({ due_at: due_at + 1 })
              .execute();
          },
          { isolation },
        );
      await Promise.all(Array.from({ length: 5 }, () => add("serializable")));
      await Promise.all(Array.from({ length: 20 }, () => add("read committed")));
      expect(await store.query.selectFrom("jobs").select("due_at").execute()).toEqual([{ due_at: 25 }]);
      await store.close();
    });

    test("what cannot be done stops being tried, and says why", async () => {
      const store = await open(await server().createDatabase());
      let tried = 0;
      const hopeless = transact(store.query, async (transaction) => {
        tried += 1;
        await sql`do $$ begin raise exception 'never' using errcode = '40001'; end $$`.execute(transaction);
      });
      await expect(hopeless).rejects.toThrow("never");
      expect(tried).toBe(12);
      await store.close();
    });

    test("nodes with seats of their own write the same circumstances and hours without waiting for each other", async () => {
      const url = await server().createDatabase();
      const stores = await Promise.all([1, 2, 3].map(() => open(url)));
      for (const [i, store] of stores.entries()) await takeSeat(store, { number: i + 1, epoch: 1 });
      const write = async ({ journal }: Store, node: number): Promise<void> => {
        for (let round = 0; round < 20; round++) {
          // Met in another order by every node.
          const payers = Array.from({ length: 50 }, (_, i) => `p${(i * (node * 2 + 1)) % 50}-${round}`);
          await Promise.all(
            payers.map((payer, i) => {
              const attempt = `call_${node}_${round}_${i}.1`;
              const shares = [{ budget: payer, window: 0, amount: 3n }];
              const entry = sampleSettlement(attempt, { payer, amount: 3n, shares });
              return journal.append({ op: "entry", entry });
            }),
          );
        }
      };
      await Promise.all(stores.map(write));
      const [first] = stores;
      const hours = await first!.query
        .selectFrom("usage_hourly")
        .select(({ fn }) => ["seat", fn.sum<bigint>("cost").as("cost"), fn.sum<number>("calls").as("calls")])
        .groupBy("seat")
        .orderBy("seat")
        .execute();
      expect(hours).toEqual([1, 2, 3].map((seat) => ({ seat, cost: 3_000n, calls: 1_000 })));
      await Promise.all(stores.map((store) => store.close()));
    });

    test("of two nodes on one seat the one that lost it writes nothing more", async () => {
      const url = await server().createDatabase();
      const [old, young] = await Promise.all([open(url), open(url)]);
      await takeSeat(old!, { number: 1, epoch: 1 });
      await old!.journal.append({ op: "entry", entry: sampleEntry("call_1.1") });
      await young!.query.updateTable("nodes").set({ epoch: 2 }).execute();
      young!.journal.sit({ number: 1, epoch: 2, totals: () => [] });
      const results = await Promise.allSettled([
        old!.journal.append({ op: "entry", entry: sampleEntry("call_2.1") }),
        young!.journal.append({ op: "entry", entry: sampleEntry("call_3.1") }),
      ]);
      expect(results).toMatchObject([{ status: "rejected", reason: expect.any(Fenced) }, { status: "fulfilled" }]);
      const rows = await young!.query.selectFrom("entries").select(["attempt", "lease"]).orderBy("attempt").execute();
      expect(rows).toEqual([
        { attempt: "call_1.1", lease: "1.1" },
        { attempt: "call_3.1", lease: "1.2" },
      ]);
      await Promise.all([old!.close(), young!.close()]);
    });
  });
});

async function takeSeat(store: Store, { number, epoch }: Seat): Promise<void> {
  const node = { name: "test", beat: 0, settings_version: 1, joined_at: 1, ended_at: null };
  await store.query
    .insertInto("nodes")
    .values({ seat: number, epoch, ...node })
    .execute();
  store.journal.sit({ number, epoch, totals: () => [] });
}
