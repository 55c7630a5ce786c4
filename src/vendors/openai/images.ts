import { mustBe, wrongField } from "../request-body.ts";
import type { FieldSpan, ModelRequest } from "../spec.ts";
import { readContent } from "./content.ts";
import { openaiDialect } from "./dialect.ts";
import { guessTokens, isRecord, REQUEST_BOUND_TOKENS } from "./input-size.ts";

type Json = Readonly<Record<string, unknown>>;

/** The fields by which some vendor or other is told how many pictures to draw. One may stand once only, as all that Maidan reads. */
export const IMAGE_COUNT_FIELDS = [
  "n",
  "batch_size",
  "sequential_image_generation",
  "sequential_image_generation_options",
];
/** Ark draws as many as it likes where it may draw a sequence, up to this where no other number is named. */
const LONGEST_SEQUENCE = 15;

/**
 * Reads an order for pictures. Those that come piece by piece are for clients of one vendor only, and not relayed.
 *
 * Throws `invalid_request`, with the field in `param`.
 */
export function readImageOrder(
  document: Json,
  body: Buffer,
  fields: ReadonlyMap<string, FieldSpan>,
  model: string,
): ModelRequest {
  const { prompt, image } = document;
  if (typeof prompt !== "string" || prompt === "") throw wrongField(document, "prompt", "text");
  const stream = document.stream ?? false;
  if (typeof stream !== "boolean") throw mustBe("stream", "boolean");
  if (stream) throw mustBe("stream", "whole");
  const bound = body.length + REQUEST_BOUND_TOKENS;
  return {
    operation: "images",
    dialect: openaiDialect,
    body,
    fields,
    model,
    stream: false,
    wantsUsage: false,
    maxOutputTokens: undefined,
    maxOutputField: undefined,
    choices: mostPictures(document),
    inputTokens: { bound, estimate: Math.min(bound, Math.ceil(guessTokens(prompt))) },
    images: Array.isArray(image) ? image.length : typeof image === "string" ? 1 : 0,
    audioBytes: 0,
    inputs: 0,
    content: () => readContent("images", body),
  };
}

/** As many as may be drawn, whichever of the fields the vendor heeds. */
function mostPictures(document: Json): number {
  const counts = [readCount(document, "n"), readCount(document, "batch_size")];
  if (document.sequential_image_generation === "auto") {
    const options = document.sequential_image_generation_options;
    const most = isRecord(options) ? options.max_images : undefined;
    counts.push(Number.isSafeInteger(most) ? (most as number) : LONGEST_SEQUENCE);
  }
  return Math.max(...counts);
}

function readCount(document: Json, field: string): number {
  const count = document[field] ?? 1;
  if (!Number.isSafeInteger(count) || (count as number) < 1) throw mustBe(field, "count");
  return count as number;
}
