import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { FAULTS } from "../src/base/faults.ts";
import { VENDORS } from "../src/catalogue/vendors/table.ts";
import { EXIT } from "../src/cli/exit-codes.ts";
import { CHECKS } from "../src/control/doctor/spec.ts";
import { SIMULATORS } from "../src/simulators/registry.ts";
import { commandLinePage, errorsPage } from "../tools/pages.ts";
import { LACKS, PROOFS } from "../tools/proofs.ts";
import { vendorsPage } from "../tools/vendors-page.ts";

const read = (name: string): string => readFileSync(new URL(`../docs/${name}`, import.meta.url), "utf8");

test("docs/errors.md has every error as the program has it (else: node tools/document.mjs)", () => {
  const page = read("errors.md");
  expect(page).toBe(errorsPage());
  for (const [code, { status }] of Object.entries(FAULTS))
    expect(page.split(`| ${status} | \`${code}\` |`), code).toHaveLength(3); // once in each language
});

test("docs/cli.md has every verb and option as the program has it (else: node tools/document.mjs)", () => {
  const page = read("cli.md");
  expect(page).toBe(commandLinePage(page));
  expect(page).toContain("### `maidan unsettled resolve <attempt>`");
});

test("docs/cli.md has every exit code and every check of doctor", () => {
  const page = read("cli.md");
  for (const code of Object.values(EXIT)) expect(page).toMatch(new RegExp(`^\\| ${code} \\|`, "m"));
  for (const check of CHECKS) expect(page).toMatch(new RegExp(`^\\| \`${check}\` \\|`, "m"));
});

test("docs/vendors.md has every vendor and model as the catalogue has them (else: node tools/document.mjs)", () => {
  const page = read("vendors.md");
  expect(page).toBe(vendorsPage());
  for (const { id, protocol, models } of VENDORS) {
    if (protocol === "practice" || protocol === "recorded") continue;
    expect(page).toContain(`\n## ${id}\n`);
    for (const model of models) expect(page).toContain(`\n| \`${model.id}\``);
  }
});

test("what is said to be proven is: each protocol has its simulator, each client its test", () => {
  expect(Object.keys(PROOFS).sort()).toEqual(SIMULATORS.map(({ protocol }) => protocol).sort());
  expect(Object.keys(LACKS).filter((protocol) => !(protocol in PROOFS))).toEqual([]);
  for (const [protocol, { clients, test: file }] of Object.entries(PROOFS)) {
    if (file === undefined) {
      expect(clients).toEqual([]);
      continue;
    }
    const source = readFileSync(new URL(`../${file}`, import.meta.url), "utf8");
    for (const client of clients) expect(source, protocol).toMatch(new RegExp(`from "${client}(/[^"]*)?"`));
  }
});
