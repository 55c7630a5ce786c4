import type { Fault } from "../../base/faults.ts";
import type { ShownCost, StreamDecoder, TransformFactory } from "../spec.ts";
import { payloadOf, singlePayload, withPayload } from "../sse.ts";
import { OpenAiStream } from "./stream.ts";
import { AnswerTexts, chunkOf, type LooseText } from "./texts.ts";

/**
 * The decoded path: texts go through transforms that may hold them back and rewrite them. Events whose texts do not
 * change pass byte for byte, so that with transforms that change nothing the stream is the follower's.
 */
export class OpenAiDecoder extends OpenAiStream implements StreamDecoder {
  #texts: AnswerTexts | undefined;
  /** The last piece of the answer: what is held back goes out in its likeness. */
  #likeness: Buffer | undefined;

  transform(factory: TransformFactory): void {
    this.#texts = new AnswerTexts(factory);
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
      if (held.takes(kind)) held.add(unit, kind);
      else {
        if (kind === "piece" && held.waiting) passed.push(...held.resume());
        // Clients stop reading at an error.
        if (kind !== "piece" && this.failed) passed.push(...this.#releaseAll());
        passed.push(kind === "piece" ? this.#rewrite(unit, event, passed, false) : unit);
      }
      start = end;
    }
    if (passed.length === 0) return undefined;
    return passed.length === 1 ? passed[0] : Buffer.concat(passed);
  }

  override finish(cost: ShownCost | undefined): Buffer {
    const rest = this.takeRest();
    const passed: Buffer[] = [];
    if (rest) {
      // A piece without its blank line is still text, which must not pass by the transforms.
      const bytes =
        rest.kind === "piece" ? this.#rewrite(rest.bytes, rest.bytes.toString("latin1"), passed, true) : rest.bytes;
      this.held.add(bytes, rest.kind);
    }
    return Buffer.concat([...passed, ...this.#releaseAll(), super.finish(cost)]);
  }

  override error(fault: Fault, message: string): Buffer {
    return Buffer.concat([...this.#releaseAll(), super.error(fault, message)]);
  }

  override stop(): Buffer {
    return Buffer.concat([...this.#releaseAll(), super.stop()]);
  }

  /** The event with its texts rewritten. Text that needs an event of its own goes to `passed`, before it. */
  #rewrite(unit: Buffer, event: string, passed: Buffer[], last: boolean): Buffer {
    if (!this.#texts) return unit;
    const at = singlePayload(event);
    const payload = at ? unit.subarray(at.start, at.end) : Buffer.from(payloadOf(event) ?? "", "latin1");
    const { json, loose, hasChoices } = this.#texts.rewrite(payload, "delta", last);
    if (hasChoices) this.#likeness = payload;
    passed.push(...this.#chunksOf(loose));
    if (json === payload) return unit;
    if (at) return Buffer.concat([unit.subarray(0, at.start), json, unit.subarray(at.end)]);
    return Buffer.from(withPayload(event, json.toString("latin1")), "latin1");
  }

  #releaseAll(): Buffer[] {
    return this.#chunksOf(this.#texts?.end() ?? []);
  }

  #chunksOf(loose: readonly LooseText[]): Buffer[] {
    return loose.map((text) => Buffer.concat([DATA, chunkOf(this.#likeness!, text), LF_LF]));
  }
}

const DATA = Buffer.from("data: ");
const LF_LF = Buffer.from("\n\n");
