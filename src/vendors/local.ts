import { get, type IncomingMessage } from "node:http";

/** How a kind of server is told apart: a GET of `path` on one of `ports` that answers 200 with `sign` in its body. */
export interface LocalServer {
  readonly vendor: string;
  readonly ports: readonly number[];
  readonly path: string;
  readonly sign: string;
}

export interface FoundServer {
  readonly vendor: string;
  /** Where its API in the `openai` protocol begins. */
  readonly baseUrl: string;
  /** The names of its models, as it lists them. */
  readonly models: readonly string[];
}

export interface FindOptions {
  /** For everything together. Default 300. */
  readonly timeoutMs?: number | undefined;
}

const HOST = "127.0.0.1";
const DEFAULT_TIMEOUT_MS = 300;
const MOST_BYTES = 1024 * 1024;
const MOST_MODELS = 1_000;

/**
 * Looks for model servers on this machine: every port at once, each asked with two cheap GETs. What does not answer in
 * time, answers with something else, or lists no models in the `openai` way is not there. Never throws; asks only
 * 127.0.0.1, and sends nothing but the path.
 */
export async function findLocal(servers: readonly LocalServer[], options: FindOptions = {}): Promise<FoundServer[]> {
  const signal = AbortSignal.timeout(options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  const looks = servers.flatMap((server) => server.ports.map((port) => look(server, port, signal)));
  const found = await Promise.all(looks);
  return found.filter((server) => server !== undefined);
}

async function look(server: LocalServer, port: number, signal: AbortSignal): Promise<FoundServer | undefined> {
  const proof = await read(port, server.path, signal);
  if (!proof?.replaceAll(/\s/g, "").includes(server.sign.replaceAll(/\s/g, ""))) return undefined;
  const list = server.path === "/v1/models" ? proof : await read(port, "/v1/models", signal);
  const models = list === undefined ? undefined : readModels(list);
  return models && { vendor: server.vendor, baseUrl: `http://${HOST}:${port}/v1`, models };
}

function readModels(text: string): string[] | undefined {
  let list: unknown;
  try {
    list = (JSON.parse(text) as { data?: unknown } | null)?.data;
  } catch {
    return undefined;
  }
  if (!Array.isArray(list)) return undefined;
  const names = list.map((row) => (row as { id?: unknown } | null)?.id).filter((id) => typeof id === "string");
  return names.slice(0, MOST_MODELS);
}

/** The body of a 200, or undefined for everything else. */
function read(port: number, path: string, signal: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve) => {
    const collect = (answer: IncomingMessage): void => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      answer.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MOST_BYTES) answer.destroy();
        else chunks.push(chunk);
      });
      answer.on("end", () => resolve(answer.statusCode === 200 ? Buffer.concat(chunks).toString() : undefined));
      answer.on("error", () => resolve(undefined));
      answer.on("close", () => resolve(undefined));
    };
    const request = get({ host: HOST, port, path, agent: false, signal }, collect);
    request.on("error", () => resolve(undefined));
  });
}
