import { translations } from "../language.ts";

const orNearest = (near: readonly string[]): string =>
  near.length > 0 ? ` Did you mean ${near.map((name) => `"${name}"`).join(" or ")}?` : "";
const orNearestZh = (near: readonly string[]): string =>
  near.length > 0 ? `您是否想写 ${near.map((name) => `“${name}”`).join(" 或 ")}？` : "";
const got = (value: string | undefined): string => (value === undefined ? "" : `, not ${value}`);
const gotZh = (value: string | undefined): string => (value === undefined ? "" : `，而不是 ${value}`);

/** Messages of the environment variables. */
export const environmentWords = translations(
  {
    port: (value: string) => `MAIDAN_PORT is "${value}". Set it to a port number from 0 to 65535.`,
    host: (value: string) => `MAIDAN_HOST is "${value}". Set it to an address or a host name, such as 127.0.0.1.`,
    empty: (name: string) => `${name} is set, but empty. Give it a value, or unset it.`,
    notOneOf: (name: string, value: string, allowed: string) => `${name} is "${value}". Set it to one of: ${allowed}.`,
    url: (value: string) => `MAIDAN_URL is "${value}". Set it to an http(s) address, such as http://127.0.0.1:4000.`,
    adminKey: (least: number) =>
      `MAIDAN_ADMIN_KEY is too short or has characters that no header can carry. Use at least ${least} visible ASCII characters.`,
    databaseUrl: () =>
      "MAIDAN_DATABASE_URL must be the URL of a PostgreSQL database: postgres://user:password@host:5432/database. Special characters in user and password are written as in any URL (%40 for @).",
    sealingKey: () =>
      "MAIDAN_SEALING_KEY must be 32 bytes in base64: what `base64 sealing.key` prints of another node's file, or `openssl rand -base64 32`.",
  },
  {
    port: (value) => `MAIDAN_PORT 为“${value}”。请设为 0 到 65535 之间的端口号。`,
    host: (value) => `MAIDAN_HOST 为“${value}”。请设为地址或主机名，例如 127.0.0.1。`,
    empty: (name) => `${name} 已设置但为空。请填写值，或取消设置。`,
    notOneOf: (name, value, allowed) => `${name} 为“${value}”。请设为以下之一：${allowed}。`,
    url: (value) => `MAIDAN_URL 为“${value}”。请设为 http(s) 地址，例如 http://127.0.0.1:4000。`,
    adminKey: (least) => `MAIDAN_ADMIN_KEY 过短，或含有请求头无法携带的字符。请至少使用 ${least} 个可见 ASCII 字符。`,
    databaseUrl: () =>
      "MAIDAN_DATABASE_URL 必须是 PostgreSQL 数据库的地址：postgres://用户:密码@主机:5432/数据库。用户名和密码中的特殊字符按网址的规则书写（@ 写作 %40）。",
    sealingKey: () =>
      "MAIDAN_SEALING_KEY 必须是 32 字节的 base64：可用 `base64 sealing.key`（其他节点的文件）或 `openssl rand -base64 32` 得到。",
  },
);

