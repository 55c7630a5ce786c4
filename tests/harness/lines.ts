import type { ChildProcess } from "node:child_process";

/** Everything that a process has printed so far, and a way to wait for something in it. */
export class Printed {
  text = "";
  #ended: string | undefined;
  readonly #watchers = new Set<() => void>();

  constructor(child: ChildProcess) {
    const add = (chunk: Buffer): void => {
      this.text += chunk.toString();
      if (this.text.length > 4_000_000) this.text = this.text.slice(-2_000_000);
      for (const watcher of this.#watchers) watcher();
    };
    child.stdout?.on("data", add);
    child.stderr?.on("data", add);
    child.on("close", (code, signal) => {
      this.#ended = signal ?? `exit code ${code}`;
      for (const watcher of this.#watchers) watcher();
    });
  }

  /** The first match in what is printed. Rejects when the process ends before, or when it takes too long. */
  find(pattern: RegExp, what: string, milliseconds = 30_000): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(timer);
        this.#watchers.delete(look);
      };
      const fail = (why: string): void => {
        stop();
        reject(new Error(`${what}: ${why}; it printed:\n${this.text}`));
      };
      const look = (): void => {
        const match = pattern.exec(this.text);
        if (match) {
          stop();
          resolve(match);
        } else if (this.#ended !== undefined) fail(`ended with ${this.#ended}`);
      };
      const timer = setTimeout(() => fail(`nothing in ${milliseconds} ms`), milliseconds);
      this.#watchers.add(look);
      look();
    });
  }
}
