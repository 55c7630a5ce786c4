import type { Kysely } from "kysely";
import type { Clock } from "../base/clock.ts";
import { Fault } from "../base/faults.ts";
import type { Text } from "../base/language.ts";
import { changeWords, fileWords } from "../base/messages/config.ts";
import { nearest } from "../base/nearest.ts";
import { checkSettings, type DocumentProblem } from "../config/checks.ts";
import { openCredential, type Seal } from "../config/credentials.ts";
import { readDeclarative } from "../config/declarative.ts";
import type { Change } from "../config/diff.ts";
import { exportSettings } from "../config/export.ts";
import { type Problem, refusal } from "../config/problems.ts";
import {
  type Credential,
  type DocumentKind,
  type DocumentOf,
  type DocumentSource,
  type EndpointSetting,
  idOf,
  type ModelSetting,
  type Settings,
} from "../config/settings.ts";
import type { Environment } from "../config/variables.ts";
import type { Schema } from "../store/schema.ts";
import { type DocumentChange, loadSettings, SettingsMoved, saveSettings } from "../store/settings.ts";
import { type Documents, fromStore } from "./documents.ts";
import { type FirstStart, planFirstStart } from "./first-start.ts";
import { knowledgeOf } from "./knowledge.ts";
import { type Plan, planDocument, planFile } from "./plan.ts";
import { makeSnapshot, type SettingsSnapshot } from "./snapshot.ts";
import { keepDocument, writeDocument } from "./written.ts";

export interface ControlOptions {
  readonly query: Kysely<Schema>;
  readonly seal: Seal;
  readonly environment: Environment;
  readonly clock: Clock;
}

export interface ApplyReport {
  readonly changes: readonly Change[];
  /** False for a dry run. */
  readonly applied: boolean;
  readonly warnings: readonly Problem[];
}

export interface ChangeReport<K extends DocumentKind = DocumentKind> {
  /** As it is kept now; undefined where it was removed. */
  readonly document: DocumentOf<K> | undefined;
  /** The secret of a new key, where none was given: to be shown once. */
  readonly secret: string | undefined;
  readonly changes: readonly Change[];
  readonly warnings: readonly Problem[];
}

/** Told of every change, after it is in force. Must not throw: the change cannot be taken back. */
export type ChangeListener = (now: SettingsSnapshot, before: SettingsSnapshot) => void | Promise<void>;

/** Changes that wait for their turn. */
const MOST_WAITING = 1_000;

/**
 * The settings in force and the one way to change them. One change at a time: the whole is checked, saved in one
 * transaction and only then put in force; where any of it fails, everything stays as it was.
 */
export class Control {
  readonly #options: ControlOptions;
  readonly #listeners: ChangeListener[] = [];
  /** The models that vendors told of at run time, by endpoint. */
  readonly #told = new Map<string, readonly ModelSetting[]>();
  #documents: Documents;
  #snapshot: SettingsSnapshot;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #storedVersion: number;
  /** A change was saved, and whoever must put it in force could not: the store was away. */
  #isHalfDone = false;

  private constructor(options: ControlOptions, documents: Documents, storedVersion: number) {
    this.#options = options;
    this.#storedVersion = storedVersion;
    this.#documents = documents;
    this.#snapshot = this.#make(documents.settings, 1);
  }

  /** Loads the settings that the store holds. */
  static async open(options: ControlOptions): Promise<Control> {
    const stored = await loadSettings(options.query);
    return new Control(options, fromStore(stored), stored.version);
  }

  readonly snapshot = (): SettingsSnapshot => this.#snapshot;

  /** How often the settings in force had been changed, by any of the nodes that share the store. */
  get storedVersion(): number {
    return this.#storedVersion;
  }

  /**
   * Whether `refresh` has something to do, where the store holds this version. Not before somebody follows: what is put
   * in force then would be missed.
   */
  isBehind(version: number): boolean {
    return this.#listeners.length > 0 && (version > this.#storedVersion || this.#isHalfDone);
  }

  /** Puts into force what other nodes have changed meanwhile. */
  refresh(): Promise<void> {
    return this.#exclusively(() => this.#reload());
  }

