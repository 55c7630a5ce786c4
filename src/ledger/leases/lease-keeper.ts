import type { Clock } from "../../base/clock.ts";
import type { Limits } from "../../base/limits.ts";
import { Fenced, type Journal, type Seat, type Seated, type WindowTotal } from "../../store/spec.ts";
import type { BudgetAccount, WindowSums } from "../budget-account.ts";
import type { BudgetBooks } from "../budget-books.ts";
import type { Need, WaitingCalls } from "../waiting-calls.ts";
import type { Draw, Drawn, LeaseOffice, Outlook } from "./lease-office.ts";
import { OtherNodes } from "./other-nodes.ts";
import { planSlice, type Standing } from "./slice.ts";
import { type Place, placeName } from "./windows.ts";

export interface KeeperOptions {
  readonly office: LeaseOffice;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly limits: Pick<Limits, "nodeSilenceMs">;
  readonly books: BudgetBooks;
  readonly waiting: WaitingCalls;
  /** Something changed in a budget: whoever waits for it may go on. */
  readonly serve: (account: BudgetAccount) => void;
  /** Another node took this one's seat. */
  readonly fenced: () => void;
  /** Told of what there is to see of the other nodes, each time it was looked at. */
  readonly looked: (outlook: Outlook) => Promise<void>;
  /** The version of the settings that this node has in force. */
  readonly settingsVersion: () => number;
  /** What went wrong, and is tried again. */
  readonly troubled: (cause: unknown) => void;
}

const TICK_MS = 100;
/** The same while calls wait for what other nodes may give back. */
const EAGER_TICK_MS = 25;
/** Without a group on its way to the disk for so long, a sign of life is given. */
const BEAT_MS = 500;
/** Windows of one draw. */
const MOST_DRAWS = 200;

/**
 * Keeps a node's leases: draws before calls need it, gives back what is not needed, leaves windows that have passed,
 * shows that the node lives, and takes away the seats of those that have died.
 */
export class LeaseKeeper {
  readonly #options: KeeperOptions;
  readonly #others: OtherNodes;
  #seat: Seat | undefined;
  #touched: WindowSums[] = [];
  #sealing: readonly WindowSums[] = [];
  /** Windows in which this node has a lease. */
  readonly #leased = new Set<WindowSums>();
  /** Windows that have passed, and that the store is being told are left: nothing is drawn or given back there any more. */
  readonly #past = new Set<WindowSums>();
  #timer: NodeJS.Timeout | undefined;
  #drawing: Promise<void> | undefined;
  #again = false;
  #unmet = false;
  #measuredAt = performance.now();
  #committedAt = performance.now();
  #stopped = false;

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#others = new OtherNodes(options.limits.nodeSilenceMs);
    options.journal.onCommit(() => this.#committed());
    options.journal.onFenced(() => this.#fence());
  }

  get seat(): Seat {
    return this.#seat!;
  }

  /** Windows whose totals changed since the disk was told: accounts under this seat add themselves. */
  get touched(): WindowSums[] {
    return this.#touched;
  }

  /** From now on this node has the seat. */
  sit(seat: Seat): void {
    this.#seat = seat;
    this.#touched = [];
    this.#sealing = [];
    this.#leased.clear();
    this.#past.clear();
    const seated: Seated = { ...seat, totals: () => this.#seal() };
    this.#options.journal.sit(seated);
  }

  start(): void {
    this.#schedule(TICK_MS);
  }

  /** Stops looking and drawing; resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#drawing;
  }

  /** Calls need more than there is. Draws soon, for all that need it by then. */
  draw(): void {
    if (this.#stopped) return;
    if (this.#drawing) {
      this.#again = true;
      return;
    }
    this.#alone(() => this.#drawAll());
  }

  /** One deed of this node after the other: each says what the node keeps at that moment. */
  #alone(work: () => Promise<void>): Promise<void> {
    this.#drawing = work().finally(() => {
      this.#drawing = undefined;
      if (this.#again) this.draw();
    });
    return this.#drawing;
  }

  #schedule(milliseconds: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.#tick(), milliseconds);
    this.#timer.unref();
  }

