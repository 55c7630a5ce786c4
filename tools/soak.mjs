// npm run soak: builds the product and keeps it under a mixed load with faults for an hour.
import { spawnSync } from "node:child_process";
import { build, install, root } from "./prepare.mjs";

install();
build();
const parameters = ["--import", "./tools/typescript.mjs", "benchmarks/soak/soak.ts", ...process.argv.slice(2)];
const soak = spawnSync(process.execPath, parameters, { cwd: root, stdio: "inherit" });
process.exitCode = soak.status ?? 1;
