import { translations } from "../../src/base/language.ts";
import type { AnswerSink, Exchange, SendBounds, Transport, WireRequest } from "../../src/vendors/spec.ts";
import { VendorFault, type VendorFaultOptions } from "../../src/vendors/vendor-fault.ts";
import type { Counted } from "../harness/upstream-behaviour.ts";
import type { Chance } from "./chance.ts";
import type { Owner, Schedule } from "./schedule.ts";
import type { EndpointRules } from "./settings.ts";
import { type PlannedAnswer, type PlannedChunk, planAnswer, type VendorHabits } from "./vendor-answers.ts";

/** One request, as the vendor has it in its own books. */
export interface TallyRow {
  readonly attempt: string;
  readonly endpoint: string;
  /** `lost`: it never arrived. `aborted`: the other side closed. `broken`: the vendor did, or was given up. */
  state: "travelling" | "lost" | "running" | "served" | "refused" | "aborted" | "broken";
  answer: PlannedAnswer | undefined;
  /** What the vendor truly bills. */
  billed: Counted | undefined;
  /** The last piece that reached Maidan, and whether the head and the end did. */
  delivered: PlannedChunk | undefined;
  ended: boolean;
}

/** A vendor behind a network: slow, failing, cut off at times, and with books of its own. */
export class SimulatedVendor {
  readonly id: string;
  readonly rules: EndpointRules;
  readonly habits: VendorHabits;
  readonly tally: TallyRow[] = [];
  readonly schedule: Schedule;
  readonly chance: Chance;
  readonly tell: (what: string) => void;
  /** Until then nothing passes between this vendor and Maidan. */
  partitionedUntil = 0;

  constructor(
    id: string,
    rules: EndpointRules,
    habits: VendorHabits,
    parts: { readonly schedule: Schedule; readonly chance: Chance; readonly tell: (what: string) => void },
  ) {
    this.id = id;
    this.rules = rules;
    this.habits = habits;
    this.schedule = parts.schedule;
    this.chance = parts.chance;
    this.tell = parts.tell;
  }

  get partitioned(): boolean {
    return this.partitionedUntil > this.schedule.now;
  }

  /** How long something takes from one side to the other now. */
  latency(): number {
    return Math.max(0, this.partitionedUntil - this.schedule.now) + this.chance.between(0.1, 4);
  }

  billedFor(
    answer: PlannedAnswer,
    generated: number,
    rule: "unknown" | "generated" | "full" | "nothing",
  ): Counted | undefined {
    const how = rule === "unknown" ? this.chance.pick(["generated", "full", "nothing"] as const) : rule;
    if (how === "nothing") return undefined;
    if (how === "full") return answer.usage;
    return { ...answer.usage, output: Math.min(generated, answer.usage.output) };
  }
}

/** The ways to a vendor out of one process: they end with it. */
export class SimulatedTransport implements Transport {
  readonly #vendor: SimulatedVendor;
  readonly #owner: Owner;
  readonly #whose: (wire: WireRequest) => string;
  readonly #open = new Set<SimulatedExchange>();

  /** @param whose looks at a request that leaves the process, and tells its attempt */
  constructor(vendor: SimulatedVendor, owner: Owner, whose: (wire: WireRequest) => string) {
    this.#vendor = vendor;
    this.#owner = owner;
    this.#whose = whose;
  }

  send(wire: WireRequest, sink: AnswerSink, bounds: SendBounds): Exchange {
    const row: TallyRow = {
      attempt: this.#whose(wire),
      endpoint: this.#vendor.id,
      state: "travelling",
      answer: undefined,
      billed: undefined,
      delivered: undefined,
      ended: false,
    };
    this.#vendor.tally.push(row);
    const exchange = new SimulatedExchange(this.#vendor, this.#owner, row, sink, bounds, () =>
      this.#open.delete(exchange),
    );
    this.#open.add(exchange);
    exchange.begin(Buffer.from(wire.body));
    return exchange;
  }

