import { isObject, type JsonObject, stringOf } from "../json-values.ts";

/** An item that was opened, and what was written of it so far. */
interface Open {
  readonly item: JsonObject;
  text: string;
}

/**
 * The output that a passing stream has shown so far, for an end before its own: clients take the last event's output for all there is.
 * Of a text in several parts the parts run together. Above `mostCharacters` nothing is kept, and the output is unknown.
 */
export class OutputSoFar {
  readonly #mostCharacters: number;
  #characters = 0;
  readonly #closed = new Map<number, JsonObject>();
  readonly #open = new Map<number, Open>();

  constructor(mostCharacters: number) {
    this.#mostCharacters = mostCharacters;
  }

  note(event: JsonObject): void {
    const { type, output_index: place, item } = event;
    if (typeof place !== "number" || this.#characters > this.#mostCharacters) return;
    if (type === "response.output_item.added" && isObject(item)) this.#open.set(place, { item, text: "" });
    else if (type === "response.output_item.done" && isObject(item)) this.#close(place, item);
    else {
      const delta = stringOf(event.delta) ?? "";
      const open = this.#open.get(place);
      if (open) open.text += delta;
      this.#count(delta.length);
    }
  }

  /** Items that are not closed, as they stand: each with its place. */
  open(): [number, JsonObject][] {
    return [...this.#open].map(([place, { item, text }]) => [place, halfOf(item, text)]);
  }

  /** All items, in order. */
  all(): JsonObject[] {
    const items = [...this.#closed, ...this.open()];
    return items.sort(([one], [other]) => one - other).map(([, item]) => item);
  }

  #close(place: number, item: JsonObject): void {
    this.#count(JSON.stringify(item).length - (this.#open.get(place)?.text.length ?? 0));
    this.#open.delete(place);
    this.#closed.set(place, item);
  }

  #count(characters: number): void {
    this.#characters += characters;
    if (this.#characters <= this.#mostCharacters) return;
    this.#open.clear();
    this.#closed.clear();
  }
}

function halfOf(item: JsonObject, text: string): JsonObject {
  const half = { ...item, status: "incomplete" };
  switch (item.type) {
    case "message":
      return { ...half, content: text === "" ? [] : [{ type: "output_text", text, annotations: [], logprobs: [] }] };
    case "reasoning":
      return { ...item, summary: text === "" ? [] : [{ type: "summary_text", text }] };
    case "function_call":
      return { ...half, arguments: text };
    case "custom_tool_call":
      return { ...half, input: text };
    default:
      return half;
  }
}
