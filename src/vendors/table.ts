import { Fault } from "../base/faults.ts";
import { transportWords as words } from "../base/messages/transports.ts";
import type { ModelSetting, PriceSetting } from "../config/settings.ts";
import { httpTransport } from "./http-transport.ts";
import { openai } from "./openai/protocol.ts";
import { practiceTransport } from "./practice/practice-transport.ts";
import { openRecorded } from "./recorded/recorded.ts";
import type { Protocol, Transport } from "./spec.ts";

/** What an endpoint's setting may name as its protocol. The vendors inside this process speak `openai` too. */
const PROTOCOLS: ReadonlyMap<string, Protocol> = new Map([
  ["openai", openai],
  ["practice", openai],
  ["recorded", openai],
]);

export const PROTOCOL_IDS: readonly string[] = [...PROTOCOLS.keys()];

export function protocolOf(id: string): Protocol | undefined {
  return PROTOCOLS.get(id);
}

/** What it takes to reach an endpoint. */
export interface Reach {
  readonly protocol: string;
  /** For all but the vendors inside this process. */
  readonly baseUrl?: string | undefined;
  /** For `practice`: its models. */
  readonly models?: readonly ModelSetting[] | undefined;
  /** For `recorded`: the folder of suites. */
  readonly suites?: string | undefined;
  readonly connectMs?: number | undefined;
  readonly headerBytes?: number | undefined;
}

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
  if (!PROTOCOLS.has(protocol)) {
    throw new Fault("invalid_request", words.unknownProtocol(protocol, PROTOCOL_IDS), { param: "protocol" });
  }
  if (protocol === "practice") return { transport: practiceTransport(endpoint.models ?? []), models: [] };
  if (protocol === "recorded") {
    if (endpoint.suites === undefined) throw new Fault("invalid_request", words.noSuites(), { param: "suites" });
    return openRecorded(endpoint.suites);
  }
  if (endpoint.baseUrl === undefined) throw new Fault("invalid_request", words.noAddress(), { param: "baseUrl" });
  const { baseUrl, connectMs, headerBytes } = endpoint;
  return { transport: httpTransport({ baseUrl, connectMs, headerBytes }), models: [] };
}
