// npm start: installs and builds what is missing, then serves, in this very process.
import { build, install } from "./prepare.mjs";

install();
build();
const { main } = await import("../dist/main.js");
process.exitCode = await main(["start", ...process.argv.slice(2)]);
