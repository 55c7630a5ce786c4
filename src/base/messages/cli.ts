import { type Text, translations } from "../language.ts";

const orNearest = (near: readonly string[]): string =>
  near.length > 0 ? ` Did you mean ${near.map((name) => `"${name}"`).join(" or ")}?` : "";
const orNearestZh = (near: readonly string[]): string =>
  near.length > 0 ? `您是否想用 ${near.map((name) => `“${name}”`).join(" 或 ")}？` : "";

type Thing = "payer" | "budget" | "price";
const THINGS: Record<Thing, readonly [string, string]> = {
  payer: ["Payer", "付款方"],
  budget: ["Budget", "预算"],
  price: ["Price of", "价格"],
};

const USAGE_KEYS_EN: Readonly<Record<string, string>> = {
  payer: "Payer",
  model: "Model",
  endpoint: "Endpoint",
  key: "Key",
  route: "Route",
  month: "Month",
  day: "Day",
  hour: "Hour",
};
const USAGE_KEYS_ZH: Readonly<Record<string, string>> = {
  payer: "付款方",
  model: "模型",
  endpoint: "接入点",
  key: "密钥",
  route: "路由",
  month: "月",
  day: "日",
  hour: "小时",
};
const WINDOWS_ZH: Readonly<Record<string, string>> = {
  hour: "小时",
  day: "日",
  week: "周",
  month: "月",
  total: "总额",
};
const KEY_STATES_ZH: Readonly<Record<string, string>> = { active: "有效", revoked: "已吊销", expired: "已过期" };

