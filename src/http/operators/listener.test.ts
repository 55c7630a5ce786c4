import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { operatorsListener } from "./listener.ts";
import { ADMIN_KEY, Office } from "./office.suite.ts";

/** The operators' API over real sockets, where what is sent is no proper request. */

let office: Office;
let server: Server;

beforeEach(async () => {
  office = await Office.open();
  server = createServer(operatorsListener(office.app));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await office.close();
});

function send(bytes: string): Socket {
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  socket.setEncoding("latin1").write(bytes);
  return socket;
}

test.each(["1r7.0.0.1", "127.ffffffffffffffff.0.1", "[", "a b", "\u00ff", ""])(
  "the name by which the server is reached does not matter: %j",
  async (host) => {
    const head = `POST /api/v1/apply HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${ADMIN_KEY}\r\n`;
    const socket = send(`${head}content-length: 13\r\nconnection: close\r\n\r\ncurrency: USD`);
    const [answer] = await once(socket, "data");
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(office.errors).toEqual([]);
  },
);

test("a client that leaves in the middle of its body is no defect of ours", async () => {
  const head = `POST /api/v1/apply HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${ADMIN_KEY}\r\n`;
  const socket = send(`${head}transfer-encoding: chunked\r\n\r\n8\r\ncurrency\r\n`);
  const [request] = await once(server, "request");
  const closed = new Promise((resolve) => request.on("close", resolve));
  await new Promise((resolve) => setImmediate(resolve));
  socket.destroy();
  await closed;
  await office.get("/api/v1/status");
  expect(office.errors).toEqual([]);
});