  /** Whether nobody has set anything yet. */
  get isEmpty(): boolean {
    return this.#documents.isEmpty;
  }

  /**
   * Adds the models that a vendor tells of at run time, now and after every change. They are not settings: after a
   * restart the vendor is asked again.
   */
  addModels(endpoint: string, models: readonly ModelSetting[]): void {
    this.#snapshot.catalogue.addModels(endpoint, models);
    this.#told.set(endpoint, models);
  }

  onChange(listener: ChangeListener): void {
    this.#listeners.push(listener);
  }

  /**
   * Makes the settings agree with a declarative file, and says what changed. Throws one `invalid_request` fault that
   * lists every problem with its line; then nothing has changed.
   */
  applyFile(text: string, options: { readonly dryRun?: boolean; readonly name?: string } = {}): Promise<ApplyReport> {
    return this.#exclusively(async () => {
      const { environment, seal } = this.#options;
      const { fileBytes } = this.#snapshot.limits;
      const file = readDeclarative(text, { environment, seal, name: options.name, fileBytes });
      const plan = planFile(this.#documents, file, seal, this.#now());
      const place = (problem: DocumentProblem): Problem => {
        const placed = file.place(problem.kind, problem.id, problem);
        return placed.position ? placed : about(problem);
      };
      const { commit, warnings } = this.#prepare(plan, file.name, place);
      const applied = options.dryRun !== true;
      if (applied) await commit();
      return { changes: plan.changes, applied, warnings: [...file.warnings, ...warnings] };
    });
  }

  /**
   * Writes one document, in the form in which operators write it (`secret` in a key, texts as credentials), or removes
   * it where `written` is undefined. Throws `invalid_request` where it, or what refers to it, would not be right;
   * `not_found` and `conflict` as `expect` asks.
   *
   * @param id of the document; undefined for a new one that says its id itself
   */
  change<K extends DocumentKind>(
    kind: K,
    id: string | undefined,
    written: unknown,
    source: DocumentSource = "api",
    expect: "new" | "existing" | "any" = "any",
  ): Promise<ChangeReport<K>> {
    return this.#exclusively(async () => {
      const { seal } = this.#options;
      const kept = written === undefined ? undefined : keepDocument(kind, written, seal);
      const said = kept && idOf(kind, kept.document);
      const name = id ?? said ?? "";
      if (said !== undefined && said !== name) {
        throw new Fault("invalid_request", changeWords.otherId(kind, name, said), { param: "id" });
      }
      if (kind === "general" && !kept) throw new Fault("invalid_request", changeWords.generalStays());
      this.#expect(kind, name, kept ? expect : "existing");
      const plan = planDocument(this.#documents, kind, name, kept?.document, { source, seal, now: this.#now() });
      const { commit, warnings } = this.#prepare(plan, fileWords.theDocument(), (problem) =>
        problem.kind === kind && problem.id === name ? problem : about(problem),
      );
      await commit();
      return {
        document: this.#documents.get(kind, name)?.document,
        secret: kept?.secret,
        changes: plan.changes,
        warnings: [...(kept?.warnings ?? []), ...warnings],
      };
    });
  }

  /** A document in the form in which operators write it: `change` takes it back. Undefined where there is none. */
  written(kind: DocumentKind, id: string): unknown {
    const found = this.#documents.get(kind, id);
    return found && writeDocument(kind, found.document);
  }

  /** Who wrote a document. */
  source(kind: DocumentKind, id: string): DocumentSource | undefined {
    return this.#documents.get(kind, id)?.source;
  }

  /** All settings as a declarative file. Applied here, it changes nothing. */
  exportYaml(): string {
    return exportSettings(this.#snapshot.settings);
  }

  /**
   * Where nobody has set anything yet: a payer with a small budget and a key, and the vendors whose credentials stand
   * in the environment. Undefined, and nothing changed, where there are settings.
   *
   * @param local endpoints of servers that were found on this machine
   */
  firstStart(
    local: readonly EndpointSetting[] = [],
  ): Promise<(FirstStart & Pick<ApplyReport, "warnings">) | undefined> {
    return this.#exclusively(async () => {
      if (!this.#documents.isEmpty) return undefined;
      const { plan, ...first } = planFirstStart(this.#options.environment, this.#now(), local);
      const { commit, warnings } = this.#prepare(plan, fileWords.theDocument(), about);
      await commit();
      return { ...first, warnings };
    });
  }

  #expect(kind: DocumentKind, id: string, expect: "new" | "existing" | "any"): void {
    const exists = this.#documents.get(kind, id) !== undefined;
    if (expect === "new" && exists) throw new Fault("conflict", changeWords.exists(kind, id), { param: "id" });
    if (expect === "existing" && !exists && kind !== "general") {
      const near = nearest(id, this.#idsOf(kind));
      throw new Fault("not_found", changeWords.notFound(kind, id, near), { details: { nearest: near } });
    }
  }

  *#idsOf(kind: DocumentKind): Generator<string> {
    for (const document of this.#documents.all()) if (document.kind === kind) yield document.id;
  }

  /** Checks what a plan leads to. Throws where that is not right; else `commit` saves it and puts it in force. */
  #prepare(
    plan: Plan,
    name: Text,
    place: (problem: DocumentProblem) => Problem,
  ): { commit: () => Promise<void>; warnings: Problem[] } {
    const next = this.#documents.with(plan);
    const { problems, warnings } = checkSettings(next.settings, knowledgeOf(next.settings));
    if (problems.length > 0) throw refusal(name, problems.map(place));
    const before = this.#snapshot;
    const now = plan.changes.length > 0 ? this.#make(next.settings, before.version + 1) : before;
    const commit = async (): Promise<void> => {
      const { query, clock } = this.#options;
      this.#storedVersion = await saveSettings(query, writingOf(plan), this.#storedVersion, clock.now());
      this.#documents = next;
      if (now !== before) await this.#putInForce(now);
    };
    return { commit, warnings: warnings.map(place) };
  }

  async #putInForce(now: SettingsSnapshot): Promise<void> {
    const before = this.#snapshot;
    this.#snapshot = now;
    try {
      for (const listener of this.#listeners) await listener(now, before);
      this.#isHalfDone = false;
    } catch (error) {
      // What can never be put in force is not tried again.
      this.#isHalfDone = !(error instanceof Fault && error.code === "invalid_request");
      throw error;
    }
  }

  async #reload(): Promise<void> {
    const stored = await loadSettings(this.#options.query);
    if (stored.version === this.#storedVersion && !this.#isHalfDone) return;
    this.#documents = fromStore(stored);
    this.#storedVersion = stored.version;
    await this.#putInForce(this.#make(stored.settings, this.#snapshot.version + 1));
  }

  #make(settings: Settings, version: number): SettingsSnapshot {
    const { environment, seal } = this.#options;
    const resolve = (credential: Credential) => openCredential(credential, environment, seal);
    return makeSnapshot(settings, version, resolve, this.#told);
  }

  #now(): string {
    return new Date(this.#options.clock.now()).toISOString();
  }

  /** Does the work on the newest settings: again where another node has changed them meanwhile. */
  async #onNewest<T>(work: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof SettingsMoved) || tries === MOST_TRIES) throw error;
        await this.#reload();
      }
    }
  }

  async #exclusively<T>(work: () => Promise<T>): Promise<T> {
    if (this.#waiting >= MOST_WAITING) {
      throw new Fault("overloaded", changeWords.tooManyChanges(this.#waiting), { retryAfterMs: 1_000 });
    }
    this.#waiting += 1;
    const mine = this.#last.then(() => this.#onNewest(work));
    this.#last = mine.catch(() => {});
    try {
      return await mine;
    } finally {
      this.#waiting -= 1;
    }
  }
}

/** Other nodes may be changing the settings as well; each try begins with what they made of them. */
const MOST_TRIES = 10;

/** A problem of another document than the one that was written: says of which. */
function about(problem: DocumentProblem): Problem {
  const { kind, id, text } = problem;
  return { ...problem, text: (language) => fileWords.about(kind, id, text(language))(language) };
}

function writingOf({ put, remove }: Plan): DocumentChange[] {
  return [...remove.map(({ kind, id }) => ({ kind, id, document: undefined })), ...put];
}
