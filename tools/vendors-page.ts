import type { Language } from "../src/base/language.ts";
import type { Answer } from "../src/catalogue/large.ts";
import { type CatalogueEntry, catalogueEntries } from "../src/catalogue/search.ts";
import { VENDORS } from "../src/catalogue/vendors/table.ts";
import type { Claim, ModelFacts, Vendor, VendorProtocol } from "../src/catalogue/vendors/vendor.ts";
import type { Name, PriceSetting } from "../src/config/settings.ts";
import { protocolOf } from "../src/vendors/table.ts";
import { type Capability, LACKS, PROOFS } from "./proofs.ts";

/** The day whose prices are shown: the same source always makes the same page. */
const WRITTEN = Date.parse("2026-11-24");

/** `docs/vendors.md`: the catalogue, what works with each vendor, how that was proven, and how well it is known. */
export function vendorsPage(): string {
  const entries = catalogueEntries(VENDORS, WRITTEN);
  const named = VENDORS.filter((vendor) => !isInside(vendor));
  const sections = named.map((vendor) => sectionOf(vendor, entries));
  return `# Vendors · 厂商

<!-- Made by \`node tools/document.mjs\` from src/catalogue/vendors and tools/proofs.ts. Do not edit. -->

${INTRODUCTION}
## Protocols · 协议

${table(PROTOCOL_HEAD, Object.keys(PROOFS).map(protocolRow))}
${NOTES}
## What works with whom · 与谁可用什么

${table(VENDOR_HEAD, named.map(vendorRow))}
${READING}
${sections.join("\n")}`;
}

const INTRODUCTION = `Nothing here was tried on a vendor's own servers: there were no keys. What is said to work was proven on a simulator of each protocol, and
each simulator by clients that nobody here wrote, where npm has one. What vendors do beyond their protocol is written down from
their documentation and from others' clients, and marked with how well it is known:

- **high**: read in the vendor's own documentation or client;
- **medium**: two independent sources agree, or one careful recent one;
- **low**: one old or third source.

What is known from nobody's text is left out. An empty cell, or \`?\`, means that it is not known. Verify prices before you bill by them, and
set your own in the [declarative file](configuration.md#vendors).

以下内容均未在厂商自己的服务器上试过：没有密钥。所谓“可用”，是在各协议的模拟器上验证的；模拟器则由他人编写的客户端验证（npm 上有的话）。
厂商在协议之外的做法，取自其文档和他人的客户端，并注明可信度：**high** 读自厂商自己的文档或客户端；**medium** 两处独立来源一致，或一处较新且严谨的来源；
**low** 单一的旧来源或第三方。没有文字依据的不写；空白或 \`?\` 表示未知。据以计费前请核对价格，也可在[设置文件](configuration.zh-CN.md#vendors)中写您自己的。
`;

const NOTES = `
✓ proven by the contract suite, on the simulator, from every surface (chat completions, responses, messages), streamed and buffered; – the wire cannot say it.
Signatures: known answers that the vendor published, or that two other programs computed.  
✓ 表示由契约测试在模拟器上、从每个接口（chat completions、responses、messages）以流式和非流式验证；– 表示该协议无法表达。
`;

const READING = `
✓ a model of the vendor is known to do it, and a wire by which it is reached says it; – none of its wires can; ? no model is known to (a server of one's own: ask its model).
"untouched": clients of these surfaces get the vendor's own bytes; all other surfaces are served by translation. "claims" are what a vendor or others say and
nobody here has measured. Large models are told by each definition: ten billion parameters and more / a hundred million and more, used across domains.
Prices are per million tokens, in the vendor's own currency; \`+\` where conditions (length, hours) or other rates stand beside them: \`maidan catalogue compare\` shows all.

✓ 已知该厂商有模型能做到，且所用协议能表达；– 其协议均不能表达；? 尚不知有模型能做到（自建服务视其模型而定）。“原样”：这些接口的客户端得到厂商的原始字节，其余接口经翻译提供。“说法”为厂商或他人所言，未经本处测量。大模型按两种定义分列：参数 100 亿及以上 / 1 亿及以上且跨领域使用。
价格按每百万 token 计，用厂商自己的货币；\`+\` 表示另有条件（长度、时段）或其他单价，\`maidan catalogue compare\` 显示全部。
`;

const CAPABILITIES: readonly (readonly [string, readonly Capability[]])[] = [
  ["tools · 工具", ["tool", "empty"]],
  ["several at once · 多个", ["tools"]],
  ["reasoning · 推理", ["reasoning"]],
  ["images in · 图像输入", ["images"]],
  ["cached usage · 缓存计量", ["cached"]],
  ["stop · 停止词", ["stop"]],
  ["length · 长度", ["length"]],
  ["moderation · 审核", ["moderated"]],
];

