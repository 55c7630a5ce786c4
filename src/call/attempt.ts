import { setTimeout as sleep } from "node:timers/promises";
import { Fault } from "../base/faults.ts";
import { callWords } from "../base/messages/call.ts";
import { formatAmount } from "../base/money.ts";
import type { Usage } from "../base/usage.ts";
import type { ModelOffer } from "../catalogue/catalogue.ts";
import type { PriceDocument } from "../catalogue/price-document.ts";
import type { Hold } from "../ledger/spec.ts";
import { Fenced } from "../store/spec.ts";
import type { AnswerHeaders, Changes, ModelRequest, Passage, StreamFollower, WireRequest } from "../vendors/spec.ts";
import { adjustmentsOf } from "../vendors/translation/adjustments.ts";
import { passageOf } from "../vendors/translation/passage.ts";
import { unsupported } from "../vendors/translation/unsupported.ts";
import type { VendorFault } from "../vendors/vendor-fault.ts";
import { AttemptAsk } from "./attempt-ask.ts";
import type { CallContext } from "./call-context.ts";
import { type Answer, Relay } from "./relay.ts";
import { type Bill, billAnswer, billEstimate } from "./settle.ts";
import { AttemptSize, unnamedOutput } from "./sizing.ts";
import { type AttemptReport, type CallEnvironment, type CallHead, type Connection, connectionFor } from "./spec.ts";
import { Steps } from "./steps.ts";

/** Seats under which one attempt is tried to be held, and how long a new seat takes. */
const MOST_SEATS = 10;
const RESEAT_MS = 200;

/** How an attempt ended. A fault that did not start may move the call on to the next model. */
export interface AttemptOutcome {
  readonly fault: Fault | undefined;
  readonly started: boolean;
  /** All tokens used, as far as known. */
  readonly usage: Usage | undefined;
  /** The attempt may have been served without our knowing: its hold stays. */
  readonly inDoubt: boolean;
}

/** One attempt at one model, held, journaled, sent, relayed and settled. */
export class Attempt {
  readonly #environment: CallEnvironment;
  readonly #context: CallContext;
  readonly #offer: ModelOffer;
  readonly #connection: Connection;
  readonly #passage: Passage;
  readonly #price: PriceDocument;
  readonly #size: AttemptSize;
  readonly #id: string;
  readonly #at: number;
  readonly #began = performance.now();
  /** Tokens that all choices together can have at the most. */
  #mostOutput: number;
  #steps: Steps | undefined;
  #adjusted: string | undefined;
  #head: CallHead | undefined;