/** Messages of the declarative file as a whole, and of reading its YAML. */
export const fileWords = translations(
  {
    refused: (name: string, problems: number, list: string) =>
      `${name} has ${problems === 1 ? "an error" : `${problems} errors`}; nothing was applied.\n${list}`,
    more: (rest: number) => `… and ${rest} more`,
    place: (line: number, column: number, text: string) => `line ${line}, column ${column}: ${text}`,
    about: (kind: string, id: string, text: string) => `${kind} "${id}": ${text}`,
    theFile: () => "The file",
    theDocument: () => "The document",
    tooLarge: (bytes: number, limit: number) =>
      `The file has ${bytes} bytes, more than ${limit} (limits.fileBytes). Split it into several installations, or raise the limit.`,
    syntax: (code: string) => `This is not valid YAML: ${YAML_CODES[code]?.en ?? code}.`,
    manyDocuments: () => 'A second document begins here ("---"). Put everything into one.',
    tooDeep: (depth: number) => `This is nested more than ${depth} levels deep.`,
    tooMany: (values: number) =>
      `With its aliases written out the file has more than ${values} values. Use fewer aliases, or a smaller file.`,
    aliasCycle: (name: string) => `The alias "*${name}" stands inside what it means.`,
    aliasUnknown: (name: string) => `There is no anchor "&${name}" before this alias.`,
    badKey: () => "The name of a field must be a plain text.",
    notAMapping: () => "A file of settings is a mapping of fields such as `endpoints:` and `payers:`.",
    duplicateField: (field: string) => `The field "${field}" stands here twice.`,
    badValue: () => "This kind of value is not known here. Write a text, a number, true or false.",
    variableMissing: (name: string) =>
      `The environment variable ${name} is not set (or empty). Set it, or correct the name.`,
    variableMalformed: () =>
      `"\${" must be followed by the name of an environment variable and "}". Write "$\${" for the characters themselves.`,
  },
  {
    refused: (name, problems, list) => `${name} 有 ${problems} 处错误；未应用任何内容。\n${list}`,
    more: (rest) => `……另有 ${rest} 处`,
    place: (line, column, text) => `第 ${line} 行第 ${column} 列：${text}`,
    about: (kind, id, text) => `${kind}“${id}”：${text}`,
    theFile: () => "文件",
    theDocument: () => "文档",
    tooLarge: (bytes, limit) => `文件有 ${bytes} 字节，超过 ${limit}（limits.fileBytes）。请拆分，或提高上限。`,
    syntax: (code) => `不是有效的 YAML：${YAML_CODES[code]?.zh ?? code}。`,
    manyDocuments: () => "此处开始了第二个文档（“---”）。请合并为一个。",
    tooDeep: (depth) => `嵌套超过 ${depth} 层。`,
    tooMany: (values) => `展开别名后，文件超过 ${values} 个值。请减少别名，或缩小文件。`,
    aliasCycle: (name) => `别名“*${name}”出现在它自己的内容中。`,
    aliasUnknown: (name) => `此别名之前没有锚点“&${name}”。`,
    badKey: () => "字段名必须是普通文本。",
    notAMapping: () => "设置文件应为字段映射，例如 `endpoints:` 和 `payers:`。",
    duplicateField: (field) => `字段“${field}”在此重复出现。`,
    badValue: () => "此处不支持这种值。请写文本、数字、true 或 false。",
    variableMissing: (name) => `环境变量 ${name} 未设置（或为空）。请设置它，或更正名称。`,
    variableMalformed: () => `“\${”之后必须是环境变量名和“}”。若要表示字符本身，请写“$\${”。`,
  },
);

/** What the YAML reader found wrong, by its code. Its own texts quote the file, where a secret may stand. */
const YAML_CODES: Readonly<Record<string, { readonly en: string; readonly zh: string }>> = {
  ALIAS_PROPS: { en: "an alias takes no tag and no anchor", zh: "别名不能带标签或锚点" },
  BAD_ALIAS: { en: "an alias or anchor has no name", zh: "别名或锚点缺少名称" },
  BAD_COLLECTION_TYPE: { en: "the tag does not fit what it stands before", zh: "标签与其后的内容不符" },
  BAD_DIRECTIVE: { en: "a line that begins with % is not known", zh: "无法识别以 % 开头的行" },
  BAD_DQ_ESCAPE: { en: "a backslash in quotes begins no known escape", zh: "引号中的反斜杠不是已知的转义" },
  BAD_INDENT: { en: "the indentation does not fit the lines above", zh: "缩进与上文不一致" },
  BAD_PROP_ORDER: { en: "anchor and tag must stand before the value", zh: "锚点和标签必须位于值之前" },
  BAD_SCALAR_START: { en: "a text that begins with this character needs quotes", zh: "以此字符开头的文本需要加引号" },
  BLOCK_AS_IMPLICIT_KEY: { en: "two fields stand in one line", zh: "同一行中出现了两个字段" },
  BLOCK_IN_FLOW: { en: "inside [ ] or { } everything is written with commas", zh: "[ ] 或 { } 内应以逗号分隔" },
  DUPLICATE_KEY: { en: "a field stands twice", zh: "字段重复" },
  IMPOSSIBLE: { en: "it cannot be read", zh: "无法读取" },
  KEY_OVER_1024_CHARS: { en: "the name of a field is too long", zh: "字段名过长" },
  MISSING_CHAR: { en: "a bracket, quote, comma, colon or space is missing", zh: "缺少括号、引号、逗号、冒号或空格" },
  MULTILINE_IMPLICIT_KEY: { en: "the name of a field runs over several lines", zh: "字段名跨越了多行" },
  MULTIPLE_ANCHORS: { en: "one value has two anchors", zh: "一个值有两个锚点" },
  MULTIPLE_TAGS: { en: "one value has two tags", zh: "一个值有两个标签" },
  NON_STRING_KEY: { en: "the name of a field must be a text", zh: "字段名必须是文本" },
  TAB_AS_INDENT: { en: "indent with spaces, not with tabs", zh: "请用空格缩进，不要用制表符" },
  TAG_RESOLVE_FAILED: { en: "this tag is not known here", zh: "无法识别此标签" },
  UNEXPECTED_TOKEN: { en: "something stands here that does not belong here", zh: "此处出现了多余的内容" },
};

