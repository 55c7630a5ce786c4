#!/usr/bin/env node
import { chmodSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { type AddressInfo, isIPv6 } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Logger, pino } from "pino";
import { AdmissionGate } from "./admission/gate.ts";
import { systemClock } from "./base/clock.ts";
import { CallIds, timeOfId } from "./base/ids.ts";
import { DEFAULT_LIMITS } from "./base/limits.ts";
import { Deadlines } from "./call/deadlines.ts";
import { KeptAnswers } from "./call/kept-answers.ts";
import { PriceBook } from "./call/price-book.ts";
import type { CallEnvironment, Snapshot } from "./call/spec.ts";
import { controlSocketPath } from "./cli/control-socket.ts";
import { runCli } from "./cli/run-cli.ts";
import type { CliDependencies, InProcess, StartedServer, StartOptions } from "./cli/spec.ts";
import { notesOf, offeredVendors, otherVendors } from "./cli/start-facts.ts";
import { type Durability, readEnvironment } from "./config/environment.ts";
import { AdminKey } from "./control/admin-key.ts";
import { Connections } from "./control/connections.ts";
import { Control } from "./control/control.ts";
import { findLocalEndpoints, learnModels, offerVendors, tellsItsModels } from "./control/discovery.ts";
import { runDoctor } from "./control/doctor/doctor.ts";
import { examineSettings, examineStore } from "./control/doctor/installation.ts";
import { probeEndpoint } from "./control/doctor/probe.ts";
import { Metrics } from "./http/metrics.ts";
import { observeCalls } from "./http/observer.ts";
import { operatorsApp } from "./http/operators/app.ts";
import { operatorsListener } from "./http/operators/listener.ts";
import { makeServer } from "./http/server.ts";
import { AnthropicSurface } from "./http/surfaces/anthropic.ts";
import { OpenAiSurface } from "./http/surfaces/openai.ts";
import { ResponsesSurface } from "./http/surfaces/responses.ts";
import { Ledger } from "./ledger/ledger.ts";
import type { LedgerWorld } from "./ledger/spec.ts";
import { Recalculation } from "./reports/recalculation.ts";
import { EndpointHealth, type HealthState } from "./routing/health.ts";
import { type FolderLock, lockDataFolder } from "./store/folder-lock.ts";
import { openSealer } from "./store/sealing.ts";
import type { Store } from "./store/spec.ts";
import { openSqliteStore } from "./store/sqlite-store.ts";

const VERSION = (JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string })
  .version;
const HOUR_MS = 3_600_000;
/** How long calls in flight may take to end when the server stops. */
const DRAIN_MS = 30_000;
const DRAIN_STEP_MS = 25;

interface InstallationOptions {
  readonly dataFolder: string;
  readonly durability: Durability;
  readonly language: StartOptions["language"];
  readonly adminKey: string | undefined;
  readonly log: Logger;
  /** Whether many calls are to come: a server, not one command. */
  readonly serves: boolean;
  /** Where clients reach this process, once it listens. */
  readonly address: () => string | undefined;
}

/** Maidan on one data folder, put together: what a server serves, and what a command without one asks. */
interface Installation {
  readonly control: Control;
  readonly calls: CallEnvironment;
  readonly ledger: Ledger;
  readonly operators: ReturnType<typeof operatorsApp>;
  readonly adminKey: AdminKey;
  readonly query: Store["query"];
  /** Resolves with the cause when the disk failed: nothing more can be promised. */
  readonly failed: Promise<unknown>;
  /** Takes no new calls, lets those in flight end, closes the books. */
  close(): Promise<void>;
}

async function install(options: InstallationOptions): Promise<Installation> {
  const lock = lockDataFolder(options.dataFolder);
  try {
    return await assemble(options, lock);
  } catch (fault) {
    lock.release();
    throw fault;
  }
}

