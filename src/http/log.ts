import { type Logger, pino } from "pino";
import type { LogLevel } from "../config/environment.ts";

/** Structured lines on standard error. Credentials never reach it; should one, its usual names are blacked out. */
export function makeLog(level: LogLevel): Logger {
  const redact = {
    paths: ["*.authorization", "*.apiKey", "*.secret", "*.credentials", "*.body"],
    censor: "[redacted]",
  };
  return pino({ level, redact, base: null }, pino.destination(2));
}
