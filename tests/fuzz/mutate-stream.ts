import { LONGEST_INPUT, mutateBytes } from "./mutate-bytes.ts";
import { mutateJsonText } from "./mutate-json.ts";
import type { Random } from "./random.ts";

/** A stream of lines or of events, each of which may hold JSON, with a few things changed. */
export function mutateStream(stream: Buffer, random: Random): Buffer {
  let text = stream.toString("latin1");
  for (let times = random.pick([1, 1, 2, 4]); times > 0; times--) text = changed(text, random);
  const bytes = Buffer.from(text, "latin1");
  return random.once(3) ? mutateBytes(bytes, random) : bytes.subarray(0, LONGEST_INPUT);
}

function changed(text: string, random: Random): string {
  const parts = text.split(random.once(2) ? "\n\n" : "\n");
  const between = text.includes("\n\n") && parts.length === text.split("\n\n").length ? "\n\n" : "\n";
  const at = random.below(parts.length);
  switch (random.below(8)) {
    case 0: // gone
      parts.splice(at, 1);
      break;
    case 1: // once more, somewhere
      parts.splice(random.below(parts.length + 1), 0, parts[at]!);
      break;
    case 2: {
      const other = random.below(parts.length);
      [parts[at], parts[other]] = [parts[other]!, parts[at]!];
      break;
    }
    default:
      parts[at] = withOtherJson(parts[at]!, random);
  }
  return parts.join(between);
}

/** The JSON in a line or an event is another; what stands before and after it stays. */
function withOtherJson(part: string, random: Random): string {
  const start = part.search(/[{[]/);
  const end = Math.max(part.lastIndexOf("}"), part.lastIndexOf("]"));
  if (start < 0 || end < start) return part;
  const json = Buffer.from(part.slice(start, end + 1), "latin1").toString("utf8");
  const other = mutateJsonText(json, random);
  if (other === undefined) return part;
  return part.slice(0, start) + Buffer.from(other).toString("latin1") + part.slice(end + 1);
}
