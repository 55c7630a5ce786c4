import type { CliDependencies } from "./spec.ts";

type Listener = (signal: string) => void;

/** Hears Ctrl-C and SIGTERM until the returned function is called. */
export function hearSignals(dependencies: Pick<CliDependencies, "onSignal">, listener: Listener): () => void {
  return (dependencies.onSignal ?? onProcessSignal)(listener);
}

/** Resolves at the first Ctrl-C or SIGTERM. */
export async function untilTold(dependencies: CliDependencies): Promise<void> {
  let stopHearing = (): void => {};
  await new Promise<void>((resolve) => {
    stopHearing = hearSignals(dependencies, () => resolve());
  });
  stopHearing();
}

function onProcessSignal(listener: Listener): () => void {
  process.on("SIGINT", listener);
  process.on("SIGTERM", listener);
  return () => {
    process.off("SIGINT", listener);
    process.off("SIGTERM", listener);
  };
}
