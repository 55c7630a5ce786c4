import { geminiWords as words } from "../../base/messages/gemini.ts";
import type { ImageOrder } from "../conversation.ts";
import { Fitting } from "../fitting.ts";
import { clean } from "../openai/compose.ts";
import type { Changes, Quirks } from "../spec.ts";
import { unsupported } from "../translation/unsupported.ts";
import type { Composed } from "./generate.ts";

/** Gemini's image models answer with a picture, one at a time. (Imagen, which drew several at once, is switched off since 2026-08.) */
export function composeDrawing(order: ImageOrder, { model }: Changes, quirks: Quirks): Composed {
  if (order.count > 1) throw unsupported(words.oneImage(order.count), "n");
  const fitting = new Fitting({}, quirks, model);
  const aspectRatio = ratioOf(order.size, fitting);
  fitting.leaveOut("quality", order.quality);
  fitting.leaveOut("style", order.style);
  // Pictures come in the answer itself, never at an address.
  if (order.format === "url") fitting.change("response_format", "url", "b64_json");
  const generationConfig = clean({
    responseModalities: ["IMAGE"],
    imageConfig: aspectRatio === undefined ? undefined : { aspectRatio },
  });
  const contents = [{ role: "user", parts: [{ text: order.prompt }] }];
  return { document: { ...quirks.defaults, contents, generationConfig }, adjusted: fitting.adjusted };
}

const RATIOS: readonly (readonly [string, number])[] = [
  ["1:1", 1],
  ["2:3", 2 / 3],
  ["3:2", 3 / 2],
  ["3:4", 3 / 4],
  ["4:3", 4 / 3],
  ["4:5", 4 / 5],
  ["5:4", 5 / 4],
  ["9:16", 9 / 16],
  ["16:9", 16 / 9],
  ["21:9", 21 / 9],
];

/** Sizes are said as the ratio of their sides: the nearest that there is. */
function ratioOf(size: string | undefined, fitting: Fitting): string | undefined {
  const [, width, height] = /^(\d+)x(\d+)$/.exec(size ?? "") ?? [];
  if (width === undefined || height === undefined) {
    return size === undefined || size === "auto" ? undefined : fitting.leaveOut("size", size);
  }
  const wanted = Math.log(Number(width) / Number(height));
  const distance = ([, ratio]: (typeof RATIOS)[number]): number => Math.abs(Math.log(ratio) - wanted);
  const nearest = RATIOS.reduce((best, one) => (distance(one) < distance(best) ? one : best));
  return fitting.change("size", size, nearest[0]);
}
