/** Whether the one who asked still waits for the answer. Lighter than an `AbortSignal`, which is made only on demand. */
export class Departure {
  #gone = false;
  #listeners: (() => void)[] | undefined;
  #controller: AbortController | undefined;

  get gone(): boolean {
    return this.#gone;
  }

  /** Calls `listener` once when the client goes away; at once if it has gone already. */
  onLeave(listener: () => void): void {
    if (this.#gone) listener();
    else if (this.#listeners) this.#listeners.push(listener);
    else this.#listeners = [listener];
  }

  /** The client has gone away. */
  leave(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#controller?.abort();
    for (const listener of this.#listeners ?? []) listener();
    this.#listeners = undefined;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#gone) this.#controller.abort();
    return this.#controller.signal;
  }
}
