import type { Fault } from "../../base/faults.ts";
import type { ShownCost, StreamDecoder, TransformFactory } from "../spec.ts";
import { payloadOf, withPayload } from "../sse.ts";
import { BlockTexts, type LooseText } from "./block-texts.ts";
import { payloadSpan, writeEvent } from "./events.ts";
import { AnthropicStream } from "./stream.ts";

/**
 * The decoded path: texts go through transforms that may hold them back and rewrite them. Events whose texts do not
 * change pass byte for byte, so that with transforms that change nothing the stream is the follower's.
 */
export class AnthropicDecoder extends AnthropicStream implements StreamDecoder {
  #texts: BlockTexts | undefined;

  transform(factory: TransformFactory): void {
    this.#texts = new BlockTexts(factory);
  }

  push(chunk: Buffer): Buffer | undefined {
    const { splitter, held } = this;
    const count = splitter.push(chunk);
    if (count === 0) return undefined;
    const { bytes, text, ends, events } = splitter;
    const passed: Buffer[] = [];
    let start = 0;
    for (let index = 0; index < count; index++) {
      const end = ends[index]!;
      const event = text.slice(start, end);
      const unit = bytes.subarray(start, end);
      const kind = events[index] ? this.inspect(event) : "other";
      // Clients stop reading at an error, and take no more text after the reason to stop.
      if (kind === "reason" || kind === "end" || this.fault) passed.push(...this.#releaseAll());
      if (held.takes(kind)) held.add(unit, kind);
      else {
        if (kind === "piece" && held.waiting) passed.push(...held.resume());
        passed.push(...(kind === "piece" ? this.#rewrite(unit, event) : [unit]));
      }
      start = end;
    }
    return joined(passed);
  }

  close(): Buffer | undefined {
    const rest = this.takeRest();
    if (!rest) return joined(this.#releaseAll());
    const passed = rest.kind === "piece" ? this.#rewrite(rest.bytes, rest.event) : this.#releaseAll();
    if (this.held.takes(rest.kind)) this.held.add(rest.bytes, rest.kind);
    else if (rest.kind === "piece") passed.unshift(...this.held.resume());
    else passed.push(rest.bytes);
    return joined(passed);
  }

  override finish(cost: ShownCost | undefined): Buffer {
    return Buffer.concat([...this.#releaseAll(), super.finish(cost)]);
  }

  override error(fault: Fault, message: string): Buffer {
    return Buffer.concat([...this.#releaseAll(), super.error(fault, message)]);
  }

  override stop(): Buffer {
    return Buffer.concat([...this.#releaseAll(), super.stop()]);
  }

  /** The event with its texts rewritten, after what its block has held back. */
  #rewrite(unit: Buffer, event: string): Buffer[] {
    if (!this.#texts) return [unit];
    const at = payloadSpan(event);
    const payload = at ? unit.subarray(at.start, at.end) : Buffer.from(payloadOf(event) ?? "", "latin1");
    const { json, loose } = this.#texts.rewrite(payload);
    return [...loose.map(deltaOf), spelledAnew(unit, event, at, payload, json)];
  }

  #releaseAll(): Buffer[] {
    return (this.#texts?.end() ?? []).map(deltaOf);
  }
}

function spelledAnew(
  unit: Buffer,
  event: string,
  at: { readonly start: number; readonly end: number } | undefined,
  payload: Buffer,
  json: Buffer,
): Buffer {
  if (json === payload) return unit;
  if (at) return Buffer.concat([unit.subarray(0, at.start), json, unit.subarray(at.end)]);
  return Buffer.from(withPayload(event, json.toString("latin1")), "latin1");
}

function deltaOf({ index, field, text }: LooseText): Buffer {
  return writeEvent("content_block_delta", { index, delta: { type: `${field}_delta`, [field]: text } });
}

function joined(passed: readonly Buffer[]): Buffer | undefined {
  if (passed.length === 0) return undefined;
  return passed.length === 1 ? passed[0] : Buffer.concat(passed);
}
