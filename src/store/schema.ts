/** The tables, as Kysely sees them. The migrations in `migrations.ts` create them. Money is nano-units, read as bigint. */
export interface Schema {
  settings: SettingsTable;
  meta: MetaTable;
  prices: PricesTable;
  circumstances: CircumstancesTable;
  entry_rows: EntryRowsTable;
  entries: EntriesTable;
  budget_books: BudgetBooksTable;
  budget_windows: BudgetWindowsTable;
  unsettled: UnsettledTable;
  usage_hourly: UsageHourlyTable;
  kin: KinTable;
  usage_days: UsageDaysTable;
  opening_slots: OpeningSlotsTable;
  kin_slots: KinSlotsTable;
  kept_answers: KeptAnswersTable;
  nodes: NodesTable;
  leases: LeasesTable;
  node_windows: NodeWindowsTable;
  doubt_shares: DoubtSharesTable;
  jobs: JobsTable;
}

/** One document a setting: `kind` is a key of `Settings`. */
export interface SettingsTable {
  kind: string;
  id: string;
  document: string;
  /** Who wrote it: `file` (a declarative file, which may take it away again), `api`, or `start` (the first start). */
  source: string;
  updated_at: number;
}

export interface MetaTable {
  name: string;
  value: string;
}

/** Price documents, immutable: an entry names the one by which it was computed. */
export interface PricesTable {
  id: string;
  document: string;
  created_at: number;
}

/** What many entries have in common, written once, and never changed. */
export interface CircumstancesTable {
  id: number;
  payer: string;
  key: string;
  route: string;
  model: string;
  currency: string;
  price: string;
  rates: string;
  /** The lease under which the entries were written, `seat.epoch`; empty where one process has the store alone. */
  lease: string;
  /** JSON `[[book, window, "$"], …]`: the shares of an entry whose every share is the amount for which `$` stands. */
  books: string;
}

/** Stands in `books` for the amount of a share: of a hold what is `held`, of all others the `amount`. */
export const SHARE_MARK = "$";

/** What an entry has alone. */
export interface EntryRowsTable extends Omit<EntriesTable, "shares" | keyof Omit<CircumstancesTable, "id" | "books">> {
  circumstances: number;
  /** Where they are not what the circumstances say, as in `entries`. */
  shares: string | null;
}

/** The ledger's entries, each whole: a view on `entry_rows` and their `circumstances`. */
export interface EntriesTable {
  attempt: string;
  phase: number;
  n: number;
  kind: string;
  at: number;
  payer: string;
  key: string;
  route: string;
  model: string;
  currency: string;
  amount: bigint;
  held: bigint;
  /** JSON `[[book, window, "amount"], …]`: which book of which budget. */
  shares: string;
  price: string;
  rates: string;
  lease: string;
  basis: string | null;
  overrun: number;
  input: number | null;
  cached_input: number | null;
  cache_write_5m: number | null;
  cache_write_1h: number | null;
  input_audio: number | null;
  input_image: number | null;
  output: number | null;
  reasoning: number | null;
  output_audio: number | null;
  images: number | null;
  seconds: number | null;
  tool_calls: number | null;
  detail: string;
}

/**
 * A budget's account under one configuration. The first book of a budget has the budget's own id; when its payer,
 * currency, window or zone changes, the book is closed and another opened with what was spent in its first window so
 * far (`base`).
 */
export interface BudgetBooksTable {
  book: string;
  budget: string;
  payer: string;
  currency: string;
  period: string;
  timezone: string;
  opened_at: number;
  closed_at: number | null;
  /** Start of the window that was open when the book was, and what had been settled in it; null until it is known. */
  base_window: number;
  base: bigint | null;
}

/**
 * What was settled in one window of one budget's book: rolled up in the ledger's own transaction. What nodes settle
 * under a lease stands in `node_windows` until they leave the window.
 */
export interface BudgetWindowsTable {
  book: string;
  window: number;
  settled: bigint;
}

