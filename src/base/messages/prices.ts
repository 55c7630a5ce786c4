import { translations } from "../language.ts";

const listed = (names: readonly string[], or: string): string => names.map((name) => `"${name}"`).join(or);

/** Messages of prices and exchange rates. `where` is the path of the setting, as `prices[2].tiers[0].above`. */
export const priceWords = translations(
  {
    badDecimal: (where: string, text: string) =>
      `${where}: "${text}" is no price. Write a decimal in quotes, such as "0.15", with no sign, exponent or separator.`,
    negative: (where: string, text: string) => `${where}: a price cannot be negative (${text}).`,
    tooFine: (where: string, text: string, digits: number) =>
      `${where}: "${text}" has more than ${digits} decimal places. Amounts are exact to ${digits} places; round the price to that.`,
    tooLarge: (where: string, text: string, most: string) =>
      `${where}: "${text}" is more than ${most}, the highest price.`,
    badCurrency: (where: string, text: string) =>
      `${where}: "${text}" is no currency. Write three to eight capital letters, such as CNY or USD.`,
    noRates: (where: string) =>
      `${where} names no rate. Write at least one, such as input: "0.15" (per million tokens) or perCall: "0.01".`,
    tooMany: (where: string, most: number) => `${where} has more than ${most} elements, its limit.`,
    badAbove: (where: string, text: string) =>
      `${where}: "${text}" is no length. Write a whole number of tokens, 0 or more.`,
    tiersNotAscending: (where: string, above: number, before: number) =>
      `${where}: ${above} is not above ${before}, the tier before it. List tiers of the same kind from the shortest to the longest: the last that matches wins.`,
    excessRate: (where: string, rate: string, of: string) =>
      `${where}: a tier for the ${of} tokens in excess cannot change ${rate}, which is not a rate of ${of} tokens. Put it into a tier that applies to the whole request.`,
    badTime: (where: string, text: string) =>
      `${where}: "${text}" is no time of day. Write it as "09:00", up to "23:59".`,
    badZone: (where: string, text: string) =>
      `${where}: there is no time zone "${text}". Write an IANA name, such as Asia/Shanghai or UTC.`,
    badWeekday: (where: string, text: string) =>
      `${where}: "${text}" is no day of the week. Write mon, tue, wed, thu, fri, sat or sun.`,
    badDay: (where: string, text: string) => `${where}: "${text}" is no day. Write it as 2026-11-01.`,
    badInstant: (where: string, text: string) =>
      `${where}: "${text}" is neither a day (2026-11-01) nor an instant with its zone (2026-11-01T08:00:00+08:00).`,
    badDocument: (id: string) =>
      `The price document ${id} in the store cannot be read. It was damaged or written by a later version.`,
    badRate: (where: string, text: string) =>
      `${where}: "${text}" is no exchange rate. Write a decimal above zero in quotes, such as "7.10", with at most 18 places.`,
    sameCurrency: (where: string, currency: string) =>
      `${where}: a rate from ${currency} to itself is always 1. Remove it.`,
  },
  {
    badDecimal: (where, text) => `${where}：“${text}”不是价格。请写成带引号的小数，如 "0.15"，不带符号、指数或分隔符。`,
    negative: (where, text) => `${where}：价格不能为负（${text}）。`,
    tooFine: (where, text, digits) =>
      `${where}：“${text}”超过 ${digits} 位小数。金额精确到 ${digits} 位，请将价格取到该位数。`,
    tooLarge: (where, text, most) => `${where}：“${text}”超过最高价格 ${most}。`,
    badCurrency: (where, text) => `${where}：“${text}”不是货币。请写三到八个大写字母，如 CNY 或 USD。`,
    noRates: (where) => `${where} 没有写任何单价。请至少写一个，如 input: "0.15"（每百万 token）或 perCall: "0.01"。`,
    tooMany: (where, most) => `${where} 的元素超过 ${most} 个的上限。`,
    badAbove: (where, text) => `${where}：“${text}”不是长度。请写 token 数，0 或更大的整数。`,
    tiersNotAscending: (where, above, before) =>
      `${where}：${above} 不大于前一档的 ${before}。同类阶梯请从短到长排列：最后一个匹配的阶梯生效。`,
    excessRate: (where, rate, of) =>
      `${where}：仅对超出部分的${side(of)} token 计价的阶梯不能改变 ${rate}，它不是${side(of)} token 的单价。请放到对整个请求生效的阶梯中。`,
    badTime: (where, text) => `${where}：“${text}”不是时刻。请写成 "09:00"，最大 "23:59"。`,
    badZone: (where, text) => `${where}：没有时区“${text}”。请写 IANA 名称，如 Asia/Shanghai 或 UTC。`,
    badWeekday: (where, text) => `${where}：“${text}”不是星期。请写 mon、tue、wed、thu、fri、sat 或 sun。`,
    badDay: (where, text) => `${where}：“${text}”不是日期。请写成 2026-11-01。`,
    badInstant: (where, text) =>
      `${where}：“${text}”既不是日期（2026-11-01），也不是带时区的时刻（2026-11-01T08:00:00+08:00）。`,
    badDocument: (id) => `存储中的价格文档 ${id} 无法读取。它已损坏，或由更新的版本写入。`,
    badRate: (where, text) => `${where}：“${text}”不是汇率。请写成带引号、大于零、最多 18 位的小数，如 "7.10"。`,
    sameCurrency: (where, currency) => `${where}：${currency} 对自身的汇率恒为 1。请删除。`,
  },
);

function side(of: string): string {
  return of === "input" ? "输入" : "输出";
}

/** Messages of the catalogue: vendors, endpoints, models. */
export const catalogueWords = translations(
  {
    vendorUnknown: (endpoint: string, vendor: string, nearest: readonly string[]) =>
      `Endpoint "${endpoint}": there is no vendor "${vendor}" in the catalogue.${nearest.length > 0 ? ` Did you mean ${listed(nearest, " or ")}?` : ""} For any other address, write protocol and baseUrl in place of vendor.`,
    addressMissing: (endpoint: string) =>
      `Endpoint "${endpoint}" has no address. Write baseUrl: https://… or the vendor of the catalogue that it belongs to.`,
    endpointUnknown: (endpoint: string) => `There is no endpoint "${endpoint}".`,
    unpricedAllowed: () => "no price: served at no cost, as allowUnpriced says",
  },
  {
    vendorUnknown: (endpoint, vendor, nearest) =>
      `接入点“${endpoint}”：目录中没有厂商“${vendor}”。${nearest.length > 0 ? `您是否想用 ${listed(nearest, " 或 ")}？` : ""}其他地址请用 protocol 和 baseUrl 代替 vendor。`,
    addressMissing: (endpoint) => `接入点“${endpoint}”没有地址。请写 baseUrl: https://…，或它在目录中所属的厂商。`,
    endpointUnknown: (endpoint) => `没有接入点“${endpoint}”。`,
    unpricedAllowed: () => "没有价格：按 allowUnpriced 免费提供",
  },
);
