import { type Text, translations } from "../language.ts";

type CheckTitle =
  | "runtime"
  | "data-folder"
  | "lock"
  | "disk-space"
  | "disk-speed"
  | "store"
  | "ledger"
  | "unsettled"
  | "clock"
  | "endpoint-credential"
  | "endpoint-reachable"
  | "price"
  | "output-limit"
  | "rate"
  | "key";

const TITLES_EN: Record<CheckTitle, string> = {
  runtime: "Node.js",
  "data-folder": "Data folder",
  lock: "Lock",
  "disk-space": "Disk space",
  "disk-speed": "Disk speed",
  store: "Database",
  ledger: "Ledger",
  unsettled: "Attempts in doubt",
  clock: "Clock",
  "endpoint-credential": "Vendor credentials",
  "endpoint-reachable": "Vendor addresses",
  price: "Prices",
  "output-limit": "Longest answers",
  rate: "Exchange rates",
  key: "Keys",
};

const TITLES_ZH: Record<CheckTitle, string> = {
  runtime: "Node.js",
  "data-folder": "数据文件夹",
  lock: "锁",
  "disk-space": "磁盘空间",
  "disk-speed": "磁盘速度",
  store: "数据库",
  ledger: "账本",
  unsettled: "存疑的尝试",
  clock: "时钟",
  "endpoint-credential": "厂商凭据",
  "endpoint-reachable": "厂商地址",
  price: "价格",
  "output-limit": "最长答案",
  rate: "汇率",
  key: "密钥",
};

