import { Fault } from "../base/faults.ts";
import { payerWords } from "../base/messages/payers.ts";
import type { PayerSetting } from "../config/settings.ts";

/** A payer and its place in the tree. */
export interface PayerNode {
  readonly setting: PayerSetting;
  /** Ids from this payer to the root. */
  readonly path: readonly string[];
  /** Ids of the payers directly below. */
  readonly children: readonly string[];
}

/**
 * Places every payer in the tree. Depth is not bounded, and nothing here recurses.
 * Throws `invalid_request` where a parent is missing or payers stand in a circle.
 */
export function growTree(payers: readonly PayerSetting[]): ReadonlyMap<string, PayerNode> {
  const settings = new Map(payers.map((payer) => [payer.id, payer]));
  const children = new Map<string, string[]>(payers.map((payer) => [payer.id, []]));
  for (const { id, parent } of payers) {
    if (parent === undefined) continue;
    const siblings = children.get(parent);
    if (!siblings) throw new Fault("invalid_request", payerWords.unknownParent(id, parent));
    siblings.push(id);
  }
  const nodes = new Map<string, PayerNode>();
  const waiting = payers.filter((payer) => payer.parent === undefined).map((payer) => payer.id);
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    const setting = settings.get(id)!;
    const below = children.get(id)!;
    const above = setting.parent === undefined ? [] : nodes.get(setting.parent)!.path;
    nodes.set(id, { setting, path: Object.freeze([id, ...above]), children: below });
    waiting.push(...below);
  }
  const unreached = payers.find((payer) => !nodes.has(payer.id));
  if (unreached) throw new Fault("invalid_request", payerWords.cycle(circleFrom(unreached.id, settings).join(" → ")));
  return nodes;
}

/** The circle that is reached from `start` by going up. */
export function circleFrom(start: string, settings: ReadonlyMap<string, PayerSetting>): string[] {
  const seen: string[] = [];
  const places = new Map<string, number>();
  for (let id: string | undefined = start; id !== undefined; id = settings.get(id)?.parent) {
    const place = places.get(id);
    if (place !== undefined) return [...seen.slice(place), id];
    places.set(id, seen.length);
    seen.push(id);
  }
  return [];
}
