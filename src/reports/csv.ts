/**
 * Comma-separated values as RFC 4180 has them: CRLF, quotes doubled, every field with a comma, quote or line end
 * quoted. A text that a spreadsheet would take for a formula gets an apostrophe in front; numbers stay numbers.
 */
export function writeCsv(header: readonly string[], rows: readonly (readonly CsvField[])[]): string {
  const lines = [header.map(writeField).join(",")];
  for (const row of rows) lines.push(row.map(writeField).join(","));
  return `${lines.join("\r\n")}\r\n`;
}

export type CsvField = string | number | undefined;

const NUMBER = /^-?\d+(\.\d+)?$/;
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;

function writeField(field: CsvField): string {
  if (field === undefined) return "";
  const text = String(field);
  if (NUMBER.test(text)) return text;
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
