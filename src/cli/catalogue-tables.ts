import type { Text } from "../base/language.ts";
import { lookWords as words } from "../base/messages/catalogue.ts";
import type { Row } from "./client.ts";
import type { VerbHost } from "./host.ts";
import { RATES } from "./rates.ts";
import { type ColumnOf, show, tableOf } from "./tables.ts";

/** How the catalogue looks in a terminal. What is not known is `–`, or `?` where the question is whether. */

export function modelColumns(host: VerbHost): ColumnOf[] {
  const { say } = host;
  return [
    { title: say(words.model()), value: (row) => row.id },
    { title: say(words.context()), kind: "number", value: (row) => row.contextTokens },
    { title: say(words.longest()), kind: "number", value: (row) => row.maxOutputTokens },
    { title: say(words.takes()), value: (row) => row.input },
    { title: say(words.tools()), value: (row) => whether(row.tools, host) },
    { title: say(words.thinks()), value: (row) => whether(row.reasoning, host) },
    { title: say(words.size()), value: (row) => sizeOf(row, host) },
    { title: say(words.large()), value: (row) => largeOf(row, host) },
    { title: say(words.input()), kind: "amount", value: priced("input") },
    { title: say(words.output()), kind: "amount", value: priced("output") },
    { title: say(words.currency()), value: priced("currency") },
    { title: say(words.confidence()), value: (row) => row.confidence },
  ];
}

export function vendorColumns({ say }: VerbHost): ColumnOf[] {
  return [
    { title: say(words.vendor()), value: (row) => row.id },
    { title: say(words.name()), value: (row) => row.name },
    { title: say(words.protocol()), value: (row) => [...new Set(rowsOf(row.protocols).map((way) => way.protocol))] },
    { title: say(words.listCurrency()), value: (row) => row.currency },
    { title: say(words.confidence()), value: (row) => row.confidence },
    { title: say(words.status()), value: (row) => stateOf(row, say) },
  ];
}

function stateOf({ status }: Row, say: VerbHost["say"]): string | undefined {
  const { state, day } = (status ?? {}) as { readonly state?: string; readonly day?: string };
  return state === undefined ? undefined : `${say(words.state(state))} (${day})`;
}

/** All of a vendor, a line a fact, then its ways, claims and models. */
export function writeVendor(vendor: Row, host: VerbHost): string[] {
  const { say, language } = host;
  const status = vendor.status as Row | null;
  const facts: [Text, unknown][] = [
    [words.name(), vendor.name],
    [words.company(), vendor.company],
    [words.family(), vendor.family],
    [words.status(), status && `${show(status.note, language)} (${status.day})`],
    [words.documentation(), vendor.documentation],
    [words.listCurrency(), vendor.currency],
    [words.billing(), Object.entries(vendor.billing as Row).map(([name, value]) => `${name}: ${value}`)],
    [words.confidence(), vendor.confidence],
  ];
  const known = facts.filter(([, value]) => value !== null && value !== undefined);
  const ways = rowsOf(vendor.protocols);
  const models = rowsOf(vendor.models);
  const claims = [...rowsOf(vendor.claims), ...models.flatMap((model) => claimsOf(model))];
  return [
    ...(typeof vendor.sameAs === "string" ? [say(words.aliasOf(vendor.sameAs))] : []),
    ...known.map(([title, value]) => `${say(title)}: ${show(value, language)}`),
    "",
    say(words.ways()),
    tableOf(ways, wayColumns(host), language),
    ...(claims.length === 0 ? [] : ["", say(words.claims()), ...claims.map((one) => claimLine(one, host))]),
    ...(models.length === 0
      ? []
      : ["", say(words.models(models.length)), tableOf(models, modelColumns(host), language)]),
  ];
}

function wayColumns({ say }: VerbHost): ColumnOf[] {
  return [
    { title: say(words.protocol()), value: (row) => row.protocol },
    { title: say(words.region()), value: (row) => row.region },
    { title: say(words.address()), value: (row) => row.baseUrl },
    { title: say(words.credentials()), value: (row) => rowsOf(row.credentials).map(credentialOf) },
    { title: say(words.confidence()), value: (row) => row.confidence },
  ];
}

function credentialOf({ name, variable }: Row): string {
  return typeof variable === "string" ? `${name} (${variable})` : String(name);
}

function claimsOf(model: Row): Row[] {
  return rowsOf(model.claims).map((claim) => ({ ...claim, model: model.model }));
}