async function assemble(options: InstallationOptions, lock: FolderLock): Promise<Installation> {
  const { dataFolder: folder, durability, log } = options;
  const clock = systemClock;
  const sealer = openSealer(folder);
  const store = openSqliteStore({ folder, durability, limits: DEFAULT_LIMITS, reserve: options.serves });
  const { query, journal } = store;
  const control = await Control.open({ query, seal: sealer, environment: process.env, clock });
  const { settings, limits } = control.snapshot();
  const ledger = await Ledger.open({ store, clock, limits, budgets: settings.budgets, world: worldOf(control) });
  const gate = new AdmissionGate(clock, limits);
  const health = new EndpointHealth(clock);
  const metrics = new Metrics({
    inFlight: () => gate.inFlight,
    journalDepth: () => journal.depth,
    budgets: () => ledger.budgets(),
    unsettled: () => ledger.unsettled().length,
    endpoints: () => healthOf(control, health),
  });
  journal.onCommit((milliseconds) => metrics.journalCommitted(milliseconds));
  const { snapshot, connections } = await follow(control, ledger);
  const keptAnswers = new KeptAnswers(query, journal, sealer, clock, limits);
  const calls: CallEnvironment = {
    clock,
    get limits() {
      return control.snapshot().limits;
    },
    ids: new CallIds(ledger.lastAttempt),
    ledger,
    gate,
    health,
    keptAnswers,
    priceBook: new PriceBook(query),
    deadlines: new Deadlines(),
    snapshot,
    observer: observeCalls(metrics, log),
  };
  const adminKey = await AdminKey.open(options.adminKey, query);
  const life = { stopping: false };
  const operators = makeOperators(options, { control, calls, store, metrics, adminKey, life });
  const expiry = setInterval(() => {
    keptAnswers.expire().catch((cause) => log.error({ err: cause }, "kept answers"));
  }, HOUR_MS);
  expiry.unref();
  const close = async (): Promise<void> => {
    life.stopping = true;
    clearInterval(expiry);
    const deadline = performance.now() + DRAIN_MS;
    while (gate.inFlight > 0 && performance.now() < deadline) await sleep(DRAIN_STEP_MS);
    await connections.close();
    await store.close();
    lock.release();
  };
  const failed = new Promise<unknown>((resolve) => journal.onFailure(resolve));
  return { control, calls, ledger, operators, adminKey, query, failed, close };
}

/** The settings in force as calls see them, with the ways to the vendors: both follow every change. */
async function follow(
  control: Control,
  ledger: Ledger,
): Promise<{ snapshot: () => Snapshot; connections: Connections }> {
  const connections = new Connections(control.snapshot().limits, (endpoint, models) =>
    control.addModels(endpoint, models),
  );
  await connections.follow(control.snapshot());
  let snapshot: Snapshot = { ...control.snapshot(), connections: connections.current };
  learn(snapshot, control);
  control.onChange(async (now) => {
    await connections.follow(now);
    await ledger.setBudgets(now.settings.budgets, worldOf(control));
    snapshot = { ...now, connections: connections.current };
    learn(snapshot, control);
  });
  return { snapshot: () => snapshot, connections };
}

interface OperatorsParts {
  readonly control: Control;
  readonly calls: CallEnvironment;
  readonly store: Store;
  readonly metrics: Metrics;
  readonly adminKey: AdminKey;
  readonly life: { readonly stopping: boolean };
}

function makeOperators(options: InstallationOptions, parts: OperatorsParts): ReturnType<typeof operatorsApp> {
  const { dataFolder, durability, language, log } = options;
  const { control, calls, store, metrics, adminKey, life } = parts;
  const { clock, ledger, gate, health } = calls;
  const { query, journal } = store;
  const probe = (id: string) => {
    const { catalogue, connections } = calls.snapshot();
    return probeEndpoint({ ...connections.get(id)!, target: catalogue.endpoint(id)! });
  };
  const startedAt = clock.now();
  return operatorsApp({
    clock,
    language,
    start: {
      version: VERSION,
      startedAt,
      get address() {
        return options.address();
      },
      dataFolder,
      durability,
    },
    store,
    ledger,
    control,
    endpoints: { health: (id) => health.state(id), probe },
    recalculation: new Recalculation(query),
    metrics,
    health: {
      clock,
      pingStore: () => query.selectFrom("meta").select("name").limit(1).execute(),
      journalDepth: () => journal.depth,
      journalQueue: DEFAULT_LIMITS.journalQueue,
      endpoints: () => healthOf(control, health),
      lastEntryAt: () => (ledger.lastAttempt === undefined ? undefined : timeOfId(ledger.lastAttempt)),
      stopping: () => life.stopping,
    },
    isAdminKey: adminKey.verify,
    inFlight: () => gate.inFlight,
    doctor: () =>
      runDoctor({
        clock,
        dataFolder,
        nodeVersion: process.version,
        ...examineSettings(control.snapshot, clock),
        ...examineStore(query),
        probeEndpoint: probe,
        auditLedger: () => ledger.audit(),
        unsettled: () => ledger.unsettled(),
      }),
    onError: (cause) => log.error({ err: cause }, "operators' API"),
  });
}

function healthOf(control: Control, health: EndpointHealth): HealthState[] {
  const { catalogue } = control.snapshot();
  return catalogue.endpoints().map((endpoint) => health.state(endpoint.id));
}

/** What the ledger asks of the settings: always of those in force at that moment. */
function worldOf(control: Control): LedgerWorld {
  return {
    pathOf: (payer) => control.snapshot().payers.path(payer),
    rate: (from, to, at) => control.snapshot().catalogue.rate(from, to, at),
  };
}