/** Attempts in doubt, until evidence or a person resolves them. */
export interface UnsettledTable {
  attempt: string;
  since: number;
  reason: string;
}

/** Settled entries by hour, rolled up in the ledger's own transaction. */
export interface UsageHourlyTable {
  /** Start of the hour, UTC milliseconds. */
  hour: number;
  payer: string;
  key: string;
  route: string;
  model: string;
  currency: string;
  /** The seat of the node that wrote the row: rows that two nodes write would wait for each other. 0: none. */
  seat: number;
  calls: number;
  attempts: number;
  estimated: number;
  cost: bigint;
  input: number;
  cached_input: number;
  cache_write_5m: number;
  cache_write_1h: number;
  input_audio: number;
  input_image: number;
  output: number;
  reasoning: number;
  output_audio: number;
  images: number;
  seconds: number;
  tool_calls: number;
}

/** A third of a day: the days of UTC are made of them, and those of UTC+8. */
export const THIRD_MS = 8 * 3_600_000;

/** Circumstances that agree in what calls are listed and reported by. Far fewer than circumstances: those change with every window. */
export interface KinTable {
  /** The id of the first circumstances of this kin. */
  id: number;
  payer: string;
  key: string;
  route: string;
  model: string;
  currency: string;
}

/**
 * What `usage_hourly` has, by days of UTC and their thirds, for reports: rolled up in the ledger's own transaction. Of
 * each third there are `calls_1`, `attempts_1`, `estimated_1`, `cost_1`, `input_tokens_1`, `output_tokens_1`: all classes
 * of input together, and all of output.
 */
export interface UsageDaysTable {
  /** Its start, UTC milliseconds. */
  day: number;
  kin: number;
  /** Of the node that wrote the row; 0 where one process has the store alone. */
  seat: number;
}

/** The longest that a slot may be, in the time of its ids. */
export const SLOT_MOST_MS = 2 ** 20;

/**
 * Where the slots begin, into which openings are divided: see `OpeningSlots`. A slot ends where the next one of its seat
 * begins, or after `SLOT_MOST_MS`.
 */
export interface OpeningSlotsTable {
  /** Of the node that opened the attempts; 0 where one process has the store alone. */
  seat: number;
  /** The time in the smallest id that may be in the slot, milliseconds. */
  since: number;
}

/** Which kin opened attempts in which slot. */
export interface KinSlotsTable {
  kin: number;
  since: number;
  seat: number;
}

export interface KeptAnswersTable {
  id: string;
  request_hash: string;
  call: string;
  state: string;
  at: number;
  status: number;
  headers: string;
  answer: Uint8Array | null;
}

/** Who shares the store. A seat is one node's at a time; each time it is taken, or taken away, its epoch goes up. */
export interface NodesTable {
  /** From 1. */
  seat: number;
  epoch: number;
  /** For people: host and process. */
  name: string;
  /** Goes up with every sign of life. */
  beat: number;
  /** The version of the settings that the node has in force. */
  settings_version: number;
  joined_at: number;
  /** Null while the seat is taken. */
  ended_at: number | null;
}

/** What a node may use of one window of a budget's book, all that it settled there included. */
export interface LeasesTable {
  book: string;
  window: number;
  seat: number;
  granted: bigint;
  /** What calls that wait at the node need beside that; 0 where none waits. */
  wanted: bigint;
}

/** What a node has used of its leases: written by that node alone, in the ledger's own transaction. */
export interface NodeWindowsTable {
  book: string;
  window: number;
  seat: number;
  settled: bigint;
  /** Bounds of the attempts in flight. */
  held: bigint;
}

/** What an attempt in doubt goes on counting in one window of a budget's book. */
export interface DoubtSharesTable {
  attempt: string;
  book: string;
  window: number;
  bound: bigint;
}

/** Work that one of the nodes does now and then. */
export interface JobsTable {
  name: string;
  /** Milliseconds. */
  due_at: number;
}
