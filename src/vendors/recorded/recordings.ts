import { join } from "node:path";
import type { Fault } from "../../base/faults.ts";
import { recordedWords as words } from "../../base/messages/transports.ts";
import { isObject } from "../inside/question.ts";
import { malformed, parse, readBounded, type Suite } from "./suite.ts";

const FILE_BYTES = 64 * 1024 * 1024;
const MOST_LINES = 500_000;
/** Characters of all files kept in memory. The longest unused goes first. */
const KEPT_CHARACTERS = 64 * 1024 * 1024;

interface Table<Value> {
  readonly rows: ReadonlyMap<string, Value>;
  readonly characters: number;
}

/** The prompts and answers of suites: read when first asked for, and kept while there is room. */
export class Recordings {
  readonly #kept = new Map<string, Promise<Table<unknown>>>();
  readonly #characters = new Map<string, number>();
  readonly #room: number;

  /** @param room characters of files that may stay in memory */
  constructor(room: number = KEPT_CHARACTERS) {
    this.#room = room;
  }

  /** The ids of the prompts that are spelt exactly so. */
  async findPrompts(suite: Suite, prompt: string): Promise<readonly string[]> {
    const shown = `${suite.id}/prompts.jsonl`;
    const prompts = await this.#keep(shown, () => readPrompts(join(suite.folder, "prompts.jsonl"), shown));
    return prompts.get(prompt) ?? [];
  }

  async findAnswer(suite: Suite, file: string, id: string): Promise<string | undefined> {
    const shown = `${suite.id}/answers/${file}`;
    const answers = await this.#keep(shown, () => readAnswers(join(suite.folder, "answers", file), shown));
    return answers.get(id);
  }

  async #keep<Value>(name: string, read: () => Promise<Table<Value>>): Promise<ReadonlyMap<string, Value>> {
    let table = this.#kept.get(name) as Promise<Table<Value>> | undefined;
    // The order of the map is the order of use.
    if (table) this.#kept.delete(name);
    else table = read();
    this.#kept.set(name, table);
    try {
      const { rows, characters } = await table;
      if (this.#kept.has(name)) this.#characters.set(name, characters);
      this.#makeRoom(name);
      return rows;
    } catch (error) {
      this.#kept.delete(name); // a file that is mended meanwhile is read again
      throw error;
    }
  }

  #makeRoom(used: string): void {
    let total = 0;
    for (const characters of this.#characters.values()) total += characters;
    for (const name of this.#kept.keys()) {
      if (total <= this.#room) return;
      const characters = this.#characters.get(name);
      if (name === used || characters === undefined) continue;
      this.#kept.delete(name);
      this.#characters.delete(name);
      total -= characters;
    }
  }
}

async function readPrompts(path: string, shown: string): Promise<Table<string[]>> {
  const rows = new Map<string, string[]>();
  const characters = await readLines(path, shown, "prompt", (id, prompt) => {
    const ids = rows.get(prompt);
    if (ids) ids.push(id);
    else rows.set(prompt, [id]);
  });
  return { rows, characters };
}

async function readAnswers(path: string, shown: string): Promise<Table<string>> {
  const rows = new Map<string, string>();
  const characters = await readLines(path, shown, "answer", (id, answer) => rows.set(id, answer));
  return { rows, characters };
}

async function readLines(
  path: string,
  shown: string,
  field: string,
  take: (id: string, text: string) => void,
): Promise<number> {
  const whole = await readBounded(path, shown, FILE_BYTES);
  const seen = new Set<string>();
  let number = 0;
  for (let start = 0; start < whole.length; ) {
    const end = whole.indexOf("\n", start);
    const line = whole.slice(start, end < 0 ? whole.length : end);
    start += line.length + 1;
    number += 1;
    if (number > MOST_LINES) throw malformed(shown, number, words.tooMany("lines", MOST_LINES));
    if (line.trim() === "") continue;
    const wrong = (reason: Parameters<typeof malformed>[2]): Fault => malformed(shown, number, reason);
    const row = parse(line);
    if (!isObject(row)) throw wrong(words.notJson());
    const { id, [field]: text } = row;
    if (typeof id !== "string" || id === "") throw wrong(words.wrongField("id", '"…"'));
    if (typeof text !== "string") throw wrong(words.wrongField(field, '"…"'));
    if (seen.has(id)) throw wrong(words.repeated(id));
    seen.add(id);
    take(id, text);
  }
  return whole.length;
}