/** Asks servers that people run for the names of their models; nobody waits for it. */
function learn({ catalogue, connections }: Snapshot, control: Control): void {
  for (const offer of catalogue.endpoints()) {
    if (!tellsItsModels(offer)) continue;
    void learnModels(offer, connections.get(offer.id)!).then((models) => {
      const exists = control.snapshot().catalogue.endpoint(offer.id);
      if (exists && models.length > 0) control.addModels(offer.id, models);
    });
  }
}

/** Serves on the data folder until closed. */
async function startServer(options: StartOptions): Promise<StartedServer> {
  const { dataFolder, durability, language, adminKey } = options;
  const log = makeLog();
  let address: string | undefined;
  const parts = { dataFolder, durability, language, adminKey, log, serves: true, address: () => address };
  const installation = await install(parts);
  const { control, calls, operators, ledger } = installation;
  let server: Server | undefined;
  let socket: Server | undefined;
  try {
    const first = await firstStart(control);
    await offerVendors(control, installation.query, process.env);
    const applied = options.apply && (await control.applyFile(options.apply.content, { name: options.apply.name }));
    server = makeServer({
      openAi: new OpenAiSurface(calls, language),
      anthropic: new AnthropicSurface(calls, language),
      responses: new ResponsesSurface(calls, language),
      operators: operatorsListener(operators),
      limits: calls.limits,
      language,
    });
    await listen(server, { host: options.host, port: options.port });
    address = addressOf(server, options.host);
    socket = await listenOnSocket(dataFolder, operatorsListener(operators, true));
    const servers = [server, socket];
    return {
      address,
      dataFolder,
      adminKey: installation.adminKey.made,
      firstKey: first && {
        secret: first.secret,
        payer: first.payer.id,
        amount: "1.00",
        currency: first.budget.currency,
      },
      vendors: offeredVendors(control),
      otherVendors: otherVendors(control),
      applied,
      notes: notesOf(ledger, applied?.warnings ?? first?.warnings ?? []),
      failed: installation.failed,
      close: async () => {
        for (const one of servers) one?.close();
        for (const one of servers) one?.closeIdleConnections();
        await installation.close();
        for (const one of servers) one?.closeAllConnections();
      },
    };
  } catch (fault) {
    server?.close();
    socket?.close();
    await installation.close();
    throw fault;
  }
}

/** The operators' API on a data folder that no server uses. */
async function openInProcess(dataFolder: string): Promise<InProcess> {
  const { durability, language, adminKey } = readEnvironment(process.env);
  const log = makeLog();
  const options = { dataFolder, durability, language, adminKey, log, serves: false, address: () => undefined };
  const { operators, close } = await install(options);
  return { fetch: (request) => operators.fetch(request, { trusted: true }), close };
}

async function firstStart(control: Control): Promise<Awaited<ReturnType<Control["firstStart"]>>> {
  return control.isEmpty ? control.firstStart(await findLocalEndpoints()) : undefined;
}

/** Structured lines on standard error. Credentials never reach it; should one, its usual names are blacked out. */
function makeLog(): Logger {
  const redact = {
    paths: ["*.authorization", "*.apiKey", "*.secret", "*.credentials", "*.body"],
    censor: "[redacted]",
  };
  return pino({ level: readEnvironment(process.env).logLevel, redact, base: null }, pino.destination(2));
}

function listen(server: Server, place: { host: string; port: number } | { path: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ ...place, backlog: 4_096 }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** The command line's way in: whoever may open the data folder is an administrator. */
async function listenOnSocket(dataFolder: string, listener: RequestListener): Promise<Server | undefined> {
  const path = controlSocketPath(dataFolder);
  if (path === undefined) return undefined;
  rmSync(path, { force: true }); // One that a crash left behind: the folder's lock says that nobody listens there.
  const server = createServer(listener);
  const before = process.umask(0o177);
  try {
    await listen(server, { path });
  } finally {
    process.umask(before);
  }
  chmodSync(path, 0o600);
  return server;
}

function addressOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo;
  const reachable = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  return `http://${isIPv6(reachable) ? `[${reachable}]` : reachable}:${port}`;
}

/** Runs one command and resolves with the program's exit code. */
export function main(argv: readonly string[]): Promise<number> {
  const dependencies: CliDependencies = {
    version: VERSION,
    environment: process.env,
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    isTerminal: process.stdin.isTTY === true && process.stdout.isTTY === true,
    columns: process.stdout.columns,
    startServer,
    openInProcess,
  };
  return runCli(argv, dependencies);
}

const isProgram = process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url);
if (isProgram) process.exitCode = await main(process.argv.slice(2));
