// npm test: lint, types, build, then every test; arguments go to vitest (`npm test -- src/ledger`).

import { spawnSync } from "node:child_process";
import { bin, build, install, installClients, root, run } from "./prepare.mjs";

const only = process.argv.slice(2);
install();
installClients();
if (only.length === 0) {
  run(bin("biome"), ["check", "--error-on-warnings", "."]);
  run(bin("tsc"), ["--noEmit", "-p", "tsconfig.json"]);
}
build();
const { status } = spawnSync(bin("vitest"), ["run", ...only], { cwd: root, stdio: "inherit" });
process.exitCode = status ?? 1;
