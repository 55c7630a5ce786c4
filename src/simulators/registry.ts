import { anthropicSimulator } from "./anthropic.ts";
import { baiduV1Simulator } from "./baidu-v1.ts";
import { dashscopeSimulator } from "./dashscope.ts";
import { geminiSimulator } from "./gemini.ts";
import { iflytekSimulator } from "./iflytek.ts";
import { ollamaSimulator } from "./ollama.ts";
import { openaiSimulator } from "./openai.ts";
import { responsesSimulator } from "./responses.ts";
import { sensenovaSimulator } from "./sensenova.ts";
import { skyworkSimulator } from "./skywork.ts";
import type { Simulator } from "./spec.ts";
import { tencentSimulator } from "./tencent.ts";
import { zhipuSimulator } from "./zhipu.ts";

/** Every simulator there is, in the order in which `maidan practice serve` shows them. */
export const SIMULATORS: readonly Simulator[] = [
  openaiSimulator,
  responsesSimulator,
  anthropicSimulator,
  geminiSimulator,
  baiduV1Simulator,
  dashscopeSimulator,
  iflytekSimulator,
  ollamaSimulator,
  sensenovaSimulator,
  skyworkSimulator,
  tencentSimulator,
  zhipuSimulator,
];
