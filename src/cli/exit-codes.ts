/** What a verb ends with; docs/cli.md tells users the same. Above 128 it was a signal, as shells have it. */
export const EXIT = {
  ok: 0,
  /** Something failed that is none of the following. */
  failure: 1,
  /** The command was written wrongly: nothing was done. */
  usage: 2,
  /** No server runs, or it cannot be reached. */
  unreachable: 3,
  /** The gateway understood and refused: budget, permission, a wrong file, an unknown name. */
  refused: 4,
  /** `doctor` found problems. */
  problems: 5,
  /** The vendor behind the gateway failed. */
  vendor: 6,
  /** Ctrl-C. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