/** Messages of the command line. */
export const cliWords = translations(
  {
    errorHead: () => "error: ",
    unexpected: (code: string | undefined, message: string) =>
      `Something unexpected happened${code ? ` (${code})` : ""}: ${message}`,
    // How a command was written
    unknownVerb: (command: string, name: string, near: readonly string[], all: readonly string[]) =>
      `"${command}" has no "${name}".${orNearest(near)} There are: ${all.join(", ")}. "${command} --help" says more.`,
    unknownOption: (flag: string, near: readonly string[], command: string) =>
      `There is no option "${flag}".${orNearest(near)} "${command} --help" lists all.`,
    missingArgument: (name: string, command: string) => `<${name}> is missing. See "${command} --help".`,
    optionNeedsValue: (flags: string) => `Option "${flags}" needs a value.`,
    optionMissing: (flags: string, command: string) => `Option "${flags}" is required. See "${command} --help".`,
    tooManyArguments: (command: string) => `Too many arguments. Quote what belongs together; see "${command} --help".`,
    conflict: (a: string, b: string) => `"${a}" and "${b}" exclude each other.`,
    invalidValue: (flags: string, value: string, reason: string) => `"${flags}" cannot be "${value}". ${reason}`,
    notWhole: (least: number, most: number) => `Give a whole number from ${least} to ${most}.`,
    notDecimal: () => "Give a decimal of at most nine places, such as 5.00 or 0.15.",
    notInstant: () => "Give a day (2026-12-31), an instant with its zone, or a time from now (12h, 30d, 4w).",
    badLanguage: (value: string) => `--lang is "${value}". Give zh or en.`,
    badUrl: (value: string) => `--url is "${value}". Give an http(s) address, such as http://127.0.0.1:4000.`,
    // Where the gateway is
    placeSocket: (folder: string) => `Using the server that runs on ${folder}.`,
    placeUrl: (url: string) => `Using the server at ${url}.`,
    placeFolder: (folder: string) => `No server runs: working on ${folder} itself.`,
    unreachable: (place: string, code: string) =>
      `${place} cannot be reached (${code}). Is Maidan running there? Start it with "maidan start", or name another address with --url.`,
    silent: (place: string, seconds: number) => `${place} said nothing for ${seconds} s.`,
    socketForbidden: (path: string) =>
      `A server runs, but ${path} belongs to another user. Run this as that user, or use --url and --admin-key.`,
    adminKeyMissing: (url: string) =>
      `${url} needs the admin key. Set MAIDAN_ADMIN_KEY (it was shown once, when that server first started), or give --admin-key.`,
    nothingThere: (folder: string) =>
      `No server runs, and there is no data folder ${folder}. Start one with "maidan start", or name the folder with --data or the server with --url.`,
    unauthorised: (message: string) => `${message} (MAIDAN_ADMIN_KEY or --admin-key)`,
    oddAnswer: (status: number, start: string) =>
      `The answer (HTTP ${status}) is none of Maidan's. Is this the right address? It begins: ${start}`,
    answerTooLong: (bytes: number) => `The answer is longer than ${bytes} bytes.`,
    tooManyRows: (rows: number) => `There are more than ${rows} rows. Ask for less.`,
    // Files and questions
    fileUnreadable: (name: string, code: string) => `"${name}" cannot be read (${code}).`,
    inputTooLong: (bytes: number) => `Standard input is longer than ${bytes} bytes.`,
    written: (name: string) => `Written to ${name}.`,
    yesNo: () => "[y/N]",
    needsYes: (question: Text) => `${question("en")} Nobody can be asked here: add --yes.`,
    notConfirmed: () => "Nothing was done.",
    warning: (text: string, line: number | undefined) =>
      `warning: ${line === undefined ? "" : `line ${line}: `}${text}`,
    // Verbs
    applied: (added: number, changed: number, removed: number, done: boolean) => {
      if (added + changed + removed === 0) return "Nothing to change.";
      return `${added} added, ${changed} changed, ${removed} removed.${done ? "" : " (Not done: dry run.)"}`;
    },
    keyMade: (id: string, payer: string) =>
      `Key ${id} of ${payer}. The secret above is shown only now; Maidan keeps only its hash.`,
    keyState: (state: string) => state,
    askRevoke: (id: string) => `Revoke key ${id}? Calls with it will be refused at once, and it cannot be undone.`,
    revoked: (id: string) => `Key ${id} is revoked.`,
    askRemove: (thing: Thing, id: string) => `Remove ${THINGS[thing][0].toLowerCase()} ${id}? Its ledger entries stay.`,
    removed: (thing: Thing, id: string) => `${THINGS[thing][0]} ${id} is removed.`,
    added: (thing: Thing, id: string) => `${THINGS[thing][0]} ${id} is added.`,
    changed: (thing: Thing, id: string) => `${THINGS[thing][0]} ${id} is changed.`,
    budgetStays: (id: string, payer: string) =>
      `Budget "${id}" belongs to ${payer}, and stays there. Remove it and create another, or leave --payer out.`,
    newBudgetNeeds: (id: string, flags: readonly string[]) =>
      `Budget "${id}" does not exist yet. To create it, add ${flags.join(", ")}.`,
    noPrice: (model: string) => `"${model}" has no price. Give it one with "maidan price add ${model}".`,
    priceInForce: (model: string) => `${model}, in force now (rates per million tokens, or per piece):`,
    priceSet: (id: string) => `Set beside its endpoint, ${id}:`,
    noUsage: () => "Say what was used, such as --input 1000 --output 500.",
    noRates: () => "Give at least one rate, such as --input 0.15 (per million tokens).",
    total: () => "total",
    nothingUsed: () => "Nothing was used.",
    nothingUnsettled: () => "No attempt is in doubt.",
    costOrRelease: () => "Say what the vendor billed (--cost), or --release where it billed nothing.",
    askRelease: (attempt: string) => `Release ${attempt}, that is: book nothing for it?`,
    released: (attempt: string) => `${attempt} is released.`,
    settled: (attempt: string) => `${attempt} is settled.`,
    doctorSummary: (problems: number, warnings: number) =>
      problems + warnings === 0
        ? "All is well."
        : `${problems} ${problems === 1 ? "problem" : "problems"}, ${warnings} ${warnings === 1 ? "warning" : "warnings"}.`,
    // call
    keyMissing: () => 'A key is needed: set MAIDAN_KEY, or give --key. "maidan key create --payer <id>" makes one.',
    promptMissing: () => "Say something: give a prompt, --file, or text on standard input.",
    tokens: (input: number | undefined, output: number | undefined) =>
      `${input ?? "?"} tokens in, ${output ?? "?"} out`,
    adjusted: (what: string) => `Maidan changed the request to fit the budget: ${what}`,
    broke: (message: string) => `The answer broke off: ${message}`,
    incomplete: () => "The answer broke off before its end.",
    cutShort: () => "The answer reached its longest allowed length.",
    // start
    practiceServes: () => "Simulated vendors. Put this into a file and run: maidan apply <file>",
    practiceRuns: () => "The simulators run until you press Ctrl-C.",
    noSimulator: (protocol: string, known: readonly string[]) =>
      `There is no simulator of "${protocol}". There are: ${known.join(", ")}.`,
    portTaken: (host: string, port: number) =>
      `${host}:${port} is in use. Stop what listens there, or choose another port with --port (0 takes any).`,
    portForbidden: (port: number) => `This user may not listen on port ${port}. Choose one above 1023 with --port.`,
    hostUnknown: (host: string) => `"${host}" is no address of this machine. Try --host 127.0.0.1.`,
    stopping: () => "Stopping: calls in flight may end. Ctrl-C again ends at once.",
    stopped: () => "Stopped; the books are closed.",
    stoppedItself: (reason: string) =>
      `Maidan stopped by itself, because it can no longer promise that the ledger is safe: ${reason}. Look at the disk, then start again; it recovers by itself.`,
    // Columns
    columnKey: () => "Key",
    columnKeys: () => "Keys",
    columnPayer: () => "Payer",
    columnParent: () => "Parent",
    columnLimits: () => "Limits",
    columnState: () => "State",
    columnExpires: () => "Expires",
    columnRoutes: () => "May call",
    columnBudget: () => "Budget",
    columnLimit: () => "Limit",
    columnSettled: () => "Settled",
    columnHeld: () => "Held",
    columnLeft: () => "Left",
    columnCurrency: () => "Currency",
    columnWindow: () => "Window",
    columnKind: () => "Kind",
    columnResets: () => "Resets",
    columnModel: () => "Model",
    columnAttempt: () => "Attempt",
    columnSince: () => "Since",
    columnReason: () => "Reason",
    columnCalls: () => "Calls",
    columnAttempts: () => "Attempts",
    columnInput: () => "Input",
    columnCached: () => "Cached",
    columnOutput: () => "Output",
    columnCost: () => "Cost",
    columnEstimated: () => "Estimated",
    columnConditions: () => "Conditions",
    columnChecked: () => "Checked",
    columnSource: () => "Source",
    columnClass: () => "Class",
    columnQuantity: () => "Quantity",
    columnUnitPrice: () => "Unit price",
    columnPer: () => "Per",
    usageKey: (key: string) => USAGE_KEYS_EN[key] ?? key,
    window: (window: string) => window,
    budgetKind: (kind: string) => kind,
  },
  {
    errorHead: () => "错误：",
    unexpected: (code, message) => `发生意外${code ? `（${code}）` : ""}：${message}`,
    unknownVerb: (command, name, near, all) =>
      `“${command}”没有“${name}”。${orNearestZh(near)}可用：${all.join("、")}。详见“${command} --help”。`,
    unknownOption: (flag, near, command) => `没有选项“${flag}”。${orNearestZh(near)}“${command} --help”列出全部选项。`,
    missingArgument: (name, command) => `缺少 <${name}>。请见“${command} --help”。`,
    optionNeedsValue: (flags) => `选项“${flags}”需要一个值。`,
    optionMissing: (flags, command) => `必须给出选项“${flags}”。请见“${command} --help”。`,
    tooManyArguments: (command) => `参数过多。请用引号括住同属一个参数的内容；详见“${command} --help”。`,
    conflict: (a, b) => `“${a}”与“${b}”不能同时使用。`,
    invalidValue: (flags, value, reason) => `“${flags}”不能是“${value}”。${reason}`,
    notWhole: (least, most) => `请给出 ${least} 到 ${most} 的整数。`,
    notDecimal: () => "请给出小数，最多九位，例如 5.00 或 0.15。",
    notInstant: () => "请给出日期（2026-12-31）、带时区的时刻，或从现在起的时长（12h、30d、4w）。",
    badLanguage: (value) => `--lang 为“${value}”。请用 zh 或 en。`,
    badUrl: (value) => `--url 为“${value}”。请给出 http(s) 地址，例如 http://127.0.0.1:4000。`,
    placeSocket: (folder) => `使用在 ${folder} 上运行的服务。`,
    placeUrl: (url) => `使用 ${url} 的服务。`,
    placeFolder: (folder) => `没有服务在运行：直接操作 ${folder}。`,
    unreachable: (place, code) =>
      `无法连接 ${place}（${code}）。Maidan 在那里运行吗？请用“maidan start”启动，或用 --url 指定其他地址。`,
    silent: (place, seconds) => `${place} 在 ${seconds} 秒内没有响应。`,
    socketForbidden: (path) => `服务正在运行，但 ${path} 属于其他用户。请以该用户运行，或使用 --url 和 --admin-key。`,
    adminKeyMissing: (url) =>
      `${url} 需要管理密钥。请设置 MAIDAN_ADMIN_KEY（该服务首次启动时显示过一次），或用 --admin-key。`,
    nothingThere: (folder) =>
      `没有服务在运行，也没有数据文件夹 ${folder}。请用“maidan start”启动，或用 --data 指定文件夹、用 --url 指定服务。`,
    unauthorised: (message) => `${message}（MAIDAN_ADMIN_KEY 或 --admin-key）`,
    oddAnswer: (status, start) => `应答（HTTP ${status}）并非来自 Maidan。地址正确吗？其开头为：${start}`,
    answerTooLong: (bytes) => `应答超过 ${bytes} 字节。`,
    tooManyRows: (rows) => `超过 ${rows} 行。请缩小范围。`,
    fileUnreadable: (name, code) => `无法读取“${name}”（${code}）。`,
    inputTooLong: (bytes) => `标准输入超过 ${bytes} 字节。`,
    written: (name) => `已写入 ${name}。`,
    yesNo: () => "[y/N]",
    needsYes: (question) => `${question("zh")}此处无法询问：请加上 --yes。`,
    notConfirmed: () => "未作任何更改。",
    warning: (text, line) => `警告：${line === undefined ? "" : `第 ${line} 行：`}${text}`,
    applied: (added, changed, removed, done) => {
      if (added + changed + removed === 0) return "无需更改。";
      return `新增 ${added} 项，更改 ${changed} 项，移除 ${removed} 项。${done ? "" : "（试运行：未执行。）"}`;
    },
    keyMade: (id, payer) => `${payer} 的密钥 ${id}。以上密钥只显示这一次；Maidan 只保存其哈希。`,
    keyState: (state) => KEY_STATES_ZH[state] ?? state,
    askRevoke: (id) => `吊销密钥 ${id}？使用它的调用会立即被拒绝，且无法撤销。`,
    revoked: (id) => `密钥 ${id} 已吊销。`,
    askRemove: (thing, id) => `移除${THINGS[thing][1]} ${id}？其账本分录会保留。`,
    removed: (thing, id) => `${THINGS[thing][1]} ${id} 已移除。`,
    added: (thing, id) => `${THINGS[thing][1]} ${id} 已添加。`,
    changed: (thing, id) => `${THINGS[thing][1]} ${id} 已更改。`,
    budgetStays: (id, payer) => `预算“${id}”属于 ${payer}，不能转移。请移除后另建，或去掉 --payer。`,
    newBudgetNeeds: (id, flags) => `预算“${id}”尚不存在。要创建它，请加上 ${flags.join("、")}。`,
    noPrice: (model) => `“${model}”没有价格。请用“maidan price add ${model}”设置。`,
    priceInForce: (model) => `${model}，当前生效（单价按每百万 token 或每件计）：`,
    priceSet: (id) => `在接入点之外设置的 ${id}：`,
    noUsage: () => "请说明用量，例如 --input 1000 --output 500。",
    noRates: () => "请至少给出一个单价，例如 --input 0.15（每百万 token）。",
    total: () => "合计",
    nothingUsed: () => "没有用量。",
    nothingUnsettled: () => "没有存疑的尝试。",
    costOrRelease: () => "请给出厂商的计费额（--cost），若未计费则用 --release。",
    askRelease: (attempt) => `释放 ${attempt}，即不为它记账？`,
    released: (attempt) => `${attempt} 已释放。`,
    settled: (attempt) => `${attempt} 已结算。`,
    doctorSummary: (problems, warnings) =>
      problems + warnings === 0 ? "一切正常。" : `${problems} 个问题，${warnings} 个警告。`,
    keyMissing: () => "需要密钥：请设置 MAIDAN_KEY，或用 --key。可用“maidan key create --payer <id>”新建。",
    promptMissing: () => "请给出提示词、--file，或标准输入中的文本。",
    tokens: (input, output) => `输入 ${input ?? "?"} token，输出 ${output ?? "?"} token`,
    adjusted: (what) => `为不超出预算，Maidan 修改了请求：${what}`,
    broke: (message) => `答案中断：${message}`,
    incomplete: () => "答案在结束前中断。",
    cutShort: () => "答案达到了允许的最大长度。",
    practiceServes: () => "模拟厂商。将以下内容存为文件并运行：maidan apply <文件>",
    practiceRuns: () => "模拟器持续运行，按 Ctrl-C 结束。",
    noSimulator: (protocol, known) => `没有“${protocol}”的模拟器。现有：${known.join("、")}。`,
    portTaken: (host, port) => `${host}:${port} 已被占用。请停止占用它的程序，或用 --port 选择其他端口（0 为任意）。`,
    portForbidden: (port) => `当前用户无权监听端口 ${port}。请用 --port 选择大于 1023 的端口。`,
    hostUnknown: (host) => `“${host}”不是本机地址。请试试 --host 127.0.0.1。`,
    stopping: () => "正在停止：进行中的调用可以完成。再按 Ctrl-C 立即结束。",
    stopped: () => "已停止，账目已合上。",
    stoppedItself: (reason) =>
      `Maidan 已自行停止，因为无法再保证账本安全：${reason}。请检查磁盘后重新启动，它会自行恢复。`,
    columnKey: () => "密钥",
    columnKeys: () => "密钥",
    columnPayer: () => "付款方",
    columnParent: () => "上级",
    columnLimits: () => "限额",
    columnState: () => "状态",
    columnExpires: () => "过期时间",
    columnRoutes: () => "可调用",
    columnBudget: () => "预算",
    columnLimit: () => "额度",
    columnSettled: () => "已结算",
    columnHeld: () => "预占",
    columnLeft: () => "剩余",
    columnCurrency: () => "货币",
    columnWindow: () => "周期",
    columnKind: () => "类型",
    columnResets: () => "重置时间",
    columnModel: () => "模型",
    columnAttempt: () => "尝试",
    columnSince: () => "始于",
    columnReason: () => "原因",
    columnCalls: () => "调用",
    columnAttempts: () => "尝试",
    columnInput: () => "输入",
    columnCached: () => "缓存输入",
    columnOutput: () => "输出",
    columnCost: () => "费用",
    columnEstimated: () => "估算",
    columnConditions: () => "条件",
    columnChecked: () => "核对于",
    columnSource: () => "来源",
    columnClass: () => "类别",
    columnQuantity: () => "数量",
    columnUnitPrice: () => "单价",
    columnPer: () => "每",
    usageKey: (key) => USAGE_KEYS_ZH[key] ?? key,
    window: (window) => WINDOWS_ZH[window] ?? window,
    budgetKind: (kind) => (kind === "soft" ? "软性" : "硬性"),
  },
);

