import { bannerWords as words } from "../base/messages/cli.ts";
import { displayWidth } from "../reports/text-table.ts";
import { writeChanges } from "./changes.ts";
import { coloursOf } from "./colours.ts";
import type { CliContext } from "./context.ts";
import type { StartedServer } from "./spec.ts";
import { show } from "./tables.ts";

/** Vendors that are named one by one; the rest is counted. */
const MOST_VENDORS = 30;

/** What `maidan start` prints: where it is, what can be called, what to set for more, and a first call that works. */
export function writeBanner(server: StartedServer, context: CliContext): string {
  const { bold, dim, green } = coloursOf(context.dependencies);
  const { say, language } = context;
  const tell = say.bind(context);
  const lines = ["", `${bold("Maidan · 买单")} ${dim(context.dependencies.version)}`, ""];
  lines.push(...rowsOf(factsOf(server, context)).map((line) => `  ${line}`));
  if (server.applied) {
    lines.push("", tell(words.applied()), ...writeChanges(server.applied.changes).map((line) => `  ${line}`));
    if (server.applied.changes.length === 0) lines.push(`  ${tell(words.nothingChanged())}`);
  }
  lines.push("", tell(words.vendors()));
  const vendors = server.vendors.slice(0, MOST_VENDORS);
  lines.push(
    ...rowsOf(
      vendors.map((vendor) => [
        `${green("✓")} ${vendor.id}`,
        vendor.source,
        tell(words.models(vendor.modelCount, vendor.models)),
      ]),
    ).map((line) => `  ${line}`),
  );
  if (server.vendors.length > vendors.length)
    lines.push(`  ${tell(words.moreVendors(server.vendors.length - vendors.length))}`);
  if (server.otherVendors.length > 0) {
    lines.push("", tell(words.otherVendors()));
    const others = server.otherVendors.map(
      ({ name, variables }) => `${variables.join(" + ")} (${show(name, language)})`,
    );
    lines.push(...wrap(others, context.dependencies.columns ?? 100).map((line) => `  ${line}`));
  }
  lines.push("", bold(tell(words.tryIt())), "", `  ${curlLine(server, context)}`, "");
  if (!server.firstKey) lines.push(`  ${dim(tell(words.keyHint()))}`, "");
  return `${lines.join("\n")}\n`;
}

function factsOf(server: StartedServer, context: CliContext): string[][] {
  const tell = context.say.bind(context);
  const facts = [
    [tell(words.address()), server.address],
    [tell(words.docs()), `${server.address}/docs`],
    [tell(words.dataFolder()), server.dataFolder],
  ];
  if (server.adminKey !== undefined)
    facts.push([tell(words.adminKey()), `${server.adminKey}  ${tell(words.shownOnce())}`]);
  const key = server.firstKey;
  if (key)
    facts.push([
      tell(words.firstKey()),
      `${key.secret}  ${tell(words.firstBudget(key.payer, key.amount, key.currency))}`,
    ]);
  return facts;
}

/** One line to paste that works at once: it asks the built-in practice vendor, which needs no key of anybody else. */
export function curlLine(server: StartedServer, context: Pick<CliContext, "language">): string {
  const key = server.firstKey?.secret ?? "$MAIDAN_KEY";
  const content = words.hello()(context.language);
  const body = JSON.stringify({ model: "practice/echo", messages: [{ role: "user", content }] });
  return `curl ${server.address}/v1/chat/completions -H "Authorization: Bearer ${key}" -H "Content-Type: application/json" -d '${body}'`;
}

/** The same for machines. */
export function showStart(server: StartedServer): object {
  const { address, dataFolder, adminKey, firstKey, vendors, otherVendors, applied } = server;
  return { address, docs: `${address}/docs`, dataFolder, adminKey, firstKey, vendors, otherVendors, applied };
}

/** Columns aligned by what is seen; the last one is as long as it is. */
function rowsOf(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows)
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, visibleWidth(cell));
  return rows.map((row) =>
    row.map((cell, i) => (i === row.length - 1 ? cell : cell + " ".repeat(widths[i]! - visibleWidth(cell)))).join("  "),
  );
}

function visibleWidth(text: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one, and take no place
  return displayWidth(text.replace(/\u001b\[\d+m/g, ""));
}

function wrap(parts: readonly string[], columns: number): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const last = lines.at(-1);
    if (last !== undefined && displayWidth(last) + displayWidth(part) + 5 <= columns)
      lines[lines.length - 1] = `${last} · ${part}`;
    else lines.push(part);
  }
  return lines;
}
