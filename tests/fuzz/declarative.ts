import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { systemClock } from "../../src/base/clock.ts";
import { Fault } from "../../src/base/faults.ts";
import { DEFAULT_LIMITS } from "../../src/base/limits.ts";
import { readDeclarative } from "../../src/config/declarative.ts";
import { Control } from "../../src/control/control.ts";
import { openSealer, type Sealer } from "../../src/store/sealing.ts";
import type { Store } from "../../src/store/spec.ts";
import { openSqliteStore } from "../../src/store/sqlite-store.ts";
import { PROJECT } from "../harness/compile.ts";
import type { FuzzTarget } from "./campaign.ts";
import { mutateBytes } from "./mutate-bytes.ts";
import { mutateJson } from "./mutate-json.ts";
import type { Random } from "./random.ts";

const ENVIRONMENT = {
  OPENAI_API_KEY: "sk-openai-secret",
  DASHSCOPE_API_KEY: "sk-dashscope-secret",
  LAB_KEY: "sk-lab-secret",
  TEAM_KEY: "team-secret-of-many-characters",
  SUPPORT_KEY: "support-secret-of-many-characters",
  LI_NA_KEY: "li-na-secret-of-many-characters",
};
const FILES = ["company.yaml", "minimal.yaml"].map((name) => readFileSync(join(PROJECT, "examples", name), "utf8"));

const ANCHORS = `
currency: USD
price: &price { currency: USD, input: "1", output: "2" }
`;

/** A file of YAML (JSON is YAML too), changed in its values, in its letters, or in both. */
export function makeFile(random: Random): Buffer {
  const file = random.once(12) ? ANCHORS : random.pick(FILES);
  if (random.once(2)) return mutateBytes(Buffer.from(file), random);
  const json = mutateJson(parse(file), random);
  if (random.once(2)) return random.once(5) ? mutateBytes(Buffer.from(json), random) : Buffer.from(json);
  try {
    return mutateBytes(Buffer.from(stringify(JSON.parse(json))), random);
  } catch {
    return Buffer.from(json);
  }
}

/** Settings over a store of their own, to which files are applied. */
export class SettingsBench {
  readonly #folder = mkdtempSync(join(tmpdir(), "maidan-fuzz-"));
  readonly #store: Store = openSqliteStore({ folder: this.#folder, durability: "process", limits: DEFAULT_LIMITS });
  readonly #seal: Sealer = openSealer(this.#folder);
  #control: Control | undefined;

  async close(): Promise<void> {
    await this.#store.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  target(cases: number): FuzzTarget {
    return {
      name: "declarative file",
      cases,
      make: makeFile,
      run: (input) => {
        const text = input.toString("utf8");
        // Here it can be interrupted, should it hang.
        const fault = refusalOf(() => readDeclarative(text, { environment: ENVIRONMENT, seal: this.#seal }));
        return this.#apply(text, fault);
      },
    };
  }

  async #apply(text: string, refusal: Fault | undefined): Promise<void> {
    this.#control ??= await Control.open({
      query: this.#store.query,
      seal: this.#seal,
      environment: ENVIRONMENT,
      clock: systemClock,
    });
    const control = this.#control;
    const before = control.exportYaml();
    try {
      await control.applyFile(text);
    } catch (error) {
      checkRefusal(error);
      if (control.exportYaml() !== before) throw new Error("a refused file changed something");
      return;
    }
    if (refusal) throw new Error("a file was applied that could not be read");
    const again = await control.applyFile(text, { dryRun: true });
    if (again.changes.length > 0) throw new Error(`applied again it changes ${JSON.stringify(again.changes)}`);
    const exported = await control.applyFile(control.exportYaml(), { dryRun: true });
    if (exported.changes.length > 0) throw new Error(`exported it changes ${JSON.stringify(exported.changes)}`);
  }
}

function refusalOf(read: () => unknown): Fault | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    return checkRefusal(error);
  }
}

/** A refusal lists what is wrong, in both languages. */
function checkRefusal(error: unknown): Fault {
  if (!(error instanceof Fault) || error.code === "internal_error") throw error;
  const { problems } = (error.details ?? {}) as { problems?: readonly { message: string }[] };
  if (!Array.isArray(problems) || problems.length === 0)
    throw new Error(`a refusal without problems: ${error.message}`);
  if (error.text("zh") === error.text("en")) throw new Error("a refusal in one language only");
  return error;
}