const TYPES_ZH: Readonly<Record<string, string>> = {
  string: "文本",
  number: "数字",
  int: "整数",
  boolean: "true 或 false",
  array: "列表（[ ]）",
  object: "字段映射",
  record: "字段映射",
};
const TYPES_EN: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list ([ ])",
  object: "a mapping of fields",
  record: "a mapping of fields",
};

/** Messages of the shape of one setting. */
export const shapeWords = translations(
  {
    unknownField: (field: string, where: string, near: readonly string[], allowed: string) =>
      `Unknown field "${field}" in ${where}.${near.length > 0 ? orNearest(near) : ` Known here: ${allowed}.`}`,
    top: () => "the document",
    missing: (field: string) => `"${field}" is missing.`,
    wrongType: (field: string, expected: string, value: string | undefined) =>
      `"${field}" must be ${TYPES_EN[expected] ?? expected}${got(value)}.`,
    nameShape: (field: string) => `"${field}" must be a text, or { zh: …, en: … }.`,
    notOneOf: (field: string, value: string | undefined, allowed: string, near: readonly string[]) =>
      `"${field}" must be one of ${allowed}${got(value)}.${orNearest(near)}`,
    tooSmall: (field: string, least: string, kind: "number" | "length") =>
      kind === "number" ? `"${field}" must be at least ${least}.` : `"${field}" must not be shorter than ${least}.`,
    tooLarge: (field: string, most: string, kind: "number" | "length") =>
      kind === "number" ? `"${field}" must be at most ${most}.` : `"${field}" must not be longer than ${most}.`,
    wrong: (field: string) => `"${field}" is not right here.`,
  },
  {
    unknownField: (field, where, near, allowed) =>
      `${where}中没有字段“${field}”。${near.length > 0 ? orNearestZh(near) : `此处可用：${allowed}。`}`,
    top: () => "文档",
    missing: (field) => `缺少“${field}”。`,
    wrongType: (field, expected, value) => `“${field}”应为${TYPES_ZH[expected] ?? expected}${gotZh(value)}。`,
    nameShape: (field) => `“${field}”应为文本，或 { zh: …, en: … }。`,
    notOneOf: (field, value, allowed, near) =>
      `“${field}”应为以下之一：${allowed}${gotZh(value)}。${orNearestZh(near)}`,
    tooSmall: (field, least, kind) =>
      kind === "number" ? `“${field}”不得小于 ${least}。` : `“${field}”不得短于 ${least}。`,
    tooLarge: (field, most, kind) =>
      kind === "number" ? `“${field}”不得大于 ${most}。` : `“${field}”不得长于 ${most}。`,
    wrong: (field) => `“${field}”在此处不正确。`,
  },
);

