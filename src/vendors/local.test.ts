import { createServer, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Socket, type Server as TcpServer } from "node:net";
import { afterEach, expect, test } from "vitest";
import { findLocal, type LocalServer } from "./local.ts";

const servers: TcpServer[] = [];
const sockets = new Set<Socket>();
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

async function listen(server: TcpServer | Server): Promise<number> {
  servers.push(server);
  server.on("connection", (socket: Socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

/** A server that answers these paths with these bodies, and 404 everything else. */
function serve(pages: Record<string, string>): Promise<number> {
  return listen(
    createServer((request, response) => {
      const page = pages[request.url!];
      response.writeHead(page === undefined ? 404 : 200).end(page);
    }),
  );
}

const kind = (vendor: string, port: number, path: string, sign: string): LocalServer => ({
  vendor,
  ports: [port],
  path,
  sign,
});
const ollama = (port: number): LocalServer => kind("ollama", port, "/api/tags", '"models"');
const vllm = (port: number): LocalServer => kind("vllm", port, "/v1/models", '"owned_by":"vllm"');
const PATIENT = { timeoutMs: 20_000 };

test("finds servers by what they say, with their models", async () => {
  const first = await serve({
    "/api/tags": '{"models":[{"name":"qwen3:8b"}]}',
    "/v1/models": '{"object":"list","data":[{"id":"qwen3:8b","owned_by":"library"},{"id":"bge-m3"}]}',
  });
  const second = await serve({ "/v1/models": '{"object":"list","data":[{"id":"m","owned_by" : "vllm"}]}' });
  expect(await findLocal([ollama(first), vllm(second)], PATIENT)).toEqual([
    { vendor: "ollama", baseUrl: `http://127.0.0.1:${first}/v1`, models: ["qwen3:8b", "bge-m3"] },
    { vendor: "vllm", baseUrl: `http://127.0.0.1:${second}/v1`, models: ["m"] },
  ]);
});

test("a server without models is found too", async () => {
  const port = await serve({ "/api/tags": '{"models":[]}', "/v1/models": '{"object":"list","data":[]}' });
  expect(await findLocal([ollama(port)], PATIENT)).toMatchObject([{ vendor: "ollama", models: [] }]);
});

test.each([
  ["another server", { "/v1/models": '{"data":[{"id":"m","owned_by":"llamacpp"}]}' }],
  ["a web page", { "/v1/models": '<html>"owned_by":"vllm"</html>' }],
  ["another shape", { "/v1/models": '{"data":"owned_by","x":[{"owned_by":"vllm"}]}' }],
  ["nothing at that path", {}],
  ["far too much", { "/v1/models": `{"data":[{"id":"m","owned_by":"vllm","x":"${"x".repeat(2 << 20)}"}]}` }],
])("%s is passed over", async (_what, pages) => {
  expect(await findLocal([vllm(await serve(pages))], PATIENT)).toEqual([]);
});

test("a server that breaks off, speaks no HTTP, or does not listen is passed over", async () => {
  const broken = await listen(createTcpServer((socket) => socket.destroy()));
  const other = await listen(createTcpServer((socket) => socket.end("220 smtp ready\r\n")));
  const closed = await serve({});
  await new Promise((resolve) => servers.pop()!.close(resolve));
  expect(await findLocal([vllm(broken), vllm(other), vllm(closed)], PATIENT)).toEqual([]);
});

test("a server that says nothing does not hold the others up beyond the bound", async () => {
  const silent = await listen(createTcpServer());
  const alive = await serve({ "/v1/models": '{"data":[{"id":"m","owned_by":"vllm"}]}' });
  expect(await findLocal([vllm(silent), vllm(alive)], { timeoutMs: 500 })).toMatchObject([{ models: ["m"] }]);
});