  /** Throws `unpriced_model` where the model has no price and may not go without. */
  constructor(environment: CallEnvironment, context: CallContext, offer: ModelOffer, number: number) {
    this.#environment = environment;
    this.#context = context;
    this.#offer = offer;
    this.#id = `${context.id}.${number}`;
    this.#at = environment.clock.now();
    const price = offer.priceAt(this.#at);
    if (!price) throw new Fault("unpriced_model", callWords.unpriced(offer.ref), { param: "model" });
    this.#price = price;
    const { request } = context.call;
    this.#connection = connectionFor(context.snapshot.connections.get(offer.endpoint.id)!, request, offer.upstream);
    const naming = { call: context.id, model: offer.ref, upstream: offer.upstream, at: this.#at };
    this.#passage = passageOf(this.#connection.protocol, request, naming);
    const { limitsOutput } = this.#connection.protocol;
    this.#size = new AttemptSize(request, offer, price, environment.limits, this.#at, limitsOutput);
    this.#mostOutput = this.#size.outputTokens;
  }

  async run(): Promise<AttemptOutcome> {
    const { operation } = this.#context.call.request;
    if (!this.#connection.protocol.operations.includes(operation)) {
      return refusedOutcome(unsupported(callWords.noOperation(operation), "model"));
    }
    // What is there already is not waited for: each wait costs a call more than it seems.
    const unwritten = this.#environment.priceBook.keep(this.#price, this.#at);
    if (unwritten) await unwritten;
    const hold = await this.#holdDurably();
    if (this.#context.call.departure.gone) return this.#leaveUnsent(hold);
    let wire: WireRequest;
    try {
      wire = this.#encode(hold);
    } catch (error) {
      return this.#leaveUnsaid(hold, error);
    }
    let relay: Relay | undefined;
    try {
      relay = this.#send(hold, wire);
      const answer = await relay.done;
      this.#judgeHealth(answer);
      return await this.#conclude(hold, relay, answer);
    } catch (error) {
      return this.#concludeDefect(hold, relay, error);
    }
  }

  /** Where another node took this one's seat, nothing was written and nothing sent: it is held anew, under the next seat. */
  async #holdDurably(): Promise<Hold> {
    for (let tries = 1; ; tries++) {
      try {
        const held = this.#hold();
        const hold = held instanceof Promise ? await held : held;
        await hold.durable;
        return hold;
      } catch (error) {
        if (!(error instanceof Fenced) || tries === MOST_SEATS) throw error;
        await sleep(RESEAT_MS);
      }
    }
  }

  #hold(): Hold | Promise<Hold> {
    const { ledger, keptAnswers } = this.#environment;
    const { claim } = this.#context;
    const kept = claim && keptAnswers.pending(claim);
    return ledger.hold(new AttemptAsk(this.#context, this.#offer, this.#price, this.#size, this.#id, this.#at, kept));
  }

  /** Output tokens that the hold pays for: no estimate is above it. */
  get #paidOutput(): number {
    return this.#steps?.heldTokens ?? this.#mostOutput;
  }

  #changes(hold: Hold): Changes {
    const { request } = this.#context.call;
    const most = hold.outputTokens ?? this.#modelsLongest(request);
    if (hold.outputTokens !== undefined) this.#mostOutput = hold.outputTokens * request.choices;
    if (most !== undefined) {
      const field = request.maxOutputField ?? this.#offer.endpoint.quirks.maxOutputField ?? "max_tokens";
      this.#adjusted = `${field}=${most}`;
    }
    return {
      model: this.#offer.upstream,
      includeUsage: request.stream && request.operation === "chat",
      unnamedOutputTokens: unnamedOutput(request, this.#offer, this.#environment.limits),
      ...(most !== undefined && { maxOutputTokens: most }),
    };
  }

  /**
   * Clients of one protocol always ask for an answer as long as that protocol's own models write; other vendors refuse what is
   * longer than theirs do. Where both speak the same, the client's word is the client's business.
   */
  #modelsLongest({ dialect, maxOutputTokens: asked = 0 }: ModelRequest): number | undefined {
    const { maxOutputTokens: longest } = this.#offer;
    const isTranslated = this.#connection.protocol.passage?.dialect !== dialect.id;
    return isTranslated && longest !== undefined && asked > longest ? longest : undefined;
  }

  #encode(hold: Hold): WireRequest {
    const { protocol, target = this.#offer.endpoint } = this.#connection;
    const { request } = this.#context.call;
    const wire = protocol.encode(request, this.#changes(hold), target, this.#environment.clock.now());
    const adjusted = adjustmentsOf(protocol, request, wire);
    if (adjusted && adjusted.length > 0) {
      this.#adjusted = [this.#adjusted, ...adjusted].filter((change) => change !== undefined).join(", ");
    }
    return wire;
  }

  #send(hold: Hold, wire: WireRequest): Relay {
    const { limits, ledger, deadlines } = this.#environment;
    const { call, sink, deadline, claim } = this.#context;
    const { request } = call;
    const { endpoint } = this.#offer;
    if (hold.stepped) this.#steps = new Steps(ledger, hold, this.#size, limits.stepOutputTokens * request.choices);
    const { protocol } = this.#connection;
    const relay: Relay = new Relay({
      protocol,
      errorCodes: (this.#connection.target ?? endpoint).quirks.errors,
      passage: this.#passage,
      request,
      model: this.#offer.ref,
      sink,
      dropUsage: !request.wantsUsage,
      eventBytes: limits.eventBytes,
      answerBytes: limits.answerBytes,
      clientStallMs: limits.clientStallMs,
      deadline,
      deadlines,
      callMs: limits.callMs,
      transform: call.transform,
      onDisconnect: endpoint.onDisconnect,
      keepBytes: claim ? limits.keptAnswerBytes : 0,
      start: (headers) => sink.head(this.#makeHead(headers, undefined)),
      afford: this.#steps?.afford,
    });
    relay.attach(
      this.#connection.transport.send(wire, relay, {
        connectMs: endpoint.timeouts.connectMs ?? limits.connectMs,
        firstByteMs: endpoint.timeouts.firstByteMs ?? limits.firstByteMs,
        betweenBytesMs: endpoint.timeouts.betweenBytesMs ?? limits.betweenBytesMs,
      }),
    );
    call.departure.onLeave(() => relay.leave());
    return relay;
  }

  /** Settles, releases or leaves unsettled: exactly one, durable before the client sees the end. */
  #conclude(hold: Hold, relay: Relay, answer: Answer): Promise<AttemptOutcome> {
    const { request } = this.#context.call;
    switch (answer.kind) {
      case "body":
        return this.#settle(
          hold,
          relay,
          billAnswer(request, answer.facts, this.#price, this.#at, this.#paidOutput),
          answer.body,
        );
      case "stream":
        return this.#settle(
          hold,
          relay,
          billAnswer(request, answer.follower, this.#price, this.#at, this.#paidOutput),
          answer,
        );
      case "stopped": {
        const bill = billEstimate(request, answer.follower, this.#price, this.#at, this.#paidOutput);
        return this.#settle(hold, relay, bill, answer);
      }
      case "refused":
        return this.#concludeRefused(hold, relay, answer.fault);
      case "broken":
        return this.#concludeBroken(hold, relay, answer);
    }
  }

  async #concludeRefused(hold: Hold, relay: Relay, fault: VendorFault): Promise<AttemptOutcome> {
    await this.#environment.ledger.release(hold, fault.errorClass, this.#detail(relay, fault));
    this.#report("released", relay, fault, undefined);
    return refusedOutcome(fault);
  }

