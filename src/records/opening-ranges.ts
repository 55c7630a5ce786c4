import { type Kysely, type RawBuilder, sql } from "kysely";
import { firstIdAt, timeOfId } from "../base/ids.ts";
import { type Schema, SLOT_MOST_MS } from "../store/schema.ts";

/** A stretch of ids: `low` ≤ attempt < `high`. */
interface IdRange {
  readonly low: string;
  readonly high: string;
}

/** A stretch of milliseconds in ids: `from` ≤ time < `to`. */
interface TimeRange {
  readonly from: number;
  readonly to: number;
}

/** Slots that are looked at together at first: each time nothing was found there, eight times as many. */
const FIRST_SLOTS = 64;
/** Slots that are read at once: in each of them there is something. */
const SLOTS_OF_A_READ = 64;

/**
 * The stretches of the ledger in which attempts of these kin were opened, newest first: outside of them there is
 * none. How they come to be known: `OpeningSlots`, in the store.
 */
export async function* slotRanges(
  query: Kysely<Schema>,
  kin: readonly number[],
  { low, high }: IdRange,
): AsyncGenerator<IdRange> {
  const kinIds = sql.join(kin.map((id) => sql.lit(id)));
  const from = low === "" ? 0 : timeOfId(low);
  let to = high.length < ID_LENGTH ? Number.MAX_SAFE_INTEGER : timeOfId(high) + 1;
  for (let width = FIRST_SLOTS; to > from; ) {
    let floor = await beginningBelow(query, to, width);
    const slots = await readSlots(query, kinIds, floor, to);
    if (slots.length === SLOTS_OF_A_READ) floor = slots.at(-1)!.since;
    else width *= 8;
    for (const range of merge([...slots, ...(await slotsAcross(query, kinIds, floor))], floor, to)) {
      const [first, end] = [startOf(range.from), endOf(range.to)];
      if (end > low && first < high) yield { low: first < low ? low : first, high: end < high ? end : high };
    }
    to = floor;
  }
}

const ID_LENGTH = firstIdAt(0).length;

function startOf(time: number): string {
  return time === 0 ? "" : firstIdAt(time);
}

function endOf(time: number): string {
  return time === Number.MAX_SAFE_INTEGER ? "call~" : firstIdAt(time);
}

/** Where the slot begins that is the `count`th below `to`; 0 where there are not so many. */
async function beginningBelow(query: Kysely<Schema>, to: number, count: number): Promise<number> {
  const row = await query
    .selectFrom("opening_slots")
    .select("since")
    .where("since", "<", to)
    .orderBy("since", "desc")
    .limit(1)
    .offset(count - 1)
    .executeTakeFirst();
  return row?.since ?? 0;
}

interface Slot {
  readonly since: number;
  /** Where the next one of its seat begins, if one does before this one is too long. */
  readonly until: number | null;
}

const UNTIL = sql`(select min(later.since) from opening_slots as later
  where later.seat = slot.seat and later.since > slot.since and later.since < slot.since + ${sql.lit(SLOT_MOST_MS)})`;

/** The newest slots of these kin that begin in the stretch. */
async function readSlots(query: Kysely<Schema>, kin: RawBuilder<unknown>, from: number, to: number): Promise<Slot[]> {
  const { rows } = await sql<Slot>`
    select since, ${UNTIL} as until
    from (select distinct since, seat from kin_slots where kin in (${kin}) and since >= ${from} and since < ${to}
      order by since desc limit ${sql.lit(SLOTS_OF_A_READ)}) as slot
    order by since desc`.execute(query);
  return rows;
}

/**
 * Where nodes share the store, their slots overlap: those of these kin that are open at an instant, one of each node at
 * the most, hold what is newer than slots that begin later.
 */
async function slotsAcross(query: Kysely<Schema>, kin: RawBuilder<unknown>, at: number): Promise<readonly Slot[]> {
  const { rows } = await sql<Slot>`
    select since, ${UNTIL} as until
    from (select seat, max(since) as since from opening_slots
      where since <= ${at} and since > ${at - SLOT_MOST_MS} group by seat) as slot
    where exists (select 1 from kin_slots as noted
      where noted.kin in (${kin}) and noted.since = slot.since and noted.seat = slot.seat)`.execute(query);
  return rows;
}

/** What slots cover of a stretch of time, newest first, each instant once. */
function merge(slots: readonly Slot[], from: number, to: number): TimeRange[] {
  const ranges: TimeRange[] = [];
  const sorted = slots
    .map(({ since, until }) => ({ from: Math.max(since, from), to: Math.min(until ?? since + SLOT_MOST_MS, to) }))
    .filter((range) => range.from < range.to)
    .sort((a, b) => b.to - a.to);
  for (const range of sorted) {
    const last = ranges.at(-1);
    if (last && range.to >= last.from) ranges[ranges.length - 1] = { ...last, from: Math.min(last.from, range.from) };
    else ranges.push(range);
  }
  return ranges;
}
