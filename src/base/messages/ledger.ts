import { translations } from "../language.ts";

/** Messages of the store: its folder, its version, its keys. */
export const storeWords = translations(
  {
    diskFailed: (cause: string) =>
      `The ledger could not be written (${cause}). Nothing more is promised: Maidan stops. Check the disk and its free space, then start again.`,
    logDamaged: (folder: string, files: string, number: number) =>
      `The ledger's log in ${folder} (${files}) is damaged before its end: entries that were acknowledged cannot be read from frame ${number} on. Bring the whole folder back from a backup, or from the disk that failed. Without these files Maidan starts, and what stood only in them is lost.`,
    newerStore: (found: string, known: number) =>
      `The data folder was written by a newer Maidan (its tables have version ${found}, this program knows ${known}). Start the newer program, or use another data folder.`,
    newerDatabase: (place: string, found: string, known: number) =>
      `The database ${place} was written by a newer Maidan (its tables have version ${found}, this program knows ${known}). Start the newer program, or use another database.`,
    oldDatabase: (place: string, found: string, oldest: number) =>
      `The database ${place} is PostgreSQL ${found}. Maidan needs PostgreSQL ${oldest} or later.`,
    databaseUnreachable: (place: string, cause: string) =>
      `The database ${place} cannot be reached (${cause}). Check that the server runs, and the host and port in MAIDAN_DATABASE_URL.`,
    databaseRefuses: (place: string, cause: string) =>
      `The database ${place} refuses the user (${cause}). Check user and password in MAIDAN_DATABASE_URL, and the server's pg_hba.conf.`,
    databaseMissing: (place: string) =>
      `The server is there, but the database ${place} does not exist. Create it (createdb), or correct MAIDAN_DATABASE_URL.`,
    databaseForbids: (place: string, cause: string) =>
      `The user may not create Maidan's tables in the database ${place} (${cause}). Grant it usage and create on the schema, or let its owner start Maidan once.`,
    databaseUrlUnusable: (cause: string) =>
      `The database of MAIDAN_DATABASE_URL cannot be asked for (${cause}). Check the parameters after "?", such as the files of certificates.`,
    databaseUnusable: (place: string, cause: string) => `The database ${place} cannot be used (${cause}).`,
    databaseAway: (seconds: number, cause: string) =>
      `The database was away for ${seconds} seconds (${cause}), and the ledger could not be written. Nothing more is promised: Maidan stops. Bring the database back, then start again; limits.storeAwayMs says how long it is waited for.`,
    databaseAwayNow: (cause: string) => `The database cannot be reached at the moment (${cause}). Try again shortly.`,
    databaseForgets: (place: string, setting: string) =>
      `The database ${place} runs with ${setting} = off: after a power cut the ledger may be lost or damaged. Turn it on, or say MAIDAN_DURABILITY=process if that is meant.`,
    folderInUse: (folder: string) =>
      `Another Maidan is using the data folder ${folder}. Two would give every budget twice. Stop the other one, or choose another folder with MAIDAN_DATA.`,
    folderUnusable: (folder: string, cause: string) =>
      `The data folder ${folder} cannot be used (${cause}). Choose another one with MAIDAN_DATA, or correct its permissions.`,
    otherSealingKey: () =>
      "The store's credentials were sealed with another key than this node has. Give every node the same one: set MAIDAN_SEALING_KEY to the base64 of the first node's sealing.key (it stands in that node's data folder), or copy the file.",
    fenced: () =>
      "This node was silent for too long, and another one took its seat: what it had in flight is in doubt. It takes a new seat; try again.",
    foreignSeal: () =>
      "This was sealed by another installation, or changed since. Enter the credential again, or bring back the sealing.key that belongs to this data folder.",
    brokenSealingKey: (file: string) =>
      `${file} is not a key of 32 bytes. Bring it back from a backup; without it the sealed credentials are lost and must be entered again.`,
  },
  {
    diskFailed: (cause) =>
      `账本无法写入（${cause}）。此后无法再作任何保证：Maidan 停止运行。请检查磁盘及剩余空间，然后重新启动。`,
    logDamaged: (folder, files, number) =>
      `${folder} 中的账本日志（${files}）在末尾之前已损坏：从第 ${number} 帧起，已确认的分录无法读出。请从备份或出故障的磁盘恢复整个目录。若移走这些文件，Maidan 可以启动，但只存于其中的内容将丢失。`,
    newerStore: (found, known) =>
      `数据目录由更新版本的 Maidan 写入（其表结构版本为 ${found}，本程序只认识 ${known}）。请启动新版本，或换一个数据目录。`,
    newerDatabase: (place, found, known) =>
      `数据库 ${place} 由更新版本的 Maidan 写入（其表结构版本为 ${found}，本程序只认识 ${known}）。请启动新版本，或换一个数据库。`,
    oldDatabase: (place, found, oldest) =>
      `数据库 ${place} 是 PostgreSQL ${found}。Maidan 需要 PostgreSQL ${oldest} 或更高版本。`,
    databaseUnreachable: (place, cause) =>
      `无法连接数据库 ${place}（${cause}）。请检查服务器是否运行，以及 MAIDAN_DATABASE_URL 中的主机和端口。`,
    databaseRefuses: (place, cause) =>
      `数据库 ${place} 拒绝该用户（${cause}）。请检查 MAIDAN_DATABASE_URL 中的用户名和密码，以及服务器的 pg_hba.conf。`,
    databaseMissing: (place) =>
      `服务器在运行，但数据库 ${place} 不存在。请先创建（createdb），或修正 MAIDAN_DATABASE_URL。`,
    databaseForbids: (place, cause) =>
      `该用户无权在数据库 ${place} 中创建 Maidan 的表（${cause}）。请授予其对该 schema 的 usage 和 create 权限，或由所有者先启动一次 Maidan。`,
    databaseUrlUnusable: (cause) =>
      `无法按 MAIDAN_DATABASE_URL 连接数据库（${cause}）。请检查“?”之后的参数，例如证书文件。`,
    databaseUnusable: (place, cause) => `数据库 ${place} 无法使用（${cause}）。`,
    databaseAway: (seconds, cause) =>
      `数据库已中断 ${seconds} 秒（${cause}），账本无法写入。此后无法再作任何保证：Maidan 停止运行。请恢复数据库后重新启动；limits.storeAwayMs 决定等待多久。`,
    databaseAwayNow: (cause) => `数据库此刻无法连接（${cause}）。请稍后重试。`,
    databaseForgets: (place, setting) =>
      `数据库 ${place} 的 ${setting} = off：断电后账本可能丢失或损坏。请将其打开；若确属有意，请设置 MAIDAN_DURABILITY=process。`,
    folderInUse: (folder) =>
      `另一个 Maidan 正在使用数据目录 ${folder}。两个进程会把每笔预算用两次。请停止另一个，或用 MAIDAN_DATA 选择其他目录。`,
    folderUnusable: (folder, cause) =>
      `数据目录 ${folder} 无法使用（${cause}）。请用 MAIDAN_DATA 选择其他目录，或修正其权限。`,
    otherSealingKey: () =>
      "存储中的凭据由另一把密钥加密。请让所有节点使用同一把密钥：把 MAIDAN_SEALING_KEY 设为首个节点数据目录中 sealing.key 的 base64，或复制该文件。",
    fenced: () => "本节点静默过久，其席位已被其他节点收回，在途调用转为存疑。本节点正在取得新席位，请重试。",
    foreignSeal: () => "此内容由另一套安装加密，或已被改动。请重新输入凭据，或恢复属于此数据目录的 sealing.key。",
    brokenSealingKey: (file) => `${file} 不是 32 字节的密钥。请从备份恢复；没有它，已加密的凭据无法读取，须重新输入。`,
  },
);

