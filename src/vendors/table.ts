import { Fault } from "../base/faults.ts";
import { transportWords as words } from "../base/messages/transports.ts";
import type { ModelSetting, PriceSetting } from "../config/settings.ts";
import { anthropic } from "./anthropic/protocol.ts";
import { baiduV1 } from "./baidu-v1/protocol.ts";
import { baiduTransport } from "./baidu-v1/token-transport.ts";
import { dashscope } from "./dashscope/protocol.ts";
import { TaskTransport } from "./dashscope/task-transport.ts";
import { gemini } from "./gemini/protocol.ts";
import { httpTransport } from "./http-transport.ts";
import { openIflytek } from "./iflytek/open.ts";
import { iflytek } from "./iflytek/protocol.ts";
import { ollama } from "./ollama/protocol.ts";
import { openai } from "./openai/protocol.ts";
import { practiceTransport } from "./practice/practice-transport.ts";
import { openRecorded } from "./recorded/recorded.ts";
import { responses } from "./responses/protocol.ts";
import { sensenova } from "./sensenova/protocol.ts";
import { skywork } from "./skywork/protocol.ts";
import type { Protocol, Quirks, Transport } from "./spec.ts";
import { tencent } from "./tencent/protocol.ts";
import { zhipu } from "./zhipu/protocol.ts";

/** A protocol, and the way its requests leave where that is more than one HTTP request each. */
interface Spoken {
  readonly protocol: Protocol;
  /** Default: `httpTransport`. Throws `invalid_request` where address or credentials cannot be. */
  readonly open?: (endpoint: Addressed) => Transport;
}

/** What an endpoint's setting may name as its protocol. The vendors inside this process speak `openai` too. */
const SPOKEN: ReadonlyMap<string, Spoken> = new Map<string, Spoken>([
  ["openai", { protocol: openai }],
  ["anthropic", { protocol: anthropic }],
  ["gemini", { protocol: gemini }],
  ["practice", { protocol: openai }],
  ["recorded", { protocol: openai }],
  ["iflytek", { protocol: iflytek, open: openIflytek }],
  ["ollama", { protocol: ollama }],
  ["baidu-v1", { protocol: baiduV1, open: baiduTransport }],
  ["dashscope", { protocol: dashscope, open: (endpoint) => new TaskTransport(openHttp(endpoint)) }],
  ["sensenova", { protocol: sensenova }],
  ["skywork", { protocol: skywork }],
  ["tencent", { protocol: tencent }],
  ["responses", { protocol: responses }],
  ["zhipu", { protocol: zhipu }],
]);

export const PROTOCOL_IDS: readonly string[] = [...SPOKEN.keys()];

export function protocolOf(id: string): Protocol | undefined {
  return SPOKEN.get(id)?.protocol;
}

/** What it takes to reach an endpoint. */
export interface Reach {
  readonly protocol: string;
  /** For all but the vendors inside this process. */
  readonly baseUrl?: string | undefined;
  /** In clear. Needed here only where they are exchanged for something else before a request (tokens, signed addresses). */
  readonly credentials?: Readonly<Record<string, string>> | undefined;
  readonly quirks?: Quirks | undefined;
  /** For `practice`: its models. */
  readonly models?: readonly ModelSetting[] | undefined;
  /** For `recorded`: the folder of suites. */
  readonly suites?: string | undefined;
  readonly connectMs?: number | undefined;
  readonly headerBytes?: number | undefined;
}

/** A vendor outside of this process. */
export type Addressed = Reach & { readonly baseUrl: string };

export interface Reached {
  readonly transport: Transport;
  /** Models that the vendor itself brings along, beside those of the settings. */
  readonly models: readonly ReachedModel[];
}

export interface ReachedModel {
  readonly id: string;
  readonly price: PriceSetting | undefined;
}

/**
 * Opens the way to an endpoint. Nothing is connected before the first request.
 *
 * Throws `invalid_request` where the setting cannot be: an unknown protocol, no address or a wrong one, no suites.
 */
export async function reach(endpoint: Reach): Promise<Reached> {
  const { protocol } = endpoint;
  const spoken = SPOKEN.get(protocol);
  if (!spoken) {
    throw new Fault("invalid_request", words.unknownProtocol(protocol, PROTOCOL_IDS), { param: "protocol" });
  }
  if (protocol === "practice") return { transport: practiceTransport(endpoint.models ?? []), models: [] };
  if (protocol === "recorded") {
    if (endpoint.suites === undefined) throw new Fault("invalid_request", words.noSuites(), { param: "suites" });
    return openRecorded(endpoint.suites);
  }
  if (endpoint.baseUrl === undefined) throw new Fault("invalid_request", words.noAddress(), { param: "baseUrl" });
  const addressed = { ...endpoint, baseUrl: endpoint.baseUrl };
  const transport = spoken.open?.(addressed) ?? openHttp(addressed);
  return { transport, models: [] };
}

function openHttp({ baseUrl, connectMs, headerBytes }: Addressed): Transport {
  return httpTransport({ baseUrl, connectMs, headerBytes });
}
