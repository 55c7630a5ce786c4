import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import timers from "node:timers/promises";
import type { Chance } from "./chance.ts";
import type { Schedule } from "./schedule.ts";

/** The day on which every simulation begins. */
export const EPOCH = Date.parse("2026-11-24T06:20:00Z");

/** What `setTimeout` and its kin return here. */
class SimulatedTimer {
  event: ReturnType<Schedule["after"]> | undefined;

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }
}

/**
 * Puts the schedule in the place of everything by which the product reads the time, waits, or draws at random. For a
 * process that does nothing else: the real ones do not come back.
 *
 * @param world the schedule and the chance of the run under way
 */
export function replaceGlobals(world: () => { readonly schedule: Schedule; readonly chance: Chance }): void {
  const start = (ms: number, listener: () => void): SimulatedTimer => {
    const { schedule } = world();
    const timer = new SimulatedTimer();
    timer.event = schedule.after(ms, listener, schedule.current);
    return timer;
  };
  const clear = (timer: unknown): void => {
    if (timer instanceof SimulatedTimer) world().schedule.cancel(timer.event);
  };
  const setTimeout = (listener: (...values: unknown[]) => void, ms = 1, ...values: unknown[]): SimulatedTimer =>
    start(Math.max(1, ms), () => listener(...values));
  const setInterval = (listener: (...values: unknown[]) => void, ms = 1, ...values: unknown[]): SimulatedTimer => {
    const { schedule } = world();
    const owner = schedule.current;
    const timer = new SimulatedTimer();
    const next = (): void => {
      const event = schedule.after(Math.max(1, ms), strike, owner);
      timer.event = event;
    };
    const strike = (): void => {
      next(); // Before the listener, which may clear it.
      listener(...values);
    };
    next();
    return timer;
  };
  const setImmediate = (listener: (...values: unknown[]) => void, ...values: unknown[]): SimulatedTimer =>
    start(0, () => listener(...values));
  Object.assign(globalThis, { setTimeout, setInterval, setImmediate });
  Object.assign(globalThis, { clearTimeout: clear, clearInterval: clear, clearImmediate: clear });
  Date.now = () => EPOCH + Math.floor(world().schedule.now);
  performance.now = () => world().schedule.now;
  Math.random = () => world().chance.fraction();
  replaceBuiltIns(world, start, clear);
}

function replaceBuiltIns(
  world: () => { readonly chance: Chance },
  start: (ms: number, listener: () => void) => SimulatedTimer,
  clear: (timer: unknown) => void,
): void {
  const sleep = <T>(ms = 1, value?: T, { signal }: { signal?: AbortSignal } = {}): Promise<T | undefined> =>
    new Promise((resolve, reject) => {
      const abort = (): void => {
        clear(timer);
        reject(signal!.reason);
      };
      const timer = start(Math.max(1, ms), () => {
        signal?.removeEventListener("abort", abort);
        resolve(value);
      });
      if (signal?.aborted) abort();
      else signal?.addEventListener("abort", abort, { once: true });
    });
  const fill = <T extends NodeJS.ArrayBufferView>(view: T): T => {
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    for (let i = 0; i < bytes.length; i++) bytes[i] = world().chance.word() & 0xff;
    return view;
  };
  Object.assign(timers, { setTimeout: sleep });
  Object.assign(crypto, { randomFillSync: fill, randomBytes: (count: number) => fill(Buffer.alloc(count)) });
  syncBuiltinESMExports();
}
