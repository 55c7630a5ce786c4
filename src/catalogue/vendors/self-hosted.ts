import type { Name } from "../../config/settings.ts";
import { also } from "./rows.ts";
import { type Detection, OWN, type Vendor } from "./vendor.ts";

/** Servers that people run themselves. Their models are asked of them; their price is the operator's to set. */
function server(id: string, name: Name, baseUrl: string, documentation: string, detection: Detection): Vendor {
  return {
    id,
    name,
    protocol: "openai",
    baseUrl,
    environment: {},
    required: [],
    quirks: {},
    documentation,
    billing: OWN,
    confidence: "high",
    models: [],
    detection,
  };
}

export const ollama: Vendor = {
  ...server("ollama", "Ollama", "http://127.0.0.1:11434/v1", "https://docs.ollama.com", {
    ports: [11434],
    path: "/api/tags",
    sign: '"models"',
  }),
  also: [also("ollama", "http://127.0.0.1:11434", "high")],
};

export const vllm: Vendor = {
  ...server("vllm", "vLLM", "http://127.0.0.1:8000/v1", "https://docs.vllm.ai", {
    ports: [8000],
    path: "/v1/models",
    sign: '"owned_by":"vllm"',
  }),
  also: [also("responses", "http://127.0.0.1:8000/v1", "high")],
};

export const llamacpp: Vendor = {
  ...server(
    "llamacpp",
    "llama.cpp",
    "http://127.0.0.1:8080/v1",
    "https://github.com/ggml-org/llama.cpp/tree/master/tools/server",
    { ports: [8080, 9931], path: "/v1/models", sign: '"owned_by":"llamacpp"' },
  ),
  also: [also("responses", "http://127.0.0.1:8080/v1", "high"), also("anthropic", "http://127.0.0.1:8080", "high")],
};

export const lmStudio = server("lmstudio", "LM Studio", "http://127.0.0.1:1234/v1", "https://lmstudio.ai/docs", {
  ports: [1234],
  path: "/api/v0/models",
  sign: '"compatibility_type"',
});