const PROTOCOL_HEAD = [
  "protocol · 协议",
  "text, stream · 文本、流式",
  ...CAPABILITIES.map(([title]) => title),
  "embeddings · 向量",
  "images out · 图像生成",
  "simulator proven by · 模拟器由谁验证",
];

function protocolRow(id: string): string[] {
  const { clients, vectors } = PROOFS[id]!;
  const can = (needs: readonly Capability[]) => mark(!needs.some((need) => LACKS[id]?.[need] !== undefined));
  const operations = protocolOf(id)!.operations;
  const signatures = vectors === undefined ? "" : `; ${vectors === "published" ? "published" : "computed"} signatures`;
  const by = clients.length > 0 ? clients.map(code).join(", ") : "no client found on npm · npm 上没有客户端";
  return [
    code(id),
    "✓",
    ...CAPABILITIES.map(([, needs]) => can(needs)),
    mark(operations.includes("embeddings")),
    mark(operations.includes("images")),
    by + signatures,
  ];
}

const VENDOR_HEAD = [
  "vendor · 厂商",
  "name · 名称",
  "now · 现状",
  "protocols · 协议",
  "untouched · 原样",
  "tools · 工具",
  "reasoning · 推理",
  "images in · 图像输入",
  "embeddings · 向量",
  "images out · 图像生成",
  "models, priced · 模型（有价）",
  "currency · 币种",
  "proven · 验证",
  "confidence · 可信度",
];

/** What each surface is called by its protocol. */
const SURFACES: Readonly<Record<string, string>> = { openai: "chat", responses: "responses", anthropic: "messages" };

function vendorRow(vendor: Vendor): string[] {
  const protocols = [
    ...new Set(waysOf(vendor).flatMap(({ protocol, region }) => (region === undefined ? protocol : []))),
  ];
  const models = vendor.sameAs === undefined ? catalogueEntries([vendor], WRITTEN).filter(({ sold }) => sold) : [];
  const priced = models.filter(({ price }) => price !== undefined);
  const says = protocols.map((id) => LACKS[id] ?? {});
  const does = (operation: "embeddings" | "images") =>
    protocols.some((id) => protocolOf(id)?.operations.includes(operation));
  const cell = (can: boolean, has: (facts: ModelFacts) => boolean | undefined): string =>
    !can ? mark(false) : models.some(({ model }) => has(model)) ? mark(true) : "?";
  return [
    `[\`${vendor.id}\`](#${vendor.id})`,
    names(vendor.name),
    vendor.status ? STATES[vendor.status.state] : "",
    protocols.map(code).join(", "),
    protocols.flatMap((id) => SURFACES[id] ?? []).join(", "),
    cell(
      says.some(({ tool }) => tool === undefined),
      ({ tools }) => tools,
    ),
    cell(
      says.some(({ reasoning }) => reasoning === undefined),
      ({ reasoning }) => reasoning,
    ),
    cell(
      says.some(({ images }) => images === undefined),
      ({ input }) => input?.includes("image"),
    ),
    cell(does("embeddings"), ({ output }) => output?.includes("vector")),
    cell(does("images"), ({ output }) => output?.includes("image")),
    vendor.detection ? "its own · 自报" : `${models.length}, ${priced.length}`,
    vendor.currency ?? "",
    proofOf(protocols),
    vendor.confidence,
  ];
}

/** The wire is proven by a client of whoever made it; a vendor that only speaks another's is described. */
function proofOf(protocols: readonly string[]): string {
  const proven = protocols.filter((id) => (PROOFS[id]?.clients.length ?? 0) > 0).map(code);
  const simulated = protocols.filter((id) => PROOFS[id]?.clients.length === 0).map(code);
  return [
    ...(proven.length > 0 ? [`simulator + client · 模拟器与客户端：${proven.join(", ")}`] : []),
    ...(simulated.length > 0 ? [`simulator only · 仅模拟器：${simulated.join(", ")}`] : []),
  ].join("; ");
}

const STATES = {
  alive: "in service · 在营",
  unverified: "not verified · 未核实",
  merged: "merged · 已并入",
  private: "no public API · 无公开接口",
} as const;

function sectionOf(vendor: Vendor, entries: readonly CatalogueEntry[]): string {
  const { id, company, family, status, documentation, claims = [], regions = {}, sameAs } = vendor;
  const facts = [
    names(vendor.name),
    ...(company ? [`Company · 公司: ${names(company)}`] : []),
    ...(family ? [`Models · 模型系列: ${names(family)}`] : []),
    ...(status ? [`${STATES[status.state]} (${status.day}): ${both(status.note)}`] : []),
    ...(documentation ? [`Documentation · 文档: <${documentation}>`] : []),
    ...(Object.keys(regions).length > 0
      ? [`Regions · 地区: ${Object.entries(regions).map(regionLink).join(", ")}`]
      : []),
    ...(sameAs ? [`Another name for · 即 [\`${sameAs}\`](#${sameAs})`] : []),
  ];
  const own = entries.filter((entry) => entry.vendor.id === id);
  const said = [
    ...claims,
    ...own.flatMap(({ model }) => (model.claims ?? []).map((one) => ({ ...one, of: model.id }))),
  ];
  const parts = [
    `## ${id}\n`,
    `${facts.join("  \n")}\n`,
    table(
      ["protocol · 协议", "region · 地区", "address · 地址", "credentials · 凭据", "confidence · 可信度"],
      waysOf(vendor).map((way) => wayRow(way, vendor)),
    ),
    ...(own.length > 0 ? [table(MODEL_HEAD, own.map(modelRow))] : []),
    ...(said.length > 0 ? [`Claims · 说法:\n\n${said.map(claimLine).join("\n")}\n`] : []),
  ];
  return parts.join("\n");
}

