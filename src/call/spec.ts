import type { AdmissionGate } from "../admission/gate.ts";
import type { Clock } from "../base/clock.ts";
import type { Fault } from "../base/faults.ts";
import type { CallIds } from "../base/ids.ts";
import type { Limits } from "../base/limits.ts";
import type { Nano } from "../base/money.ts";
import type { Usage } from "../base/usage.ts";
import type { Catalogue } from "../catalogue/catalogue.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { Payers } from "../payers/payers.ts";
import type { EndpointHealth } from "../routing/health.ts";
import type { Routes } from "../routing/routes.ts";
import type { ModelRequest, Protocol, ShownCost, Target, TransformFactory, Transport } from "../vendors/spec.ts";
import type { Deadlines } from "./deadlines.ts";
import type { Departure } from "./departure.ts";
import type { KeptAnswers } from "./kept-answers.ts";
import type { PriceBook } from "./price-book.ts";

/** One request of a client, as any surface (or a caller inside this process) hands it to `runCall`. */
export interface CallRequest {
  readonly request: ModelRequest;
  /** The secret by which the caller identifies itself, or the id of a payer for callers inside this process. */
  readonly caller: { readonly secret: string } | { readonly payer: string };
  readonly idempotencyKey?: string | undefined;
  readonly departure: Departure;
  /** Rewrites the texts of the answer as they stream: the decoded path. */
  readonly transform?: TransformFactory | undefined;
}

/** Where the answer of a call goes: an HTTP response, or memory. */
export interface CallSink {
  /** Once, before any byte. */
  head(head: CallHead): void;
  /** Returns false when the client does not keep up: no more until `drained` calls back. */
  write(chunk: Buffer): boolean;
  drained(listener: () => void): void;
  end(last: Buffer | undefined): void;
  /** No end can be given to what was begun: the client must not take it for whole. Nothing follows. */
  cut(): void;
}

export interface CallHead {
  readonly status: number;
  readonly call: string;
  /** `endpoint/model` that answered. */
  readonly model: string;
  /** What Maidan changed: `max_tokens=812`. */
  readonly adjusted: string | undefined;
  readonly cost: ShownCost | undefined;
  readonly contentType: string;
  /** The vendor's own id of the request, where it gave one. */
  readonly vendorRequestId: string | undefined;
  readonly stream: boolean;
  /** An answer that was kept for an `Idempotency-Key`, not a new one. */
  readonly replayed: boolean;
}

/**
 * What became of a call. Without a fault the sink has been ended. With one, either nothing was sent (`started` false)
 * and the surface shows the fault in its own shape, or the sink was ended with the fault inside the stream, or cut.
 */
export interface CallOutcome {
  readonly call: string;
  readonly model: string | undefined;
  readonly fault: Fault | undefined;
  readonly started: boolean;
}

/** What a call works with: settings in force at this moment. Replaced as a whole when a setting changes. */
export interface Snapshot {
  readonly payers: Payers;
  readonly catalogue: Catalogue;
  readonly routes: Routes;
  /** The transport and protocol of each endpoint, by its id. */
  readonly connections: ReadonlyMap<string, Connection>;
}

export interface Connection {
  readonly protocol: Protocol;
  readonly transport: Transport;
  /** What the protocol has to know, where that is not what the endpoint itself says. */
  readonly target?: Target;
  /** Other protocols that the same vendor speaks, by the dialect whose clients' bytes pass on them untouched. */
  readonly beside?: ReadonlyMap<string, Connection>;
  /** The models that are served this way, as the vendor knows them; undefined for all. */
  readonly models?: ReadonlySet<string> | undefined;
}

/** The way to an endpoint for a client: untouched bytes where the vendor speaks its dialect, too. */
export function connectionFor(connection: Connection, request: ModelRequest, model: string): Connection {
  const { beside } = connection;
  if (!beside || connection.protocol.passage?.dialect === request.dialect.id) return connection;
  const other = beside.get(request.dialect.id);
  const serves = other?.protocol.operations.includes(request.operation) && (other.models?.has(model) ?? true);
  return other && serves ? other : connection;
}

/** Everything a call needs of the process around it. Made once by `main.ts`. */
export interface CallEnvironment {
  readonly clock: Clock;
  readonly limits: Limits;
  readonly ids: CallIds;
  readonly ledger: Ledger;
  readonly gate: AdmissionGate;
  readonly health: EndpointHealth;
  readonly keptAnswers: KeptAnswers;
  readonly priceBook: PriceBook;
  /** Watches the time of the calls in flight. */
  readonly deadlines: Deadlines;
  readonly snapshot: () => Snapshot;
  readonly observer: CallObserver;
}

/** Told about every finished call and attempt: metrics and logs, and later checks that look at answers from above. */
export interface CallObserver {
  attemptFinished(report: AttemptReport): void;
  callFinished(report: CallReport): void;
  /** Something of ours broke outside of a call, such as where a request is read. */
  broke(cause: unknown): void;
}

export interface AttemptReport {
  readonly attempt: string;
  readonly payer: string;
  readonly model: string;
  readonly operation: string;
  readonly outcome: "settled" | "released" | "unsettled";
  readonly fault: Fault | undefined;
  readonly usage: Usage | undefined;
  readonly cost: Nano | undefined;
  readonly currency: string | undefined;
  readonly firstByteMs: number | undefined;
  readonly durationMs: number;
}

export interface CallReport {
  readonly call: string;
  readonly payer: string | undefined;
  readonly model: string | undefined;
  readonly operation: string;
  readonly stream: boolean;
  readonly fault: Fault | undefined;
  readonly durationMs: number;
}
