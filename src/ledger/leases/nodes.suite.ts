import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import { expect } from "vitest";
import { ManualClock } from "../../base/clock.ts";
import { CallIds } from "../../base/ids.ts";
import { DEFAULT_LIMITS, type Limits } from "../../base/limits.ts";
import type { Nano } from "../../base/money.ts";
import type { BudgetSetting } from "../../config/settings.ts";
import { openPostgresStore } from "../../store/postgres-store.ts";
import { openRemoteStore } from "../../store/remote-store.ts";
import type { Store } from "../../store/spec.ts";
import { openSqliteStore, type SqliteStore } from "../../store/sqlite-store.ts";
import type { Channel } from "../../store/store-hub.ts";
import { TREE, WORLD } from "../ledger.suite.ts";
import { Ledger } from "../ledger.ts";
import type { Hold, HoldAsk } from "../spec.ts";

/** Ledgers that share one store, each as in a process of its own. */
export class Nodes {
  readonly folder = mkdtempSync(join(tmpdir(), "maidan-nodes-"));
  readonly clock = new ManualClock("2026-11-05T10:00:00Z");
  readonly limits: Limits;
  readonly nodes: Node[] = [];
  budgets: readonly BudgetSetting[];
  version = 1;

  readonly #url: string | undefined;
  /** The process that has the file, where the store is SQLite's: nodes are its workers. */
  #owner: SqliteStore | undefined;

  /** @param url of an empty database in PostgreSQL; without one the store is SQLite's */
  constructor(budgets: readonly BudgetSetting[], limits: Partial<Limits> = {}, url?: string) {
    this.#url = url;
    this.budgets = budgets;
    this.limits = { ...DEFAULT_LIMITS, ...limits };
  }

  async join(name = `node-${this.nodes.length}`): Promise<Node> {
    const node = new Node(this, name, await this.openStore());
    await node.open();
    this.nodes.push(node);
    return node;
  }

  async openStore(): Promise<Store> {
    const { limits } = this;
    if (this.#url !== undefined) return openPostgresStore({ url: this.#url, limits });
    this.#owner ??= openSqliteStore({ folder: this.folder, durability: "process", limits });
    const { port1, port2 } = new MessageChannel();
    this.#owner.hub.serve(channelOf(port1));
    return openRemoteStore(channelOf(port2), limits);
  }

  async stop(): Promise<void> {
    for (const node of this.nodes) await node.stop();
    await this.#owner?.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The settings change: every node puts them into force, as it would once it has read them. */
  async setBudgets(budgets: readonly BudgetSetting[]): Promise<void> {
    this.budgets = budgets;
    this.version += 1;
    await Promise.all(this.nodes.map((node) => node.follow()));
  }
}

function channelOf(port: MessagePort): Channel {
  port.unref();
  return {
    send: (message) => port.postMessage(message),
    onMessage: (listener) => port.on("message", listener),
    onClose: (listener) => port.on("close", listener),
  };
}

export class Node {
  readonly #nodes: Nodes;
  readonly name: string;
  readonly store: Store;
  readonly troubles: unknown[] = [];
  readonly #ids = new CallIds();
  ledger!: Ledger;
  #version = 0;
  #running = false;

  constructor(nodes: Nodes, name: string, store: Store) {
    this.#nodes = nodes;
    this.name = name;
    this.store = store;
  }

  async open(): Promise<void> {
    const { clock, limits, budgets } = this.#nodes;
    this.#version = this.#nodes.version;
    const sharing = {
      name: this.name,
      settingsVersion: () => this.#version,
      onTrouble: (cause: unknown) => this.troubles.push(cause),
    };
    this.ledger = await Ledger.open({ store: this.store, clock, limits, budgets, world: WORLD, sharing });
    this.#running = true;
  }

  async follow(): Promise<void> {
    this.#version = this.#nodes.version;
    await this.ledger.setBudgets(this.#nodes.budgets, WORLD);
  }

  /** In order: what it has leased is given back. */
  async stop(): Promise<void> {
    if (!this.#running) return;
    this.#running = false;
    await this.ledger.close();
    await this.store.close();
    expect(this.troubles).toEqual([]);
  }

  /** As when its process is killed: nothing is said to anybody. */
  async kill(): Promise<void> {
    this.#running = false;
    await this.store.close();
  }

  ask(bound: Nano, changes: Partial<HoldAsk> = {}): HoldAsk {
    const payer = changes.payer ?? "person";
    return {
      attempt: `${this.#ids.next(this.#nodes.clock.now())}.1`,
      payer,
      key: "key",
      route: "mini",
      model: "lab/mini",
      currency: "USD",
      price: "price_1",
      path: TREE[payer]!,
      full: { amount: bound, bound },
      shrink: () => undefined,
      rateTo: () => undefined,
      detail: {},
      ...changes,
    };
  }

  async hold(bound: Nano, changes: Partial<HoldAsk> = {}): Promise<Hold> {
    const hold = await this.ledger.hold(this.ask(bound, changes));
    await hold.durable;
    return hold;
  }
}
