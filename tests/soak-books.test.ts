import { expect, test } from "vitest";
import { type Attempt, compare } from "../benchmarks/soak/books.ts";
import { costOf } from "./harness/arithmetic.ts";
import { RATES } from "./harness/settings.ts";
import type { TallyRow } from "./harness/upstream-behaviour.ts";

/** The soak lays the vendor's books beside the ledger: here are books that it must not let pass. */

const billed = { input: 100, cachedInput: 0, output: 50, reasoning: 0 };
const row = (id: string, more: Partial<TallyRow> = {}): TallyRow => ({
  ...{ id, model: "mini", tag: "sales 1", stream: false, state: "served", billed, at: 0 },
  ...more,
});
const attempt = (id: string, more: Partial<Attempt> = {}): Attempt => ({
  ...{ id: `${id}.1`, call: id, payer: "sales", model: "mini", state: "settled", resolved: false },
  ...{ cost: costOf(billed, RATES), basis: "reported", request: "up-1" },
  ...more,
});
const unnamed = { request: undefined, basis: undefined, cost: undefined };
const resolved = { ...unnamed, state: "released", resolved: true };
const refused = { state: "refused", billed: undefined } as const;
const TAGS = new Map([["a", "sales 1"]]);

test.each<[string, TallyRow[], Attempt[], object]>([
  ["by the vendor's id", [row("up-1")], [attempt("a")], { id: 1, tag: 0, number: 0 }],
  ["by the client's tag", [row("up-1")], [attempt("a", resolved)], { id: 0, tag: 1, number: 0 }],
  ["by number", [row("up-1"), row("up-2")], [attempt("a"), attempt("b", resolved)], { id: 1, tag: 0, number: 1 }],
  ["refused and released", [row("up-1", refused)], [attempt("a", { state: "released" })], { id: 0, tag: 0, number: 0 }],
  ["in doubt and never sent", [], [attempt("a", resolved)], { id: 0, tag: 0, number: 0 }],
])("books that fit: %s", (_, rows, attempts, found) => {
  expect(compare(rows, attempts, TAGS)).toMatchObject({ found, defects: [] });
});

test.each<[string, TallyRow[], Attempt[]]>([
  ["lost", [row("up-1"), row("up-2")], [attempt("a")]],
  ["twice, by the vendor's id", [row("up-1")], [attempt("a"), attempt("b")]],
  ["twice, without an id", [row("up-1")], [attempt("a"), attempt("b", unnamed)]],
  ["released", [row("up-1")], [attempt("a", { state: "released" })]],
  ["released, without an id", [row("up-1")], [attempt("b", { ...unnamed, state: "released" })]],
  ["settled, but refused", [row("up-1", refused)], [attempt("a")]],
  ["settled, but never sent", [], [attempt("b", unnamed)]],
  ["at another cost", [row("up-1")], [attempt("a", { cost: costOf(billed, RATES) + 1n })]],
  ["still in flight", [row("up-1")], [attempt("a", { state: "held" })]],
  ["still being served", [row("up-1", { state: "running" })], [attempt("a")]],
  ["of another payer", [row("up-1", { tag: "research 1" })], [attempt("b", resolved)]],
])("books that do not fit: %s", (_, rows, attempts) => {
  expect(compare(rows, attempts, TAGS).defects).toHaveLength(1);
});