  async #tick(): Promise<void> {
    const seat = this.seat;
    try {
      await this.look();
    } catch (error) {
      this.#hear(error, seat);
    }
    this.#schedule(this.#unmet ? EAGER_TICK_MS : TICK_MS);
  }

  /** Looks at the other nodes, and does what follows from it. */
  async look(): Promise<void> {
    const { office, clock, limits, looked } = this.#options;
    const seat = this.seat;
    const began = performance.now();
    const outlook = await office.look(seat.number);
    if (!outlook.nodes.some(({ number, epoch }) => number === seat.number && epoch === seat.epoch)) throw new Fenced();
    const silent = this.#others.silent(outlook.nodes, seat.number, began);
    for (const node of silent) await office.end(node, `node-silent-${limits.nodeSilenceMs}ms`, clock.now());
    if (began - this.#committedAt > Math.min(BEAT_MS, limits.nodeSilenceMs / 8)) {
      await office.beat(seat, this.#options.settingsVersion());
      this.#committedAt = performance.now();
    }
    await looked(outlook);
    this.#hearWants(outlook);
    this.#measure();
    // Not beside a draw: it would take a lease again in a window that was left.
    while (this.#drawing) await this.#drawing;
    if (seat !== this.#seat) return;
    await this.#alone(() => this.#retirePast(seat));
    this.draw();
    await this.#drawing;
  }

  #hearWants({ wants }: Outlook): void {
    const byPlace = new Map<string, { sum: bigint; lowest: number }>();
    for (const want of wants) {
      const { sum, lowest } = byPlace.get(placeName(want)) ?? { sum: 0n, lowest: want.seat };
      byPlace.set(placeName(want), { sum: sum + want.wanted, lowest: Math.min(lowest, want.seat) });
    }
    for (const window of this.#leased) {
      const others = byPlace.get(placeName(placeOf(window)));
      window.lease!.othersWant = others?.sum ?? 0n;
      window.lease!.lowerWants = others !== undefined && others.lowest < this.seat.number;
    }
  }

  #measure(): void {
    const now = performance.now();
    const milliseconds = Math.round(now - this.#measuredAt);
    if (milliseconds < TICK_MS / 2) return;
    this.#measuredAt = now;
    for (const { lease, used } of this.#leased) lease!.measure(used, milliseconds);
  }

  /** Windows that have passed, and in which nothing of this node is open, are everybody's. */
  async #retirePast(seat: Seat): Promise<void> {
    for (const window of this.#leased) {
      const { account, bounds, lease } = window;
      const isCurrent = account.window === window && this.#options.books.book(account.book) === account;
      if (isCurrent || bounds > 0n || !lease!.isDurable) continue;
      this.#leased.delete(window);
      this.#past.add(window);
    }
    const past = [...this.#past];
    if (past.length === 0) return;
    await this.#options.office.retire(seat, past.map(placeOf));
    for (const window of past) this.#past.delete(window);
  }

  async #drawAll(): Promise<void> {
    do {
      // Whoever comes in this turn of the event loop is served by the same draw.
      await new Promise<void>((resolve) => setImmediate(resolve));
      this.#again = false;
      const seat = this.seat;
      let draws = new Map<WindowSums, Draw>();
      try {
        draws = this.#plan();
        if (draws.size === 0) continue;
        const drawn = await this.#options.office.draw(seat, [...draws.values()]);
        if (seat !== this.#seat) return;
        this.#take([...draws.keys()], [...draws.values()], drawn);
      } catch (error) {
        for (const { lease } of draws.keys()) lease!.miss();
        this.#hear(error, seat);
        return;
      }
    } while (this.#again && !this.#stopped);
  }

  #plan(): Map<WindowSums, Draw> {
    const draws = new Map<WindowSums, Draw>();
    const now = performance.now();
    for (const { window } of this.#options.books.inForce()) if (window.lease) this.#leased.add(window);
    this.#unmet = false;
    const needs = this.#options.waiting.needs(this.#options.books.inForce());
    const lacks = [...this.#leased].some(({ lease }) => lease!.isWanting);
    for (const window of this.#leased) {
      if (draws.size >= MOST_DRAWS) {
        this.#again = true;
        break;
      }
      const { account, used } = window;
      const lease = window.lease!;
      // An overrun is used, whether it was granted or not.
      if (lease.granted < used) lease.granted = used;
      const isCurrent = account.window === window && account.refuses;
      const { want, giveBack } = planSlice(
        isCurrent ? standingOf(window, needs.get(account), lacks) : PAST(window.room),
      );
      lease.granted -= giveBack;
      const keep = lease.least(used);
      const isDue = want ? now >= lease.nextDrawAt : lease.isWanting;
      if (want && !isDue) this.#unmet = true;
      if (!isDue && keep === lease.recorded) continue;
      draws.set(window, { ...placeOf(window), limit: account.limit, keep, want });
    }
    return draws;
  }

  #take(windows: readonly WindowSums[], draws: readonly Draw[], drawn: readonly Drawn[]): void {
    const now = performance.now();
    for (let i = 0; i < windows.length; i++) {
      const window = windows[i]!;
      const { want, keep } = draws[i]!;
      const { granted, beyond, settled, held } = drawn[i]!;
      const lease = window.lease!;
      lease.recorded = granted;
      lease.granted += granted - keep;
      lease.hear(granted + beyond, now);
      lease.settled = settled;
      lease.held = held;
      const isMet = !want || granted - keep >= want.least;
      lease.isWanting = !isMet;
      lease.nextDrawAt = isMet ? 0 : now + EAGER_TICK_MS;
      if (!isMet) this.#unmet = true;
    }
    for (const { account } of windows) this.#options.serve(account);
  }

  /** What leaves for the disk with a group. */
  #seal(): WindowTotal[] {
    const windows = this.#touched.splice(0);
    this.#sealing = windows;
    return windows.map((window) => {
      const { settled, bounds: held, lease, used } = window;
      lease!.seal(used);
      this.#leased.add(window);
      return { ...placeOf(window), settled, held };
    });
  }

  #committed(): void {
    this.#committedAt = performance.now();
    for (const { lease } of this.#sealing) lease!.commit();
    this.#sealing = [];
  }

  /** @param seat under which it was asked: what is said of an earlier one says nothing of this one */
  #hear(error: unknown, seat: Seat): void {
    if (!(error instanceof Fenced)) this.#options.troubled(error);
    else if (seat === this.#seat) this.#fence();
  }

  #fence(): void {
    if (!this.#stopped) this.#options.fenced();
  }
}

function standingOf({ room: all, reserve, lease }: WindowSums, need: Need | undefined, lacks: boolean): Standing {
  const { rate, othersWant, lowerWants, isWanting } = lease!;
  const room = all - reserve;
  const yields = lacks && lowerWants && !isWanting;
  return { room, needed: need?.needed ?? 0n, neededLeast: need?.least ?? 0n, rate, othersWant, yields };
}

/** Nothing is needed there any more: all that is not used goes back. */
const PAST = (room: bigint): Standing => ({
  room,
  needed: 0n,
  neededLeast: 0n,
  rate: 0n,
  othersWant: 1n,
  yields: false,
});

function placeOf({ account, start }: WindowSums): Place {
  return { book: account.book, window: start };
}
