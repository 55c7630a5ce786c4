import type { Language, Text } from "../base/language.ts";
import type { Durability } from "../config/environment.ts";
import type { Name } from "../config/settings.ts";
import type { WorkerGroup } from "./workers.ts";

/** Everything that the command line needs of the process around it. Made by `main.ts`; tests bring their own. */
export interface CliDependencies {
  readonly version: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stdin: NodeJS.ReadableStream;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  /** A person sits before standard input and output. */
  readonly isTerminal: boolean;
  /** Columns of the terminal, where it is one. */
  readonly columns?: number | undefined;
  /** Serves until closed. Throws a `Fault` where it cannot start. */
  startServer(options: StartOptions): Promise<StartedServer>;
  /** Serves with several processes until stopped. Throws where they cannot start. */
  startWorkers(options: StartOptions, count: number): Promise<WorkerGroup>;
  /** The operators' API on a data folder that no server uses, without a network. */
  openInProcess(dataFolder: string): Promise<InProcess>;
  /** Hears Ctrl-C and SIGTERM; returns how to stop hearing. Default: the process's own. */
  readonly onSignal?: ((listener: (signal: string) => void) => () => void) | undefined;
}

export interface InProcess {
  /** Requests here are an administrator's: who may open the data folder needs no key. */
  fetch(request: Request): Response | Promise<Response>;
  close(): Promise<void>;
}

export interface StartOptions {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  /** Absolute. */
  readonly dataFolder: string;
  readonly durability: Durability;
  readonly language: Language;
  readonly adminKey: string | undefined;
  /** A declarative file to apply before anybody is served. */
  readonly apply: { readonly name: string; readonly content: string } | undefined;
}

export interface StartedServer {
  /** `http://127.0.0.1:4000`, as a client on this machine reaches it. */
  readonly address: string;
  readonly dataFolder: string;
  /** Made at this start, and known only now. */
  readonly adminKey?: string | undefined;
  /** Made at the first start, and known only now. */
  readonly firstKey?: FirstKey | undefined;
  /** Vendors that can be used: found in the environment, on this machine, or set up before. */
  readonly vendors: readonly OfferedVendor[];
  /** Vendors that could be used if a variable were set. */
  readonly otherVendors: readonly { readonly name: Name; readonly variables: readonly string[] }[];
  /** What `apply` changed. */
  readonly applied?: AppliedChanges | undefined;
  /** What the person who starts it should know: attempts in doubt, warnings of the settings. */
  readonly notes?: readonly Text[] | undefined;
  /** Resolves with the reason when the server stops by itself: the disk failed. */
  readonly failed: Promise<unknown>;
  /** Stops taking calls, lets those in flight end (for a bounded time), and closes the books. */
  close(): Promise<void>;
}

export interface FirstKey {
  readonly secret: string;
  readonly payer: string;
  /** A decimal. */
  readonly amount: string;
  readonly currency: string;
}

export interface OfferedVendor {
  /** The endpoint's id. */
  readonly id: string;
  /** Where it was found: a variable, or an address. */
  readonly source: string;
  /** `endpoint/model`, the first few. */
  readonly models: readonly string[];
  readonly modelCount: number;
}

export interface AppliedChanges {
  readonly changes: readonly AppliedChange[];
  readonly applied: boolean;
}

export interface AppliedChange {
  readonly action: "add" | "change" | "remove";
  readonly kind: string;
  readonly id: string;
  readonly fields?: readonly string[] | undefined;
}
