import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { FAULTS } from "../src/base/faults.ts";
import { EXIT } from "../src/cli/exit-codes.ts";
import { CHECKS } from "../src/control/doctor/spec.ts";
import { commandLinePage, errorsPage } from "../tools/pages.ts";

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
