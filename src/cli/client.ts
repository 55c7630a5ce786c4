import type { Language } from "../base/language.ts";
import { cliWords as words } from "../base/messages/cli.ts";
import type { Answer, Exchange } from "./exchange.ts";
import { EXIT } from "./exit-codes.ts";
import { exitCodeOf, Failure } from "./failure.ts";

/** One row of a list, as the API writes it. */
export type Row = Readonly<Record<string, unknown>>;

export type Query = Readonly<Record<string, string | undefined>>;

const MOST_PAGES = 10_000;

/** The operators' API, wherever it runs. Every verb but `start` and `call` is a thin client of it. */
export class OperatorsClient {
  readonly #exchange: Exchange;
  readonly #language: Language;

  constructor(exchange: Exchange, language: Language) {
    this.#exchange = exchange;
    this.#language = language;
  }

  /**
   * Asks for `path` (below `/api/v1/`) and returns the answer's JSON. Throws a `Failure` where the gateway refuses.
   *
   * @example await client.request("POST", "payers", { id: "acme" })
   */
  async request(method: string, path: string, body?: unknown): Promise<unknown> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const answer = await this.#send(method, path, text, "application/json");
    if (answer.body === "") return undefined;
    return readJson(answer);
  }

  /** The same for what is no JSON: YAML, CSV, tables. */
  async text(method: string, path: string, body?: string, contentType = "application/yaml"): Promise<string> {
    return (await this.#send(method, path, body, contentType)).body;
  }

  /** All rows of a list, page by page. */
  async list(path: string, query: Query = {}): Promise<Row[]> {
    const rows: Row[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < MOST_PAGES; page++) {
      const answer = await this.request("GET", pathOf(path, { ...query, cursor }));
      const { items, next } = answer as { readonly items: readonly Row[]; readonly next?: string | null };
      rows.push(...items);
      if (!next) return rows;
      cursor = next;
    }
    throw new Failure(EXIT.failure, words.tooManyRows(rows.length));
  }

  /** The row at `path`, or undefined where there is none. */
  async find(path: string): Promise<Row | undefined> {
    try {
      return (await this.request("GET", path)) as Row;
    } catch (error) {
      if (error instanceof Failure && (error.body as ErrorBody | undefined)?.error?.code === "not_found")
        return undefined;
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#exchange.close();
  }

  async #send(method: string, path: string, body: string | undefined, contentType: string): Promise<Answer> {
    const headers = { "accept-language": this.#language, ...(body !== undefined && { "content-type": contentType }) };
    const answer = await this.#exchange.send({ method, path: `/api/v1/${path}`, headers, body });
    if (answer.status < 400) return answer;
    throw failureOf(answer);
  }
}

/** A path with its query; what is undefined is left out. */
export function pathOf(path: string, query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, value);
  const text = parameters.toString();
  return text === "" ? path : `${path}?${text}`;
}

interface ErrorBody {
  readonly error?: { readonly message?: unknown; readonly code?: unknown };
}

/** What an answer that is an error means for the command line. */
export function failureOf(answer: Answer): Failure {
  let body: unknown;
  try {
    body = JSON.parse(answer.body);
  } catch {
    body = undefined;
  }
  const { message, code } = (body as ErrorBody | undefined)?.error ?? {};
  const exitCode = exitCodeOf(answer.status, answer.headers["x-maidan-origin"]);
  if (typeof message !== "string")
    return new Failure(exitCode, words.oddAnswer(answer.status, answer.body.slice(0, 200)));
  if (answer.status === 401 && code === "invalid_api_key")
    return new Failure(EXIT.refused, words.unauthorised(message), { body });
  return new Failure(exitCode, () => message, { body });
}

function readJson(answer: Answer): unknown {
  try {
    return JSON.parse(answer.body);
  } catch {
    throw new Failure(EXIT.failure, words.oddAnswer(answer.status, answer.body.slice(0, 200)));
  }
}
