import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { serveSimulators } from "../../src/simulators/serve.ts";
import type { Protocol, Target, Transport, WireRequest } from "../../src/vendors/spec.ts";
import { protocolOf, reach } from "../../src/vendors/table.ts";
import { record } from "../../src/vendors/transport.suite.ts";
import { PROJECT } from "../harness/compile.ts";
import { readChat } from "./requests-corpus.ts";

/** Answers as vendors write them: what the simulators answer to a few questions, in both forms. */
export interface ProtocolCorpus {
  readonly protocol: Protocol;
  readonly target: Target;
  readonly streams: readonly Buffer[];
  readonly bodies: readonly Buffer[];
}

const QUESTIONS = [
  "Hello, 买单 🧾!",
  "#reason 42",
  "#tools",
  "#tool-empty",
  "#cached",
  "#moderated-later",
  "#error-later",
];
const TOOLS = ["look_up", "weather"].map((name) => ({
  type: "function",
  function: { name, description: "x", parameters: { type: "object", properties: { city: { type: "string" } } } },
}));

/** A corpus for each protocol that has a simulator. */
export async function recordCorpora(): Promise<ProtocolCorpus[]> {
  const simulators = await serveSimulators({ host: "127.0.0.1", port: 0, protocols: undefined });
  const { endpoints } = parse(simulators.settings) as { endpoints: Endpoint[] };
  try {
    return await Promise.all(endpoints.map(recordCorpus));
  } finally {
    await simulators.close();
  }
}

interface Endpoint {
  readonly protocol: string;
  readonly baseUrl: string;
  readonly credentials: Record<string, string>;
  readonly models: readonly { readonly id: string }[];
}

async function recordCorpus({ protocol: id, baseUrl, credentials, models }: Endpoint): Promise<ProtocolCorpus> {
  const protocol = protocolOf(id)!;
  const { transport } = await reach({ protocol: id, baseUrl, credentials });
  const target: Target = { baseUrl, credentials, headers: {}, quirks: {} };
  const ask = async (content: string, stream: boolean): Promise<Buffer> => {
    const tools = content.startsWith("#tool") ? { tools: TOOLS } : {};
    const request = readChat({ messages: [{ role: "user", content }], stream, max_tokens: 100, ...tools });
    const changes = { model: models[0]!.id, includeUsage: stream };
    return send(transport, protocol.encode(request, changes, target, Date.now()));
  };
  // Not every protocol can say all of it.
  const askAll = async (stream: boolean): Promise<Buffer[]> => {
    const answers = await Promise.allSettled(QUESTIONS.map((question) => ask(question, stream)));
    return answers.flatMap((answer) => (answer.status === "fulfilled" && answer.value.length > 0 ? answer.value : []));
  };
  try {
    const streams = await askAll(true);
    const bodies = await askAll(false);
    const fixtures = id === "openai" || id === "zhipu" ? recordedStreams() : [];
    return { protocol, target, streams: [...streams, ...fixtures], bodies };
  } finally {
    await transport.close();
  }
}

async function send(transport: Transport, wire: WireRequest): Promise<Buffer> {
  const { body } = await record(transport, wire).done;
  return body;
}

/** What vendors of OpenAI's protocol truly sent. */
function recordedStreams(): Buffer[] {
  const folder = join(PROJECT, "src/vendors/openai/fixtures");
  const names = readdirSync(folder).filter((name) => name.endsWith(".sse"));
  return names.sort().map((name) => readFileSync(join(folder, name)));
}
