import { runCall } from "./run-call.ts";
import type { CallEnvironment, CallHead, CallOutcome, CallRequest, CallSink } from "./spec.ts";

/** Gathers the answer of a call in memory: for callers inside this process. */
export class MemorySink implements CallSink {
  readonly #chunks: Buffer[] = [];
  answeredHead: CallHead | undefined;

  head(head: CallHead): void {
    this.answeredHead = head;
  }

  write(chunk: Buffer): boolean {
    this.#chunks.push(Buffer.from(chunk));
    return true;
  }

  drained(listener: () => void): void {
    listener();
  }

  end(last: Buffer | undefined): void {
    if (last) this.#chunks.push(Buffer.from(last));
  }

  cut(): void {
    // The outcome has the fault; what came before it stays in the body.
  }

  get body(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}

export interface GatheredCall {
  readonly outcome: CallOutcome;
  /** Undefined when there is no answer. */
  readonly head: CallHead | undefined;
  readonly body: Buffer;
}

/**
 * Makes a call from inside this process and gathers the answer, in the wire format of the request's protocol. Held,
 * billed and recorded like any other.
 */
export async function gatherCall(environment: CallEnvironment, call: CallRequest): Promise<GatheredCall> {
  const sink = new MemorySink();
  const outcome = await runCall(environment, call, sink);
  return { outcome, head: sink.answeredHead, body: sink.body };
}
