import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "tests/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: "forks",
    // Threads that tests start read TypeScript too.
    execArgv: ["--import", new URL("tools/typescript.mjs", import.meta.url).href],
    maxWorkers: 2,
  },
});