const age = (minutes: number): string => {
  if (minutes < 120) return `${minutes} min`;
  return minutes < 48 * 60 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1440)} d`;
};
const ageZh = (minutes: number): string => {
  if (minutes < 120) return `${minutes} 分钟`;
  return minutes < 48 * 60 ? `${Math.floor(minutes / 60)} 小时` : `${Math.floor(minutes / 1440)} 天`;
};

/** Messages of `maidan doctor`. A name that ends in `Do` says what to do about the one before. */
export const doctorWords = translations(
  {
    title: (id: CheckTitle) => TITLES_EN[id],
    more: (count: number) => `… and ${count} more of the same kind.`,
    moreDo: () => "Settle those shown first, then run doctor again.",
    late: (ms: number) => `This check did not finish within ${ms / 1000} s.`,
    lateDo: () => "Run doctor again when there is less load. If it stays so, look at the disk and the network.",
    failed: (reason: string) => `This check could not be made: ${reason}`,
    failedDo: () => "Look at the reason above; the other checks do not depend on it.",
    path: (path: string) => path,
    endpoint: (id: string, address: string | undefined) => `endpoint ${id}${address ? ` (${address})` : ""}`,
    model: (ref: string) => `model ${ref}`,
    budgets: (ids: readonly string[]) =>
      ids.length > 5 ? `budgets ${ids.slice(0, 5).join(", ")} and ${ids.length - 5} more` : `budgets ${ids.join(", ")}`,
    key: (id: string, payer: string) => `key ${id} of ${payer}`,
    thisMachine: () => "this machine",

    node: (version: string) => `Node.js ${version.replace(/^v/, "")}.`,
    oldNode: (version: string, least: string) => `Node.js ${version.replace(/^v/, "")} is older than ${least}.`,
    oldNodeDo: (least: string) => `Install Node.js ${least} or later.`,

    folderGood: () => "Writable, and closed to others.",
    notWritable: () => "The data folder cannot be read and written by this process.",
    notWritableDo: () => "Give it to the user that runs Maidan (chown), or choose another with --data.",
    openSecret: (mode: string) =>
      `Other users of this machine can open it (mode ${mode}). It opens every credential, or the whole gateway.`,
    openBooks: (mode: string) => `Other users of this machine can read the ledger (mode ${mode}).`,
    closeFile: (path: string) => `chmod 600 "${path}"`,
    closeFolder: (path: string) => `chmod 700 "${path}"`,
    lockHeld: () => "Held: no second process can write to this data folder.",
    lockGone: () => "The lock file is gone: a second process could write to the same ledger.",
    lockFree: () => "The lock can be taken although Maidan runs: the file was replaced, or this disk has no locks.",
    lockDo: () => "Restart Maidan, on a local disk, and let nothing else touch its data folder.",

    diskGood: (free: string, total: string) => `${free} free of ${total}.`,
    diskLow: (free: string, total: string) => `Only ${free} free of ${total}.`,
    diskFull: (free: string, total: string) =>
      `Nearly full: ${free} free of ${total}. When the ledger cannot be written, Maidan stops: it never serves what it cannot book.`,
    diskDo: () => "Free space on this disk, or stop Maidan and move the data folder to a larger one.",
    networkDisk: (type: string) =>
      `The data folder is on a network file system (${type}), whose locks and syncs cannot be trusted.`,
    networkDiskDo: () => "Move the data folder to a local disk.",
    fastDisk: (ms: string) => `A small durable write takes ${ms} ms.`,
    slowDisk: (ms: string) => `A small durable write takes ${ms} ms. Every call waits for two of them.`,
    slowDiskDo: () =>
      "Use a faster disk. With --durability process a call no longer waits, but what the disk has not seen is lost in a power cut.",
    fastCommit: (ms: string) => `A small commit in PostgreSQL takes ${ms} ms, the way there included.`,
    slowCommit: (ms: string) =>
      `A small commit in PostgreSQL takes ${ms} ms, the way there included. Every call waits for two of them.`,
    slowCommitDo: () => "Put the server nearer, or on a faster disk; synchronous standbys are waited for, too.",

    storeGood: () => "Whole.",
    storeAnswers: () => "PostgreSQL answers. Whether its files are whole is for its own tools (pg_amcheck).",
    storeForgetsDo: () =>
      "On the server: alter system set … = on; select pg_reload_conf(); then start Maidan again, which looks at its start.",
    storeBroken: (line: string) => `The database is damaged: ${line}`,
    storeBrokenDo: () =>
      "Stop Maidan, copy the data folder away, and restore the last good backup. Look for a failing disk.",
    ledgerGood: (entries: number) => `${entries} entries, and the books balance.`,
    unbalanced: (what: Text) => what("en"),
    unbalancedDo: () =>
      "Something other than Maidan wrote to the database, or there is a defect. Stop Maidan, keep a copy of the data folder, and compare with your backup and the vendor's bill before you correct it.",
    nothingUnsettled: () => "None.",
    unsettled: (amount: string, currency: string, reason: string, minutes: number) =>
      `${amount} ${currency} in doubt for ${age(minutes)} (${reason}): the vendor may have billed it. It counts against its budgets until it is resolved.`,
    unsettledDo: (attempt: string) =>
      `Look at the vendor's bill, then: maidan unsettled resolve ${attempt} --cost <amount> --reason <why>, or --release.`,

    clockGood: (seconds: number) => `Within ${Math.max(1, seconds)} s of the vendors' clocks.`,
    clockUnknown: () => "No entry is in the future. No vendor told the time, so there was nothing to compare with.",
    clockOff: (seconds: number) =>
      `This clock is ${Math.abs(seconds)} s ${seconds > 0 ? "ahead of" : "behind"} the vendors' clocks. Calls are counted in wrong windows and at wrong prices, and signed requests fail.`,
    entryInFuture: (at: string, seconds: number) =>
      `The newest entry of the ledger was made at ${at}, ${seconds} s in the future: the clock was set back, or was wrong then.`,
    clockDo: () => "Set the clock from a time server (timedatectl set-ntp true), and keep it so.",

    credentialsGood: (count: number) =>
      count === 1 ? "1 endpoint accepts its credential." : `${count} endpoints accept their credentials.`,
    credentialRefused: (status: number | undefined, reason: Text) =>
      `The vendor refuses the credential${status ? ` (HTTP ${status})` : ""}: ${reason("en")}`,
    credentialUnset: (name: string, variable: string) =>
      `The credential "${name}" comes from the environment variable ${variable}, which is not set.`,
    credentialForeign: (name: string) =>
      `The credential "${name}" cannot be opened: it was encrypted with another key than the sealing.key here.`,
    credentialAbsent: (name: string, variable: string | undefined) =>
      `The credential "${name}" is missing.${variable ? ` It can be given as ${variable}.` : ""}`,
    credentialDo: (endpoint: string) =>
      `Put a valid key under "credentials" of endpoint "${endpoint}" in the declarative file (or set the variable it names) and apply it again.`,
    noPermission: (reason: Text) => `The vendor knows the credential, but does not permit this: ${reason("en")}`,
    noPermissionDo: () => "Give the key the right to use models in the vendor's console, or use another key.",
    vendorBilling: (reason: Text) => `The account at the vendor cannot pay: ${reason("en")}`,
    vendorBillingDo: () => "Top up the account or raise its quota in the vendor's console.",
    reachableGood: (count: number) => `${count} ${count === 1 ? "endpoint answers" : "endpoints answer"}.`,
    unreachable: (reason: Text) => `No answer: ${reason("en")}`,
    unreachableDo: (endpoint: string) =>
      `Check "baseUrl" of endpoint "${endpoint}", that the server there is running, and that this machine may reach it (DNS, firewall, proxy).`,
    noProbePath: (status: number) =>
      `It answers, but does not list models (HTTP ${status}), so address and credential are not proven.`,
    noProbePathDo: () => 'Make one call to it. If that fails, check "baseUrl": it usually ends in /v1.',
    oddAnswer: (status: number, reason: Text) => `It answers with HTTP ${status}: ${reason("en")}`,
    oddAnswerDo: () => "Wait and run doctor again. If it stays so, ask the vendor, or look at the server.",

    pricesGood: (count: number) => `All ${count} models have one.`,
    unpriced: () => "No price: its cost cannot be held or settled, so calls are refused (422 unpriced_model).",
    free: () => "No price, and calls without one are allowed: they are booked at no cost.",
    priceDo: (ref: string) =>
      `Give it a price: maidan price add ${ref} --currency USD --input <per million> --output <per million>, or "price" in the declarative file.`,
    outputLimitsGood: () => "All models say how long their answers can get.",
    noOutputLimit: (tokens: number, models: readonly string[]) =>
      `Unknown of ${models.join(", ")}: each call is held as if the answer had ${tokens} tokens: near a budget's end, calls that would fit are shortened.`,
    noOutputLimitDo: () => 'Set "maxOutputTokens" of these models in the declarative file, as the vendor documents it.',
    ratesGood: () => "Every budget can hold every priced model.",
    noRate: (from: string, to: string) => `No rate from ${from} to ${to}: calls priced in ${from} are refused there.`,
    noRateDo: (from: string, to: string) =>
      `Add one under "rates" in the declarative file: { from: ${from}, to: ${to}, rate: "…", since: … }.`,
    keysGood: (count: number) => `${count} valid, none about to expire.`,
    keyExpires: (at: string) => `Expires at ${at}.`,
    keyExpired: (at: string) => `Expired at ${at}: calls with it are refused (401).`,
    keyDo: (payer: string) => `Make another in time: maidan key create --payer ${payer}.`,
  },
  {
    title: (id) => TITLES_ZH[id],
    more: (count) => `……另有 ${count} 项同类。`,
    moreDo: () => "请先处理已列出的，再运行 doctor。",
    late: (ms) => `此项检查未能在 ${ms / 1000} 秒内完成。`,
    lateDo: () => "请在负载较低时再运行 doctor。若仍如此，请检查磁盘和网络。",
    failed: (reason) => `此项检查无法进行：${reason}`,
    failedDo: () => "请查看上述原因；其他检查不受影响。",
    path: (path) => path,
    endpoint: (id, address) => `接入点 ${id}${address ? `（${address}）` : ""}`,
    model: (ref) => `模型 ${ref}`,
    budgets: (ids) =>
      ids.length > 5 ? `预算 ${ids.slice(0, 5).join("、")} 等 ${ids.length} 个` : `预算 ${ids.join("、")}`,
    key: (id, payer) => `${payer} 的密钥 ${id}`,
    thisMachine: () => "本机",

    node: (version) => `Node.js ${version.replace(/^v/, "")}。`,
    oldNode: (version, least) => `Node.js ${version.replace(/^v/, "")} 低于 ${least}。`,
    oldNodeDo: (least) => `请安装 Node.js ${least} 或更高版本。`,

    folderGood: () => "可写，且不对他人开放。",
    notWritable: () => "此进程无法读写数据文件夹。",
    notWritableDo: () => "请将其所有权交给运行 Maidan 的用户（chown），或用 --data 选择其他文件夹。",
    openSecret: (mode) => `本机其他用户可以打开它（权限 ${mode}）。凭它可解开所有凭据，或控制整个网关。`,
    openBooks: (mode) => `本机其他用户可以读取账本（权限 ${mode}）。`,
    closeFile: (path) => `chmod 600 "${path}"`,
    closeFolder: (path) => `chmod 700 "${path}"`,
    lockHeld: () => "已持有：其他进程无法写入此数据文件夹。",
    lockGone: () => "锁文件不见了：另一个进程可能写入同一账本。",
    lockFree: () => "Maidan 正在运行，锁却仍可被取得：文件被替换，或此磁盘不支持锁。",
    lockDo: () => "请在本地磁盘上重新启动 Maidan，并确保没有其他程序改动其数据文件夹。",

    diskGood: (free, total) => `共 ${total}，可用 ${free}。`,
    diskLow: (free, total) => `共 ${total}，仅剩 ${free}。`,
    diskFull: (free, total) =>
      `磁盘将满：共 ${total}，仅剩 ${free}。账本无法写入时 Maidan 会停止：无法记账的调用绝不提供服务。`,
    diskDo: () => "请清理此磁盘，或停止 Maidan 并将数据文件夹移到更大的磁盘。",
    networkDisk: (type) => `数据文件夹位于网络文件系统（${type}），其锁和同步不可靠。`,
    networkDiskDo: () => "请将数据文件夹移到本地磁盘。",
    fastDisk: (ms) => `一次小的持久写入需 ${ms} 毫秒。`,
    slowDisk: (ms) => `一次小的持久写入需 ${ms} 毫秒。每个调用要等待两次。`,
    slowDiskDo: () => "请使用更快的磁盘。以 --durability process 运行则调用不再等待，但断电时会丢失尚未落盘的内容。",
    fastCommit: (ms) => `PostgreSQL 的一次小提交需 ${ms} 毫秒（含往返）。`,
    slowCommit: (ms) => `PostgreSQL 的一次小提交需 ${ms} 毫秒（含往返）。每个调用要等待两次。`,
    slowCommitDo: () => "请把服务器放得更近，或使用更快的磁盘；同步备库也会被等待。",

    storeGood: () => "完好。",
    storeAnswers: () => "PostgreSQL 有应答。其文件是否完好，请用它自带的工具检查（pg_amcheck）。",
    storeForgetsDo: () =>
      "请在服务器上执行 alter system set … = on; select pg_reload_conf();，然后重新启动 Maidan（它只在启动时查看）。",
    storeBroken: (line) => `数据库已损坏：${line}`,
    storeBrokenDo: () => "请停止 Maidan，备份当前数据文件夹，并恢复最近一份完好的备份。请检查磁盘是否有故障。",
    ledgerGood: (entries) => `${entries} 条分录，账目平衡。`,
    unbalanced: (what) => what("zh"),
    unbalancedDo: () =>
      "有 Maidan 之外的程序写入了数据库，或存在缺陷。请停止 Maidan，保留一份数据文件夹，与备份和厂商账单核对后再更正。",
    nothingUnsettled: () => "没有。",
    unsettled: (amount, currency, reason, minutes) =>
      `${amount} ${currency} 已存疑 ${ageZh(minutes)}（${reason}）：厂商可能已计费。在解决之前，它一直占用预算。`,
    unsettledDo: (attempt) =>
      `请查看厂商账单，然后运行：maidan unsettled resolve ${attempt} --cost <金额> --reason <原因>，或用 --release。`,

    clockGood: (seconds) => `与厂商时钟相差不超过 ${Math.max(1, seconds)} 秒。`,
    clockUnknown: () => "没有来自未来的分录。没有厂商告知时间，因此无从比较。",
    clockOff: (seconds) =>
      `本机时钟比厂商${seconds > 0 ? "快" : "慢"} ${Math.abs(seconds)} 秒。调用会计入错误的周期和价格，签名请求会失败。`,
    entryInFuture: (at, seconds) => `账本最新分录的时间为 ${at}，在未来 ${seconds} 秒：时钟被调回过，或当时有误。`,
    clockDo: () => "请与时间服务器同步时钟（timedatectl set-ntp true），并保持同步。",

    credentialsGood: (count) => `${count} 个接入点接受其凭据。`,
    credentialRefused: (status, reason) => `厂商拒绝此凭据${status ? `（HTTP ${status}）` : ""}：${reason("zh")}`,
    credentialUnset: (name, variable) => `凭据“${name}”来自环境变量 ${variable}，但它未设置。`,
    credentialForeign: (name) => `凭据“${name}”无法打开：它由另一个密钥加密，而非此处的 sealing.key。`,
    credentialAbsent: (name, variable) => `缺少凭据“${name}”。${variable ? `可通过 ${variable} 提供。` : ""}`,
    credentialDo: (endpoint) =>
      `请在配置文件中为接入点“${endpoint}”的“credentials”填写有效密钥（或设置其引用的变量），然后重新应用。`,
    noPermission: (reason) => `厂商认识此凭据，但不允许此操作：${reason("zh")}`,
    noPermissionDo: () => "请在厂商控制台为此密钥开通模型权限，或使用其他密钥。",
    vendorBilling: (reason) => `厂商账户无法付费：${reason("zh")}`,
    vendorBillingDo: () => "请在厂商控制台充值或提高配额。",
    reachableGood: (count) => `${count} 个接入点有应答。`,
    unreachable: (reason) => `没有应答：${reason("zh")}`,
    unreachableDo: (endpoint) =>
      `请检查接入点“${endpoint}”的“baseUrl”、对方服务是否在运行，以及本机能否访问（DNS、防火墙、代理）。`,
    noProbePath: (status) => `有应答，但不提供模型列表（HTTP ${status}），因此地址和凭据未得到验证。`,
    noProbePathDo: () => "请试调用一次。若失败，请检查“baseUrl”：它通常以 /v1 结尾。",
    oddAnswer: (status, reason) => `应答为 HTTP ${status}：${reason("zh")}`,
    oddAnswerDo: () => "请稍后再运行 doctor。若仍如此，请联系厂商或检查该服务。",

    pricesGood: (count) => `全部 ${count} 个模型都有价格。`,
    unpriced: () => "没有价格：无法预占或结算其费用，因此调用会被拒绝（422 unpriced_model）。",
    free: () => "没有价格，但允许无价调用：按零费用入账。",
    priceDo: (ref) =>
      `请为其设置价格：maidan price add ${ref} --currency CNY --input <每百万> --output <每百万>，或在配置文件中写“price”。`,
    outputLimitsGood: () => "所有模型都注明了最长答案。",
    noOutputLimit: (tokens, models) =>
      `${models.join("、")} 未注明：每个调用按答案有 ${tokens} 个 token 预占：预算将尽时，本可容纳的调用会被缩短。`,
    noOutputLimitDo: () => "请按厂商文档，在配置文件中为这些模型设置“maxOutputTokens”。",
    ratesGood: () => "每个预算都能容纳每个有价格的模型。",
    noRate: (from, to) => `没有 ${from} 到 ${to} 的汇率：以 ${from} 计价的调用会被拒绝。`,
    noRateDo: (from, to) => `请在配置文件的“rates”中添加：{ from: ${from}, to: ${to}, rate: "…", since: … }。`,
    keysGood: (count) => `${count} 个有效，没有即将过期的。`,
    keyExpires: (at) => `将于 ${at} 过期。`,
    keyExpired: (at) => `已于 ${at} 过期：使用它的调用会被拒绝（401）。`,
    keyDo: (payer) => `请及时新建：maidan key create --payer ${payer}。`,
  },
);
