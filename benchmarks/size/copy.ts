import { createHash } from "node:crypto";
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import pg from "pg";
import { FACT_COLUMNS } from "../../src/store/circumstances.ts";
import { VERSION_MARK } from "../../src/store/migrations.ts";
import { type Database, openForReading } from "../../src/store/sqlite-connection.ts";
import { openStore } from "./store.ts";

/**
 * Copies what `generate.ts` made in a data folder into an empty PostgreSQL on this machine, in a tenth of the time that
 * it takes to make it there. What a node would have updated again and again is written once: the tables are as after a
 * vacuum.
 */

const HELP = "node --import ./tools/typescript.mjs benchmarks/size/copy.ts --data FOLDER --database URL\n";
const TABLES = [
  ...["settings", "prices", "budget_books", "budget_windows", "unsettled", "doubt_shares", "circumstances"],
  ...["entry_rows", "usage_hourly", "kin", "usage_days", "opening_slots", "kin_slots"],
];
const CHUNK = 1 << 20;

async function copy(folder: string, url: string): Promise<void> {
  await (await openStore({ folder, database: url })).close();
  const database = openForReading({ folder, durability: "process" });
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const scratch = join(folder, "copy");
  mkdirSync(scratch, { mode: 0o755 });
  try {
    for (const table of TABLES) await copyTable(database, client, table, join(scratch, table));
    const marks = database.prepare("select name, value from meta where name <> ?").all(VERSION_MARK);
    for (const { name, value } of marks as { name: string; value: string }[]) {
      await client.query("insert into meta (name, value) values ($1, $2)", [name, value]);
    }
    const next = "(select max(id) + 1 from circumstances)";
    await client.query(`select setval(pg_get_serial_sequence('circumstances', 'id'), ${next}, false)`);
    await client.query("vacuum analyze");
    await client.query("checkpoint");
  } finally {
    rmSync(scratch, { recursive: true });
    database.close();
    await client.end();
  }
}

/** By way of a file that the server reads itself. */
async function copyTable(database: Database, client: pg.Client, table: string, file: string): Promise<void> {
  const began = performance.now();
  const statement = database.prepare(`select * from ${table}`);
  statement.setReadBigInts(true);
  const columns = statement.columns().map(({ name }) => name!);
  const isDescribed = table === "circumstances";
  const out = openSync(file, "w", 0o644);
  let text = "";
  let rows = 0;
  for (const row of statement.iterate() as Iterable<Record<string, unknown>>) {
    const values = columns.map((name) => row[name]);
    if (isDescribed) values.push(digestOf(row));
    text += `${values.map(fieldOf).join("\t")}\n`;
    rows += 1;
    if (text.length < CHUNK) continue;
    writeSync(out, text);
    text = "";
  }
  writeSync(out, text);
  closeSync(out);
  const names = [...columns, ...(isDescribed ? ["digest"] : [])].map((name) => `"${name}"`);
  await client.query(`copy ${table} (${names.join(", ")}) from '${file}'`);
  rmSync(file);
  process.stderr.write(`${table}: ${rows} rows, ${Math.round((performance.now() - began) / 1_000)} s\n`);
}

/** As the writer of batches has it. */
function digestOf(row: Record<string, unknown>): string {
  const facts = [...FACT_COLUMNS, "books"].map((name) => row[name]);
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex");
}

function fieldOf(value: unknown): string {
  if (value === null) return "\\N";
  if (typeof value !== "string") return String(value);
  return /[\\\t\n\r]/.test(value)
    ? value.replace(/[\\\t\n\r]/g, (one) => ({ "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r" })[one]!)
    : value;
}

const { values } = parseArgs({ options: { data: { type: "string" }, database: { type: "string" } } });
if (values.data === undefined || values.database === undefined) process.stdout.write(HELP);
else await copy(resolve(values.data), values.database);