/** Messages of the formats of texts: the names are those of `FORMATS`. */
export const formatWords = translations(
  {
    id: (field: string, value: string | undefined) =>
      `"${field}" must begin with a letter or digit and have only letters, digits and . _ @ + - (at most 128)${got(value)}.`,
    routeId: (field: string, value: string | undefined) =>
      `"${field}" must begin with a letter or digit and have only letters, digits and . _ : @ + - (at most 128; "/" is for endpoint/model)${got(value)}.`,
    modelId: (field: string, value: string | undefined) =>
      `"${field}" must begin with a letter or digit and have only visible ASCII characters (at most 200)${got(value)}.`,
    modelRef: (field: string, value: string | undefined) => `"${field}" must be written endpoint/model${got(value)}.`,
    routePattern: (field: string, value: string | undefined) =>
      `"${field}" must be a route, an endpoint/model, or the beginning of one with * after it${got(value)}.`,
    currency: (field: string, value: string | undefined) =>
      `"${field}" must be three to eight capital letters, such as CNY or USD${got(value)}.`,
    amount: (field: string, value: string | undefined) =>
      `"${field}" must be a decimal of at most nine places, in quotes, such as "20000" or "0.15"${got(value)}.`,
    price: (field: string, value: string | undefined) =>
      `"${field}" must be a decimal of at most nine places, in quotes, such as "0.15"${got(value)}.`,
    rate: (field: string, value: string | undefined) =>
      `"${field}" must be a decimal above zero, in quotes, such as "7.10"${got(value)}.`,
    day: (field: string, value: string | undefined) => `"${field}" must be a day such as 2026-11-01${got(value)}.`,
    instant: (field: string, value: string | undefined) =>
      `"${field}" must be a day such as 2026-11-01, or an instant with its zone such as 2026-11-01T08:00:00+08:00${got(value)}.`,
    clockTime: (field: string, value: string | undefined) =>
      `"${field}" must be a time of day from 00:00 to 23:59${got(value)}.`,
    timezone: (field: string, value: string | undefined, near: readonly string[]) =>
      `"${field}" must be a time zone of the IANA list, such as Asia/Shanghai or UTC${got(value)}.${orNearest(near)}`,
    hash: (field: string) =>
      `"${field}" must be a SHA-256 in 64 small hexadecimal digits. A secret itself stands in "secret".`,
    secret: (field: string) => `"${field}" must have 8 to 512 visible ASCII characters.`,
    address: (field: string) =>
      `"${field}" must be an http(s) or ws(s) address without a query, and without credentials in it: those stand under "credentials".`,
    headerName: (field: string) => `"${field}" is not the name of a header.`,
    headerValue: (field: string) => `"${field}" has characters that no header can carry.`,
    credentialHeader: (field: string) =>
      `"${field}" would be stored in clear. Put the secret under "credentials", where it is encrypted.`,
  },
  {
    id: (field, value) => `“${field}”须以字母或数字开头，只含字母、数字和 . _ @ + -（最多 128 个）${gotZh(value)}。`,
    routeId: (field, value) =>
      `“${field}”须以字母或数字开头，只含字母、数字和 . _ : @ + -（最多 128 个；“/”留给 接入点/模型）${gotZh(value)}。`,
    modelId: (field, value) => `“${field}”须以字母或数字开头，只含可见 ASCII 字符（最多 200 个）${gotZh(value)}。`,
    modelRef: (field, value) => `“${field}”应写作 接入点/模型${gotZh(value)}。`,
    routePattern: (field, value) => `“${field}”应为路由、接入点/模型，或其开头部分加 *${gotZh(value)}。`,
    currency: (field, value) => `“${field}”应为三到八个大写字母，例如 CNY 或 USD${gotZh(value)}。`,
    amount: (field, value) => `“${field}”应为带引号的小数，最多九位，例如 "20000" 或 "0.15"${gotZh(value)}。`,
    price: (field, value) => `“${field}”应为带引号的小数，最多九位，例如 "0.15"${gotZh(value)}。`,
    rate: (field, value) => `“${field}”应为大于零、带引号的小数，例如 "7.10"${gotZh(value)}。`,
    day: (field, value) => `“${field}”应为日期，例如 2026-11-01${gotZh(value)}。`,
    instant: (field, value) =>
      `“${field}”应为日期（例如 2026-11-01）或带时区的时刻（例如 2026-11-01T08:00:00+08:00）${gotZh(value)}。`,
    clockTime: (field, value) => `“${field}”应为 00:00 到 23:59 的时刻${gotZh(value)}。`,
    timezone: (field, value, near) =>
      `“${field}”应为 IANA 时区，例如 Asia/Shanghai 或 UTC${gotZh(value)}。${orNearestZh(near)}`,
    hash: (field) => `“${field}”应为 64 位小写十六进制的 SHA-256。密钥本身请写在“secret”。`,
    secret: (field) => `“${field}”须为 8 到 512 个可见 ASCII 字符。`,
    address: (field) => `“${field}”应为不带查询参数的 http(s) 或 ws(s) 地址，且不含凭据：凭据请写在“credentials”。`,
    headerName: (field) => `“${field}”不是请求头名称。`,
    headerValue: (field) => `“${field}”含有请求头无法携带的字符。`,
    credentialHeader: (field) => `“${field}”会以明文保存。请将其放在“credentials”下，加密保存。`,
  },
);

