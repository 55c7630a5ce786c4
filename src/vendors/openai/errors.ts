import { FAULTS, type Fault } from "../../base/faults.ts";
import type { Language } from "../../base/language.ts";

/** A fault in OpenAI's own shape: `{"error":{"message","type","param","code",…details}}`. */
export function errorBody(fault: Fault, language: Language): Buffer {
  return Buffer.from(errorJson(fault, fault.text(language)));
}

/** The same as an event of a stream. */
export function errorEvent(fault: Fault, message: string): Buffer {
  return Buffer.from(`data: ${errorJson(fault, message)}\n\n`);
}

function errorJson(fault: Fault, message: string): string {
  const { code, param, details } = fault;
  const error = { message, type: FAULTS[code].type, param: param ?? null, code };
  return JSON.stringify({ error: { ...error, ...details, ...error } }, spellBigints);
}

function spellBigints(_name: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}
