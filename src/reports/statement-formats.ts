import type { Language } from "../base/language.ts";
import { reportWords } from "../base/messages/operators.ts";
import { formatAmount } from "../base/money.ts";
import { type CsvField, writeCsv } from "./csv.ts";
import { groupDigits, writeQuantity } from "./quantities.ts";
import type { Statement } from "./statement.ts";
import { type Column, writeTable } from "./text-table.ts";

/** A statement as JSON: amounts are decimal strings, instants ISO 8601, and what is unknown is null. */
export function showStatement(statement: Statement) {
  const { from, to, payer, month, timezone, calls, attempts, estimated } = statement;
  return {
    payer: payer ?? null,
    month,
    timezone,
    from: instant(from),
    to: instant(to),
    calls,
    attempts,
    estimated,
    lines: statement.lines.map((line) => ({
      model: line.model,
      class: line.class,
      quantity: line.quantity,
      unitPrice: line.unitPrice ?? null,
      per: line.per ?? null,
      amount: formatAmount(line.amount),
      currency: line.currency,
      priceId: line.priceId,
    })),
    adjustments: statement.adjustments.map((one) => ({
      ...one,
      at: instant(one.at),
      amount: formatAmount(one.amount),
      reason: one.reason ?? null,
    })),
    moreAdjustments: statement.moreAdjustments,
    unsettled: statement.unsettled.map((one) => ({
      ...one,
      since: instant(one.since),
      amount: formatAmount(one.amount),
    })),
    moreUnsettled: statement.moreUnsettled,
    totals: statement.totals.map((total) => ({
      currency: total.currency,
      usage: formatAmount(total.usage),
      adjustments: formatAmount(total.adjustments),
      total: formatAmount(total.total),
    })),
    converted: statement.converted
      ? { currency: statement.converted.currency, total: formatAmount(statement.converted.total) }
      : null,
  };
}

const CSV_COLUMNS = [
  "kind",
  "month",
  "timezone",
  "payer",
  "model",
  "class",
  "quantity",
  "unitPrice",
  "per",
  "amount",
  "currency",
  "priceId",
  "attempt",
  "at",
  "reason",
];

/**
 * A statement as CSV, a row a line: `kind` is line, adjustment, unsettled or total. The amounts of lines and
 * adjustments of one currency add up to its total.
 */
export function writeStatementCsv(statement: Statement): string {
  const { month, timezone } = statement;
  const payer = statement.payer ?? "";
  const rows: CsvField[][] = [];
  for (const { model, class: name, quantity, unitPrice, per, amount, currency, priceId } of statement.lines) {
    const made = [model, name, writeQuantity(quantity), unitPrice, per, formatAmount(amount), currency, priceId];
    rows.push(["line", month, timezone, payer, ...made, "", "", ""]);
  }
  for (const one of statement.adjustments) {
    const { model, amount, currency, attempt, at, reason } = one;
    const made = [model, "adjustment", "", "", "", formatAmount(amount), currency, "", attempt, instant(at), reason];
    rows.push(["adjustment", month, timezone, one.payer, ...made]);
  }
  for (const one of statement.unsettled) {
    const { model, amount, currency, attempt, since, reason } = one;
    const made = [model, "", "", "", "", formatAmount(amount), currency, "", attempt, instant(since), reason];
    rows.push(["unsettled", month, timezone, one.payer, ...made]);
  }
  for (const { currency, total } of statement.totals) {
    rows.push(["total", month, timezone, payer, "", "", "", "", "", formatAmount(total), currency, "", "", "", ""]);
  }
  return writeCsv(CSV_COLUMNS, rows);
}

/** A statement for a terminal, in the reader's language. */
export function writeStatementTable(statement: Statement, language: Language): string {
  const say = (text: (language: Language) => string): string => text(language);
  const { payer, month, timezone, calls, attempts, estimated } = statement;
  const parts = [
    say(reportWords.statementTitle(payer ?? say(reportWords.allPayers()), month, timezone)),
    say(reportWords.calls(calls, attempts, estimated)),
    statement.lines.length > 0 ? linesTable(statement, say) : say(reportWords.nothing()),
  ];
  if (statement.adjustments.length > 0) {
    const more = statement.moreAdjustments > 0 ? [say(reportWords.moreRows(statement.moreAdjustments))] : [];
    parts.push([say(reportWords.adjustments()), eventsTable(statement.adjustments, say), ...more].join("\n"));
  }
  if (statement.unsettled.length > 0) {
    const rows = statement.unsettled.map((one) => ({ ...one, at: one.since }));
    const more = statement.moreUnsettled ? ["…"] : [];
    parts.push([say(reportWords.unsettled()), eventsTable(rows, say), ...more].join("\n"));
  }
  const totals = statement.totals.map(
    ({ currency, total }) => `${say(reportWords.total())}  ${formatAmount(total)} ${currency}`,
  );
  if (totals.length > 0) parts.push(totals.join("\n"));
  if (statement.converted) {
    const { currency, total } = statement.converted;
    parts.push(`${say(reportWords.converted(currency))}  ${formatAmount(total)} ${currency}`);
  }
  return `${parts.join("\n\n")}\n`;
}

type Say = (text: (language: Language) => string) => string;

function linesTable({ lines }: Statement, say: Say): string {
  const columns: Column[] = [
    { title: say(reportWords.model()), align: "left" },
    { title: say(reportWords.class()), align: "left" },
    { title: say(reportWords.quantity()), align: "right" },
    { title: say(reportWords.unitPrice()), align: "right" },
    { title: say(reportWords.amount()), align: "right" },
    { title: say(reportWords.currency()), align: "left" },
  ];
  const rows = lines.map((line) => [
    line.model,
    line.class,
    groupDigits(writeQuantity(line.quantity)),
    line.unitPrice === undefined ? "" : `${line.unitPrice} / ${line.per}`,
    formatAmount(line.amount),
    line.currency,
  ]);
  return writeTable(columns, rows);
}

function eventsTable(
  events: readonly {
    readonly attempt: string;
    readonly at: number;
    readonly model: string;
    readonly amount: bigint;
    readonly currency: string;
    readonly reason: string | undefined;
  }[],
  say: Say,
): string {
  const columns: Column[] = [
    { title: say(reportWords.attempt()), align: "left" },
    { title: say(reportWords.model()), align: "left" },
    { title: say(reportWords.amount()), align: "right" },
    { title: say(reportWords.currency()), align: "left" },
    { title: say(reportWords.reason()), align: "left" },
  ];
  const rows = events.map(({ attempt, model, amount, currency, reason }) => [
    attempt,
    model,
    formatAmount(amount),
    currency,
    reason ?? "",
  ]);
  return writeTable(columns, rows);
}

function instant(at: number): string {
  return new Date(at).toISOString();
}