/** Why a budget refuses a call. Amounts are decimals. */
interface Exhaustion {
  readonly id: string;
  readonly payer: string;
  readonly currency: string;
  readonly limit: string;
  readonly settled: string;
  readonly held: string;
  /** What the call needs, with its currency. */
  readonly needs: string;
  /** When the budget begins anew, in ISO 8601; undefined for never. */
  readonly resets: string | undefined;
}

/** Messages of holds, settlement and budgets. */
export const ledgerWords = translations(
  {
    exhausted: ({ id, payer, currency, limit, settled, held, needs, resets }: Exhaustion) =>
      `Budget "${id}" of "${payer}" has no room for this call, which may cost up to ${needs}: of ${limit} ${currency}, ${settled} are spent and ${held} set aside for calls in flight or in doubt. ${
        resets ? `It begins anew at ${resets}.` : "It does not begin anew by itself: ask for a higher limit."
      } A shorter answer (max_tokens) may fit.`,
    noRate: (model: string, from: string, to: string) =>
      `"${model}" is priced in ${from}, and a budget on the way is in ${to}, but there is no exchange rate from ${from} to ${to}. Add one (rates: in the declarative file).`,
    noRateForBudget: (budget: string, from: string, to: string) =>
      `Budget "${budget}" is in ${to}, but calls below it were priced in ${from} and there is no exchange rate from ${from} to ${to}. Add the rate first (rates: in the declarative file).`,
    noRateForDoubt: (attempt: string, from: string, to: string) =>
      `Attempt ${attempt} is in doubt at an amount in ${from} that cannot be told in ${to}: a budget in ${to} does not count it. Resolve the attempt.`,
    badAmount: (budget: string, amount: string) =>
      `Budget "${budget}": "${amount}" is no amount. Write a decimal such as "5.00", with at most nine places.`,
    unknownZone: (zone: string) => `"${zone}" is no time zone. Use an IANA name such as "Asia/Shanghai" or "UTC".`,
    diskBehind: () => "The disk does not keep up with the ledger. Try again shortly.",
    waitAbandoned: () => "The caller went away while the call waited for room in a budget.",
    notInDoubt: (attempt: string) =>
      `Attempt "${attempt}" is not in doubt. GET /api/v1/unsettled lists the attempts that are.`,
    notClosed: (attempt: string) =>
      `Attempt "${attempt}" is not settled or released, so there is nothing to adjust. Where it is in doubt, resolve it.`,
    otherCurrency: (attempt: string, own: string, other: string) =>
      `Attempt "${attempt}" was priced in ${own}: adjust it in ${own}, not in ${other}.`,
    belowZero: (attempt: string) => `Attempt "${attempt}" would then have cost less than nothing.`,
  },
  {
    exhausted: ({ id, payer, currency, limit, settled, held, needs, resets }) =>
      `“${payer}”的预算“${id}”容不下此调用（最多可能花费 ${needs}）：上限 ${limit} ${currency}，已结算 ${settled}，为进行中或存疑的调用预占 ${held}。${
        resets ? `预算将于 ${resets} 重置。` : "此预算不会自动重置：请申请提高上限。"
      }缩短回答（max_tokens）或许可行。`,
    noRate: (model, from, to) =>
      `“${model}”以 ${from} 计价，而沿途有预算使用 ${to}，但没有 ${from} 到 ${to} 的汇率。请添加汇率（配置文件中的 rates:）。`,
    noRateForBudget: (budget, from, to) =>
      `预算“${budget}”使用 ${to}，但其下的调用以 ${from} 计价，且没有 ${from} 到 ${to} 的汇率。请先添加汇率（配置文件中的 rates:）。`,
    noRateForDoubt: (attempt, from, to) =>
      `尝试 ${attempt} 存疑，其 ${from} 金额无法折算为 ${to}：使用 ${to} 的预算没有计入它。请处理该尝试。`,
    badAmount: (budget, amount) => `预算“${budget}”：“${amount}”不是金额。请写成小数，例如 "5.00"，最多九位小数。`,
    unknownZone: (zone) => `“${zone}”不是时区。请使用 IANA 名称，例如 "Asia/Shanghai" 或 "UTC"。`,
    diskBehind: () => "磁盘跟不上账本的写入。请稍后重试。",
    waitAbandoned: () => "调用在等待预算空间时，调用方已离开。",
    notInDoubt: (attempt) => `尝试“${attempt}”并不存疑。GET /api/v1/unsettled 列出存疑的尝试。`,
    notClosed: (attempt) => `尝试“${attempt}”尚未结算或释放，无从调整。若其存疑，请先处理。`,
    otherCurrency: (attempt, own, other) => `尝试“${attempt}”以 ${own} 计价：请用 ${own} 调整，而不是 ${other}。`,
    belowZero: (attempt) => `调整后，尝试“${attempt}”的费用将低于零。`,
  },
);

