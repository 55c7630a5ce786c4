import { vendorWords } from "../../base/messages/vendors.ts";
import { readCount } from "../../base/usage.ts";
import { parseJson } from "../json-values.ts";
import { isRecord } from "../openai/input-size.ts";
import { findEnvelope } from "../openai/vendor-errors.ts";
import type { AnswerFacts, TransformFactory } from "../spec.ts";
import { VendorFault } from "../vendor-fault.ts";
import { BlockTexts } from "./block-texts.ts";
import { readError } from "./errors.ts";
import { readUsage } from "./usage.ts";

export type Json = Readonly<Record<string, unknown>>;

/**
 * The message of a buffered answer. Throws `VendorFault` where it is none: `charged: "nothing"` for an error in the place of an
 * answer, `"unknown"` for what is no JSON, was cut, or is neither.
 */
export function readMessage(body: Buffer): Json & { readonly content: readonly unknown[] } {
  const document = parseJson(body.toString("utf8"));
  if (isRecord(document) && Array.isArray(document.content) && document.type !== "error") {
    return document as Json & { readonly content: readonly unknown[] };
  }
  if (findEnvelope(document)) throw readError(200, {}, body);
  throw new VendorFault(document === undefined ? vendorWords.notAnAnswer() : vendorWords.strangeAnswer(), {
    errorClass: "server_error",
    charged: "unknown",
    vendorStatus: 200,
    details: { answerBytes: body.length },
  });
}

/** Reads a buffered answer that passes untouched. */
export function readAnswer(body: Buffer): AnswerFacts {
  const message = readMessage(body);
  return {
    usage: readUsage(message.usage),
    finish: typeof message.stop_reason === "string" ? message.stop_reason : undefined,
    textBytes: message.content.reduce((sum: number, block) => sum + writtenIn(block), 0),
  };
}

function writtenIn(block: unknown): number {
  if (!isRecord(block)) return 0;
  switch (block.type) {
    case "text":
      return bytesOf(block.text);
    case "thinking":
      return bytesOf(block.thinking);
    case "tool_use":
    case "server_tool_use":
      return isRecord(block.input) && Object.keys(block.input).length > 0 ? bytesOf(JSON.stringify(block.input)) : 0;
    default:
      return 0;
  }
}

function bytesOf(text: unknown): number {
  return typeof text === "string" ? Buffer.byteLength(text) : 0;
}

/** Rewrites the texts of a buffered answer; all else stays byte for byte. */
export function transformAnswer(body: Buffer, factory: TransformFactory): Buffer {
  return new BlockTexts(factory).rewriteAnswer(body);
}

/** The answer to a request for a count of tokens. */
export function readTokenCount(body: Buffer): number | undefined {
  const document = parseJson(body.toString("utf8"));
  return isRecord(document) ? readCount(document.input_tokens) : undefined;
}
