import type { Server } from "node:http";
import { type AddressInfo, isIPv6 } from "node:net";

/** Connections that may wait to be accepted. */
const BACKLOG = 4_096;

export function listen(server: Server, place: { host: string; port: number } | { path: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ ...place, backlog: BACKLOG }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** As a client on this machine reaches it. */
export function addressOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo;
  const reachable = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  return `http://${isIPv6(reachable) ? `[${reachable}]` : reachable}:${port}`;
}
