import { translations } from "../language.ts";

/** Messages of sending requests to vendors. `address` is always an origin, never with credentials or a query. */
export const transportWords = translations(
  {
    badAddress: (address: string) =>
      `"${address}" is no address of a vendor. Write http:// or https://, the host, and the path where the API begins, without a query or a password.`,
    unknownProtocol: (protocol: string, known: readonly string[]) =>
      `There is no protocol "${protocol}". There are: ${known.join(", ")}.`,
    noAddress: () => "This endpoint has no baseUrl, and its vendor brings none along. Say where its API begins.",
    noSuites: () => "This endpoint has no suites. Name the folder that holds the suites of recorded answers.",
    refused: (address: string) => `Nothing listens at ${address}. Start the server there, or correct baseUrl.`,
    unknownHost: (host: string) =>
      `The name "${host}" is not known here. Check baseUrl and this machine's name servers.`,
    unreachable: (address: string, reason: string) => `${address} cannot be reached: ${reason}.`,
    noConnection: (address: string, milliseconds: number) =>
      `No connection to ${address} within ${milliseconds} ms. Check the address and the network, or raise timeouts.connectMs.`,
    badCertificate: (address: string, reason: string) =>
      `No safe connection to ${address}: ${reason}. Check that baseUrl has the right scheme and name; NODE_EXTRA_CA_CERTS adds a certificate authority of your own.`,
    closed: (address: string) => `${address} closed the connection before its answer was complete.`,
    noAnswer: (address: string, milliseconds: number) => `${address} sent nothing within ${milliseconds} ms.`,
    stalled: (address: string, milliseconds: number) =>
      `${address} stopped in the middle of its answer: nothing came for ${milliseconds} ms.`,
    headTooLarge: (address: string, bytes: number) =>
      `The headers of the answer of ${address} are longer than ${bytes} bytes, their limit.`,
    notHttp: (address: string) => `${address} answered with something that is not HTTP.`,
    redirected: (address: string, target: string) =>
      `${address} sends requests on to ${target}, which Maidan does not follow. Set baseUrl to the final address.`,
    unsendable: (address: string, reason: string) =>
      `The request to ${address} cannot be formed: ${reason}. Check the endpoint's credentials and headers for line breaks and stray characters.`,
    shut: (address: string) => `The endpoint at ${address} is closed.`,
    failed: (address: string, reason: string) => `The exchange with ${address} failed: ${reason}.`,
  },
  {
    badAddress: (address) =>
      `“${address}”不是厂商地址。请写 http:// 或 https://、主机名以及 API 起始路径，不要带查询参数或密码。`,
    unknownProtocol: (protocol, known) => `没有名为“${protocol}”的协议。可用的有：${known.join("、")}。`,
    noAddress: () => "此接入点没有 baseUrl，其厂商也未提供。请写明 API 的起始地址。",
    noSuites: () => "此接入点没有 suites。请写明录制答案套件所在的文件夹。",
    refused: (address) => `${address} 没有服务在监听。请启动该服务，或修改 baseUrl。`,
    unknownHost: (host) => `无法解析主机名“${host}”。请检查 baseUrl 和本机的域名解析。`,
    unreachable: (address, reason) => `无法连接 ${address}：${reason}。`,
    noConnection: (address, milliseconds) =>
      `${milliseconds} 毫秒内未能连接 ${address}。请检查地址和网络，或调大 timeouts.connectMs。`,
    badCertificate: (address, reason) =>
      `无法与 ${address} 建立安全连接：${reason}。请检查 baseUrl 的协议和主机名；自有证书机构可用 NODE_EXTRA_CA_CERTS 添加。`,
    closed: (address) => `${address} 在答案完成前关闭了连接。`,
    noAnswer: (address, milliseconds) => `${address} 在 ${milliseconds} 毫秒内没有任何响应。`,
    stalled: (address, milliseconds) => `${address} 的答案中途停止：${milliseconds} 毫秒内没有新内容。`,
    headTooLarge: (address, bytes) => `${address} 的响应头超过了 ${bytes} 字节的上限。`,
    notHttp: (address) => `${address} 返回的内容不是 HTTP。`,
    redirected: (address, target) =>
      `${address} 将请求重定向到 ${target}，Maidan 不跟随重定向。请把 baseUrl 设为最终地址。`,
    unsendable: (address, reason) =>
      `无法构造发往 ${address} 的请求：${reason}。请检查该接入点的凭据和请求头是否含有换行或异常字符。`,
    shut: (address) => `${address} 的接入点已关闭。`,
    failed: (address, reason) => `与 ${address} 的通信失败：${reason}。`,
  },
);

