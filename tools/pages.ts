import type { Command, Option } from "commander";
import { FAULTS, type FaultCode } from "../src/base/faults.ts";
import type { Language } from "../src/base/language.ts";
import { faultWords } from "../src/base/messages/faults.ts";
import { describeCommands } from "../src/cli/run-cli.ts";

/** Pages of the documentation that are made from the source, so that they cannot say anything else than the program. */

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");

/** `docs/errors.md`: the table of faults, in both languages. */
export function errorsPage(): string {
  const codes = Object.keys(FAULTS) as FaultCode[];
  const rows = (language: Language): string[] =>
    codes.map((code) => {
      const { status, type, retryable } = FAULTS[code];
      const again = language === "zh" ? (retryable ? "可以" : "不可以") : retryable ? "yes" : "no";
      const [when, remedy] = [faultWords.when(code)(language), faultWords.remedy(code)(language)];
      return `| ${status} | \`${code}\` | \`${type}\` | ${again} | ${cell(when)} | ${cell(remedy)} |`;
    });
  return `# Errors · 错误

<!-- Made by \`node tools/document.mjs\` from src/base/faults.ts. Do not edit. -->

Every error has the shape of its surface. On OpenAI's and on the operators' API that is

\`\`\`json
{ "error": { "message": "…", "type": "…", "param": null, "code": "…" } }
\`\`\`

\`message\` is for people, in the language of \`Accept-Language\` (else of \`MAIDAN_LANG\`); \`code\` is for machines and is never translated;
\`param\` names the field that is wrong. Some errors carry more fields beside them, such as \`nearest\` or the figures of a budget.
\`x-maidan-origin\` says whether the \`gateway\` or the \`vendor\` is to blame, \`retry-after\` how many seconds to wait.
"Retry" says whether the same request may succeed later without a change.

| status | code | type | retry | when | what to do |
|---|---|---|---|---|---|
${rows("en").join("\n")}

## 中文

\`message\` 供人阅读，语言取自 \`Accept-Language\`（否则为 \`MAIDAN_LANG\`）；\`code\` 供程序使用，不翻译；\`param\` 指明有误的字段。
有些错误另附字段，例如 \`nearest\` 或预算的数额。\`x-maidan-origin\` 说明责任在网关（\`gateway\`）还是厂商（\`vendor\`），\`retry-after\` 为应等待的秒数。
“重试”指同一请求不作修改、稍后是否可能成功。

| 状态 | code | type | 重试 | 何时出现 | 怎么办 |
|---|---|---|---|---|---|
${rows("zh").join("\n")}
`;
}

const BEGIN = "<!-- reference: made by `node tools/document.mjs` from src/cli. Do not edit below. -->";

/** `docs/cli.md`: what a person wrote stays, the reference below the mark is made anew. */
export function commandLinePage(page: string): string {
  const mark = page.indexOf(BEGIN);
  if (mark < 0) throw new Error(`docs/cli.md has lost its mark: ${BEGIN}`);
  const [en, zh] = [describeCommands("en"), describeCommands("zh")];
  const pairs = leavesOf(en).map((command, index) => [command, leavesOf(zh)[index]!] as const);
  const sections = pairs.map(([one, other]) => section(usageOf(one), one, other));
  return `${page.slice(0, mark)}${BEGIN}\n\n${section("Options of every verb · 通用选项", en, zh)}\n${sections.join("\n")}`;
}

function section(title: string, en: Command, zh: Command): string {
  const about = en.parent === null ? "" : `${en.description()}  \n${zh.description()}\n\n`;
  const terms: [string, string, string][] = [
    ...en.registeredArguments.map((argument, i): [string, string, string] => [
      argument.required ? `<${argument.name()}>` : `[${argument.name()}]`,
      argument.description,
      zh.registeredArguments[i]!.description,
    ]),
    ...en.options.map((option, i): [string, string, string] => [
      option.flags,
      option.description + choicesOf(option),
      zh.options[i]!.description + choicesOf(option),
    ]),
  ];
  const rows = terms.map((row) => `| \`${cell(row[0])}\` | ${cell(row[1])} | ${cell(row[2])} |`);
  const table = rows.length === 0 ? "" : `| | | |\n|---|---|---|\n${rows.join("\n")}\n`;
  return `### ${en.parent === null ? title : `\`${title}\``}\n\n${about}${table}`;
}

function choicesOf({ argChoices, description, mandatory }: Option): string {
  const untold = argChoices?.some((choice) => !description.includes(choice));
  const choices = untold ? ` (${argChoices!.join(", ")})` : "";
  return mandatory ? `${choices} *` : choices;
}

function leavesOf(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leavesOf);
}

function usageOf(command: Command): string {
  const names: string[] = [];
  for (let one: Command | null = command; one; one = one.parent) names.unshift(one.name());
  const parameters = command.registeredArguments.map((one) => (one.required ? `<${one.name()}>` : `[${one.name()}]`));
  return [...names, ...parameters].join(" ");
}
