import type { AddressInfo } from "node:net";
import { Upstream } from "./upstream.ts";
import type { UpstreamOptions } from "./upstream-behaviour.ts";

/** The simulated vendor as a process of its own: options as JSON in the first argument, its port on standard output. */
const upstream = new Upstream(JSON.parse(process.argv[2] ?? "{}") as UpstreamOptions);
upstream.server.listen(0, "127.0.0.1", 4096, () => {
  process.stdout.write(`${(upstream.server.address() as AddressInfo).port}\n`);
});

// The process that started it holds the other end of standard input: it closes when that process is gone, however it went.
process.stdin.resume();
process.stdin.on("end", () => {
  upstream.close();
  process.exit(0);
});
