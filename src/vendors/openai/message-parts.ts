import type { AssistantPart, AudioPart, FilePart, ImagePart, TextPart, UserPart } from "../conversation.ts";
import { wordOf } from "../json-values.ts";
import { isRecord } from "./input-size.ts";

type Json = Record<string, unknown>;

/** The parts of a message's `content`: a text, or a list of parts. A part of an unknown kind counts by its text. */
export function readParts(content: unknown): UserPart[] {
  if (typeof content === "string") return [{ type: "text", text: content }];
  if (!Array.isArray(content)) return [];
  return content.flatMap((part) => readPart(part) ?? []);
}

export function textParts(content: unknown): TextPart[] {
  return readParts(content).filter((part) => part.type === "text");
}

/** What an assistant wrote in an earlier turn: its reasoning, its text, its calls. */
export function readAssistantParts(message: Json): AssistantPart[] {
  const parts: AssistantPart[] = [];
  const thought = message.reasoning_content ?? message.reasoning;
  if (typeof thought === "string" && thought !== "") parts.push({ type: "reasoning", text: thought });
  parts.push(...textParts(message.content).filter(({ text }) => text !== ""));
  const calls = Array.isArray(message.tool_calls) ? message.tool_calls : [];
  const older = isRecord(message.function_call) ? [{ id: "", function: message.function_call }] : [];
  for (const call of [...calls, ...older] as unknown[]) {
    const called = isRecord(call) ? call.function : undefined;
    if (!isRecord(call) || !isRecord(called)) continue;
    const name = wordOf(called.name);
    const signature = signatureOf(call);
    parts.push({
      type: "tool-call",
      id: typeof call.id === "string" && call.id !== "" ? call.id : name,
      name,
      arguments: argumentsOf(called.arguments),
      ...(signature !== undefined && { signature }),
    });
  }
  return parts;
}

/** JSON text; some servers write the object itself. */
export function argumentsOf(given: unknown): string {
  if (typeof given === "string") return given;
  return given === undefined || given === null ? "" : JSON.stringify(given);
}

/** Where Gemini's compatible interface keeps the signature that it wants back. */
export function signatureOf(call: Json): string | undefined {
  const google = isRecord(call.extra_content) ? call.extra_content.google : undefined;
  const signature = isRecord(google) ? google.thought_signature : undefined;
  return typeof signature === "string" ? signature : undefined;
}

function readPart(part: unknown): UserPart | undefined {
  if (typeof part === "string") return { type: "text", text: part };
  if (!isRecord(part)) return undefined;
  switch (part.type) {
    case "image_url":
    case "input_image":
      return readImage(part.image_url);
    case "input_audio":
      return readAudio(part.input_audio);
    case "file":
      return readFile(part.file);
    default:
      return typeof part.text === "string" ? { type: "text", text: part.text } : undefined;
  }
}

/** `data:<media type>;base64,<bytes>`, or undefined for an address. */
export function readDataUrl(url: string): { readonly mediaType: string; readonly base64: string } | undefined {
  const head = /^data:([^;,]*)(?:;[^,]*)?;base64,/i.exec(url.slice(0, 256));
  return head ? { mediaType: head[1] || "image/png", base64: url.slice(head[0].length) } : undefined;
}

function readImage(image: unknown): ImagePart | undefined {
  const url = isRecord(image) ? image.url : image;
  if (typeof url !== "string") return undefined;
  const detail = isRecord(image) && typeof image.detail === "string" ? { detail: image.detail } : {};
  const inline = readDataUrl(url);
  return inline ? { type: "image", ...inline, ...detail } : { type: "image", url, ...detail };
}

function readAudio(audio: unknown): AudioPart | undefined {
  if (!isRecord(audio) || typeof audio.data !== "string") return undefined;
  return { type: "audio", base64: audio.data, format: typeof audio.format === "string" ? audio.format : "wav" };
}

function readFile(file: unknown): FilePart | undefined {
  if (!isRecord(file)) return undefined;
  const name = typeof file.filename === "string" ? { name: file.filename } : {};
  if (typeof file.file_id === "string") return { type: "file", id: file.file_id, ...name };
  if (typeof file.file_data !== "string") return undefined;
  const inline = readDataUrl(file.file_data);
  return { type: "file", ...(inline ?? { base64: file.file_data }), ...name };
}
