import { geminiWords as words } from "../../base/messages/gemini.ts";
import { argumentsOf } from "../anthropic/compose-messages.ts";
import type { AssistantPart, FilePart, ImagePart, Message, TextPart, UserPart } from "../conversation.ts";
import { isObject, parseJson } from "../json-values.ts";
import { clean } from "../openai/compose.ts";
import { unsupported } from "../translation/unsupported.ts";

type Part = Record<string, unknown>;

export interface Content {
  readonly role: "user" | "model";
  readonly parts: readonly Part[];
}

export interface ComposedContents {
  readonly systemInstruction: { readonly parts: readonly Part[] } | undefined;
  readonly contents: readonly Content[];
}

/** Where a conversation goes to. */
export interface Addressee {
  /** Whether the model refuses calls in its history that it has not signed. */
  readonly wantsSignatures: boolean;
  /** Where the vendor keeps files: what stands before `/files/<id>`. */
  readonly filesUrl: string;
}

/** What Google documents for calls in the history that no model of its own has made. */
const UNSIGNED = "skip_thought_signature_validator";

/**
 * A conversation's messages as this protocol has them. Instructions stand apart; the results of one turn's calls come
 * together in one turn of the user, with as many parts as there were calls; pictures among them follow in the next.
 */
export function composeContents(messages: readonly Message[], to: Addressee): ComposedContents {
  const system = messages.flatMap((message) => (message.role === "system" ? textParts(message.parts) : []));
  const turns = new Turns();
  for (const message of messages) {
    if (message.role === "user") turns.add("user", "said", composeUser(message.parts, to));
    else if (message.role === "assistant") turns.add("model", "wrote", composeAssistant(message.parts, to));
    else if (message.role === "tool") {
      turns.add("user", "results", [composeResult(message)]);
      turns.pictures.push(...message.parts.flatMap((part) => (part.type === "image" ? composeImage(part) : [])));
    }
  }
  const contents = turns.end();
  // Instructions alone are no conversation here.
  if (contents.length === 0) return { systemInstruction: undefined, contents: [{ role: "user", parts: system }] };
  return { systemInstruction: system.length > 0 ? { parts: system } : undefined, contents };
}

/** Turns under way: what follows in the same role and of the same kind belongs together. */
class Turns {
  readonly #contents: { role: "user" | "model"; parts: Part[] }[] = [];
  #last: string | undefined;
  /** Of results: they follow when all of them are there. */
  readonly pictures: Part[] = [];

  add(role: "user" | "model", kind: "said" | "wrote" | "results", parts: readonly Part[]): void {
    if (kind !== "results") this.#flush();
    if (parts.length === 0) return;
    if (this.#last === kind && kind !== "said") this.#contents.at(-1)!.parts.push(...parts);
    else this.#contents.push({ role, parts: [...parts] });
    this.#last = kind;
  }

  end(): readonly Content[] {
    this.#flush();
    return this.#contents;
  }

  #flush(): void {
    if (this.pictures.length === 0) return;
    this.#contents.push({ role: "user", parts: this.pictures.splice(0) });
    this.#last = "said";
  }
}

function composeUser(parts: readonly UserPart[], to: Addressee): Part[] {
  return parts.flatMap((part) => composeUserPart(part, to));
}

function composeUserPart(part: UserPart, to: Addressee): Part[] {
  switch (part.type) {
    case "text":
      return textParts([part]);
    case "image":
      return composeImage(part);
    case "audio":
      return [{ inlineData: { mimeType: `audio/${part.format}`, data: part.base64 } }];
    case "file":
      return [composeFile(part, to)];
  }
}

/** Empty parts are refused. */
function textParts(parts: readonly TextPart[]): Part[] {
  return parts.filter(({ text }) => text !== "").map(({ text }) => ({ text }));
}

function composeImage({ base64, url, mediaType }: ImagePart): Part[] {
  if (base64 !== undefined) return [{ inlineData: { mimeType: imageType(mediaType), data: base64 } }];
  return [fileAt(url ?? "", mediaType)];
}

function imageType(mediaType = "image/png"): string {
  return mediaType === "image/jpg" ? "image/jpeg" : mediaType;
}

function composeFile({ base64, url, id, mediaType }: FilePart, to: Addressee): Part {
  if (base64 !== undefined) return { inlineData: { mimeType: mediaType ?? "application/pdf", data: base64 } };
  if (url !== undefined) return fileAt(url, mediaType);
  if (id === undefined) throw unsupported(words.file(), "messages");
  return fileAt(/^https?:/.test(id) ? id : `${to.filesUrl}/files/${id.replace(/^files\//, "")}`, mediaType);
}

/** Media types by the ends of addresses: the vendor wants to be told. */
const TYPES: Readonly<Record<string, string>> = {
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  webp: "image/webp",
  heic: "image/heic",
  gif: "image/gif",
  pdf: "application/pdf",
  txt: "text/plain",
  mp3: "audio/mp3",
  wav: "audio/wav",
  mp4: "video/mp4",
};

function fileAt(fileUri: string, mediaType: string | undefined): Part {
  const end = /\.([a-z0-9]{2,4})(?:[?#]|$)/i.exec(fileUri)?.[1]?.toLowerCase();
  const mimeType = mediaType ?? (end === undefined ? undefined : TYPES[end]);
  return { fileData: clean({ mimeType, fileUri }) };
}

/** What was thought is not played back: it lives in the signatures. Only the first of several calls at once is signed. */
function composeAssistant(parts: readonly AssistantPart[], { wantsSignatures }: Addressee): Part[] {
  let calls = 0;
  return parts.flatMap((part): Part[] => {
    if (part.type === "text") return textParts([part]);
    if (part.type === "reasoning") return [];
    calls += 1;
    const stand = wantsSignatures && calls === 1 ? UNSIGNED : undefined;
    const functionCall = { id: part.id, name: part.name, args: argumentsOf(part.arguments) };
    return [clean({ functionCall, thoughtSignature: part.signature ?? stand })];
  });
}

/** A result is an object on this wire. What a tool wrote as one goes as it is, any other text as its `output`. */
function composeResult({ callId, name, parts, failed }: Message & { readonly role: "tool" }): Part {
  const text = parts.map((part) => (part.type === "text" ? part.text : "")).join("");
  const given = parseJson(text);
  const response = failed ? { error: text } : isObject(given) ? given : { output: text };
  return { functionResponse: { id: callId, name: name ?? callId, response } };
}
