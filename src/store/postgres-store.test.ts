import { DEFAULT_LIMITS } from "../base/limits.ts";
import { onPostgres } from "./postgres.suite.ts";
import { openPostgresStore } from "./postgres-store.ts";
import { testStore } from "./store.suite.ts";

onPostgres("PostgreSQL", (server) => {
  let url: string | undefined;
  testStore(
    "PostgreSQL",
    async () => openPostgresStore({ url: (url ??= await server().createDatabase()), limits: DEFAULT_LIMITS }),
    () => {
      url = undefined;
    },
  );
});
