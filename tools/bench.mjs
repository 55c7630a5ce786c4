// npm run bench: builds the product and the benchmark, installs what it is measured against, and runs it.
// npm run bench -- hot-budget: another of the benchmarks; `npm run bench -- --help` lists them.
import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build, install, root, run } from "./prepare.mjs";

const GATEWAYS = "--gateways=floor,maidan,postgres";
/** The programs, and what they are begun with. */
const BENCHMARKS = {
  "slow-streams": ["slow-streams.js"],
  "ledger-cpu": ["ledger-cpu.js"],
  "http-client": ["http-client.js"],
  "hot-budget": ["hot-budget.js"],
  "open-rate": ["open-rate.js"],
  workers: ["workers.js"],
  postgres: ["bench.js", GATEWAYS, "--only=buffered"],
};
const peers = join(root, "benchmarks/peers");
const compiled = join(root, "node_modules/.cache/maidan-benchmarks");
const name = process.argv[2];
const chosen = BENCHMARKS[name];
const [program, ...parameters] = [...(chosen ?? ["bench.js"]), ...process.argv.slice(chosen ? 3 : 2)];

install();
build();
run(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "benchmarks/tsconfig.json"]);
writeFileSync(join(compiled, "package.json"), '{"type":"module"}\n');
// Only the benchmark with all gateways measures against those of others.
if (!chosen && !existsSync(join(peers, "node_modules"))) {
  run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], { cwd: peers });
}
const bench = spawnSync(process.execPath, [join(compiled, "benchmarks", program), ...parameters], {
  cwd: root,
  stdio: "inherit",
});
process.exitCode = bench.status ?? 1;
