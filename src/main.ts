#!/usr/bin/env node
import { chmodSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Logger } from "pino";
import { AdmissionGate } from "./admission/gate.ts";
import { systemClock } from "./base/clock.ts";
import { CallIds, timeOfId } from "./base/ids.ts";
import { DEFAULT_LIMITS } from "./base/limits.ts";
import { Deadlines } from "./call/deadlines.ts";
import { KeptAnswers } from "./call/kept-answers.ts";
import { PriceBook } from "./call/price-book.ts";
import type { CallEnvironment } from "./call/spec.ts";
import { controlSocketPath } from "./cli/control-socket.ts";
import { runCli } from "./cli/run-cli.ts";
import type { CliDependencies, InProcess, StartedServer, StartOptions } from "./cli/spec.ts";
import { notesOf, offeredVendors, otherVendors } from "./cli/start-facts.ts";
import {
  channelToPrimary,
  startWorkers as startWorkerProcesses,
  type WorkerGroup,
  workerNumber,
} from "./cli/workers.ts";
import { type ProcessSettings, readEnvironment } from "./config/environment.ts";
import { AdminKey } from "./control/admin-key.ts";
import { Control } from "./control/control.ts";
import { findLocalEndpoints, offerVendors } from "./control/discovery.ts";
import { runDoctor } from "./control/doctor/doctor.ts";
import { examineSettings, examineStore } from "./control/doctor/installation.ts";
import { probeEndpoint } from "./control/doctor/probe.ts";
import { follow, worldOf } from "./control/following.ts";
import { nodeName } from "./control/node-name.ts";
import { limitsInForce } from "./control/snapshot.ts";
import { addressOf, listen } from "./http/listening.ts";
import { makeLog } from "./http/log.ts";
import { Metrics } from "./http/metrics.ts";
import { observeCalls } from "./http/observer.ts";
import { operatorsApp } from "./http/operators/app.ts";
import { operatorsListener } from "./http/operators/listener.ts";
import { makeServer } from "./http/server.ts";
import { AnthropicSurface } from "./http/surfaces/anthropic.ts";
import { OpenAiSurface } from "./http/surfaces/openai.ts";
import { ResponsesSurface } from "./http/surfaces/responses.ts";
import type { Sharing } from "./ledger/leases/shared-books.ts";
import { Ledger } from "./ledger/ledger.ts";
import { Recalculation } from "./reports/recalculation.ts";
import { EndpointHealth, type HealthState } from "./routing/health.ts";
import { type FolderLock, lockDataFolder } from "./store/folder-lock.ts";
import { takeJob } from "./store/jobs.ts";
import { openPostgresStore } from "./store/postgres-store.ts";
import { openRemoteStore } from "./store/remote-store.ts";
import { openSealer, proveSealer } from "./store/sealing.ts";
import type { Store } from "./store/spec.ts";
import { openSqliteStore } from "./store/sqlite-store.ts";

const VERSION = (JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string })
  .version;
const HOUR_MS = 3_600_000;
/** How long calls in flight may take to end when the server stops. */
const DRAIN_MS = 30_000;
const DRAIN_STEP_MS = 25;

interface InstallationOptions extends Pick<ProcessSettings, "durability" | "adminKey" | "databaseUrl" | "sealingKey"> {
  readonly dataFolder: string;
  readonly language: StartOptions["language"];
  /** Which worker of another process this one is. */
  readonly worker: number | undefined;
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
  readonly store: Pick<Store, "query" | "warnings">;
  /** Resolves with the cause when the disk failed: nothing more can be promised. */
  readonly failed: Promise<unknown>;
  /** Takes no new calls, lets those in flight end, closes the books. */
  close(): Promise<void>;
}

async function install(options: InstallationOptions): Promise<Installation> {
  // The folder of workers is locked by the process that started them.
  const lock = options.worker === undefined ? lockDataFolder(options.dataFolder) : undefined;
  try {
    return await assemble(options, lock);
  } catch (fault) {
    lock?.release();
    throw fault;
  }
}

/** PostgreSQL's, where one is named; a worker's is that of the process that started it; else the data folder's own. */
async function openStore(options: InstallationOptions): Promise<Store> {
  const { dataFolder: folder, durability, databaseUrl: url, serves: reserve, worker, log } = options;
  const onTrouble = (cause: unknown): void => log.warn({ err: cause }, "store");
  if (url !== undefined) return openPostgresStore({ url, durability, limits: DEFAULT_LIMITS });
  if (worker !== undefined) return openRemoteStore(channelToPrimary(), DEFAULT_LIMITS);
  return openSqliteStore({ folder, durability, limits: DEFAULT_LIMITS, reserve, onTrouble });
}

/** How this process shares its store with others; undefined where it has it alone. */
function sharingOf(options: InstallationOptions, control: Control): Sharing | undefined {
  const { databaseUrl, worker, dataFolder, log } = options;
  if (databaseUrl === undefined && worker === undefined) return undefined;
  const follow = (): void => void control.refresh().catch((cause) => log.error({ err: cause }, "settings"));
  return {
    name: nodeName(dataFolder, worker),
    settingsVersion: () => control.storedVersion,
    onSettings: (version) => {
      if (control.isBehind(version)) follow();
    },
    onTrouble: (cause) => log.warn({ err: cause }, "leases"),
  };
}

