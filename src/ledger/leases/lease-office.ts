import type { Transaction } from "kysely";
import type { Nano } from "../../base/money.ts";
import { leaseOf } from "../../store/batch.ts";
import type { Schema } from "../../store/schema.ts";
import { readSettingsVersion } from "../../store/settings.ts";
import { Fenced, OPEN_SINCE, openSinceOf, type Seat, type Store } from "../../store/spec.ts";
import { readLastAttempt } from "../recovery.ts";
import { closeLeftOpen } from "./left-open.ts";
import { grantOf, type Want } from "./slice.ts";
import { deed, lockWindows, type Place, placeName, readBounds, within } from "./windows.ts";

/** What a node asks for one window of a budget's book. */
export interface Draw extends Place {
  readonly limit: Nano;
  /** What it has and keeps: nothing less may be recorded. */
  readonly keep: Nano;
  readonly want: Want | undefined;
}

/** How one window of a budget's book stands after a draw. Amounts in the budget's currency. */
export interface Drawn extends Place {
  readonly granted: Nano;
  /** What is free, and what other nodes have not surely spent. */
  readonly beyond: Nano;
  /** Over all nodes. */
  readonly settled: Nano;
  readonly held: Nano;
}

/** What a node sees of the others. */
export interface Outlook {
  readonly nodes: readonly NodeSight[];
  /** What calls at other nodes wait for. */
  readonly wants: readonly (Place & { readonly seat: number; readonly wanted: Nano })[];
  readonly settingsVersion: number;
}

export interface NodeSight extends Seat {
  readonly beat: number;
  readonly settingsVersion: number;
}

/**
 * Where nodes take and give back slices of budgets, and seats. Each deed is one transaction that locks the windows it is
 * about, in one order; what a node may do depends on its seat's epoch, never on a clock.
 */