/** Messages of the first screen. */
export const bannerWords = translations(
  {
    address: () => "Address",
    docs: () => "Docs",
    dataFolder: () => "Data",
    adminKey: () => "Admin key",
    shownOnce: () => "(shown only now; MAIDAN_ADMIN_KEY sets your own)",
    firstKey: () => "First key",
    firstBudget: (payer: string, amount: string, currency: string) =>
      `(payer ${payer}, ${amount} ${currency} in all; shown only now)`,
    applied: () => "Applied:",
    nothingChanged: () => "nothing to change",
    vendors: () => "Models that can be called:",
    models: (count: number, first: readonly string[]) =>
      `${count} ${count === 1 ? "model" : "models"}${first.length > 0 ? `: ${first.join(", ")}${count > first.length ? ", …" : ""}` : ""}`,
    moreVendors: (count: number) => `… and ${count} more; GET /v1/models lists all`,
    otherVendors: () => "For others, set one of these and start again:",
    tryIt: () => "Try it:",
    keyHint: () => 'Put a key into MAIDAN_KEY; "maidan key create --payer <id>" makes one.',
    hello: () => "Hello, Maidan!",
  },
  {
    address: () => "地址",
    docs: () => "文档",
    dataFolder: () => "数据",
    adminKey: () => "管理密钥",
    shownOnce: () => "（只显示这一次；可用 MAIDAN_ADMIN_KEY 自行设定）",
    firstKey: () => "首个密钥",
    firstBudget: (payer, amount, currency) => `（付款方 ${payer}，共 ${amount} ${currency}；只显示这一次）`,
    applied: () => "已应用：",
    nothingChanged: () => "无需更改",
    vendors: () => "可以调用的模型：",
    models: (count, first) =>
      `${count} 个模型${first.length > 0 ? `：${first.join("、")}${count > first.length ? " 等" : ""}` : ""}`,
    moreVendors: (count) => `……另有 ${count} 个；GET /v1/models 列出全部`,
    otherVendors: () => "要使用其他厂商，请设置以下变量之一后重新启动：",
    tryIt: () => "试一试：",
    keyHint: () => "请将密钥放入 MAIDAN_KEY；可用“maidan key create --payer <id>”新建。",
    hello: () => "你好，买单！",
  },
);