async function assemble(options: InstallationOptions, lock: FolderLock | undefined): Promise<Installation> {
  const { dataFolder: folder, log } = options;
  const clock = systemClock;
  const sealer = openSealer(folder, options.sealingKey);
  const store = await openStore(options);
  await proveSealer(store.query, sealer);
  const { query, journal } = store;
  const control = await Control.open({ query, seal: sealer, environment: process.env, clock });
  const limits = limitsInForce(control.snapshot);
  const sharing = sharingOf(options, control);
  const { budgets } = control.snapshot().settings;
  const ledger = await Ledger.open({ store, clock, limits, budgets, world: worldOf(control), sharing });
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
  const { snapshot, connections } = await follow(control, ledger, store);
  const keptAnswers = new KeptAnswers(query, journal, sealer, clock, limits, sharing?.name);
  if (options.serves) void keptAnswers.giveBackAbandoned().catch((cause) => log.error({ err: cause }, "kept answers"));
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
    takeJob(store, "expire-kept-answers", HOUR_MS, clock.now())
      .then((isOurs) => (isOurs ? keptAnswers.expire() : undefined))
      .catch((cause) => log.error({ err: cause }, "kept answers"));
  }, HOUR_MS);
  expiry.unref();
  const close = async (): Promise<void> => {
    life.stopping = true;
    clearInterval(expiry);
    const deadline = performance.now() + DRAIN_MS;
    while (gate.inFlight > 0 && performance.now() < deadline) await sleep(DRAIN_STEP_MS);
    await connections.close();
    await ledger.close();
    await store.close();
    lock?.release();
  };
  const failed = new Promise<unknown>((resolve) => journal.onFailure(resolve));
  return { control, calls, ledger, operators, adminKey, store, failed, close };
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
      journalQueue: () => calls.limits.journalQueue,
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
        ...examineStore(store),
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

/** Serves on the data folder until closed. */
async function startServer(options: StartOptions): Promise<StartedServer> {
  const { dataFolder, language } = options;
  let address: string | undefined;
  const worker = workerNumber();
  const { databaseUrl, sealingKey, logLevel } = readEnvironment(process.env);
  const log = makeLog(logLevel);
  const parts = { ...options, databaseUrl, sealingKey, worker, log, serves: true, address: () => address };
  const installation = await install(parts);
  const { control, calls, operators, ledger } = installation;
  let server: Server | undefined;
  let socket: Server | undefined;
  try {
    const first = await firstStart(control);
    await offerVendors(control, installation.store.query, process.env);
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
      notes: notesOf(ledger, installation.store.warnings, applied?.warnings ?? first?.warnings ?? []),
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

/** Serves with several processes, which share the port; and, without PostgreSQL, the store of this one. */
async function startWorkers(options: StartOptions, count: number): Promise<WorkerGroup> {
  const { dataFolder: folder, durability } = options;
  const lock = lockDataFolder(folder);
  const path = controlSocketPath(folder);
  if (path !== undefined) rmSync(path, { force: true });
  const { databaseUrl, logLevel } = readEnvironment(process.env);
  const onTrouble = (cause: unknown): void => makeLog(logLevel).warn({ err: cause }, "store");
  const own = { folder, durability, limits: DEFAULT_LIMITS, reserve: true, onTrouble };
  const store = databaseUrl === undefined ? openSqliteStore(own) : undefined;
  const close = async (): Promise<void> => {
    await store?.close();
    lock.release();
  };
  try {
    const { failed, stop } = await startWorkerProcesses(count, store?.hub);
    const broken = new Promise<unknown>((resolve) => store?.journal.onFailure(resolve));
    return { failed: Promise.race([failed, broken]), stop: () => stop().then(close) };
  } catch (fault) {
    await close();
    throw fault;
  }
}

/** The operators' API on a data folder that no server uses. */
async function openInProcess(dataFolder: string): Promise<InProcess> {
  const settings = readEnvironment(process.env);
  const rest = { worker: undefined, log: makeLog(settings.logLevel), serves: false, address: () => undefined };
  const { operators, close } = await install({ ...settings, dataFolder, ...rest });
  return { fetch: (request) => operators.fetch(request, { trusted: true }), close };
}

async function firstStart(control: Control): Promise<Awaited<ReturnType<Control["firstStart"]>>> {
  return control.isEmpty ? control.firstStart(await findLocalEndpoints()) : undefined;
}

/** The command line's way in: whoever may open the data folder is an administrator. */
async function listenOnSocket(dataFolder: string, listener: RequestListener): Promise<Server | undefined> {
  const path = controlSocketPath(dataFolder);
  if (path === undefined) return undefined;
  // One that a crash left behind: the folder's lock says that nobody listens there. Workers share theirs.
  if (workerNumber() === undefined) rmSync(path, { force: true });
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
    startWorkers,
    openInProcess,
  };
  return runCli(argv, dependencies);
}

/**
 * Runs one command and ends the program, whatever is still open: a server that failed listens, and the channel of a worker
 * to the process that started it keeps both alive.
 */
export async function run(argv: readonly string[]): Promise<never> {
  const code = await main(argv);
  for (const stream of [process.stdout, process.stderr]) await new Promise((resolve) => stream.write("", resolve));
  process.exit(code);
}

const isProgram = process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url);
if (isProgram) await run(process.argv.slice(2));
