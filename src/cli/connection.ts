import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { Fault } from "../base/faults.ts";
import { cliWords as words } from "../base/messages/cli.ts";
import type { ProcessSettings } from "../config/environment.ts";
import { askSocket, controlSocketPath } from "./control-socket.ts";
import { type Exchange, httpExchange, inProcessExchange } from "./exchange.ts";
import { EXIT } from "./exit-codes.ts";
import { Failure } from "./failure.ts";
import type { CliDependencies } from "./spec.ts";

/** What the command line says of where the gateway is. */
export interface Whereabouts {
  readonly url: string | undefined;
  /** A data folder named by flag or variable. */
  readonly data: string | undefined;
  readonly adminKey: string | undefined;
  readonly settings: ProcessSettings;
}

/**
 * Finds the operators' API. What is named beats what is not: `--url`; then the data folder named by `--data` or
 * `MAIDAN_DATA`, by the socket of the server that runs on it; then `MAIDAN_URL`; then the usual folder's socket. Where
 * no server runs, the data folder itself is opened.
 *
 * @param mayCreate a data folder that does not exist may be made
 */
export async function findServer(
  where: Whereabouts,
  dependencies: Pick<CliDependencies, "openInProcess">,
  mayCreate: boolean,
): Promise<Exchange> {
  if (where.url !== undefined) return remote(where.url, where.adminKey);
  const folder = folderOf(where);
  const { url } = where.settings;
  if (where.data === undefined && url !== undefined) return remote(url, where.adminKey);
  const socket = await liveSocket(folder);
  if (socket !== undefined)
    return httpExchange({ socketPath: socket }, { host: "localhost" }, words.placeSocket(folder));
  if (url !== undefined) return remote(url, where.adminKey);
  return openFolder(folder, dependencies, mayCreate);
}

export function folderOf(where: Pick<Whereabouts, "data" | "settings">): string {
  return where.data === undefined ? where.settings.folder : resolve(where.data);
}

/** The socket of the server that runs on a data folder, or undefined where none does. */
export async function liveSocket(folder: string): Promise<string | undefined> {
  const path = controlSocketPath(folder);
  if (path === undefined || !existsSync(path)) return undefined;
  const state = await askSocket(path);
  if (state === "forbidden") throw new Failure(EXIT.unreachable, words.socketForbidden(path));
  return state === "answers" ? path : undefined;
}

function remote(url: string, adminKey: string | undefined): Exchange {
  if (adminKey === undefined) throw new Failure(EXIT.usage, words.adminKeyMissing(url));
  return httpExchange({ url }, { authorization: `Bearer ${adminKey}` }, words.placeUrl(url));
}

async function openFolder(
  folder: string,
  dependencies: Pick<CliDependencies, "openInProcess">,
  mayCreate: boolean,
): Promise<Exchange> {
  if (!mayCreate && !existsSync(folder)) throw new Failure(EXIT.unreachable, words.nothingThere(folder));
  try {
    return inProcessExchange(await dependencies.openInProcess(folder), words.placeFolder(folder));
  } catch (cause) {
    if (cause instanceof Fault && cause.code === "conflict") throw new Failure(EXIT.unreachable, cause.text, { cause });
    throw cause;
  }
}
