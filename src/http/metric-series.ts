/**
 * Numbers that a scrape reads, written on the path of every call: whoever keeps a series only adds to it. The registry
 * of prom-client asks for them (`get`) when somebody scrapes.
 */

export type Labels = Readonly<Record<string, string>>;

interface Sample {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly metricName?: string;
}

/** What prom-client's registry wants of a metric. */
export interface Scraped {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly aggregator: "sum";
  readonly values: Sample[];
}

/** More combinations of labels than this fall into one that is called `other`. */
export const MOST_SERIES = 1_000;
const SEPARATOR = "\u0000";

/** Finds the series of a combination of label values, and makes it the first time. */
class SeriesTable<S> {
  readonly #names: readonly string[];
  readonly #make: () => S;
  readonly #byKey = new Map<string, { labels: Labels; series: S }>();

  constructor(names: readonly string[], make: () => S) {
    this.#names = names;
    this.#make = make;
  }

  at(values: readonly string[]): S {
    const key = values.length === 1 ? values[0]! : values.join(SEPARATOR);
    const known = this.#byKey.get(key);
    if (known) return known.series;
    if (this.#byKey.size >= MOST_SERIES && values.some((value) => value !== "other")) {
      return this.at(values.map(() => "other"));
    }
    const labels = Object.fromEntries(this.#names.map((name, i) => [name, values[i]!]));
    const series = this.#make();
    this.#byKey.set(key, { labels, series });
    return series;
  }

  all(): Iterable<{ labels: Labels; series: S }> {
    return this.#byKey.values();
  }
}

/** One series of a `Count`. */
export interface Total {
  value: number;
}

export class Count {
  readonly name: string;
  readonly #help: string;
  readonly #table: SeriesTable<Total>;

  constructor(name: string, help: string, labels: readonly string[]) {
    this.name = name;
    this.#help = help;
    this.#table = new SeriesTable(labels, () => ({ value: 0 }));
  }

  /** The series with these values of the labels, in the order of their names: keep it, and add to it. */
  series(...values: readonly string[]): Total {
    return this.#table.at(values);
  }

  get(): Promise<Scraped> {
    const values = [...this.#table.all()].map(({ labels, series }) => ({ labels, value: series.value }));
    return Promise.resolve({ name: this.name, help: this.#help, type: "counter", aggregator: "sum", values });
  }
}

/** One series of a `Distribution`. */
export class Histogram {
  readonly counts: number[];
  sum = 0;
  count = 0;
  readonly #bounds: readonly number[];

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    let low = 0;
    let high = this.#bounds.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (value <= this.#bounds[middle]!) high = middle;
      else low = middle + 1;
    }
    this.counts[low]! += 1;
    this.sum += value;
    this.count += 1;
  }
}

export class Distribution {
  readonly name: string;
  readonly #help: string;
  readonly #bounds: readonly number[];
  readonly #table: SeriesTable<Histogram>;

  /** @param bounds the upper bounds of the buckets, ascending; the last, infinity, is added */
  constructor(name: string, help: string, labels: readonly string[], bounds: readonly number[]) {
    this.name = name;
    this.#help = help;
    this.#bounds = bounds;
    this.#table = new SeriesTable(labels, () => new Histogram(bounds));
  }

  /** The series with these values of the labels, in the order of their names: keep it, and observe with it. */
  series(...values: readonly string[]): Histogram {
    return this.#table.at(values);
  }

  get(): Promise<Scraped> {
    const values: Sample[] = [];
    for (const { labels, series } of this.#table.all()) {
      let below = 0;
      for (const [i, bound] of [...this.#bounds, "+Inf"].entries()) {
        below += series.counts[i]!;
        values.push({ value: below, labels: { ...labels, le: bound }, metricName: `${this.name}_bucket` });
      }
      values.push({ value: series.sum, labels, metricName: `${this.name}_sum` });
      values.push({ value: series.count, labels, metricName: `${this.name}_count` });
    }
    return Promise.resolve({ name: this.name, help: this.#help, type: "histogram", aggregator: "sum", values });
  }
}

/** A number that is looked up when somebody asks: nothing is kept. */
export class Reading {
  readonly name: string;
  readonly #help: string;
  readonly #read: () => Iterable<{ readonly labels: Labels; readonly value: number }>;

  constructor(name: string, help: string, read: () => Iterable<{ readonly labels: Labels; readonly value: number }>) {
    this.name = name;
    this.#help = help;
    this.#read = read;
  }

  get(): Promise<Scraped> {
    const values: Sample[] = [];
    for (const sample of this.#read()) if (values.length < MOST_SERIES) values.push(sample);
    return Promise.resolve({ name: this.name, help: this.#help, type: "gauge", aggregator: "sum", values });
  }
}
