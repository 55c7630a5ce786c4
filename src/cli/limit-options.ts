import type { Command } from "commander";
import { helpWords as help } from "../base/messages/cli-help.ts";
import { readers, type VerbHost } from "./host.ts";

/** Limits of admission on a payer or a key. */
export interface LimitOptions {
  readonly rpm?: number;
  readonly tpm?: number;
  readonly concurrency?: number;
}

const MOST = 2 ** 31 - 1;

export function addLimitOptions(command: Command, host: VerbHost): void {
  const count = readers(host).wholeNumber(1, MOST);
  command
    .option("--rpm <number>", host.say(help.rpm()), count)
    .option("--tpm <number>", host.say(help.tpm()), count)
    .option("--concurrency <number>", host.say(help.concurrency()), count);
}

export function limitsOf({ rpm, tpm, concurrency }: LimitOptions): LimitOptions | undefined {
  if (rpm === undefined && tpm === undefined && concurrency === undefined) return undefined;
  return { ...(rpm && { rpm }), ...(tpm && { tpm }), ...(concurrency && { concurrency }) };
}
