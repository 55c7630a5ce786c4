/** Whose code an event runs. What a process has begun ends with it: its timers never strike, its answers never come. */
export interface Owner {
  readonly name: string;
  alive: boolean;
  /** Nothing of it runs before this: a long collection of garbage, or a machine that is busy. */
  stalledUntil: number;
}

interface Event {
  at: number;
  readonly order: number;
  readonly owner: Owner | undefined;
  run: (() => void) | undefined;
}

const realImmediate = globalThis.setImmediate;

/** More than any run needs: whoever gets here goes round in circles. */
const MOST_EVENTS = 200_000;

/**
 * Time that only moves when nothing is left to do at the present moment. One event after the other, in the order of
 * their times; after each, all promises that it has settled are followed to their end.
 */
export class Schedule {
  /** Milliseconds since the start of the run. */
  now = 0;
  events = 0;
  /** Whose event runs now, with all that follows from it until the next one. */
  current: Owner | undefined;
  readonly #heap: Event[] = [];
  #order = 0;

  /** Runs `run` after so many milliseconds, for `owner`: not at all, should it be dead by then. */
  after(milliseconds: number, run: () => void, owner: Owner | undefined): Event {
    return this.at(this.now + milliseconds, run, owner);
  }

  /** The same, at an instant. */
  at(instant: number, run: () => void, owner: Owner | undefined): Event {
    const event = { at: instant, order: this.#order++, owner, run };
    this.#push(event);
    return event;
  }

  /** Resolves after so many milliseconds. For what belongs to no process: clients, operators, the world. */
  rest(milliseconds: number): Promise<void> {
    return new Promise((resolve) => this.after(milliseconds, resolve, undefined));
  }

  cancel(event: Event | undefined): void {
    if (event) event.run = undefined;
  }

  /**
   * Lets everything happen until `main` has ended. Throws where it waits for something that will never happen.
   *
   * @param wrong asked after each event: what went wrong in it, if anything
   */
  async run(main: () => Promise<void>, wrong: () => unknown): Promise<void> {
    let over = false;
    let failure: unknown;
    this.after(
      0,
      () => {
        main()
          .catch((error) => {
            failure = error ?? new Error("nothing was thrown");
          })
          .finally(() => {
            over = true;
          });
      },
      undefined,
    );
    while (!over) {
      const event = this.#pop();
      if (!event) throw new Error("everything waits, and nothing will ever happen");
      if (!event.run || event.owner?.alive === false) continue;
      if (event.owner && event.owner.stalledUntil > event.at) {
        event.at = event.owner.stalledUntil;
        this.#push(event);
        continue;
      }
      if (++this.events > MOST_EVENTS) throw new Error(`more than ${MOST_EVENTS} events`);
      if (event.at > this.now) this.now = event.at;
      this.current = event.owner;
      event.run();
      await new Promise(realImmediate);
      this.current = undefined;
      const found = wrong();
      if (found !== undefined) throw found;
    }
    if (failure !== undefined) throw failure;
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let place = heap.length;
    heap.push(event);
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!isBefore(event, heap[parent]!)) break;
      heap[place] = heap[parent]!;
      place = parent;
    }
    heap[place] = event;
  }

  #pop(): Event | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (!last || heap.length === 0) return first;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isBefore(heap[child]!, last)) break;
      heap[place] = heap[child]!;
      place = child;
    }
    heap[place] = last;
    return first;
  }
}

function isBefore(one: Event, other: Event): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
