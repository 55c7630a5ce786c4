/** One bug: a place in the product's source, and what stands there instead. */
export interface PlantedBug {
  readonly name: string;
  /** The invariants of DESIGN.md, section 3, that it breaks. */
  readonly breaks: string;
  /** Where it breaks in worlds of one kind only: one node, or several. */
  readonly ground?: "own" | "shared";
  readonly file: string;
  readonly replace: string;
  readonly by: string;
}

/** Bugs that a ledger of calls can have: planted one at a time, to see whether the simulation finds them. */
export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: "a request is sent before its hold is on the disk",
    breaks: "I2",
    file: "src/call/attempt.ts",
    replace: "    await hold.durable;\n",
    by: "    void hold.durable;\n",
  },
  {
    name: "the client sees the end before the settlement is on the disk",
    breaks: "I2",
    file: "src/call/attempt.ts",
    replace: "    await ledger.settle(hold, { cost, usage,",
    by: "    void ledger.settle(hold, { cost, usage,",
  },
  {
    name: "an attempt that is settled again is charged again",
    breaks: "I3",
    file: "src/ledger/ledger.ts",
    replace:
      "    if (held.closed) return held.closed;\n    if (this.#keeping.isLost(held)) return (held.closed = this.#settleLate(",
    by: "    if (this.#keeping.isLost(held)) return (held.closed = this.#settleLate(",
  },
  {
    name: "an attempt that ends in two ways is given back twice in memory, once on the disk",
    breaks: "I1",
    file: "src/ledger/ledger.ts",
    replace: "    if (held.closed) return held.closed;\n    const late",
    by: "    if (held.closed) {\n      held.giveBack();\n      return held.closed;\n    }\n    const late",
  },
  {
    name: "what may have been served is given back",
    breaks: "I2",
    file: "src/call/attempt.ts",
    replace: 'if (fault.charged === "nothing" || (rule === "nothing" && !facts)) {',
    by: 'if (fault.charged === "nothing" || (rule !== "generated" && !facts)) {',
  },
  {
    name: "recovery forgets what a crash left open",
    breaks: "I8",
    ground: "own",
    file: "src/ledger/recovery.ts",
    replace: "  for (const holds of attempts.values()) {",
    by: "  for (const holds of [] as EntriesTable[][]) {",
  },
  {
    name: "recovery holds the first step only, not what was topped up",
    breaks: "I8",
    ground: "own",
    file: "src/ledger/recovery.ts",
    replace: '    .where("phase", "=", PHASE.hold)\n    .where(({ not, exists, selectFrom }) =>',
    by: '    .where("phase", "=", PHASE.hold)\n    .where("n", "=", 0)\n    .where(({ not, exists, selectFrom }) =>',
  },
  {
    name: "what was held in one window is charged to the next",
    breaks: "I1",
    file: "src/ledger/attempt-hold.ts",
    replace: "    window.settle(amount);\n    return { budget: window.account.book, window: window.start, amount };",
    by: "    const now = window.account.window;\n    now.settle(amount);\n    return { budget: now.account.book, window: now.start, amount };",
  },
  {
    name: "a client that goes away is billed nothing",
    breaks: "I6",
    file: "src/call/attempt.ts",
    replace: '      case "stopped": {\n',
    by: '      case "stopped": {\n        if (answer.why === "client") return this.#leaveUnsent(hold);\n',
  },
  {
    name: "doubts end by themselves",
    breaks: "I8",
    file: "src/ledger/ledger.ts",
    replace: "    const places = this.#placesOf(ask, now);\n    const mood",
    by: '    for (const { attempt, since } of this.unsettled()) if (now - since > 2_000) void this.resolve(attempt, { action: "release", reason: "old" }).catch(() => {});\n    const places = this.#placesOf(ask, now);\n    const mood',
  },
  {
    name: "a call in doubt is sent again for the same key",
    breaks: "I2",
    file: "src/call/kept-answers.ts",
    replace: '    if (row.state !== "kept" || !row.answer) throw',
    by: '    if (row.state === "pending") return undefined;\n    if (row.state !== "kept" || !row.answer) throw',
  },
  {
    name: "a call that may have been served gives its key back",
    breaks: "I2",
    file: "src/call/run-call.ts",
    replace: 'fault.code !== "internal_error" && !last?.inDoubt;',
    by: 'fault.code !== "internal_error";',
  },
  {
    name: "a hold goes by the estimate, not by the bound",
    breaks: "I1",
    file: "src/ledger/decision.ts",
    replace: "  const full = lacking(places, ask.full.bound, waits);",
    by: "  const full = lacking(places, ask.full.amount, waits);",
  },
  {
    name: "a top-up asks nobody",
    breaks: "I1",
    file: "src/ledger/decision.ts",
    replace: "    if (window.account.refuses && convertUp(more.bound, ratio) > window.room) return false;",
    by: "    if (more.bound < 0n) return false;",
  },
  {
    name: "after a restart a budget begins anew",
    breaks: "I1",
    ground: "own",
    file: "src/ledger/recovery.ts",
    replace: "    if (latest?.window === account.window.start) account.window.settled = latest.settled;\n",
    by: "",
  },
  {
    name: "a doubt is resolved twice from two desks",
    breaks: "I3",
    ground: "own",
    file: "src/ledger/own-books.ts",
    replace: "    this.#doubts.remove(doubt);\n    const shares",
    by: '    await this.#store.query.selectFrom("meta").selectAll().execute();\n    this.#doubts.remove(doubt);\n    const shares',
  },
  {
    name: "two corrections at once look at the same cost",
    breaks: "I3",
    ground: "own",
    file: "src/ledger/own-books.ts",
    replace: "    const done = this.#adjusting.then(() =>",
    by: "    const done = Promise.resolve().then(() =>",
  },
  {
    name: "a disk that failed is trusted on",
    breaks: "I2",
    file: "src/store/group-journal.ts",
    replace: "    this.#failure = failure;\n    this.#abandon(failure);\n",
    by: "    this.#committing?.resolve();\n    this.#gathering?.resolve();\n    this.#committing = undefined;\n    this.#gathering = undefined;\n",
  },
  {
    name: "a group that gathers is taken for the one that was committed",
    breaks: "I2",
    file: "src/store/group-journal.ts",
    replace: "    group?.resolve();\n    // What others",
    by: "    this.#gathering?.resolve();\n    group?.resolve();\n    // What others",
  },
  {
    name: "a settlement in a budget's currency is rounded on its own way",
    breaks: "I5",
    file: "src/ledger/attempt-hold.ts",
    replace: "    const amount = convert(cost, ratio);\n",
    by: "    const amount = convertUp(cost, ratio);\n",
  },
];