function regionLink([name, vendor]: [string, string]): string {
  return `\`${name}\` = [\`${vendor}\`](#${vendor})`;
}

function waysOf(vendor: Vendor): VendorProtocol[] {
  const { protocol, baseUrl, confidence } = vendor;
  return [{ protocol, baseUrl, confidence }, ...(vendor.also ?? [])];
}

function wayRow({ protocol, region, baseUrl, confidence, ...own }: VendorProtocol, vendor: Vendor): string[] {
  const { environment = vendor.environment, required = vendor.required } = own;
  const credentials = [...new Set([...required, ...Object.keys(environment)])].map((name) =>
    environment[name] === undefined ? code(name) : `\`${name}\` (\`${environment[name]}\`)`,
  );
  const address = baseUrl === undefined ? "the customer's own · 客户自备" : code(baseUrl);
  return [code(protocol), region ?? "", address, credentials.join(", "), confidence];
}

const MODEL_HEAD = [
  "model · 模型",
  "context · 上下文",
  "answer · 回答",
  "in · 输入",
  "tools · 工具",
  "reasoning · 推理",
  "parameters · 参数",
  "large · 大模型",
  "price in / cached / out · 价格",
  "checked · 核对",
  "confidence · 可信度",
];

function modelRow({ model, sold, large, confidence, price }: CatalogueEntry): string[] {
  const { contextTokens, maxOutputTokens } = model as { contextTokens?: number; maxOutputTokens?: number };
  const { input = [], output = [], tools, reasoning, size, licence } = model;
  const made = output.every((one) => one === "text") ? "" : ` → ${output.join(", ")}`;
  const setting = price && (JSON.parse(price.json) as PriceSetting);
  return [
    code(model.id) + (sold ? "" : " (published · 已发布)") + (licence ? ` ${licence}` : ""),
    contextTokens?.toLocaleString("en") ?? "",
    maxOutputTokens?.toLocaleString("en") ?? "",
    input.join(", ") + made,
    whether(tools),
    whether(reasoning),
    size
      ? [shortly(size.total), size.active === undefined ? "" : `A${shortly(size.active)}`].filter(Boolean).join("-")
      : "",
    `${SIGNS[large.tenBillion]} / ${SIGNS[large.hundredMillionAcrossDomains]}`,
    setting ? priceCell(setting) : "",
    setting?.checked ?? "",
    confidence,
  ];
}

const SIGNS: Readonly<Record<Answer, string>> = { yes: "✓", no: "–", unknown: "?" };
const PLAIN = new Set(["currency", "input", "cachedInput", "output", "source", "checked", "since"]);

function priceCell(price: PriceSetting): string {
  const rates = [price.input, price.cachedInput, price.output].map((rate) => rate ?? "·").join(" / ");
  return `${rates} ${price.currency}${Object.keys(price).some((name) => !PLAIN.has(name)) ? " +" : ""}`;
}

function claimLine({ of, text, source, confidence }: Claim & { readonly of?: string }): string {
  return `- ${of === undefined ? "" : `\`${of}\`: `}${both(text)} *(${source}; ${confidence})*`;
}

function isInside({ protocol }: Vendor): boolean {
  return protocol === "practice" || protocol === "recorded";
}

function mark(is: boolean): string {
  return is ? "✓" : "–";
}

function whether(is: boolean | undefined): string {
  return is === undefined ? "?" : mark(is);
}

function shortly(parameters: number | undefined): string {
  if (parameters === undefined) return "";
  const billions = parameters / 1e9;
  return billions >= 1_000 ? `${billions / 1_000}T` : `${billions}B`;
}

function code(text: string): string {
  return `\`${text}\``;
}

function inLanguage(name: Name, language: Language): string {
  return typeof name === "string" ? name : (name[language] ?? name.en ?? name.zh ?? "");
}

/** A short name in both languages; once where they are the same. */
function names(name: Name): string {
  const [en, zh] = [inLanguage(name, "en"), inLanguage(name, "zh")];
  return en === zh ? en : `${en} · ${zh}`;
}

function both(name: Name): string {
  return `${inLanguage(name, "en")} · ${inLanguage(name, "zh")}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return `${[line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n")}\n`;
}
