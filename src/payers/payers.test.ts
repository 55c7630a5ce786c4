import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Fault } from "../base/faults.ts";
import type { KeySetting, PayerSetting } from "../config/settings.ts";
import { Payers } from "./payers.ts";
import { hasHash, hashSecret, newSecret } from "./secrets.ts";

const NOW = Date.parse("2026-11-24T00:00:00Z");

function key(id: string, payer: string, rest: Partial<KeySetting> = {}): KeySetting {
  return { id, payer, hash: hashSecret(`secret-of-${id}`), ...rest };
}

const payers: PayerSetting[] = [
  { id: "bot", parent: "support" },
  { id: "acme", limits: { rpm: 100 } },
  { id: "support", parent: "acme", limits: {} },
  { id: "sales", parent: "acme", limits: { concurrency: 2 } },
  { id: "other" },
];

function faultOf(run: () => unknown): Fault {
  try {
    run();
  } catch (fault) {
    expect(fault).toBeInstanceOf(Fault);
    return fault as Fault;
  }
  throw new Error("no fault was thrown");
}

describe("the tree", () => {
  const tree = new Payers({ payers, keys: [] });

  test("knows the way to the root, whatever the order of the settings", () => {
    expect(tree.path("bot")).toEqual(["bot", "support", "acme"]);
    expect(tree.path("acme")).toEqual(["acme"]);
    expect(tree.path("nobody")).toEqual([]);
  });

  test("knows all below a payer", () => {
    expect([...tree.subtree("acme")].sort()).toEqual(["acme", "bot", "sales", "support"]);
    expect(tree.subtree("nobody")).toEqual([]);
  });

  test("refuses a missing parent and a circle, naming them", () => {
    expect(faultOf(() => new Payers({ payers: [{ id: "a", parent: "b" }], keys: [] })).message).toContain('"b"');
    const circle = [
      { id: "root" },
      { id: "a", parent: "c" },
      { id: "b", parent: "a" },
      { id: "c", parent: "b" },
      { id: "leaf", parent: "a" },
    ];
    expect(faultOf(() => new Payers({ payers: circle, keys: [] })).message).toContain("a → c → b → a");
    expect(faultOf(() => new Payers({ payers: [{ id: "a", parent: "a" }], keys: [] })).message).toContain("a → a");
  });

  test("any depth", () => {
    const deep = Array.from({ length: 2_000 }, (_, i) =>
      i === 0 ? { id: "p0" } : { id: `p${i}`, parent: `p${i - 1}` },
    );
    const tall = new Payers({ payers: deep.reverse(), keys: [] });
    expect(tall.path("p1999")).toHaveLength(2_000);
    expect(tall.subtree("p0")).toHaveLength(2_000);
  });

  test("path and subtree say the same of any tree", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { minLength: 1, maxLength: 30 }), (parents) => {
        const settings = parents.map((parent, i) =>
          i === 0 || parent % 5 === 0 ? { id: `p${i}` } : { id: `p${i}`, parent: `p${parent % i}` },
        );
        const any = new Payers({ payers: settings, keys: [] });
        for (const { id: above } of settings) {
          const below = new Set(any.subtree(above));
          for (const { id } of settings) expect(below.has(id)).toBe(any.path(id).includes(above));
        }
      }),
    );
  });
});

describe("identify", () => {
  const keys = [
    key("bot-key", "bot"),
    key("old", "bot", { expiresAt: "2026-11-24T00:00:00Z" }),
    key("gone", "bot", { revokedAt: "2026-11-01" }),
    key("later", "bot", { expiresAt: "2026-11-25" }),
  ];
  const tree = new Payers({ payers, keys });

  test("a secret names its key, its payer and who pays above", () => {
    const identity = tree.identify("secret-of-bot-key", NOW);
    expect(identity).toMatchObject({ key: { id: "bot-key" }, payer: "bot", path: ["bot", "support", "acme"] });
    expect(tree.identify("secret-of-bot-key", NOW)).toBe(identity);
  });

  test("unknown, revoked and expired keys are refused, each saying which", () => {
    for (const secret of ["", "secret-of-nobody", "x".repeat(100_000), keys[0]!.hash]) {
      expect(faultOf(() => tree.identify(secret, NOW))).toMatchObject({ code: "invalid_api_key" });
    }
    expect(faultOf(() => tree.identify("secret-of-gone", NOW)).message).toContain("revoked");
    expect(faultOf(() => tree.identify("secret-of-old", NOW)).message).toContain("expired");
    expect(tree.identify("secret-of-old", NOW - 1).key?.id).toBe("old");
    expect(tree.identify("secret-of-later", NOW).key?.id).toBe("later");
  });

  test("no secret stands in a fault", () => {
    const fault = faultOf(() => tree.identify("mk-very-secret", NOW));
    expect(fault.text("en") + fault.text("zh")).not.toContain("mk-very-secret");
  });

  test("callers inside the process need no key", () => {
    expect(tree.identityOf("sales")).toEqual({ key: undefined, payer: "sales", path: ["sales", "acme"] });
    expect(tree.mayCall(tree.identityOf("sales"), "anything")).toBe(true);
    expect(faultOf(() => tree.identityOf("nobody")).code).toBe("not_found");
  });

  test("a key of no payer is refused", () => {
    expect(faultOf(() => new Payers({ payers, keys: [key("k", "nobody")] })).message).toContain("nobody");
  });
});

describe("what a key may call", () => {
  const tree = new Payers({
    payers,
    keys: [
      key("any", "bot"),
      key("some", "bot", { routes: ["mini", "lab/*", "big/model"] }),
      key("every", "bot", { routes: ["*"] }),
    ],
  });

  test.each([
    ["any", "whatever", true],
    ["every", "whatever", true],
    ["some", "mini", true],
    ["some", "mini2", false],
    ["some", "lab/x", true],
    ["some", "lab", false],
    ["some", "big/model", true],
    ["some", "big/model-2", false],
  ])("%s: %s → %s", (id, name, allowed) => {
    expect(tree.mayCall(tree.identify(`secret-of-${id}`, NOW), name)).toBe(allowed);
  });
});

test("the limits of a call are those of its key and of every payer above that has any", () => {
  const tree = new Payers({ payers, keys: [key("k", "sales", { limits: { tpm: 5 } }), key("l", "bot")] });
  expect(tree.limitedNodes(tree.identify("secret-of-k", NOW))).toEqual([
    { name: "key k", limits: { tpm: 5 } },
    { name: "payer sales", limits: { concurrency: 2 } },
    { name: "payer acme", limits: { rpm: 100 } },
  ]);
  expect(tree.limitedNodes(tree.identify("secret-of-l", NOW))).toEqual([{ name: "payer acme", limits: { rpm: 100 } }]);
});

test("secrets are long, random and checked by hash", () => {
  const secret = newSecret();
  expect(secret).toMatch(/^mk-[A-Za-z0-9_-]{43}$/);
  expect(newSecret()).not.toBe(secret);
  expect(hashSecret("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  expect(hasHash(secret, hashSecret(secret))).toBe(true);
  expect(hasHash("other", hashSecret(secret))).toBe(false);
  expect(hasHash(secret, "short")).toBe(false);
});
