import { afterAll, beforeAll, describe, test } from "vitest";
import { binaries, PASSWORD, PostgresServer } from "./postgres-server.suite.ts";

export { PASSWORD, PostgresServer };

/**
 * Tests that need a PostgreSQL: one server for all of them, and none where this machine has no binary of it.
 *
 * @param settings of the server, as `fsync=on`
 */
export function onPostgres(
  name: string,
  tests: (server: () => PostgresServer) => void | Promise<void>,
  settings?: readonly string[],
): void {
  if (typeof binaries === "string") {
    describe.skip(`${name}: ${binaries}`, () => test("skipped", () => {}));
    return;
  }
  describe(name, async () => {
    let server: PostgresServer | undefined;
    beforeAll(async () => {
      server = await PostgresServer.start({ settings });
    });
    afterAll(() => server?.remove());
    await tests(() => server!);
  });
}