export class LeaseOffice {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Takes the lowest free seat, or a new one. @param name for people */
  async join(name: string, now: number): Promise<Seat> {
    for (;;) {
      const seat = await deed(this.#store.query, (transaction) => this.#takeSeat(transaction, name, now));
      if (seat) return seat;
    }
  }

  /** Undefined where another node was quicker to take a new one. */
  async #takeSeat(transaction: Transaction<Schema>, name: string, now: number): Promise<Seat | undefined> {
    const rows = await lockNodes(this.#store, transaction);
    const free = rows.find((row) => row.ended_at !== null);
    const number = free?.seat ?? (rows.at(-1)?.seat ?? 0) + 1;
    const epoch = (free?.epoch ?? 0) + 1;
    const life = { epoch, name, beat: 0, settings_version: 0, joined_at: now, ended_at: null };
    if (free) await transaction.updateTable("nodes").set(life).where("seat", "=", number).execute();
    else {
      const { numInsertedOrUpdatedRows } = await transaction
        .insertInto("nodes")
        .values({ seat: number, ...life })
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst();
      if (!numInsertedOrUpdatedRows) return undefined;
    }
    // The ids of this node's calls will sort after all there are: nothing of it is open before.
    await setMark(transaction, openSinceOf(number), (await readLastAttempt(transaction)) ?? "");
    return { number, epoch };
  }

  /** A sign of life, where no group gives one. Rejects with `Fenced` where the seat was taken away. */
  async beat({ number, epoch }: Seat, settingsVersion: number): Promise<void> {
    const { numUpdatedRows } = await this.#store.query
      .updateTable("nodes")
      .set(({ eb }) => ({ beat: eb("beat", "+", 1), settings_version: settingsVersion }))
      .where("seat", "=", number)
      .where("epoch", "=", epoch)
      .where("ended_at", "is", null)
      .executeTakeFirst();
    if (numUpdatedRows === 0n) throw new Fenced();
  }

  async look(seat: number): Promise<Outlook> {
    const { query } = this.#store;
    const rows = await query.selectFrom("nodes").selectAll().where("ended_at", "is", null).orderBy("seat").execute();
    const wants = await query
      .selectFrom("leases")
      .select(["book", "window", "seat", "wanted"])
      .where("wanted", ">", 0n)
      .where("seat", "<>", seat)
      .execute();
    const settingsVersion = await readSettingsVersion(query);
    const nodes = rows.map(({ seat, epoch, beat, settings_version }) => ({
      number: seat,
      epoch,
      beat,
      settingsVersion: settings_version,
    }));
    return { nodes, wants, settingsVersion };
  }

  /** Gives back and draws, for many windows at once. Rejects with `Fenced` where the seat was taken away. */
  draw(seat: Seat, draws: readonly Draw[]): Promise<Drawn[]> {
    return deed(this.#store.query, async (transaction) => {
      await this.#keepSeat(transaction, seat);
      const settled = await lockWindows(this.#store, transaction, draws);
      const nodes = await transaction.selectFrom("nodes").select("seat").where("ended_at", "is", null).execute();
      const leases = await transaction.selectFrom("leases").selectAll().where(within(draws)).execute();
      const uses = await transaction.selectFrom("node_windows").selectAll().where(within(draws)).execute();
      const bounds = await readBounds(transaction, draws);
      const drawn: Drawn[] = [];
      for (const draw of draws) {
        const { book, window, limit, keep, want } = draw;
        const here = (row: Place): boolean => row.book === book && row.window === window;
        const others = leases.filter((row) => here(row) && row.seat !== seat.number);
        const othersUses = uses.filter((row) => here(row) && row.seat !== seat.number);
        const spent = (settled.get(placeName(draw)) ?? 0n) + (bounds.get(placeName(draw)) ?? 0n);
        const free = limit - spent - sum(others, (row) => row.granted) - keep;
        const granted = keep + (want ? grantOf(free, want, nodes.length) : 0n);
        const wanted = want && granted - keep < want.least ? want.least : 0n;
        const lease = { granted, wanted };
        await transaction
          .insertInto("leases")
          .values({ book, window, seat: seat.number, ...lease })
          .onConflict((conflict) => conflict.columns(["book", "window", "seat"]).doUpdateSet(lease))
          .execute();
        const own = uses.filter((row) => here(row) && row.seat === seat.number);
        drawn.push({
          book,
          window,
          granted,
          beyond: limit - spent - granted - sum(othersUses, (row) => row.settled),
          settled: (settled.get(placeName(draw)) ?? 0n) + sum([...own, ...othersUses], (row) => row.settled),
          held: (bounds.get(placeName(draw)) ?? 0n) + sum([...own, ...othersUses], (row) => row.held),
        });
      }
      return drawn;
    });
  }

  /**
   * Takes a seat away: what its node settled is everybody's, what it had in flight is in doubt, the unused part of its
   * leases is free again. Tells which attempts are in doubt; undefined where the seat had ended already.
   *
   * @param reason why the attempts are in doubt
   */
  end({ number, epoch }: Seat, reason: string, now: number): Promise<readonly string[] | undefined> {
    return deed(this.#store.query, async (transaction) => {
      // Waits for draws of the seat: what they were granted must be found here.
      if (this.#store.engine === "postgres")
        await transaction.selectFrom("nodes").select("seat").where("seat", "=", number).forUpdate().execute();
      const { numUpdatedRows } = await transaction
        .updateTable("nodes")
        .set({ ended_at: now, epoch: epoch + 1 })
        .where("seat", "=", number)
        .where("epoch", "=", epoch)
        .where("ended_at", "is", null)
        .executeTakeFirst();
      if (numUpdatedRows === 0n) return undefined;
      const places = await this.#placesOf(transaction, number);
      await this.#handOver(transaction, number, places);
      const since = await transaction
        .selectFrom("meta")
        .select("value")
        .where("name", "=", openSinceOf(number))
        .executeTakeFirst();
      return closeLeftOpen(this.#store, transaction, leaseOf({ number, epoch }), since?.value ?? "", reason, now);
    });
  }

  /**
   * Takes away the seats of nodes that are known to be gone. Returns the attempts that are in doubt.
   *
   * @param name of the node; undefined for all there are
   */
  async endGone(name: string | undefined, reason: string, now: number): Promise<string[]> {
    const seats = this.#store.query.selectFrom("nodes").select(["seat", "epoch"]).where("ended_at", "is", null);
    const rows = await (name === undefined ? seats : seats.where("name", "=", name)).execute();
    const doubts: string[] = [];
    for (const { seat, epoch } of rows) doubts.push(...((await this.end({ number: seat, epoch }, reason, now)) ?? []));
    return doubts;
  }

  /** Leaves in doubt what a process that had the store alone left open: none has it alone any more. */
  async endAlone(reason: string, now: number): Promise<string[]> {
    const { query } = this.#store;
    const row = await query.selectFrom("meta").select("value").where("name", "=", OPEN_SINCE).executeTakeFirst();
    if (!row) return [];
    return deed(query, async (transaction) => {
      const doubts = await closeLeftOpen(this.#store, transaction, "", row.value, reason, now);
      await setMark(transaction, OPEN_SINCE, (await readLastAttempt(transaction)) ?? "");
      return doubts;
    });
  }

  /**
   * Leaves windows in which nothing of the node's is open any more: what it settled there is everybody's now. Rejects
   * with `Fenced` where the seat was taken away: what is there may be another node's by now.
   */
  async retire(seat: Seat, places: readonly Place[]): Promise<void> {
    await deed(this.#store.query, async (transaction) => {
      await this.#keepSeat(transaction, seat);
      await this.#handOver(transaction, seat.number, places);
    });
  }

  /**
   * Nobody takes the seat away before the transaction ends; groups of its node may be written meanwhile. Before windows
   * are locked, as whoever takes it away does it.
   */
  async #keepSeat(transaction: Transaction<Schema>, { number, epoch }: Seat): Promise<void> {
    const own = transaction
      .selectFrom("nodes")
      .select("seat")
      .where("seat", "=", number)
      .where("epoch", "=", epoch)
      .where("ended_at", "is", null);
    const rows = await (this.#store.engine === "postgres" ? own.forKeyShare().execute() : own.execute());
    if (rows.length === 0) throw new Fenced();
  }

  async #placesOf(transaction: Transaction<Schema>, seat: number): Promise<Place[]> {
    const leases = await transaction.selectFrom("leases").select(["book", "window"]).where("seat", "=", seat).execute();
    const uses = await transaction
      .selectFrom("node_windows")
      .select(["book", "window"])
      .where("seat", "=", seat)
      .execute();
    return [...new Map([...leases, ...uses].map((place) => [placeName(place), place])).values()];
  }

  async #handOver(transaction: Transaction<Schema>, seat: number, places: readonly Place[]): Promise<void> {
    if (places.length === 0) return;
    await lockWindows(this.#store, transaction, places);
    const uses = await transaction
      .selectFrom("node_windows")
      .selectAll()
      .where("seat", "=", seat)
      .where(within(places))
      .execute();
    for (const { book, window, settled } of uses) {
      await transaction
        .updateTable("budget_windows")
        .set(({ eb }) => ({ settled: eb("settled", "+", settled) }))
        .where("book", "=", book)
        .where("window", "=", window)
        .execute();
    }
    await transaction.deleteFrom("node_windows").where("seat", "=", seat).where(within(places)).execute();
    await transaction.deleteFrom("leases").where("seat", "=", seat).where(within(places)).execute();
  }
}

async function setMark(transaction: Transaction<Schema>, name: string, value: string): Promise<void> {
  await transaction
    .insertInto("meta")
    .values({ name, value })
    .onConflict((conflict) => conflict.column("name").doUpdateSet({ value }))
    .execute();
}

async function lockNodes({ engine }: Store, transaction: Transaction<Schema>) {
  const nodes = transaction.selectFrom("nodes").selectAll().orderBy("seat");
  return engine === "postgres" ? nodes.forUpdate().execute() : nodes.execute();
}

function sum<T>(rows: readonly T[], of: (row: T) => Nano): Nano {
  let total = 0n;
  for (const row of rows) total += of(row);
  return total;
}
