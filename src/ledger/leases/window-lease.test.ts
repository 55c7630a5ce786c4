import { describe, expect, test } from "vitest";
import { BudgetAccount, type WindowSums } from "../budget-account.ts";
import { planSlice } from "./slice.ts";
import { WindowLease } from "./window-lease.ts";

const WINDOW = {} as WindowSums;

describe("a lease in a node's memory", () => {
  test("what is left in doubt stays in the record until the disk says so", () => {
    const lease = new WindowLease([]);
    lease.granted = 10n;
    lease.touch(WINDOW);
    lease.seal(3n);
    lease.commit();
    lease.leave(3n);
    lease.touch(WINDOW);
    expect(lease.granted).toBe(7n);
    expect(lease.least(0n)).toBe(10n);
    lease.seal(0n);
    // One more, after the group has left.
    lease.leave(2n);
    lease.touch(WINDOW);
    expect(lease.least(0n)).toBe(10n);
    lease.commit();
    expect(lease.least(0n)).toBe(7n);
    lease.seal(0n);
    lease.commit();
    expect(lease.least(0n)).toBe(5n);
  });

  test("is not durable while a group is under way, though its sum is what the disk has", () => {
    const lease = new WindowLease([]);
    lease.touch(WINDOW);
    lease.seal(5n);
    lease.commit();
    expect(lease.isDurable).toBe(true);
    // A hold of 5 was settled at 5.
    lease.touch(WINDOW);
    expect(lease.isDurable).toBe(false);
    lease.seal(5n);
    expect(lease.isDurable).toBe(false);
    lease.commit();
    expect(lease.isDurable).toBe(true);
  });

  test("what is given back can be had again, what is left in doubt cannot", () => {
    const lease = new WindowLease([]);
    lease.granted = 10n;
    lease.hear(25n, 0);
    expect(lease.beyond(100n)).toBe(15n);
    // Given back, and not answered.
    lease.granted -= 6n;
    expect(lease.granted + lease.beyond(100n)).toBe(25n);
    lease.leave(4n);
    expect(lease.granted + lease.beyond(100n)).toBe(21n);
    lease.forget(1);
    expect(lease.granted + lease.beyond(100n)).toBe(100n);
  });

  test("what this node has spent may have been credited by another one, as long as it has not heard otherwise", () => {
    const setting = { id: "org-total", payer: "org", amount: "100", currency: "USD", window: "total" } as const;
    const account = new BudgetAccount("org-total", setting, 0, []);
    const { limit, window } = account;
    const lease = window.lease!;
    lease.granted = (limit * 8n) / 10n;
    window.settle(lease.granted);
    lease.hear(limit, 0);
    expect(account.potential).toBe((limit * 2n) / 10n);
    lease.forget(1);
    expect(account.potential).toBe(limit);
  });

  test("a node that yields wants nothing in the same draw", () => {
    const standing = { room: 4n, needed: 4n, neededLeast: 4n, rate: 0n, othersWant: 4n, yields: true };
    expect(planSlice(standing)).toEqual({ want: undefined, giveBack: 4n });
  });
});
