import { once } from "node:events";
import { PostgresServer } from "../../src/store/postgres-server.suite.ts";

/** A PostgreSQL for `generate.ts` and `measure.ts`: prints its URL, serves until Ctrl-C, and leaves nothing behind. */
const server = await PostgresServer.start({ settings: ["max_wal_size=4GB"] });
process.stdout.write(`${await server.createDatabase()}\n`);
await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
await server.remove();