/** Messages of the practice vendor. */
export const practiceWords = translations(
  {
    unknownModel: (model: string) => `The practice endpoint has no model named "${model}".`,
    unknownPath: (path: string) => `The practice endpoint does not serve ${path}.`,
    malformed: (reason: string) => `The practice endpoint cannot read this request: ${reason}.`,
    error: (model: string) => `The practice model "${model}" fails with this error because its settings say so.`,
  },
  {
    unknownModel: (model) => `演练接入点没有名为“${model}”的模型。`,
    unknownPath: (path) => `演练接入点不提供 ${path}。`,
    malformed: (reason) => `演练接入点无法读取此请求：${reason}。`,
    error: (model) => `演练模型“${model}”按其设置返回此错误。`,
  },
);

/** Messages of recorded answers. */
export const recordedWords = translations(
  {
    noFolder: (folder: string) =>
      `The folder of recorded answers, ${folder}, cannot be read. Correct suites of the endpoint.`,
    noSuites: (folder: string) =>
      `There is no suite in ${folder}. A suite is a folder with suite.json, prompts.jsonl and answers/.`,
    malformed: (file: string, line: number | undefined, reason: string) =>
      `${file}${line === undefined ? "" : `, line ${line}`}: ${reason}`,
    unknownModel: (model: string, nearest: readonly string[]) =>
      `No recorded answers of "${model}".${nearest.length > 0 ? ` Did you mean ${nearest.join(" or ")}?` : ""}`,
    unknownPrompt: (suite: string) =>
      `Suite "${suite}" has no recorded answer to this prompt. Recorded models answer only the exact prompts of prompts.jsonl, as the last user message.`,
    promptNotAnswered: (model: string, suite: string, prompt: string) =>
      `"${model}" has no recorded answer to prompt "${prompt}" of suite "${suite}".`,
    noPrompt: () => "This request has no user message with text, so there is nothing to look up.",
    unreadable: (reason: string) => `The recorded endpoint cannot read this request: ${reason}.`,
    unsupported: (path: string) => `Recorded models offer chat completions only, not ${path}.`,
    tooLarge: (bytes: number) => `the file is longer than ${bytes} bytes, its limit`,
    notJson: () => "this is not a JSON object",
    wrongField: (field: string, expected: string) => `"${field}" must be ${expected}`,
    tooMany: (what: string, count: number) => `more than ${count} ${what}`,
    missing: () => "the file is missing or cannot be read",
    repeated: (id: string) => `the id "${id}" appears twice`,
  },
  {
    noFolder: (folder) => `无法读取录制答案的文件夹 ${folder}。请修改该接入点的 suites。`,
    noSuites: (folder) => `${folder} 中没有套件。套件是含有 suite.json、prompts.jsonl 和 answers/ 的文件夹。`,
    malformed: (file, line, reason) => `${file}${line === undefined ? "" : `，第 ${line} 行`}：${reason}`,
    unknownModel: (model, nearest) =>
      `没有“${model}”的录制答案。${nearest.length > 0 ? `您是否想用 ${nearest.join(" 或 ")}？` : ""}`,
    unknownPrompt: (suite) =>
      `套件“${suite}”没有此提示的录制答案。录制模型只回答 prompts.jsonl 中完全相同的提示（作为最后一条 user 消息）。`,
    promptNotAnswered: (model, suite, prompt) => `“${model}”没有套件“${suite}”中提示“${prompt}”的录制答案。`,
    noPrompt: () => "此请求没有带文本的 user 消息，无从查找。",
    unreadable: (reason) => `录制接入点无法读取此请求：${reason}。`,
    unsupported: (path) => `录制模型只提供对话补全，不提供 ${path}。`,
    tooLarge: (bytes) => `文件超过 ${bytes} 字节的上限`,
    notJson: () => "这不是 JSON 对象",
    wrongField: (field, expected) => `“${field}”必须是 ${expected}`,
    tooMany: (what, count) => `${what} 超过 ${count} 个`,
    missing: () => "文件不存在或无法读取",
    repeated: (id) => `id“${id}”出现了两次`,
  },
);
