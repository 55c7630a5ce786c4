import { resolve } from "node:path";
import { Fault } from "../base/faults.ts";
import { type Language, languageOf } from "../base/language.ts";
import { environmentWords } from "../base/messages/config.ts";
import type { Environment } from "./variables.ts";

export const DURABILITIES = ["disk", "process"] as const;
/** `disk` survives a power cut, `process` only a crash of the program. */
export type Durability = (typeof DURABILITIES)[number];

export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What the environment variables say of this process. */
export interface ProcessSettings {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  /** The folder of all data, absolute. */
  readonly folder: string;
  readonly adminKey: string | undefined;
  readonly language: Language;
  readonly durability: Durability;
  /** Where the command line finds a server that runs elsewhere. */
  readonly url: string | undefined;
  /** The PostgreSQL of many nodes; undefined where the store is SQLite's file in `folder`. Holds a password: never shown. */
  readonly databaseUrl: string | undefined;
  /** 32 bytes in base64, the same for all nodes; undefined for the data folder's own key. Never shown. */
  readonly sealingKey: string | undefined;
  readonly logLevel: LogLevel;
}

const ADMIN_KEY_CHARACTERS = 16;

/**
 * Reads `MAIDAN_HOST`, `MAIDAN_PORT`, `MAIDAN_DATA`, `MAIDAN_ADMIN_KEY`, `MAIDAN_LANG`, `MAIDAN_DURABILITY`,
 * `MAIDAN_URL`, `MAIDAN_DATABASE_URL`, `MAIDAN_SEALING_KEY` and `MAIDAN_LOG`. Throws `invalid_request`, naming the variable, where one is empty or wrong.
 */
export function readEnvironment(environment: Environment): ProcessSettings {
  const value = (name: string): string | undefined => {
    const text = environment[name]?.trim();
    if (text === "") refuse(environmentWords.empty(name));
    return text;
  };
  const asked = value("MAIDAN_LANG");
  if (asked !== undefined && !/^(zh|en)\b/i.test(asked.replace("_", "-"))) {
    refuse(environmentWords.notOneOf("MAIDAN_LANG", asked, "zh, en"));
  }
  return {
    host: readHost(value("MAIDAN_HOST") ?? "127.0.0.1"),
    port: readPort(value("MAIDAN_PORT") ?? "4000"),
    folder: resolve(value("MAIDAN_DATA") ?? "maidan-data"),
    adminKey: readAdminKey(value("MAIDAN_ADMIN_KEY")),
    language: languageOf(environment),
    durability: oneOf("MAIDAN_DURABILITY", value("MAIDAN_DURABILITY"), DURABILITIES, "disk"),
    url: readUrl(value("MAIDAN_URL")),
    databaseUrl: readDatabaseUrl(value("MAIDAN_DATABASE_URL")),
    sealingKey: readSealingKey(value("MAIDAN_SEALING_KEY")),
    logLevel: oneOf("MAIDAN_LOG", value("MAIDAN_LOG"), LOG_LEVELS, "info"),
  };
}

function readHost(text: string): string {
  if (!/^[A-Za-z0-9._:%[\]-]{1,255}$/.test(text) || /^https?:/i.test(text)) refuse(environmentWords.host(text));
  return text.replace(/^\[(.*)\]$/, "$1");
}

function readPort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65_535)) refuse(environmentWords.port(text));
  return port;
}

function readAdminKey(key: string | undefined): string | undefined {
  if (key !== undefined && (key.length < ADMIN_KEY_CHARACTERS || key.length > 512 || !/^[\x21-\x7e]+$/.test(key))) {
    refuse(environmentWords.adminKey(ADMIN_KEY_CHARACTERS));
  }
  return key;
}

function readUrl(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== "http:" && url.protocol !== "https:")) refuse(environmentWords.url(text));
  return text.replace(/\/+$/, "");
}

/** As `pg` takes it: TLS and all else by its parameters. The refusal does not repeat it, because a password may be in it. */
function readDatabaseUrl(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const url = /^postgres(ql)?:\/\//.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  // A socket's folder may stand in the parameter `host`; a database must be named.
  const isNamed = url !== undefined && url.pathname.length > 1 && (url.hostname !== "" || url.searchParams.has("host"));
  if (!isNamed || !isDecodable(url)) refuse(environmentWords.databaseUrl());
  return text;
}

function isDecodable({ username, password, pathname }: URL): boolean {
  try {
    decodeURIComponent(username + password + pathname);
    return true;
  } catch {
    return false;
  }
}

function readSealingKey(text: string | undefined): string | undefined {
  if (text !== undefined && Buffer.from(text, "base64").length !== 32) refuse(environmentWords.sealingKey());
  return text;
}

function oneOf<T extends string>(name: string, text: string | undefined, allowed: readonly T[], usual: T): T {
  const found = text === undefined ? usual : allowed.find((one) => one === text.toLowerCase());
  return found ?? refuse(environmentWords.notOneOf(name, text ?? "", allowed.join(", ")));
}

function refuse(text: ReturnType<typeof environmentWords.databaseUrl>): never {
  throw new Fault("invalid_request", text);
}
