import type { NodeSight } from "./lease-office.ts";

/** A longer pause between two looks says nothing of the others: then this node was away itself, or the store was. */
const LONGEST_PAUSE_MS = 2_000;

/**
 * Which of the other nodes are dead: those whose beat this node has seen stand still for long enough, while it looked
 * often enough itself. No clock is compared with another's.
 */
export class OtherNodes {
  readonly #silenceMs: number;
  readonly #seen = new Map<string, { beat: number; since: number }>();
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(silenceMs: number) {
    this.#silenceMs = silenceMs;
  }

  /**
   * @param own this node's seat
   * @param now performance.now() before the look
   */
  silent(nodes: readonly NodeSight[], own: number, now: number): NodeSight[] {
    if (now - this.#lookedAt > LONGEST_PAUSE_MS) this.#seen.clear();
    this.#lookedAt = now;
    const dead: NodeSight[] = [];
    const names = new Set<string>();
    for (const node of nodes) {
      if (node.number === own) continue;
      const name = `${node.number}.${node.epoch}`;
      names.add(name);
      const before = this.#seen.get(name);
      if (before?.beat !== node.beat) this.#seen.set(name, { beat: node.beat, since: now });
      else if (now - before.since >= this.#silenceMs) dead.push(node);
    }
    for (const name of this.#seen.keys()) if (!names.has(name)) this.#seen.delete(name);
    return dead;
  }
}
