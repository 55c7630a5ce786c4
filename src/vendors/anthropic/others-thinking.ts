import { type Splice, scanFields, scanItems } from "../json-fields.ts";
import type { FieldSpan, ModelRequest } from "../spec.ts";
import { isMarked, MARK_IN_JSON } from "./marks.ts";

/** What a request's history looks like without the thinking that other vendors wrote. */
export interface CleanedHistory {
  readonly pieces: readonly Splice[];
  readonly adjusted: readonly string[];
  /** The assistant's last message lost the thinking that it began with. */
  readonly lostLast: boolean;
}

const UNCHANGED: CleanedHistory = { pieces: [], adjusted: [], lostLast: false };

/**
 * Takes out of a conversation the thinking that Maidan wrote for a vendor of another protocol: the vendor of this one refuses
 * signatures that are not its own. All else stays byte for byte; most requests have none, and are not looked at further.
 */
export function withoutOthersThinking({ body, fields }: ModelRequest): CleanedHistory {
  if (!body.includes(MARK_IN_JSON)) return UNCHANGED;
  const list = fields.get("messages")!;
  const messages = scanItems(body, list.start).map((span) => cleanMessage(body, span));
  const found = messages.filter((message) => message.dropped > 0);
  if (found.length === 0) return UNCHANGED;
  const last = messages.findLast((message) => message.assistant);
  const result = { adjusted: ["-messages.thinking"], lostLast: (last?.dropped ?? 0) > 0 };
  // A message of nothing else goes as a whole: an empty one is refused.
  const whole = found.some((message) => message.kept.length === 0);
  if (whole) return { pieces: [{ ...list, text: listOf(messages.flatMap((one) => spelled(body, one))) }], ...result };
  const pieces = found.map(({ content, kept }) => ({ ...content!, text: listOf(kept) }));
  return { pieces, ...result };
}

interface CleanedMessage {
  readonly span: FieldSpan;
  readonly assistant: boolean;
  readonly content: FieldSpan | undefined;
  /** The blocks that stay, as they were spelled. */
  readonly kept: readonly string[];
  readonly dropped: number;
}

function cleanMessage(body: Buffer, span: FieldSpan): CleanedMessage {
  const fields = scanFields(body, span.start);
  const content = fields.get("content");
  const role = fields.get("role");
  const assistant = role !== undefined && body.toString("utf8", role.start, role.end) === '"assistant"';
  const blocks = content && assistant ? scanItems(body, content.start) : [];
  const spellings = blocks.map(({ start, end }) => body.toString("utf8", start, end));
  const kept = spellings.filter((spelling) => !isOthersThinking(spelling));
  return { span, assistant, content, kept, dropped: blocks.length - kept.length };
}

function isOthersThinking(spelling: string): boolean {
  if (!spelling.includes(MARK_IN_JSON)) return false;
  const { type, signature, data } = JSON.parse(spelling) as Record<string, unknown>;
  return (type === "thinking" && isMarked(signature)) || (type === "redacted_thinking" && isMarked(data));
}

function spelled(body: Buffer, { span, content, kept, dropped }: CleanedMessage): string[] {
  if (dropped === 0) return [body.toString("utf8", span.start, span.end)];
  if (kept.length === 0) return [];
  const before = body.toString("utf8", span.start, content!.start);
  return [before + listOf(kept) + body.toString("utf8", content!.end, span.end)];
}

function listOf(items: readonly string[]): string {
  return `[${items.join(",")}]`;
}