function claimLine({ model, text, source, confidence }: Row, { language }: VerbHost): string {
  const about = model === undefined ? "" : `${model}: `;
  return `  ${about}${show(text, language)} [${source}; ${confidence}]`;
}

/** Models side by side: a column each, a row a fact. */
export function writeComparison(models: readonly Row[], host: VerbHost): string {
  const { say, language } = host;
  const large = (name: string) => (row: Row) => whether((row.large as Row)[name], host);
  const facts: [Text, (row: Row) => unknown][] = [
    [words.context(), (row) => row.contextTokens],
    [words.longest(), (row) => row.maxOutputTokens],
    [words.takes(), (row) => row.input],
    [words.makes(), (row) => row.output],
    [words.tools(), (row) => whether(row.tools, host)],
    [words.thinks(), (row) => whether(row.reasoning, host)],
    [words.size(), (row) => sizeOf(row, host)],
    [words.large10(), large("tenBillion")],
    [words.large100(), large("hundredMillionAcrossDomains")],
    [words.licence(), (row) => row.licence],
    [words.protocol(), (row) => row.protocols],
    [words.currency(), priced("currency")],
    ...RATES.map((rate): [Text, (row: Row) => unknown] => [() => rate, priced(rate)]).filter(([, value]) =>
      models.some((model) => value(model) !== undefined),
    ),
    ...CONDITIONS.flatMap((kind) => conditionFacts(kind, models)),
    [words.source(), priced("source")],
    [words.checked(), priced("checked")],
    [words.confidence(), (row) => row.confidence],
  ];
  const rows = facts.map(([title, value]) => ({ title: say(title), values: models.map(value) }));
  const columns = models.map(
    (model, index): ColumnOf => ({ title: String(model.id), value: (row) => (row.values as unknown[])[index] }),
  );
  return tableOf(rows, [{ title: "", value: (row) => row.title }, ...columns], language);
}

const CONDITIONS = ["tiers", "hours", "batch"] as const;

function priced(name: string): (row: Row) => unknown {
  return (row) => (row.price as Row | null)?.[name];
}

/** Rates that hold on a condition: `> 32000 input: input 4, output 16`. A row for each, however many a model has. */
function conditionFacts(kind: (typeof CONDITIONS)[number], models: readonly Row[]): [Text, (row: Row) => unknown][] {
  const of = (model: Row): readonly Row[] => [priced(kind)(model) ?? []].flat() as Row[];
  const most = Math.max(0, ...models.map((model) => of(model).length));
  return Array.from({ length: most }, (_, index) => [
    () => (kind === "batch" ? kind : `${kind} ${index + 1}`),
    (model: Row) => {
      const condition = of(model)[index];
      return condition && writeCondition(condition);
    },
  ]);
}

function writeCondition({ above, of, applies, from, to, timezone, days, except, ...rates }: Row): string {
  const length = above === undefined ? [] : [`> ${above} ${of ?? "input"}${applies === "excess" ? " +" : ""}`];
  const time = from === undefined ? [] : [`${from}–${to} ${timezone}`];
  const weekdays = Array.isArray(days) ? [days.join(" ")] : [];
  const free = Array.isArray(except) ? [`− ${except.length} d`] : [];
  const when = [...length, ...time, ...weekdays, ...free].join(" ");
  const what = Object.entries(rates).map(([name, rate]) => `${name} ${rate}`);
  return [...(when === "" ? [] : [`${when}:`]), what.join(", ")].join(" ");
}

function whether(value: unknown, { say }: VerbHost): string {
  if (value === true || value === "yes") return say(words.yes());
  return value === false || value === "no" ? say(words.no()) : "?";
}

function largeOf({ large }: Row, host: VerbHost): string {
  const { tenBillion, hundredMillionAcrossDomains } = large as Row;
  return `${whether(tenBillion, host)} / ${whether(hundredMillionAcrossDomains, host)}`;
}

function sizeOf({ size }: Row, { say }: VerbHost): string | undefined {
  if (typeof size !== "object" || size === null) return undefined;
  const { total, active } = size as { readonly total: number | null; readonly active: number | null };
  const atWork = active === null ? [] : [say(words.atWork(short(active)))];
  return [...(total === null ? [] : [short(total)]), ...atWork].join(", ");
}

/** `671B`, `1.6T`. */
function short(parameters: number): string {
  const billions = parameters / 1e9;
  return billions >= 1_000 ? `${Number((billions / 1_000).toPrecision(4))}T` : `${Number(billions.toPrecision(4))}B`;
}

function rowsOf(value: unknown): readonly Row[] {
  return Array.isArray(value) ? (value as Row[]) : [];
}
