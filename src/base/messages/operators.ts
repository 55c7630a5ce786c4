import { translations } from "../language.ts";

const quoted = (names: readonly string[], or: string): string => names.map((name) => `"${name}"`).join(or);
const orNearest = (near: readonly string[]): string =>
  near.length > 0 ? ` Did you mean ${quoted(near, " or ")}?` : "";
const orNearestZh = (near: readonly string[]): string =>
  near.length > 0 ? `您是否想用 ${near.map((name) => `“${name}”`).join(" 或 ")}？` : "";

/** Messages of reports: usage, statements, exports. */
export const reportWords = translations(
  {
    rateMissing: (from: string, to: string, day: string) =>
      `There is no exchange rate from ${from} to ${to} on ${day}. Add one under "rates" that holds since then, or ask without "currency" for a row of each currency.`,
    tooManyRows: (limit: number) =>
      `The report would have more than ${limit} rows (limits.reportRows). Ask for a shorter time, or group by less.`,
    unknownPayer: (id: string, near: readonly string[]) => `There is no payer "${id}".${orNearest(near)}`,
    statementTitle: (payer: string, month: string, timezone: string) =>
      `Statement of ${payer} for ${month} (${timezone})`,
    allPayers: () => "all payers",
    model: () => "Model",
    class: () => "Class",
    quantity: () => "Quantity",
    unitPrice: () => "Unit price",
    amount: () => "Amount",
    currency: () => "Currency",
    attempt: () => "Attempt",
    reason: () => "Reason",
    adjustments: () => "Adjustments",
    unsettled: () => "In doubt at the end of the period (not in the total)",
    total: () => "Total",
    converted: (currency: string) => `Total in ${currency}, at the rate in force on each day`,
    moreRows: (count: number) => `… and ${count} more; the total has them all`,
    nothing: () => "Nothing was used.",
    calls: (calls: number, attempts: number, estimated: number) =>
      `${calls} calls, ${attempts} attempts${estimated > 0 ? `, ${estimated} of them estimated` : ""}`,
  },
  {
    rateMissing: (from, to, day) =>
      `没有 ${day} 从 ${from} 到 ${to} 的汇率。请在“rates”中添加当时已生效的汇率，或不带“currency”查询以按币种分行。`,
    tooManyRows: (limit) => `报表将超过 ${limit} 行（limits.reportRows）。请缩短时间范围，或减少分组。`,
    unknownPayer: (id, near) => `没有付款方“${id}”。${orNearestZh(near)}`,
    statementTitle: (payer, month, timezone) => `${payer} ${month} 账单（${timezone}）`,
    allPayers: () => "全部付款方",
    model: () => "模型",
    class: () => "类别",
    quantity: () => "数量",
    unitPrice: () => "单价",
    amount: () => "金额",
    currency: () => "币种",
    attempt: () => "尝试",
    reason: () => "原因",
    adjustments: () => "调整",
    unsettled: () => "期末存疑（不计入合计）",
    total: () => "合计",
    converted: (currency) => `按每日汇率折合 ${currency} 合计`,
    moreRows: (count) => `……另有 ${count} 行；合计已全部包含`,
    nothing: () => "没有用量。",
    calls: (calls, attempts, estimated) =>
      `${calls} 次调用，${attempts} 次尝试${estimated > 0 ? `，其中 ${estimated} 次为估算` : ""}`,
  },
);