/** What the books' self-check finds. */
export const auditWords = translations(
  {
    closedWithoutHold: () => "closed without having been held",
    heldDiffers: (held: string, given: string) => `held ${held}, but ${given} was given back`,
    resolvedWithoutDoubt: () => "resolved without having been in doubt",
    doubtDiffers: (doubt: string, given: string) => `${doubt} was in doubt, but ${given} was given back`,
    windowDiffers: (kept: string, sum: string) => `the budget's sum says ${kept}, its entries say ${sum}`,
    hourDiffers: (column: string, kept: string, sum: string) =>
      `the hour's ${column} says ${kept}, its entries say ${sum}`,
    thirdDiffers: (column: string, kept: string, sum: string) =>
      `the ${column} of these eight hours says ${kept}, the hours say ${sum}`,
    doubtNotListed: () => "in doubt by its entries, but not in the list of attempts in doubt",
    listedWithoutDoubt: () => "in the list of attempts in doubt, but not by its entries",
  },
  {
    closedWithoutHold: () => "没有预占却已了结",
    heldDiffers: (held, given) => `预占 ${held}，却归还了 ${given}`,
    resolvedWithoutDoubt: () => "并未存疑却已处理",
    doubtDiffers: (doubt, given) => `存疑 ${doubt}，却归还了 ${given}`,
    windowDiffers: (kept, sum) => `预算汇总为 ${kept}，其分录合计为 ${sum}`,
    hourDiffers: (column, kept, sum) => `该小时的 ${column} 为 ${kept}，其分录合计为 ${sum}`,
    thirdDiffers: (column, kept, sum) => `该八小时的 ${column} 为 ${kept}，各小时合计为 ${sum}`,
    doubtNotListed: () => "分录显示存疑，但不在存疑列表中",
    listedWithoutDoubt: () => "在存疑列表中，但分录并不存疑",
  },
);
