import { stringify } from "yaml";
import { SIMULATORS } from "./registry.ts";
import { type RunningSimulator, startSimulator } from "./server.ts";

export interface ServeOptions {
  readonly host: string;
  /** The first simulator's port; the others follow it. 0: any free ones. */
  readonly port: number;
  /** Protocols to simulate; undefined for all. */
  readonly protocols: readonly string[] | undefined;
  /** As in `SimulatorOptions`. */
  readonly chunkBytes?: number;
}

/** Simulators that run, and how Maidan reaches them. */
export interface ServedSimulators {
  readonly running: readonly RunningSimulator[];
  /** A declarative file for `maidan apply`: one endpoint for each simulator. */
  readonly settings: string;
  close(): Promise<void>;
}

/** Starts simulators, all of them or none. */
export async function serveSimulators({ host, port, protocols, chunkBytes }: ServeOptions): Promise<ServedSimulators> {
  const chosen = SIMULATORS.filter(({ protocol }) => protocols?.includes(protocol) ?? true);
  const running: RunningSimulator[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(running.map((one) => one.close()));
  };
  try {
    for (const [index, simulator] of chosen.entries()) {
      running.push(
        await startSimulator(simulator, {
          host,
          port: port === 0 ? 0 : port + index,
          ...(chunkBytes !== undefined && { chunkBytes }),
        }),
      );
    }
  } catch (fault) {
    await close();
    throw fault;
  }
  return { running, settings: settingsOf(running), close };
}

/** A price that makes costs visible; simulated calls cost nobody anything. */
const PRICE = { currency: "USD", input: "1", output: "2", cachedInput: "0.1", perImage: "0.01", source: "simulated" };

function settingsOf(running: readonly RunningSimulator[]): string {
  const endpoints = running.map(({ simulator, baseUrl }) => ({
    id: `sim-${simulator.protocol}`,
    protocol: simulator.protocol,
    baseUrl,
    credentials: simulator.credentials,
    models: simulator.models.map((id) => ({ id, price: PRICE })),
  }));
  return stringify({ endpoints });
}
