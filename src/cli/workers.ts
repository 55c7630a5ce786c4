import cluster, { type Worker } from "node:cluster";
import { setTimeout as sleep } from "node:timers/promises";
import type { Channel, StoreHub } from "../store/store-hub.ts";

/** Tells a worker which one it is: from 1. */
const VARIABLE = "MAIDAN_WORKER";
/** A worker that ended by itself is started again after this. */
const RESTART_MS = 1_000;
const READY = "worker-ready";

/** Which worker this process is; undefined where it is none. */
export function workerNumber(): number | undefined {
  return cluster.isWorker ? Number(process.env[VARIABLE]) : undefined;
}

/** Tells the process that started this worker that it serves. */
export function tellReady(): void {
  process.send?.({ worker: READY });
}

/** The way from a worker to the process that started it. */
export function channelToPrimary(): Channel {
  return {
    // A send that fails is followed by the end of the channel, which is heard.
    send: (message) => process.send?.(message, undefined, undefined, () => {}),
    onMessage: (listener) => process.on("message", listener),
    onClose: (listener) => process.on("disconnect", listener),
  };
}

function channelTo(worker: Worker): Channel {
  return {
    send: (message) => {
      if (worker.isConnected()) worker.send(message as object, () => {});
    },
    onMessage: (listener) => worker.on("message", listener),
    onClose: (listener) => worker.on("disconnect", listener),
  };
}

export interface WorkerGroup {
  /** Resolves with the reason when the group cannot go on. */
  readonly failed: Promise<unknown>;
  /** Lets calls in flight end. */
  stop(): Promise<void>;
}

/**
 * Starts processes that run the same command as this one, and share its port. The first serves before the others start:
 * it makes what a first start makes. One that ends by itself is started again.
 *
 * @param hub where they use the store of this process; undefined where each has a way of its own to it
 */
export async function startWorkers(count: number, hub: StoreHub | undefined): Promise<WorkerGroup> {
  cluster.setupPrimary({ serialization: "advanced" });
  const workers = new Map<number, Worker>();
  let stopping = false;
  let fail!: (cause: unknown) => void;
  const failed = new Promise<unknown>((resolve) => {
    fail = resolve;
  });
  const start = async (number: number): Promise<void> => {
    const worker = cluster.fork({ [VARIABLE]: String(number) });
    workers.set(number, worker);
    hub?.serve(channelTo(worker));
    const ready = await new Promise<boolean>((resolve) => {
      worker.on("message", (message: { worker?: string }) => message?.worker === READY && resolve(true));
      worker.on("exit", () => resolve(false));
    });
    if (!ready) throw new Error(`worker ${number} did not start`);
    worker.once("exit", () => {
      if (!stopping) void startAgain(number);
    });
  };
  const startAgain = async (number: number): Promise<void> => {
    await sleep(RESTART_MS);
    if (!stopping) await start(number).catch(fail);
  };
  const stop = async (): Promise<void> => {
    stopping = true;
    await Promise.all([...workers.values()].map(end));
  };
  try {
    for (let number = 1; number <= count; number++) await start(number);
  } catch (cause) {
    await stop();
    throw cause;
  }
  return { failed, stop };
}

async function end(worker: Worker): Promise<void> {
  if (worker.isDead()) return;
  const ended = new Promise((resolve) => worker.once("exit", resolve));
  worker.process.kill("SIGTERM");
  await ended;
}
