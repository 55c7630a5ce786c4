import type { Fault } from "../base/faults.ts";
import type { AnswerHeaders, ModelRequest, ShownCost, TransformFactory } from "../vendors/spec.ts";

/**
 * One request of a client, as any surface (or a caller inside this process) hands it to `runCall`.
 */
export interface CallRequest {
  readonly request: ModelRequest;
  /** The secret by which the caller identifies itself, or the id of a payer for callers inside this process. */
  readonly caller: { readonly secret: string } | { readonly payer: string };
  readonly idempotencyKey?: string | undefined;
  /** Aborted when the client has gone away. */
  readonly gone: AbortSignal;
  /** Rewrites the texts of the answer as they stream: the decoded path. */
  readonly transform?: TransformFactory | undefined;
}

/** Where the answer of a call goes: an HTTP response, or memory. */
export interface CallSink {
  /** Once, before any byte. */
  head(head: CallHead): void;
  /** Returns false when the client does not keep up: no more until `drained` resolves. */
  write(chunk: Buffer): boolean;
  drained(): Promise<void>;
  end(last: Buffer | undefined): void;
}

export interface CallHead {
  readonly status: number;
  readonly call: string;
  readonly model: string;
  /** What Maidan changed: `max_tokens=812`. */
  readonly adjusted: string | undefined;
  readonly cost: ShownCost | undefined;
  readonly origin: "gateway" | "vendor";
  readonly headers: AnswerHeaders;
  /** Length of the whole body, where it is known. */
  readonly length: number | undefined;
  readonly stream: boolean;
  readonly replayed: boolean;
}

/** What became of a call. The sink has been ended, unless there is a fault: then the surface shows it in its own shape. */
export interface CallOutcome {
  readonly call: string;
  readonly model: string | undefined;
  readonly fault: Fault | undefined;
}
