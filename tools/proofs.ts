/**
 * How each protocol is proven, and what its wire cannot say. The contract suite (`tests/clients/protocols.test.ts`) skips by this
 * list, and `docs/vendors.md` is made from it, so that the page cannot claim more than what was tested.
 */

export type Capability =
  | "length"
  | "tool"
  | "tools"
  | "empty"
  | "reasoning"
  | "images"
  | "cached"
  | "stop"
  | "moderated"
  | "rate_limit"
  | "quota"
  | "timeout";

/** What a vendor's wire cannot say: each with its reason. */
export const LACKS: Readonly<Record<string, Partial<Record<Capability, string>>>> = {
  "baidu-v1": {
    tools: "one call an answer on this wire",
    reasoning: "no reasoning on this wire",
    images: "text only",
    cached: "reports no cache",
  },
  skywork: {
    tool: "no tools on this wire",
    tools: "no tools on this wire",
    empty: "no tools on this wire",
    reasoning: "no reasoning on this wire",
    images: "text only",
    cached: "reports no cache",
    stop: "no stop sequences on this wire",
  },
  iflytek: {
    length: "its wire does not say that an answer was cut short",
    tools: "one call an answer on this wire",
    images: "text only",
    cached: "reports no cache",
    stop: "no stop sequences on this wire",
    timeout: "no code for timeouts",
  },
  responses: { stop: "no stop sequences on this wire" },
  tencent: { length: "no longest answer on this wire", quota: "no code tells a quota from an empty account" },
  zhipu: { timeout: "no code for timeouts" },
  sensenova: { reasoning: "no reasoning on this wire" },
  ollama: {
    cached: "reports no cache",
    rate_limit: "one's own server has no limits",
    quota: "one's own server has no limits",
    timeout: "no code for timeouts",
    moderated: "one's own server filters nothing",
  },
};

/** How the simulator of a protocol was proven. */
export interface Proof {
  /** Clients from npm that nobody here wrote, which drove the simulator; none where none was found. */
  readonly clients: readonly string[];
  /** The test in which they did, from the project's root. */
  readonly test: string | undefined;
  /** Its signatures reproduce known answers. */
  readonly vectors?: "published" | "computed";
}

export const PROOFS: Readonly<Record<string, Proof>> = {
  openai: { clients: ["openai"], test: "tests/clients/openai.test.ts" },
  responses: { clients: ["openai"], test: "tests/clients/responses.test.ts" },
  anthropic: { clients: ["@anthropic-ai/sdk"], test: "tests/clients/anthropic.test.ts" },
  gemini: { clients: ["@google/genai"], test: "tests/clients/gemini.test.ts" },
  "baidu-v1": { clients: ["@baiducloud/qianfan"], test: "tests/clients/baidu-v1.test.ts", vectors: "published" },
  dashscope: {
    clients: ["@langchain/community", "dashscope-node"],
    test: "tests/clients/dashscope.test.ts",
  },
  tencent: {
    clients: ["tencentcloud-sdk-nodejs-hunyuan"],
    test: "tests/clients/tencent.test.ts",
    vectors: "published",
  },
  iflytek: { clients: ["@langchain/community"], test: "tests/clients/iflytek.test.ts", vectors: "published" },
  zhipu: {
    clients: ["zhipuai-sdk-nodejs-v4", "@langchain/community"],
    test: "tests/clients/zhipu.test.ts",
    vectors: "computed",
  },
  ollama: { clients: ["ollama"], test: "tests/clients/ollama.test.ts" },
  sensenova: { clients: [], test: undefined, vectors: "computed" },
  skywork: { clients: [], test: undefined, vectors: "computed" },
};
