import { Fault } from "../base/faults.ts";
import type { Limits } from "../base/limits.ts";
import type { Connection } from "../call/spec.ts";
import type { EndpointOffer } from "../catalogue/catalogue.ts";
import { allEndpoints, modelsOf, vendorOf } from "../catalogue/offers.ts";
import type { ModelSetting } from "../config/settings.ts";
import type { AnswerSink, Exchange, SendBounds, Transport, WireRequest } from "../vendors/spec.ts";
import { protocolOf, type Reach, reach } from "../vendors/table.ts";
import { VendorFault } from "../vendors/vendor-fault.ts";
import type { SettingsSnapshot } from "./snapshot.ts";

/** A transport that is no longer in force is closed after this: no call is longer. */
const GRACE_MS = 900_000;

/** Models that an endpoint tells of at run time. */
export type TellModels = (endpoint: string, models: readonly ModelSetting[]) => void;

interface Kept extends Connection {
  /** What it was made from: the same again is not made anew, and keeps its open connections. */
  readonly made: string;
}

/** The way to each endpoint, made from the settings in force, kept while an endpoint stays the same. */
export class Connections {
  readonly #limits: Limits;
  readonly #tell: TellModels;
  #kept = new Map<string, Kept>();
  readonly #leaving = new Set<Transport>();

  constructor(limits: Limits, tell: TellModels) {
    this.#limits = limits;
    this.#tell = tell;
  }

  get current(): ReadonlyMap<string, Connection> {
    return this.#kept;
  }

  /** Puts the endpoints of a snapshot in force. Recorded suites are opened before it resolves. */
  async follow(snapshot: SettingsSnapshot): Promise<void> {
    const next = new Map<string, Kept>();
    for (const offer of snapshot.catalogue.endpoints()) {
      const models = settingModels(snapshot, offer.id);
      const made = madeFrom(offer, models);
      const before = this.#kept.get(offer.id);
      next.set(offer.id, before?.made === made ? before : { made, ...(await this.#connect(offer, models)) });
    }
    const stays = new Set([...next.values()].flatMap(transportsOf));
    const gone = [...this.#kept.values()].flatMap(transportsOf).filter((transport) => !stays.has(transport));
    this.#kept = next;
    for (const transport of gone) this.#retire(transport);
  }

  async close(): Promise<void> {
    const transports = [...this.#kept.values()].flatMap(transportsOf);
    await Promise.allSettled([...transports, ...this.#leaving].map((transport) => transport.close()));
  }

  /** An endpoint that cannot be opened does not keep Maidan from starting: it says what is wrong when it is called. */
  async #connect(offer: EndpointOffer, models: readonly ModelSetting[]): Promise<Connection> {
    const { protocol, baseUrl, suites, quirks } = offer;
    const own = await this.#open(offer, { protocol, baseUrl, quirks, suites, models });
    const beside = new Map<string, Connection>();
    for (const other of offer.beside) {
      const connection = await this.#open(offer, {
        protocol: other.protocol,
        baseUrl: other.baseUrl,
        quirks: other.quirks,
      });
      const { credentials, headers } = offer;
      const target = { baseUrl: other.baseUrl, credentials, headers, quirks: other.quirks };
      const dialect = connection.protocol.passage?.dialect ?? other.protocol;
      beside.set(dialect, { ...connection, target, models: other.models && new Set(other.models) });
    }
    return beside.size > 0 ? { ...own, beside } : own;
  }

  async #open(
    offer: EndpointOffer,
    way: Omit<Reach, "credentials" | "connectMs" | "headerBytes">,
  ): Promise<Connection> {
    const { protocol } = way;
    const { connectMs, headerBytes } = this.#limits;
    try {
      const { credentials } = offer;
      const { transport, models: told } = await reach({ ...way, credentials, connectMs, headerBytes });
      if (told.length > 0) this.#tell(offer.id, told);
      return { protocol: protocolOf(protocol)!, transport };
    } catch (fault) {
      if (!(fault instanceof Fault)) throw fault;
      return { protocol: protocolOf(protocol) ?? protocolOf("openai")!, transport: new Unusable(fault) };
    }
  }

  #retire(transport: Transport): void {
    this.#leaving.add(transport);
    const timer = setTimeout(() => {
      this.#leaving.delete(transport);
      void transport.close();
    }, GRACE_MS);
    timer.unref();
  }
}

function transportsOf({ transport, beside }: Connection): Transport[] {
  return [transport, ...[...(beside?.values() ?? [])].map((other) => other.transport)];
}

/** Stands in the place of a vendor that cannot be opened: every call hears why, and nothing is sent. */
class Unusable implements Transport {
  readonly #fault: VendorFault;

  constructor(fault: Fault) {
    this.#fault = new VendorFault(fault.text, { errorClass: "server_error", charged: "nothing", cause: fault });
  }

  send(_request: WireRequest, sink: AnswerSink, _bounds: SendBounds): Exchange {
    queueMicrotask(() => sink.onFail(this.#fault));
    return { pause: () => {}, resume: () => {}, abort: () => {} };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** All that a connection depends on, in memory only: credentials may be exchanged for tokens that it keeps. */
function madeFrom(offer: EndpointOffer, models: readonly ModelSetting[]): string {
  const { protocol, baseUrl, suites, credentials, quirks, headers, beside } = offer;
  return JSON.stringify([
    protocol,
    baseUrl,
    suites,
    credentials,
    quirks,
    headers,
    beside,
    isInside(offer) ? models : [],
  ]);
}

function isInside(offer: EndpointOffer): boolean {
  return offer.baseUrl === undefined;
}

function settingModels({ settings, catalogue }: SettingsSnapshot, id: string): readonly ModelSetting[] {
  const setting = allEndpoints(settings.endpoints).find((endpoint) => endpoint.id === id)!;
  return modelsOf(setting, vendorOf(setting, catalogue.vendors));
}
