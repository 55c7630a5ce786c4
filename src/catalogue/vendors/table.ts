import { alibaba, alibabaInternational } from "./alibaba.ts";
import { ark } from "./ark.ts";
import { baidu } from "./baidu.ts";
import { deepseek } from "./deepseek.ts";
import { ai360, baichuan, internlm, lingyiwanwu, taichu } from "./further.ts";
import { iflytek } from "./iflytek.ts";
import { practice, recorded } from "./inside.ts";
import { meituan } from "./meituan.ts";
import { minimax, minimaxInternational } from "./minimax.ts";
import { moonshot, moonshotInternational } from "./moonshot.ts";
import { openai } from "./openai.ts";
import { anthropic, cloudwalk, google, skywork } from "./others.ts";
import { llamacpp, lmStudio, ollama, vllm } from "./self-hosted.ts";
import { sensetime, sensetimeLegacy } from "./sensetime.ts";
import { tencent } from "./tencent.ts";
import type { Vendor } from "./vendor.ts";
import { xiaomi } from "./xiaomi.ts";
import { zhipu, zhipuInternational } from "./zhipu.ts";

/** Every vendor that this version of Maidan knows, in the order in which they are shown. */
export const VENDORS: readonly Vendor[] = [
  openai,
  anthropic,
  google,
  alibaba,
  baidu,
  tencent,
  ark,
  deepseek,
  moonshot,
  zhipu,
  minimax,
  xiaomi,
  meituan,
  iflytek,
  sensetime,
  sensetimeLegacy,
  baichuan,
  lingyiwanwu,
  ai360,
  taichu,
  internlm,
  skywork,
  cloudwalk,
  alibabaInternational,
  moonshotInternational,
  zhipuInternational,
  minimaxInternational,
  ollama,
  vllm,
  llamacpp,
  lmStudio,
  practice,
  recorded,
];

const byId = new Map(VENDORS.map((vendor) => [vendor.id, vendor]));

export function vendorById(id: string): Vendor | undefined {
  return byId.get(id);
}