  async #concludeBroken(hold: Hold, relay: Relay, answer: Answer & { kind: "broken" }): Promise<AttemptOutcome> {
    const { ledger } = this.#environment;
    const { fault, follower, facts } = answer;
    const detail = this.#detail(relay, fault);
    const rule = this.#offer.endpoint.billsOnBreak;
    const { request } = this.#context.call;
    const bill = facts
      ? billAnswer(request, facts, this.#price, this.#at, this.#paidOutput)
      : follower && billEstimate(request, follower, this.#price, this.#at, this.#paidOutput);
    let outcome: AttemptReport["outcome"] = "unsettled";
    if (fault.charged === "nothing" || (rule === "nothing" && !facts)) {
      outcome = "released";
      await ledger.release(hold, "broken", detail);
    } else if (bill && (rule === "generated" || facts)) {
      outcome = "settled";
      await ledger.settle(hold, { ...bill, detail });
    } else {
      const reason = fault.errorClass === "timeout" ? "timeout" : "broken";
      await ledger.leaveUnsettled(hold, reason, detail, bill?.cost);
    }
    this.#report(outcome, relay, fault, outcome === "settled" ? bill : undefined);
    if (relay.started && follower) this.#endBroken(follower, fault);
    const inDoubt = outcome !== "released";
    return { fault, started: relay.started, usage: bill?.usage, inDoubt };
  }

  /** A stream that broke off after its first byte: the client learns of it inside the stream, by the vendor's own words if any. */
  #endBroken(follower: StreamFollower, fault: Fault): void {
    this.#context.sink.end(follower.fault ? follower.finish(undefined) : follower.error(fault, fault.text("en")));
  }

