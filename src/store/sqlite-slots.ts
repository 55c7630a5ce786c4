import type { DatabaseSync } from "@photostructure/sqlite";
import { firstIdAt } from "../base/ids.ts";
import { OpeningSlots, SLOT_OPENINGS } from "./opening-slots.ts";
import { SLOT_MOST_MS } from "./schema.ts";
import { PHASE } from "./spec.ts";

type Database = InstanceType<typeof DatabaseSync>;
type Statement = ReturnType<Database["prepare"]>;

/** The slots of a seat, in SQLite. */
export class SqliteSlots {
  readonly #slots: OpeningSlots;
  readonly #begin: Statement;
  readonly #beginLate: Statement;
  readonly #note: Statement;
  readonly #newestSlot: Statement;
  readonly #openingsSince: Statement;
  readonly #last: Statement;

  constructor(database: Database, size = SLOT_OPENINGS) {
    this.#slots = new OpeningSlots(size);
    const slotOf = `from opening_slots where seat = :seat and since <= :time and since > :time - ${SLOT_MOST_MS}`;
    this.#begin = database.prepare("insert into opening_slots (since, seat) values (?, ?) on conflict do nothing");
    this.#beginLate = database.prepare(
      `insert into opening_slots (since, seat) select :time, :seat where not exists (select 1 ${slotOf})`,
    );
    this.#note = database.prepare(
      `insert into kin_slots (kin, since, seat) values (:kin, (select max(since) ${slotOf}), :seat) on conflict do nothing`,
    );
    this.#newestSlot = database.prepare("select max(since) as since from opening_slots where seat = ?");
    this.#openingsSince = database.prepare(
      `select count(*) as openings from (select 1 from entry_rows
         where attempt >= ? and phase = ${PHASE.hold} and n = 0 limit ${size})`,
    );
    this.#last = database.prepare("select max(attempt) as attempt from entry_rows");
  }

  /** Before a batch is written. @param seat as the batch has it */
  open(seat: readonly number[]): void {
    if (this.#slots.isOf(seat)) return;
    const { since } = this.#newestSlot.get(seat[0] ?? 0) as { since: number | null };
    if (since === null) {
      this.#slots.resume(seat, { since: undefined, openings: 0, newest: "" });
      return;
    }
    const { openings } = this.#openingsSince.get(firstIdAt(since)) as { openings: number };
    const { attempt } = this.#last.get() as { attempt: string | null };
    this.#slots.resume(seat, { since, openings, newest: attempt ?? "" });
  }

  /** An attempt of this kin is opened. */
  see(kin: number, attempt: string): void {
    this.#slots.see(kin, attempt);
  }

  /** Writes what was seen. */
  write(seat: number): void {
    const rows = this.#slots.take();
    if (!rows) return;
    for (const since of rows.begun) this.#begin.run(since, seat);
    for (const time of rows.late) this.#beginLate.run({ seat, time });
    for (let i = 0; i < rows.kin.length; i++) this.#note.run({ kin: rows.kin[i]!, time: rows.times[i]!, seat });
  }
}
