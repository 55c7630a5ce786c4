import { Departure } from "../../src/call/departure.ts";
import { runCall } from "../../src/call/run-call.ts";
import type { CallHead, CallOutcome, CallSink } from "../../src/call/spec.ts";
import { readRequest } from "../../src/vendors/openai/request.ts";
import { stateOf } from "./books.ts";
import type { Chance } from "./chance.ts";
import type { SimulatedProcess } from "./node.ts";
import { CALLERS, ENDPOINTS, MOST_OUTPUT, ROUTES } from "./settings.ts";
import { must } from "./violation.ts";
import type { World } from "./world.ts";

export interface ClientHabits {
  readonly calls: number;
  readonly thinkMs: number;
  readonly leaveRate: number;
  readonly slowRate: number;
  readonly keyRate: number;
}

/** A call as its client knows it. */
export interface ClientCall {
  /** In the text of the request, so that the vendor's books can tell. */
  readonly tag: number;
  readonly key: string | undefined;
  readonly sink: ClientSink;
}

/** Somebody who calls, goes away, calls again with the same key, and believes what he is told. */
export class SimulatedClient {
  readonly #world: World;
  readonly #chance: Chance;
  readonly #habits: ClientHabits;
  readonly #name: string;
  readonly #caller: (typeof CALLERS)[number];

  constructor(world: World, chance: Chance, habits: ClientHabits, name: string) {
    this.#world = world;
    this.#chance = chance;
    this.#habits = habits;
    this.#name = name;
    this.#caller = chance.pick(CALLERS);
  }

  async live(): Promise<void> {
    const { schedule } = this.#world;
    const chance = this.#chance;
    for (let n = 0; n < this.#habits.calls; n++) {
      await schedule.rest(chance.happens(0.03) ? chance.between(0, 20_000) : chance.between(0, this.#habits.thinkMs));
      const key = chance.happens(this.#habits.keyRate) ? `${this.#name}-${n}` : undefined;
      const body = this.#write();
      // Whoever has a key may try again, and some do even where all went well.
      for (let tries = key === undefined ? 1 : chance.whole(1, 4); tries > 0; tries--) {
        const came = await this.#ask(body, key);
        if (came && chance.happens(0.5)) break;
        await schedule.rest(chance.between(1, 500));
      }
    }
  }

  #write(): { readonly body: Buffer; readonly tag: number } {
    const chance = this.#chance;
    const tag = this.#world.nextTag();
    const model = chance.happens(0.3) ? `${chance.pick(Object.keys(ENDPOINTS))}/mini` : chance.pick(ROUTES);
    const stream = chance.happens(0.6);
    const body = {
      model,
      messages: [{ role: "user", content: `#${tag} ${"什么 what? ".repeat(chance.whole(1, 20))}` }],
      ...(stream && { stream }),
      ...(stream && chance.happens(0.5) && { stream_options: { include_usage: true } }),
      ...(chance.happens(0.4) && { max_tokens: chance.whole(1, MOST_OUTPUT + 50) }),
    };
    return { body: Buffer.from(JSON.stringify(body)), tag };
  }

  /** Makes one call. Tells whether an answer came whole. */
  async #ask(
    { body, tag }: { readonly body: Buffer; readonly tag: number },
    key: string | undefined,
  ): Promise<boolean> {
    const { schedule, nodes } = this.#world;
    const chance = this.#chance;
    const node = chance.pick(nodes);
    for (let patience = 40; !node.process; patience--) {
      if (patience === 0) return false;
      await schedule.rest(chance.between(10, 400));
    }
    const { process } = node;
    const outcome = await this.#world.inProcess<CallOutcome>(process, (tell) => {
      const departure = new Departure();
      const sink = new ClientSink(this.#world, process, chance, this.#habits.slowRate);
      const request = readRequest("chat", body, process.environment.limits);
      const call = { request, caller: { secret: this.#caller.secret }, idempotencyKey: key, departure };
      void runCall(process.environment, call, sink).then((outcome) => {
        this.#world.tell(`${this.#name}: #${tag} ends, ${outcome.fault?.code ?? "well"}`);
        sink.check(outcome);
        tell(outcome);
      });
      const { last: id } = process.ids;
      sink.call = id;
      this.#world.callBegan(id, { tag, key, sink });
      this.#world.tell(`${this.#name}: #${tag} is ${id}${key === undefined ? "" : `, key ${key}`}`);
      if (chance.happens(this.#habits.leaveRate)) {
        const leave = (): void => {
          this.#world.tell(`${this.#name}: #${tag} leaves`);
          sink.left = true;
          departure.leave();
        };
        schedule.after(chance.between(0, chance.pick([20, 300, 2_000])), leave, process.owner);
      }
    });
    return outcome !== undefined && outcome.fault === undefined;
  }
}

const DONE = Buffer.from("[DONE]");

/** What a client gets to see, and when. */
export class ClientSink implements CallSink {
  readonly #world: World;
  readonly #process: SimulatedProcess;
  readonly #chance: Chance;
  readonly #slowRate: number;
  call = "";
  answered: CallHead | undefined;
  left = false;
  readonly #pieces: Buffer[] = [];
  #ended = false;
  #cut = false;

  constructor(world: World, process: SimulatedProcess, chance: Chance, slowRate: number) {
    this.#world = world;
    this.#process = process;
    this.#chance = chance;
    this.#slowRate = slowRate;
  }

  /** All that came, where the end came too. */
  get whole(): Buffer | undefined {
    return this.#ended && !this.left && !this.#cut ? Buffer.concat(this.#pieces) : undefined;
  }

  head(head: CallHead): void {
    must(!this.answered, "surface", () => `${this.call} has two heads`);
    this.answered = head;
  }

  write(chunk: Buffer): boolean {
    must(!this.#ended && !this.#cut, "surface", () => `${this.call} goes on after its end`);
    if (chunk.includes(DONE)) this.#mustBeSettled();
    this.#pieces.push(Buffer.from(chunk));
    return !this.#chance.happens(this.#slowRate);
  }

  drained(listener: () => void): void {
    const ms = this.#chance.happens(0.2) ? 2_000 : this.#chance.between(0, 100);
    this.#world.schedule.after(ms, listener, this.#process.owner);
  }

  end(last: Buffer | undefined): void {
    must(!this.#ended, "surface", () => `${this.call} ends twice`);
    this.#mustBeSettled();
    if (last) this.#pieces.push(Buffer.from(last));
    this.#ended = true;
  }

  cut(): void {
    this.#cut = true;
  }

  check({ call, fault }: CallOutcome): void {
    must(fault !== undefined || this.#ended, "surface", () => `${this.call} went well without an end`);
    const closed = (this.#world.durable.byCall.get(call) ?? []).every(({ close }) => close !== undefined);
    // Where the disk has failed, nothing more is promised; whoever hears of a fault has been served nothing.
    const promised = fault === undefined || !this.#world.failed.has(this.#process.owner);
    must(closed || !promised, "I2", () => `${call} is over before all of it is on the disk`);
    const { answered } = this;
    if (answered?.replayed) this.#world.replayed(this.call, answered.call, Buffer.concat(this.#pieces));
  }

  /** The end may only be seen once the ledger has it on the disk. */
  #mustBeSettled(): void {
    const call = this.answered?.call ?? this.call;
    const attempts = this.#world.durable.byCall.get(call) ?? [];
    must(attempts.length > 0, "I2", () => `${call} ends, and the disk knows nothing of it`);
    for (const book of attempts) {
      must(stateOf(book) !== "held", "I2", () => `${call} ends before ${book.attempt} is settled on the disk`);
    }
  }
}
