import { DEFAULT_LIMITS, type Limits } from "../base/limits.ts";
import { Catalogue, type ResolveCredential } from "../catalogue/catalogue.ts";
import type { ModelSetting, Settings } from "../config/settings.ts";
import { Payers } from "../payers/payers.ts";
import { Routes } from "../routing/routes.ts";
import { servesAnyName } from "./knowledge.ts";

/** The settings in force at one moment, and what was made of them. Never changes: read it anew for every call. */
export interface SettingsSnapshot {
  /** Counts up with every change since the process began. */
  readonly version: number;
  readonly settings: Settings;
  /** The defaults, with what the settings say of them. */
  readonly limits: Limits;
  readonly payers: Payers;
  readonly catalogue: Catalogue;
  readonly routes: Routes;
}

/** @param told the models that vendors told of at run time, by endpoint */
export function makeSnapshot(
  settings: Settings,
  version: number,
  resolve: ResolveCredential,
  told: ReadonlyMap<string, readonly ModelSetting[]>,
): SettingsSnapshot {
  const catalogue = new Catalogue(settings, resolve);
  for (const [endpoint, models] of told) if (catalogue.endpoint(endpoint)) catalogue.addModels(endpoint, models);
  addNamedModels(catalogue, settings);
  return {
    version,
    settings,
    limits: { ...DEFAULT_LIMITS, ...settings.general.limits },
    payers: new Payers(settings),
    catalogue,
    routes: new Routes(settings.routes, catalogue),
  };
}

/** The limits of the newest settings, whenever one of them is read. */
export function limitsInForce(snapshot: () => Pick<SettingsSnapshot, "limits">): Limits {
  const view: Partial<Limits> = {};
  for (const name of Object.keys(DEFAULT_LIMITS) as (keyof Limits)[]) {
    Object.defineProperty(view, name, { get: () => snapshot().limits[name], enumerable: true });
  }
  return view as Limits;
}

/** A server that was not asked yet, or does not run now, has the models that routes and prices name. */
function addNamedModels(catalogue: Catalogue, { endpoints, routes, prices }: Settings): void {
  const open = new Set(endpoints.filter((one) => servesAnyName(one, catalogue.vendors)).map((endpoint) => endpoint.id));
  for (const ref of [...routes.flatMap((route) => route.to), ...prices.map((price) => price.model)]) {
    const slash = ref.indexOf("/");
    const endpoint = ref.slice(0, slash);
    if (open.has(endpoint)) catalogue.addModels(endpoint, [{ id: ref.slice(slash + 1) }]);
  }
}
