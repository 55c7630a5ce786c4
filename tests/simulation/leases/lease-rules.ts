import { type EntryRow, PHASE } from "../../../src/store/spec.ts";
import type { Books } from "../books.ts";
import { must, takeViolation } from "../violation.ts";
import type { SimulatedDatabase } from "./database.ts";
import type { NodeMemory } from "./memory.ts";

/** One window of a budget's book, as the database has it. */
interface Place {
  readonly book: string;
  readonly window: number;
  settled: bigint;
  doubts: bigint;
  /** By seat. */
  readonly used: Map<number, { readonly settled: bigint; readonly held: bigint }>;
  readonly granted: Map<number, bigint>;
}

/** The epochs of seats that are taken. */
type Seats = ReadonlyMap<number, number>;

interface PlaceRow {
  readonly what: "settled" | "doubt" | "used" | "granted";
  readonly book: string;
  readonly start: number;
  readonly seat: number;
  readonly settled: bigint;
  readonly held: bigint;
}

const PLACES = `
  select 'settled' as what, book, "window" as start, 0 as seat, settled, 0 as held from budget_windows
  union all select 'doubt', book, "window", 0, 0, bound from doubt_shares
  union all select 'used', book, "window", seat, settled, held from node_windows
  union all select 'granted', book, "window", seat, granted, 0 from leases`;

const SEATS = "select seat, epoch from nodes where ended_at is null";

const BASES = "select book || ' ' || base_window as name, base from budget_books where base is not null";

/** What the rules must know of budgets. */
export interface Limits {
  /** The most that a book may ever hold; undefined where it refuses nothing, or may not have. */
  limitOf(book: string): bigint | undefined;
}

/**
 * What must hold in the database at every instant, whatever nodes die, stand still, or are cut off. What a vendor charged
 * above a hold, and what people added, is excused: by as much as it was.
 */
export class LeaseRules {
  readonly #database: SimulatedDatabase;
  readonly #books: Books;
  readonly #limits: Limits;
  readonly #memories: () => Iterable<NodeMemory>;
  readonly #excused = new Map<string, bigint>();
  #looked: { readonly version: number; readonly places: Map<string, Place>; readonly seats: Seats } | undefined;

  constructor(database: SimulatedDatabase, books: Books, limits: Limits, memories: () => Iterable<NodeMemory>) {
    this.#database = database;
    this.#books = books;
    this.#limits = limits;
    this.#memories = memories;
  }

  /** Hears of an entry that a process has queued: of what it holds where a budget is not in force yet, and of what was charged above a hold. */
  hearQueued(entry: EntryRow, memory: NodeMemory): void {
    if (entry.phase === PHASE.close) this.#excuseCharge(entry);
    if (entry.phase !== PHASE.hold) return;
    for (const { budget, window, amount } of entry.shares) {
      if (!memory.isInForce(budget)) this.#addExcuse(`${budget} ${window}`, amount);
    }
  }

  /** Hears of an entry that is in the ledger from now on, and in the books. */
  hear(entry: EntryRow): void {
    if (entry.phase === PHASE.resolve || entry.phase === PHASE.adjust) this.#excuseCharge(entry);
  }