  async #settle(
    hold: Hold,
    relay: Relay,
    bill: Bill,
    answer: Buffer | (Answer & { kind: "stream" | "stopped" }),
  ): Promise<AttemptOutcome> {
    const { ledger, keptAnswers } = this.#environment;
    const { sink, claim } = this.#context;
    const shown = { amount: formatAmount(bill.cost), currency: this.#price.currency };
    const body = Buffer.isBuffer(answer);
    const last = body ? answer : answer.kind === "stream" ? answer.follower.finish(shown) : answer.follower.stop();
    const head = body ? this.#makeHead(relay.headers, shown) : (this.#head ?? this.#makeHead(relay.headers, undefined));
    const keptBody = body ? answer : relay.kept && Buffer.concat([...relay.kept, last]);
    const kept = claim && keptAnswers.kept(claim, head, keptBody);
    // Field by field: a spread costs microseconds here and wherever its result is read.
    const { cost, usage, basis, vendorCost } = bill;
    await ledger.settle(hold, { cost, usage, basis, vendorCost, detail: this.#detail(relay, undefined), kept });
    this.#report("settled", relay, undefined, bill);
    if (body || !relay.started) sink.head(head);
    sink.end(last);
    return { fault: undefined, started: true, usage, inDoubt: false };
  }

  /** A defect of ours must not lose the hold: nobody knows what the vendor did. What is settled already stays so. */
  async #concludeDefect(hold: Hold, relay: Relay | undefined, error: unknown): Promise<AttemptOutcome> {
    const { ledger } = this.#environment;
    const { id, sink } = this.#context;
    const fault = new Fault("internal_error", callWords.internal(id), { cause: error });
    const started = relay?.started ?? false;
    if (started) sink.cut();
    // Where the disk itself is the defect, recovery finds the hold.
    await ledger.leaveUnsettled(hold, "internal", {}).catch(() => {});
    if (relay) this.#report("unsettled", relay, fault, undefined);
    return { fault, started, usage: undefined, inDoubt: true };
  }

  async #leaveUnsent(hold: Hold): Promise<AttemptOutcome> {
    await this.#environment.ledger.release(hold, "client-gone", {});
    return refusedOutcome(new Fault("timeout", callWords.clientGone()));
  }

  /** The vendor's protocol cannot say what was asked, or the request cannot be understood so far: nothing was sent. */
  async #leaveUnsaid(hold: Hold, error: unknown): Promise<AttemptOutcome> {
    const { id } = this.#context;
    const fault =
      error instanceof Fault ? error : new Fault("internal_error", callWords.internal(id), { cause: error });
    await this.#environment.ledger.release(hold, "unsent", {});
    return refusedOutcome(fault);
  }

  #makeHead(headers: AnswerHeaders, cost: CallHead["cost"]): CallHead {
    const type = this.#passage.contentType?.(cost === undefined) ?? headers["content-type"];
    this.#head = {
      status: 200,
      call: this.#context.id,
      model: this.#offer.ref,
      adjusted: this.#adjusted,
      cost,
      contentType: typeof type === "string" ? type : "application/json",
      vendorRequestId: requestId(headers),
      stream: cost === undefined,
      replayed: false,
    };
    return this.#head;
  }

  #judgeHealth(answer: Answer): void {
    const { health } = this.#environment;
    const endpoint = this.#offer.endpoint.id;
    const fault = "fault" in answer ? answer.fault : undefined;
    if (!fault) health.succeeded(endpoint);
    else if (UNHEALTHY.has(fault.errorClass)) health.failed(endpoint, fault.errorClass);
  }

  #detail(relay: Relay, fault: VendorFault | undefined): Record<string, unknown> {
    const id = requestId(relay.headers);
    const { firstByteAt } = relay;
    const durationMs = Math.round(performance.now() - this.#began);
    const detail: Record<string, unknown> = { pricedAt: this.#at, durationMs };
    if (firstByteAt !== undefined) detail.firstByteMs = Math.round(firstByteAt - this.#began);
    if (id !== undefined) detail.vendorRequestId = id;
    if (this.#adjusted !== undefined) detail.adjusted = this.#adjusted;
    if (!fault) return detail;
    const { errorClass, vendorStatus, vendorCode } = fault;
    return { ...detail, fault: errorClass, vendorStatus, vendorCode };
  }

  #report(outcome: AttemptReport["outcome"], relay: Relay, fault: Fault | undefined, bill: Bill | undefined): void {
    this.#environment.observer.attemptFinished({
      attempt: this.#id,
      payer: this.#context.payer,
      model: this.#offer.ref,
      operation: this.#context.call.request.operation,
      outcome,
      fault,
      usage: bill?.usage,
      cost: bill?.cost,
      currency: this.#price.currency,
      firstByteMs: relay.firstByteAt === undefined ? undefined : relay.firstByteAt - this.#began,
      durationMs: performance.now() - this.#began,
    });
  }
}

/** Nothing was sent, and nothing is charged. */
function refusedOutcome(fault: Fault): AttemptOutcome {
  return { fault, started: false, usage: {}, inDoubt: false };
}

const UNHEALTHY = new Set(["server_error", "timeout", "overloaded", "auth", "permission", "billing"]);

function requestId(headers: AnswerHeaders): string | undefined {
  const id = headers["x-request-id"] ?? headers["request-id"] ?? headers["x-ds-request-id"];
  return typeof id === "string" ? id.slice(0, 200) : undefined;
}
