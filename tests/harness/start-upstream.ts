import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { compileUpstream } from "./compile.ts";
import { Printed } from "./lines.ts";
import { fetchJson } from "./requests.ts";
import type { Behaviour, ExchangedBytes, TallyRow, UpstreamOptions } from "./upstream-behaviour.ts";

/** A running simulated vendor. */
export interface RunningUpstream {
  /** `http://127.0.0.1:port/v1`: what an endpoint's `baseUrl` is. */
  readonly baseUrl: string;
  readonly process: ChildProcess;
  /** Its books. */
  tally(): Promise<TallyRow[]>;
  /** The rows of one tag. */
  tallyOf(tag: string): Promise<TallyRow[]>;
  /** Changes how a model behaves from now on. */
  behave(model: string, behaviour: Behaviour): Promise<void>;
  /** The bytes of the last request with this tag, and of its answer. */
  exchange(tag: string): Promise<{ path: string; headers: ExchangedBytes["headers"]; request: Buffer; answer: Buffer }>;
  stop(): Promise<void>;
}

export async function startUpstream(options: UpstreamOptions = {}): Promise<RunningUpstream> {
  const child = spawn(process.execPath, [compileUpstream(), JSON.stringify(options)], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  const match = await new Printed(child).find(/^(\d+)\n/, "the simulated vendor did not start");
  const address = `http://127.0.0.1:${match[1]}`;
  const tally = async (): Promise<TallyRow[]> => (await fetchJson("GET", `${address}/_/tally`)) as TallyRow[];
  return {
    baseUrl: `${address}/v1`,
    process: child,
    tally,
    tallyOf: async (tag) => (await tally()).filter((row) => row.tag === tag),
    behave: async (model, behaviour) => {
      await fetchJson("POST", `${address}/_/behave`, { model, behaviour });
    },
    exchange: async (tag) => {
      const kept = (await fetchJson(
        "GET",
        `${address}/_/exchange?tag=${encodeURIComponent(tag)}`,
      )) as ExchangedBytes | null;
      if (!kept) throw new Error(`the simulated vendor has seen no request with the tag ${tag}`);
      return {
        path: kept.path,
        headers: kept.headers,
        request: Buffer.from(kept.request, "base64"),
        answer: Buffer.from(kept.answer, "base64"),
      };
    },
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.stdin?.end();
      const timer = setTimeout(() => child.kill("SIGKILL"), 5_000);
      await ended;
      clearTimeout(timer);
    },
  };
}