/** Messages of what settings say of each other. */
export const checkWords = translations(
  {
    duplicate: (kind: string, id: string) => `"${id}" stands twice in ${kind}. Give each its own id.`,
    unknownEndpoint: (ref: string, endpoint: string, near: readonly string[]) =>
      `"${ref}" names the endpoint "${endpoint}", which does not exist.${orNearest(near)}`,
    unknownModel: (ref: string, near: readonly string[]) =>
      `"${ref}" names a model that its endpoint does not have. Add it to the endpoint's "models", or correct the name.${orNearest(near)}`,
    unknownVendor: (vendor: string, near: readonly string[], all: string) =>
      `The vendor "${vendor}" is not known.${near.length > 0 ? orNearest(near) : ` Known are: ${all}.`} Any other address needs "protocol" and "baseUrl".`,
    unknownProtocol: (protocol: string, near: readonly string[], all: string) =>
      `The protocol "${protocol}" is not known.${near.length > 0 ? orNearest(near) : ` Known are: ${all}.`}`,
    noVendor: (endpoint: string) =>
      `Endpoint "${endpoint}" needs a "vendor" of the catalogue, or a "protocol" and a "baseUrl".`,
    noAddress: (endpoint: string) =>
      `Endpoint "${endpoint}" needs a "baseUrl": its protocol has no address of its own.`,
    protocolNotSpoken: (vendor: string, protocol: string, spoken: string) =>
      `The catalogue knows no address at which "${vendor}" speaks "${protocol}". It speaks ${spoken}. For an address of your own, write "baseUrl" as well.`,
    noSuchRegion: (vendor: string, protocol: string, region: string, regions: string) =>
      `The catalogue knows no region "${region}" of "${vendor}" for the protocol "${protocol}".${regions === "" ? ' It knows none at all: leave "region" out.' : ` It knows: ${regions}.`}`,
    ownAddress: (vendor: string) =>
      `"${vendor}" has no public address: every customer has one of its own. Write it as "baseUrl".`,
    unknownPayer: (what: string, payer: string, near: readonly string[]) =>
      `${what} belongs to the payer "${payer}", which does not exist.${orNearest(near)}`,
    unknownParent: (payer: string, parent: string, near: readonly string[]) =>
      `The parent of payer "${payer}" is "${parent}", which does not exist.${orNearest(near)}`,
    payerCycle: (cycle: string) => `Payers stand in a circle: ${cycle}. One of them must be the root.`,
    nestedParent: (payer: string, parent: string) =>
      `Payer "${payer}" stands inside "${parent}", so it cannot have another "parent".`,
    sameSecret: (key: string, other: string) => `Keys "${key}" and "${other}" have the same secret. Give each its own.`,
    noSecret: (key: string) => `Key "${key}" needs a "secret", or the "hash" of one.`,
    twoSecrets: (key: string) => `Key "${key}" has a "secret" and a "hash". Keep one of them.`,
    sameCurrency: (currency: string) => `A rate from ${currency} to itself says nothing. Remove it.`,
    foreignSeal: (field: string) =>
      `"${field}" was sealed by another installation and cannot be opened here. Write the credential itself, or a variable such as \${NAME}.`,
    // Warnings
    shortSecret: (key: string, characters: number) =>
      `The secret of key "${key}" has only ${characters} characters. Use at least 20 random ones.`,
    budgetWithoutRate: (budget: string, currency: string, price: string) =>
      `Budget "${budget}" is in ${currency}, but there is no rate from ${price}: calls priced in ${price} will be refused. Add one under "rates".`,
    keyRouteUnknown: (key: string, route: string, near: readonly string[]) =>
      `Key "${key}" may call "${route}", but nothing is called so.${orNearest(near)}`,
  },
  {
    duplicate: (kind, id) => `“${id}”在 ${kind} 中出现两次。请使用不同的 id。`,
    unknownEndpoint: (ref, endpoint, near) => `“${ref}”指向接入点“${endpoint}”，但它不存在。${orNearestZh(near)}`,
    unknownModel: (ref, near) =>
      `“${ref}”指向的模型不在其接入点中。请加入接入点的“models”，或更正名称。${orNearestZh(near)}`,
    unknownVendor: (vendor, near, all) =>
      `没有名为“${vendor}”的厂商。${near.length > 0 ? orNearestZh(near) : `已知厂商：${all}。`}其他地址需要“protocol”和“baseUrl”。`,
    unknownProtocol: (protocol, near, all) =>
      `没有名为“${protocol}”的协议。${near.length > 0 ? orNearestZh(near) : `已知协议：${all}。`}`,
    noVendor: (endpoint) => `接入点“${endpoint}”需要目录中的“vendor”，或“protocol”和“baseUrl”。`,
    noAddress: (endpoint) => `接入点“${endpoint}”需要“baseUrl”：其协议没有默认地址。`,
    protocolNotSpoken: (vendor, protocol, spoken) =>
      `目录中没有“${vendor}”以“${protocol}”协议提供服务的地址。它支持 ${spoken}。如使用您自己的地址，请另写“baseUrl”。`,
    noSuchRegion: (vendor, protocol, region, regions) =>
      `目录中“${vendor}”的“${protocol}”协议没有地区“${region}”。${regions === "" ? "它没有分地区，请去掉“region”。" : `已知地区：${regions}。`}`,
    ownAddress: (vendor) => `“${vendor}”没有公开地址，由客户自备。请写入“baseUrl”。`,
    unknownPayer: (what, payer, near) => `${what}属于付款方“${payer}”，但它不存在。${orNearestZh(near)}`,
    unknownParent: (payer, parent, near) => `付款方“${payer}”的上级“${parent}”不存在。${orNearestZh(near)}`,
    payerCycle: (cycle) => `付款方形成了环：${cycle}。其中之一必须是根。`,
    nestedParent: (payer, parent) => `付款方“${payer}”已位于“${parent}”之内，不能再有别的“parent”。`,
    sameSecret: (key, other) => `密钥“${key}”和“${other}”的 secret 相同。请各用各的。`,
    noSecret: (key) => `密钥“${key}”需要“secret”，或其“hash”。`,
    twoSecrets: (key) => `密钥“${key}”同时有“secret”和“hash”。请只保留一个。`,
    sameCurrency: (currency) => `${currency} 到自身的汇率没有意义。请删除。`,
    foreignSeal: (field) => `“${field}”由另一处安装加密，无法在此打开。请填写凭据本身，或变量，例如 \${NAME}。`,
    shortSecret: (key, characters) => `密钥“${key}”的 secret 只有 ${characters} 个字符。请至少使用 20 个随机字符。`,
    budgetWithoutRate: (budget, currency, price) =>
      `预算“${budget}”以 ${currency} 计，但没有 ${price} 的汇率：以 ${price} 计价的调用会被拒绝。请在“rates”中添加。`,
    keyRouteUnknown: (key, route, near) => `密钥“${key}”可调用“${route}”，但没有这个名称。${orNearestZh(near)}`,
  },
);

/** Messages of changing settings one by one. */
export const changeWords = translations(
  {
    notFound: (kind: string, id: string, near: readonly string[]) =>
      `There is no "${id}" in ${kind}.${orNearest(near)}`,
    exists: (kind: string, id: string) => `"${id}" stands in ${kind} already. Change it, or choose another id.`,
    otherId: (kind: string, id: string, written: string) =>
      `This is "${id}" of ${kind}, but the document says "${written}". An id cannot be changed.`,
    generalStays: () => "The general settings can be changed, but not removed.",
    tooManyChanges: (waiting: number) => `${waiting} changes of settings wait for their turn. Try again shortly.`,
  },
  {
    notFound: (kind, id, near) => `${kind} 中没有“${id}”。${orNearestZh(near)}`,
    exists: (kind, id) => `“${id}”已在 ${kind} 中。请修改它，或换一个 id。`,
    otherId: (kind, id, written) => `这是 ${kind} 的“${id}”，但文档中写的是“${written}”。id 不能更改。`,
    generalStays: () => "通用设置可以修改，但不能删除。",
    tooManyChanges: (waiting) => `有 ${waiting} 个设置更改在等待。请稍后重试。`,
  },
);
