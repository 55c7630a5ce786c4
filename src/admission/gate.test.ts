import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ManualClock } from "../base/clock.ts";
import { Fault } from "../base/faults.ts";
import { DEFAULT_LIMITS } from "../base/limits.ts";
import { AdmissionGate, type LimitedNode } from "./gate.ts";
import { RequestWindow, TokenWindow } from "./windows.ts";

const gate = (limits = DEFAULT_LIMITS) => {
  const clock = new ManualClock("2026-11-24T00:00:00Z");
  return { clock, gate: new AdmissionGate(clock, limits) };
};

const refused = (action: () => unknown): Fault => {
  try {
    action();
  } catch (fault) {
    if (fault instanceof Fault) return fault;
  }
  throw new Error("was let in");
};

describe("requests a minute", () => {
  test("any sixty seconds see at most the limit, whatever the arrivals", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.array(fc.integer({ min: 0, max: 30_000 })), (limit, gaps) => {
        const window = new RequestWindow(limit);
        const admitted: number[] = [];
        let now = 1_000_000;
        for (const gap of gaps) {
          now += gap;
          if (window.wait(now) === 0) {
            window.admit(now);
            admitted.push(now);
          }
        }
        for (const end of admitted) {
          expect(admitted.filter((time) => time > end - 60_000 && time <= end).length).toBeLessThanOrEqual(limit);
        }
      }),
    );
  });

  test("names the node and says when to come back", () => {
    const { clock, gate: door } = gate();
    const node: LimitedNode = { name: "payer acme", limits: { rpm: 2 } };
    door.enter([node], 0);
    clock.advance(10_000);
    door.enter([node], 0);
    const fault = refused(() => door.enter([node], 0));
    expect(fault.code).toBe("rate_limit_exceeded");
    expect(fault.retryAfterMs).toBe(50_000);
    expect(fault.message).toContain("payer acme");
    clock.advance(50_000);
    door.enter([node], 0);
  });
});

describe("tokens a minute", () => {
  test("any sixty seconds see at most the limit", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 20_000 }), fc.integer({ min: 0, max: 120 }))),
        (arrivals) => {
          const window = new TokenWindow(100);
          const used: { at: number; tokens: number }[] = [];
          let now = 1_000_000;
          for (const [gap, tokens] of arrivals) {
            now += gap;
            const wait = window.wait(now, tokens);
            if (tokens > 100) expect(wait).toBe(Number.POSITIVE_INFINITY);
            if (wait > 0) continue;
            window.add(now, tokens);
            used.push({ at: now, tokens });
          }
          for (const { at } of used) {
            const sum = used
              .filter((use) => use.at > at - 60_000 && use.at <= at)
              .reduce((s, use) => s + use.tokens, 0);
            expect(sum).toBeLessThanOrEqual(100);
          }
        },
      ),
    );
  });

  test("the wait is long enough", () => {
    const window = new TokenWindow(100);
    window.add(5_000, 60);
    window.add(20_500, 40);
    const wait = window.wait(30_000, 50);
    expect(window.wait(30_000 + wait, 50)).toBe(0);
    expect(wait).toBeLessThanOrEqual(37_000);
  });

  test("what was not used is given back when the call leaves", () => {
    const { gate: door } = gate();
    const node: LimitedNode = { name: "key bot", limits: { tpm: 100 } };
    const admission = door.enter([node], 90);
    expect(refused(() => door.enter([node], 20)).code).toBe("rate_limit_exceeded");
    admission.leave(10);
    door.enter([node], 90);
  });

  test("a late correction does not make room for more than the limit", () => {
    const { clock, gate: door } = gate();
    const node: LimitedNode = { name: "key bot", limits: { tpm: 100 } };
    const admission = door.enter([node], 90);
    clock.advance(50_000);
    admission.leave(10);
    clock.advance(12_000);
    door.enter([node], 100);
    expect(refused(() => door.enter([node], 1)).code).toBe("rate_limit_exceeded");
  });

  test("a call that can never fit is told so", () => {
    const { gate: door } = gate();
    const fault = refused(() => door.enter([{ name: "payer a", limits: { tpm: 10 } }], 11));
    expect(fault.retryAfterMs).toBeUndefined();
  });
});

describe("calls at once", () => {
  test("on every node of the path, all or none", () => {
    const { gate: door } = gate();
    const child: LimitedNode = { name: "payer child", limits: { concurrency: 5 } };
    const parent: LimitedNode = { name: "payer parent", limits: { concurrency: 1 } };
    const first = door.enter([child, parent], 0);
    expect(refused(() => door.enter([child, parent], 0)).message).toContain("payer parent");
    first.leave(undefined);
    first.leave(undefined);
    const second = door.enter([child, parent], 0);
    expect(refused(() => door.enter([parent], 0)).details).toMatchObject({ limit: "concurrency", allowed: 1 });
    second.leave(undefined);
    expect(door.inFlight).toBe(0);
  });

  test("on the process as a whole", () => {
    const { gate: door } = gate({ ...DEFAULT_LIMITS, callsInFlight: 1 });
    door.enter([], 0);
    expect(refused(() => door.enter([], 0)).code).toBe("overloaded");
  });
});