  /** The process is gone: the vendor sees every connection close, sooner or later. */
  crash(): void {
    for (const exchange of this.#open) exchange.loseClient();
    this.#open.clear();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

const SAID = translations(
  { unreachable: () => "unreachable", late: () => "too late", closed: () => "the connection closed" },
  { unreachable: () => "无法连接", late: () => "超时", closed: () => "连接已关闭" },
);

function fault(text: keyof typeof SAID, options: VendorFaultOptions): VendorFault {
  return new VendorFault(SAID[text](), options);
}

/** One request under way: the vendor's side runs whatever becomes of the process, what it sends arrives only while that lives. */
class SimulatedExchange implements Exchange {
  readonly #vendor: SimulatedVendor;
  readonly #owner: Owner;
  readonly #row: TallyRow;
  readonly #sink: AnswerSink;
  readonly #bounds: SendBounds;
  readonly #closed: () => void;
  #over = false;
  #paused = false;
  #held: (() => void)[] = [];
  #lastArrival = 0;
  #generated = 0;
  #bound: ReturnType<Schedule["after"]> | undefined;

  constructor(
    vendor: SimulatedVendor,
    owner: Owner,
    row: TallyRow,
    sink: AnswerSink,
    bounds: SendBounds,
    closed: () => void,
  ) {
    this.#vendor = vendor;
    this.#owner = owner;
    this.#row = row;
    this.#sink = sink;
    this.#bounds = bounds;
    this.#closed = closed;
  }

  begin(body: Buffer): void {
    const { schedule, chance, partitioned, rules, habits } = this.#vendor;
    const answer = planAnswer(body, rules, habits, chance);
    if (answer.fate === "unreachable" || (partitioned && chance.happens(0.7))) {
      this.#row.state = "lost";
      const failure = fault("unreachable", {
        errorClass: partitioned ? "timeout" : "server_error",
        charged: "nothing",
      });
      const ms = partitioned ? this.#bounds.connectMs : chance.between(0.1, 20);
      schedule.after(ms, () => this.#fail(failure), this.#owner);
      return;
    }
    schedule.after(this.#vendor.latency(), () => this.#arrive(answer), undefined);
    this.#watch(this.#bounds.firstByteMs);
  }

  pause(): void {
    this.#paused = true;
    this.#vendor.schedule.cancel(this.#bound);
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#over) return;
    this.#watch(this.#bounds.betweenBytesMs);
    this.#vendor.schedule.after(0, () => this.#handOver(), this.#owner);
  }

  abort(): void {
    if (this.#over) return;
    const { onDisconnect, billsOnAbort, billsOnBreak } = this.#vendor.rules;
    // Where answers are drained, Maidan closes only what has taken too long.
    this.#close(onDisconnect === "abort" ? billsOnAbort : billsOnBreak, "aborted");
  }

  loseClient(): void {
    if (this.#over) return;
    const { chance, rules } = this.#vendor;
    if (this.#row.state === "travelling" && chance.happens(0.3)) this.#row.state = "lost";
    this.#close(rules.billsOnAbort, "aborted");
  }

  #watch(ms: number): void {
    this.#vendor.schedule.cancel(this.#bound);
    this.#bound = this.#vendor.schedule.after(ms, () => this.#expire(), this.#owner);
  }

  #expire(): void {
    this.#close(this.#vendor.rules.billsOnBreak, "broken");
    this.#sink.onFail(fault("late", { errorClass: "timeout", charged: "unknown" }));
  }

  /** This side hears nothing more; the other one learns of it a little later. */
  #close(rule: "unknown" | "generated" | "full" | "nothing", state: "aborted" | "broken"): void {
    this.#finish();
    const notice = (): void => {
      const row = this.#row;
      if (row.state === "travelling") row.state = "lost";
      // Such a vendor takes back what it wrote down for an answer that nobody took.
      const taken = row.ended || (row.answer?.streams === true && row.delivered === row.answer.chunks.at(-1));
      if (row.state === "served" && rule === "nothing" && !taken) row.state = "running";
      if (row.state !== "running") return;
      row.state = state;
      const { billsOnBreak } = this.#vendor.rules;
      const how = row.answer!.fate === "error in the stream" ? billsOnBreak : rule;
      row.billed = this.#vendor.billedFor(row.answer!, this.#generated, how);
      this.#vendor.tell(`${this.#vendor.id}: ${row.attempt} is ${state} after ${this.#generated} tokens`);
    };
    this.#vendor.schedule.after(this.#vendor.latency(), notice, undefined);
  }

  #arrive(answer: PlannedAnswer): void {
    const row = this.#row;
    if (row.state !== "travelling") return;
    const { schedule, chance, habits, rules } = this.#vendor;
    row.state = "running";
    row.answer = answer;
    this.#vendor.tell(`${this.#vendor.id}: ${row.attempt} arrives, ${answer.fate}`);
    if (answer.fate === "silence") return;
    if (answer.fate === "cut") {
      this.#break(chance.happens(0.5) ? 0 : answer.usage.output, rules.billsOnBreak);
      return;
    }
    schedule.after(chance.between(0.2, habits.firstByteMs), () => this.#sendHead(answer), undefined);
  }

  #sendHead(answer: PlannedAnswer): void {
    if (this.#row.state !== "running") return;
    if (answer.status !== 200) this.#row.state = "refused";
    this.#deliver(() => this.#sink.onHead(answer.status, answer.headers));
    this.#send(answer, 0);
  }

  /** The vendor's own time line: one chunk after the other. */
  #send(answer: PlannedAnswer, place: number): void {
    const row = this.#row;
    const { schedule, chance, habits, rules } = this.#vendor;
    const goesOn = place > 0 && place === answer.chunks.length;
    if (row.state !== "running" && row.state !== "refused" && !goesOn) return;
    const { chunks, fate } = answer;
    const midway = place >= Math.floor(chunks.length / 2);
    if (midway && fate === "silence midway") return;
    if (midway && fate === "cut midway") {
      this.#break(this.#generated, rules.billsOnBreak);
      return;
    }
    const chunk = chunks[place];
    if (!chunk) {
      this.#deliver(() => {
        row.ended = true;
        this.#finish();
        this.#sink.onEnd();
      });
      return;
    }
    this.#generated = chunk.tokens;
    if (place === chunks.length - 1) this.#finishServing(answer);
    this.#deliver(() => {
      row.delivered = chunk;
      this.#watch(this.#bounds.betweenBytesMs);
      this.#sink.onChunk(Buffer.from(chunk.bytes));
    });
    const rest = chance.happens(0.3) ? 0 : chance.between(0, habits.betweenChunksMs);
    schedule.after(rest, () => this.#send(answer, place + 1), undefined);
  }

  #finishServing(answer: PlannedAnswer): void {
    const row = this.#row;
    if (row.state !== "running") return;
    row.state = answer.fate === "error in the stream" ? "broken" : "served";
    const { billsOnBreak } = this.#vendor.rules;
    row.billed =
      row.state === "served" ? answer.usage : this.#vendor.billedFor(answer, answer.usage.output, billsOnBreak);
  }