  #excuseCharge(entry: EntryRow): void {
    if (entry.kind !== "settle" && entry.kind !== "adjust") return;
    const known = this.#books.attempts.get(entry.attempt);
    if (!known) return;
    const { hold, topUps, close } = known;
    for (const { budget, window, amount } of entry.shares) {
      let held = 0n;
      const told = entry.phase === PHASE.resolve ? [close!] : [hold, ...topUps];
      for (const { shares } of entry.phase === PHASE.adjust ? [] : told) {
        for (const share of shares) if (share.budget === budget && share.window === window) held += share.amount;
      }
      if (amount <= held) continue;
      this.#addExcuse(`${budget} ${window}`, amount - held);
    }
  }

  #addExcuse(place: string, amount: bigint): void {
    this.#excused.set(place, (this.#excused.get(place) ?? 0n) + amount);
  }

  check(): void {
    if (this.#database.isBusy) return;
    const { places, seats } = this.#look();
    const memories = [...this.#memories()].filter(({ seat }) => seat && seats.get(seat.number) === seat.epoch);
    this.#checkMemories(places, memories);
  }

  /** The places as they stand, and whether they may: once for every commit. */
  #look(): { readonly places: Map<string, Place>; readonly seats: Seats } {
    const { version } = this.#database;
    if (this.#looked?.version === version) return this.#looked;
    const seats = new Map(
      (this.#database.run(SEATS).rows as { seat: number; epoch: number }[]).map(({ seat, epoch }) => [seat, epoch]),
    );
    const places = placesOf(this.#database.run(PLACES).rows as readonly PlaceRow[]);
    const bases = new Map(
      (this.#database.run(BASES).rows as { name: string; base: bigint }[]).map(({ name, base }) => [name, base]),
    );
    for (const place of places.values()) this.#checkPlace(place, seats, bases);
    this.#looked = { version, places, seats };
    return this.#looked;
  }

  #checkPlace(place: Place, seats: Seats, bases: ReadonlyMap<string, bigint>): void {
    const { settled, doubts, used, granted } = place;
    const sums = this.#books.window(place.book, place.window);
    let inSeats = 0n;
    let held = 0n;
    for (const [seat, use] of used) {
      must(seats.has(seat), "I3", () => `seat ${seat} has ended, and has used ${use.settled} of ${nameOf(place)}`);
      inSeats += use.settled;
      held += use.held;
    }
    for (const [seat, amount] of granted) {
      must(seats.has(seat), "I3", () => `seat ${seat} has ended, and may use ${amount} of ${nameOf(place)}`);
    }
    const base = bases.get(nameOf(place)) ?? 0n;
    must(settled + inSeats === sums.settled + base, "I3", () => {
      return `${nameOf(place)} has settled ${settled} + ${inSeats}; its entries say ${sums.settled}, and ${base} before`;
    });
    const limit = this.#limits.limitOf(place.book);
    if (limit === undefined) return;
    must(held + doubts === sums.bounds, "I1", () => {
      return `${nameOf(place)} holds ${held} and ${doubts} in doubt; its entries say ${sums.bounds}`;
    });
    const most = limit + this.#excuse(place);
    must(settled + inSeats + doubts + held <= most, "I1", () => {
      return `${nameOf(place)}: ${settled + inSeats} settled, ${doubts} in doubt and ${held} held are more than ${most}`;
    });
    for (const [seat, use] of used) {
      const may = (granted.get(seat) ?? 0n) + this.#excuse(place);
      must(use.settled + use.held <= may, "I1", () => {
        return `seat ${seat} uses ${use.settled} + ${use.held} of ${nameOf(place)}, and was granted ${may}`;
      });
    }
  }

  /** Nobody believes to have more than was granted, and all that all may use fits. */
  #checkMemories(places: ReadonlyMap<string, Place>, memories: readonly NodeMemory[]): void {
    const extra = new Map<Place, bigint>();
    for (const memory of memories) {
      const { number } = memory.seat!;
      for (const { account, start, used, lease } of memory.windows()) {
        if (!account.refuses || this.#limits.limitOf(account.book) === undefined) continue;
        const place = places.get(`${account.book} ${start}`);
        const excuse = this.#excuse({ book: account.book, window: start });
        const recorded = place?.granted.get(number) ?? 0n;
        const { granted } = lease!;
        const where = `${account.book} ${start}`;
        must(granted <= recorded + excuse, "I1", () => {
          return `seat ${number} believes to have ${granted} of ${where}, and was granted ${recorded}`;
        });
        must(used <= granted + excuse, "I1", () => `seat ${number} uses ${used} of ${where}, and has ${granted}`);
        if (!place) continue;
        const use = place.used.get(number);
        const inStore = use ? use.settled + use.held : 0n;
        if (granted > inStore) extra.set(place, (extra.get(place) ?? 0n) + granted - inStore);
      }
    }
    for (const [place, more] of extra) {
      const most = this.#limits.limitOf(place.book)! + this.#excuse(place);
      let sum = place.settled + place.doubts + more;
      for (const { settled, held } of place.used.values()) sum += settled + held;
      must(sum <= most, "I1", () => `${sum} of ${nameOf(place)} may be used, and ${most} is all there is`);
    }
  }

  isAtRest(): boolean {
    if (this.#database.isBusy) return false;
    try {
      this.checkRest();
      return true;
    } catch {
      takeViolation();
      return false;
    }
  }

  /** Once all is calm: nothing is leased that is not used, or kept ahead for a rate that fades yet. */
  checkRest(): void {
    const rates = new Map<string, bigint>();
    for (const memory of this.#memories()) {
      for (const { account, start, lease } of memory.windows()) {
        rates.set(`${memory.seat?.number} ${account.book} ${start}`, lease!.rate);
      }
    }
    for (const place of this.#places().values()) {
      must(place.doubts === 0n, "I8", () => `${place.doubts} of ${nameOf(place)} is in doubt at the end`);
      for (const [seat, granted] of place.granted) {
        const { settled, held } = place.used.get(seat) ?? { settled: 0n, held: 0n };
        must(held === 0n, "I1", () => `seat ${seat} holds ${held} of ${nameOf(place)} at the end`);
        const ahead = 5n * (rates.get(`${seat} ${nameOf(place)}`) ?? 0n);
        must(granted <= settled + ahead, "I1", () => {
          return `seat ${seat} keeps ${granted} of ${nameOf(place)}, and has settled ${settled}`;
        });
      }
    }
  }

  #places(): Map<string, Place> {
    must(!this.#database.isBusy, "simulation", () => "a transaction is open");
    return this.#look().places;
  }

  /** What is left of a place, over all nodes. */
  leftOf(name: string, start: number, limit: bigint): bigint {
    const place = this.#places().get(`${name} ${start}`);
    if (!place) return limit;
    let left = limit - place.settled - place.doubts;
    for (const { settled, held } of place.used.values()) left -= settled + held;
    return left;
  }

  #excuse({ book: name, window }: Pick<Place, "book" | "window">): bigint {
    return this.#excused.get(`${name} ${window}`) ?? 0n;
  }
}

function placesOf(rows: readonly PlaceRow[]): Map<string, Place> {
  const places = new Map<string, Place>();
  for (const { what, book: name, start, seat, settled, held } of rows) {
    const key = `${name} ${start}`;
    let place = places.get(key);
    if (!place) {
      place = { book: name, window: start, settled: 0n, doubts: 0n, used: new Map(), granted: new Map() };
      places.set(key, place);
    }
    if (what === "settled") place.settled += settled;
    else if (what === "doubt") place.doubts += held;
    else if (what === "used") place.used.set(seat, { settled, held });
    else place.granted.set(seat, settled);
  }
  return places;
}

function nameOf({ book: name, window }: Place): string {
  return `${name} ${window}`;
}
