import type { Limits } from "../base/limits.ts";
import type { PriceDocument } from "../catalogue/price-document.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { Hold } from "../ledger/spec.ts";
import type { ModelRequest, StreamFollower } from "../vendors/spec.ts";
import { estimateOutput } from "./settle.ts";
import { sizeOfStep } from "./sizing.ts";

/**
 * Tops up a hold that began with one step, as the stream goes on: always half a step ahead of what has been generated,
 * so that what is in flight when the stream must stop is paid for too.
 */
export function payInSteps(
  ledger: Ledger,
  hold: Hold,
  request: ModelRequest,
  price: PriceDocument,
  most: number,
  limits: Limits,
  at: number,
): (follower: StreamFollower) => boolean {
  const step = limits.stepOutputTokens * request.choices;
  let held = Math.min(step, most);
  return (follower) => {
    if (held >= most || estimateOutput(follower) + step / 2 < held) return true;
    const next = Math.min(held + step, most);
    const more = sizeOfStep(request, price, { held, next }, at);
    if (!ledger.topUp(hold, more)) return estimateOutput(follower) < held;
    held = next;
    return true;
  };
}