  #break(generated: number, rule: EndpointRules["billsOnBreak"]): void {
    const row = this.#row;
    row.state = "broken";
    row.billed = this.#vendor.billedFor(row.answer!, generated, rule);
    this.#deliver(() => this.#fail(fault("closed", { errorClass: "server_error", charged: "unknown" })));
  }

  /** Over the network, in order, to the process that still lives. */
  #deliver(pass: () => void): void {
    const { schedule } = this.#vendor;
    this.#lastArrival = Math.max(this.#lastArrival, schedule.now + this.#vendor.latency());
    schedule.at(this.#lastArrival, () => this.#pass(pass), this.#owner);
  }

  #pass(pass: () => void): void {
    if (this.#over) return;
    if (this.#paused || this.#held.length > 0) this.#held.push(pass);
    else pass();
  }

  /** What was kept while Maidan had paused, in order, until it pauses again. */
  #handOver(): void {
    while (!this.#paused && !this.#over) {
      const pass = this.#held.shift();
      if (!pass) return;
      pass();
    }
  }

  #fail(failure: VendorFault): void {
    if (this.#over) return;
    this.#finish();
    this.#sink.onFail(failure);
  }

  #finish(): void {
    this.#over = true;
    this.#vendor.schedule.cancel(this.#bound);
    this.#closed();
  }
}
