/**
 * What a request asks for, whatever protocol it is written in. A surface reads its clients' requests into this, a
 * protocol writes it as its vendor has it; nothing else translates. Where both speak the same protocol, none of this is
 * used: the bytes pass.
 */
export type RequestContent = Conversation | EmbeddingsInput | ImageOrder;

/** A chat: what was said so far, and how the answer shall be. `undefined` is what the client did not say. */
export interface Conversation {
  readonly operation: "chat";
  readonly messages: readonly Message[];
  readonly tools: readonly Tool[];
  readonly toolChoice: ToolChoice | undefined;
  readonly parallelToolCalls: boolean | undefined;
  readonly maxOutputTokens: number | undefined;
  readonly temperature: number | undefined;
  readonly topP: number | undefined;
  readonly topK: number | undefined;
  readonly presencePenalty: number | undefined;
  readonly frequencyPenalty: number | undefined;
  readonly seed: number | undefined;
  readonly stop: readonly string[];
  /** How many answers. */
  readonly choices: number;
  readonly reasoning: ReasoningWish | undefined;
  readonly format: AnswerFormat | undefined;
  /** The end user, as the client names them. */
  readonly user: string | undefined;
  /**
   * Top-level fields that have no meaning here (`enable_search`, `metadata`, …), as the client spelled them. A protocol passes
   * on those that its vendor is documented to know, and leaves out the others.
   */
  readonly extra: Readonly<Record<string, unknown>>;
  /** What the client asked that only vendors of its own protocol have, such as `tools.web_search`; clients are told. */
  readonly leftOut?: readonly string[];
}

export type ToolChoice = "auto" | "none" | "required" | { readonly tool: string };

/** How much to think: a word of the vendors' scales, a number of tokens, or not at all (`none`). */
export interface ReasoningWish {
  readonly effort?: "none" | "minimal" | "low" | "medium" | "high" | "xhigh" | "max" | undefined;
  readonly budgetTokens?: number | undefined;
}

/** JSON of any shape, or by a JSON Schema. */
export type AnswerFormat =
  | { readonly type: "json" }
  | {
      readonly type: "schema";
      readonly name: string;
      readonly schema: Readonly<Record<string, unknown>>;
      readonly strict: boolean | undefined;
      readonly description?: string | undefined;
    };

/** A function that the model may call. `parameters` is a JSON Schema; without one the function takes none. */
export interface Tool {
  readonly name: string;
  readonly description: string | undefined;
  readonly parameters: Readonly<Record<string, unknown>> | undefined;
  readonly strict?: boolean | undefined;
  readonly cache?: CacheMark | undefined;
}

/** The prompt up to here shall be kept in the vendor's cache for so long. */
export type CacheMark = "5m" | "1h";

export type Message =
  /** Instructions: `system` and `developer` alike. */
  | { readonly role: "system"; readonly parts: readonly TextPart[] }
  | { readonly role: "user"; readonly parts: readonly UserPart[]; readonly name?: string | undefined }
  | { readonly role: "assistant"; readonly parts: readonly AssistantPart[] }
  /** What a tool gave back, one message a call. */
  | {
      readonly role: "tool";
      readonly callId: string;
      /** The function's name, as the call of this id says it. */
      readonly name: string | undefined;
      readonly parts: readonly (TextPart | ImagePart)[];
      readonly failed?: boolean | undefined;
      readonly cache?: CacheMark | undefined;
    };

export type UserPart = TextPart | ImagePart | AudioPart | FilePart;
export type AssistantPart = TextPart | ReasoningPart | ToolCallPart;

export interface TextPart {
  readonly type: "text";
  readonly text: string;
  readonly cache?: CacheMark | undefined;
}

/** A picture: its address, or its bytes in base64 with their media type. Exactly one of the two is there. */
export interface ImagePart {
  readonly type: "image";
  readonly url?: string | undefined;
  readonly base64?: string | undefined;
  readonly mediaType?: string | undefined;
  readonly detail?: string | undefined;
  readonly cache?: CacheMark | undefined;
}

export interface AudioPart {
  readonly type: "audio";
  readonly base64: string;
  /** `wav`, `mp3`, … */
  readonly format: string;
}

/** A document: its bytes in base64, its address, or the id under which the vendor keeps it. */
export interface FilePart {
  readonly type: "file";
  readonly base64?: string | undefined;
  readonly url?: string | undefined;
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  readonly mediaType?: string | undefined;
  readonly cache?: CacheMark | undefined;
}

/** What the model thought in an earlier turn, to be played back. `signature` and `redacted` are its vendor's own. */
export interface ReasoningPart {
  readonly type: "reasoning";
  readonly text: string;
  readonly signature?: string | undefined;
  readonly redacted?: string | undefined;
}

export interface ToolCallPart {
  readonly type: "tool-call";
  readonly id: string;
  readonly name: string;
  /** JSON text, as the model wrote it; "" for none. */
  readonly arguments: string;
  /** What some vendors want back with the call (Gemini's thought signature). */
  readonly signature?: string | undefined;
}

export interface EmbeddingsInput {
  readonly operation: "embeddings";
  /** Texts, or lists of tokens. */
  readonly inputs: readonly (string | readonly number[])[];
  readonly dimensions: number | undefined;
  /** The form in which the client wants vectors. */
  readonly encoding: "float" | "base64";
  readonly user: string | undefined;
  readonly extra: Readonly<Record<string, unknown>>;
}

export interface ImageOrder {
  readonly operation: "images";
  readonly prompt: string;
  readonly count: number;
  /** `1024x1024` */
  readonly size: string | undefined;
  readonly quality: string | undefined;
  readonly style: string | undefined;
  readonly format: "url" | "base64" | undefined;
  readonly user: string | undefined;
  readonly extra: Readonly<Record<string, unknown>>;
}
