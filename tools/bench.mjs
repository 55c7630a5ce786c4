// npm run bench: builds the product and the benchmark, installs what it is measured against, and runs it.
// npm run bench -- slow-streams: the benchmark of many slow streams, which measures against no other gateway.
import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build, install, root, run } from "./prepare.mjs";

const peers = join(root, "benchmarks/peers");
const compiled = join(root, "node_modules/.cache/maidan-benchmarks");
const isSlow = process.argv[2] === "slow-streams";
const parameters = process.argv.slice(isSlow ? 3 : 2);

install();
build();
run(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "benchmarks/tsconfig.json"]);
writeFileSync(join(compiled, "package.json"), '{"type":"module"}\n');
if (!isSlow && !existsSync(join(peers, "node_modules"))) {
  run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], { cwd: peers });
}
const bench = spawnSync(process.execPath, [join(compiled, isSlow ? "slow-streams.js" : "bench.js"), ...parameters], {
  cwd: root,
  stdio: "inherit",
});
process.exitCode = bench.status ?? 1;