/** Messages of the operators' API. */
export const operatorWords = translations(
  {
    noAdminKey: () => 'This needs the admin key. Send it as "Authorization: Bearer <admin key>".',
    wrongAdminKey: () =>
      "This is not the admin key. It is in MAIDAN_ADMIN_KEY, or was shown once at the first start; a client's key does not open the operators' API.",
    unknownPath: (method: string, path: string, near: readonly string[]) =>
      `There is no ${method} ${path}.${orNearest(near)} /docs lists what there is.`,
    wrongMethod: (method: string, path: string, allowed: readonly string[]) =>
      `${path} does not take ${method}. It takes ${allowed.join(", ")}.`,
    notJson: () => "The body is no valid JSON.",
    notAnObject: () => "The body must be a JSON object: { … }.",
    jsonType: () => 'Send the body as JSON, with "content-type: application/json".',
    fileTooLarge: (limit: number) =>
      `The body is larger than ${limit} bytes (limits.fileBytes). Send less, or raise the limit.`,
    badCursor: () => 'This "cursor" is none that Maidan gave out for this list. Begin without one.',
    badNumber: (name: string, least: number, most: number) =>
      `"${name}" must be a whole number from ${least} to ${most}.`,
    badInstant: (name: string) =>
      `"${name}" must be a day such as 2026-11-01, or an instant with its zone such as 2026-11-01T08:00:00+08:00.`,
    badMonth: () => '"month" must be a month such as 2026-11.',
    badAmount: (name: string) => `"${name}" must be a decimal of at most nine places, in quotes, such as "0.000123".`,
    unknownKey: (name: string, near: readonly string[], all: readonly string[]) =>
      `"by" knows no "${name}".${orNearest(near)} It takes any of ${all.join(", ")}, with commas between.`,
    unknownParameter: (name: string, near: readonly string[], all: readonly string[]) =>
      `There is no parameter "${name}" here.${near.length > 0 ? orNearest(near) : all.length > 0 ? ` There are: ${all.join(", ")}.` : ""}`,
    twoLimits: () => 'Send "limit" or "amount", not both: they mean the same.',
    notUnsettled: (attempt: string) =>
      `"${attempt}" is not in doubt: it is still under way, or was settled, released or resolved already. GET /api/v1/unsettled lists what is in doubt.`,
    notSettled: (attempt: string) =>
      `"${attempt}" has no cost to correct yet: it is under way or in doubt. Resolve it first, at /api/v1/unsettled/${attempt}.`,
    noCall: (id: string) => `There is no call "${id}". GET /api/v1/calls lists all.`,
    noAttempt: (id: string) =>
      `There is no attempt "${id}". An attempt is a call's id, a dot and a number: call_….1. GET /api/v1/calls lists all.`,
    settleNeedsCost: () =>
      'To settle, give "cost" and "currency", or the "usage" from which the cost is computed, and a "reason".',
    releaseTakesNoCost: () => 'To release costs nothing: leave "cost", "usage" and "basis" out, or use "settle".',
    wrongCurrency: (given: string, expected: string) =>
      `This attempt is priced in ${expected}, not in ${given}. Give the amount in ${expected}.`,
    unknownModel: (model: string, near: readonly string[]) =>
      `There is no model "${model}".${orNearest(near)} GET /v1/models lists all.`,
    unpriced: (model: string) =>
      `"${model}" has no price at that time. Give it one under "prices", or in its endpoint's models.`,
    probeReached: (milliseconds: number) => `Reached in ${milliseconds} ms; the credential is accepted.`,
    internal: () => "Something went wrong inside Maidan. The log says more.",
  },
  {
    noAdminKey: () => "此操作需要管理密钥。请以 “Authorization: Bearer <管理密钥>” 发送。",
    wrongAdminKey: () =>
      "管理密钥不正确。它在 MAIDAN_ADMIN_KEY 中，或在首次启动时显示过一次；客户端密钥不能用于管理接口。",
    unknownPath: (method, path, near) => `没有 ${method} ${path}。${orNearestZh(near)}/docs 列出全部接口。`,
    wrongMethod: (method, path, allowed) => `${path} 不支持 ${method}，支持 ${allowed.join("、")}。`,
    notJson: () => "请求体不是有效的 JSON。",
    notAnObject: () => "请求体应为 JSON 对象：{ … }。",
    jsonType: () => "请以 JSON 发送请求体，并带上 “content-type: application/json”。",
    fileTooLarge: (limit) => `请求体超过 ${limit} 字节（limits.fileBytes）。请缩小，或提高上限。`,
    badCursor: () => "此“cursor”不是 Maidan 为该列表给出的。请不带游标重新开始。",
    badNumber: (name, least, most) => `“${name}”应为 ${least} 到 ${most} 的整数。`,
    badInstant: (name) => `“${name}”应为日期（例如 2026-11-01）或带时区的时刻（例如 2026-11-01T08:00:00+08:00）。`,
    badMonth: () => "“month”应为月份，例如 2026-11。",
    badAmount: (name) => `“${name}”应为带引号的小数，最多九位，例如 "0.000123"。`,
    unknownKey: (name, near, all) => `“by”不支持“${name}”。${orNearestZh(near)}可用：${all.join("、")}，以逗号分隔。`,
    unknownParameter: (name, near, all) =>
      `此处没有参数“${name}”。${near.length > 0 ? orNearestZh(near) : all.length > 0 ? `可用：${all.join("、")}。` : ""}`,
    twoLimits: () => "“limit”和“amount”含义相同，请只发送一个。",
    notUnsettled: (attempt) =>
      `“${attempt}”并不存疑：它仍在进行，或已结算、释放或处理。GET /api/v1/unsettled 列出存疑的尝试。`,
    notSettled: (attempt) =>
      `“${attempt}”尚无可更正的费用：它仍在进行或存疑。请先在 /api/v1/unsettled/${attempt} 处理。`,
    noCall: (id) => `没有调用“${id}”。GET /api/v1/calls 列出全部。`,
    noAttempt: (id) => `没有尝试“${id}”。尝试由调用 id、点和序号组成：call_….1。GET /api/v1/calls 列出全部。`,
    settleNeedsCost: () => "结算需要“cost”和“currency”，或用于计算费用的“usage”，以及“reason”。",
    releaseTakesNoCost: () => "释放不产生费用：请去掉“cost”、“usage”和“basis”，或改用“settle”。",
    wrongCurrency: (given, expected) => `此尝试以 ${expected} 计价，而不是 ${given}。请以 ${expected} 给出金额。`,
    unknownModel: (model, near) => `没有模型“${model}”。${orNearestZh(near)}GET /v1/models 列出全部可用名称。`,
    unpriced: (model) => `“${model}”在该时刻没有价格。请在“prices”或其接入点的 models 中设置。`,
    probeReached: (milliseconds) => `${milliseconds} 毫秒内连通；凭据有效。`,
    internal: () => "Maidan 内部出错。日志中有更多信息。",
  },
);
