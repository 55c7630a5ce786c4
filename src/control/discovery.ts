import type { Kysely } from "kysely";
import { systemClock } from "../base/clock.ts";
import type { Connection } from "../call/spec.ts";
import type { EndpointOffer } from "../catalogue/catalogue.ts";
import { VENDORS } from "../catalogue/vendors/table.ts";
import type { EndpointSetting, ModelSetting } from "../config/settings.ts";
import type { Environment } from "../config/variables.ts";
import type { Schema } from "../store/schema.ts";
import { findLocal } from "../vendors/local.ts";
import type { AnswerSink } from "../vendors/spec.ts";
import type { Control } from "./control.ts";
import { PROBE_BOUNDS } from "./doctor/probe.ts";
import { vendorsInEnvironment } from "./first-start.ts";

const LONGEST_LIST_BYTES = 4 * 1024 * 1024;
const MOST_MODELS = 2_000;

/** Endpoints for the model servers that run on this machine: Ollama, llama.cpp, vLLM, LM Studio. */
export async function findLocalEndpoints(): Promise<EndpointSetting[]> {
  const servers = VENDORS.flatMap(({ id, detection }) => (detection ? [{ vendor: id, ...detection }] : []));
  const found = await findLocal(servers);
  return found.map(({ vendor, baseUrl, models }) => ({
    id: vendor,
    vendor,
    baseUrl,
    credentials: {},
    models: models.map((id) => ({ id })),
    // What runs at home has no list price. An operator who wants to bill it gives it one.
    allowUnpriced: true,
  }));
}

const OFFERED = "offered-vendors";

/**
 * Adds an endpoint for each vendor whose credentials have come to stand in the environment since the last start. Once
 * for each vendor: what an operator takes away again stays away.
 */
export async function offerVendors(control: Control, query: Kysely<Schema>, environment: Environment): Promise<void> {
  const row = await query.selectFrom("meta").select("value").where("name", "=", OFFERED).executeTakeFirst();
  const offered = new Set<string>(row ? (JSON.parse(row.value) as string[]) : []);
  const { vendors } = control.snapshot().catalogue;
  const found = vendorsInEnvironment(environment, vendors.all).filter(({ id }) => !offered.has(id));
  if (found.length === 0) return;
  for (const { id, vendor, protocol, credentials } of found) {
    const taken = control
      .snapshot()
      .settings.endpoints.some((endpoint) => endpoint.id === id || endpoint.vendor === id);
    const templates = Object.entries(credentials).map(([name, one]) => [name, "template" in one ? one.template : ""]);
    const way = protocol === undefined ? {} : { protocol };
    const written = { id, vendor, ...way, credentials: Object.fromEntries(templates), models: [] };
    if (!taken) await control.change("endpoints", id, written, "start", "new");
    offered.add(id);
  }
  const value = JSON.stringify([...offered]);
  await query
    .insertInto("meta")
    .values({ name: OFFERED, value })
    .onConflict((conflict) => conflict.column("name").doUpdateSet({ value }))
    .execute();
}

/** Whether only the endpoint itself can tell the names of its models. */
export function tellsItsModels(offer: EndpointOffer): boolean {
  const vendor = VENDORS.find((one) => one.id === offer.vendor);
  return vendor?.detection !== undefined;
}

/** Asks an endpoint for the names of its models. Empty where it does not answer as it should. Never throws. */
export function learnModels(offer: EndpointOffer, { protocol, transport }: Connection): Promise<ModelSetting[]> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let good = false;
    const sink: AnswerSink = {
      onHead: (status) => {
        good = status === 200;
      },
      onChunk: (chunk) => {
        bytes += chunk.length;
        if (bytes <= LONGEST_LIST_BYTES) chunks.push(Buffer.from(chunk));
      },
      onEnd: () => resolve(good && bytes <= LONGEST_LIST_BYTES ? readNames(Buffer.concat(chunks)) : []),
      onFail: () => resolve([]),
    };
    transport.send(protocol.probe(offer, systemClock.now()), sink, PROBE_BOUNDS);
  });
}

function readNames(body: Buffer): ModelSetting[] {
  try {
    const { data } = JSON.parse(body.toString("utf8")) as { data?: { id?: unknown }[] };
    const ids = (Array.isArray(data) ? data : []).map((model) => model?.id);
    return ids
      .filter((id): id is string => typeof id === "string" && id !== "")
      .slice(0, MOST_MODELS)
      .map((id) => ({ id }));
  } catch {
    return [];
  }
}
