import { transportWords as words } from "../../base/messages/transports.ts";
import type { AnswerSink, Exchange, SendBounds, Transport, WireRequest } from "../spec.ts";
import { VendorFault } from "../vendor-fault.ts";
import { Delivery, type Script } from "./delivery.ts";

/**
 * Transport to a vendor inside this process. Without delays an answer takes one turn of the event loop, a stream one
 * turn a burst of pieces.
 */
export class InsideTransport implements Transport {
  readonly #vendor: string;
  readonly #answer: (request: WireRequest) => Script | Promise<Script>;
  #underWay = 0;
  #closing: { readonly done: Promise<void>; readonly finish: () => void } | undefined;

  /** @param answer what comes of a request. A `VendorFault` that it throws is the answer too: nothing was served then. */
  constructor(vendor: string, answer: (request: WireRequest) => Script | Promise<Script>) {
    this.#vendor = vendor;
    this.#answer = answer;
  }

  send(request: WireRequest, sink: AnswerSink, bounds: SendBounds): Exchange {
    this.#underWay += 1;
    const delivery = new Delivery(this.#vendor, sink, bounds, () => this.#leave());
    if (this.#closing) {
      delivery.refuse(this.#fault(words.shut(this.#vendor)));
      return delivery;
    }
    try {
      const script = this.#answer(request);
      if (script instanceof Promise) this.#await(script, delivery);
      else delivery.begin(script);
    } catch (error) {
      delivery.refuse(this.#faultOf(error));
    }
    return delivery;
  }

  close(): Promise<void> {
    if (!this.#closing) {
      let finish = (): void => {};
      const done = new Promise<void>((resolve) => {
        finish = resolve;
      });
      this.#closing = { done, finish };
      if (this.#underWay === 0) finish();
    }
    return this.#closing.done;
  }

  async #await(script: Promise<Script>, delivery: Delivery): Promise<void> {
    try {
      delivery.begin(await script);
    } catch (error) {
      delivery.refuse(this.#faultOf(error));
    }
  }

  #leave(): void {
    this.#underWay -= 1;
    if (this.#underWay === 0) this.#closing?.finish();
  }

  #faultOf(error: unknown): VendorFault {
    if (error instanceof VendorFault) return error;
    const reason = error instanceof Error ? error.message : String(error);
    return this.#fault(words.failed(this.#vendor, reason), error);
  }

  #fault(text: VendorFault["text"], cause?: unknown): VendorFault {
    return new VendorFault(text, { errorClass: "server_error", charged: "nothing", cause });
  }
}
