import type { Case, Kind, LoadResult } from "./cases.ts";

export interface Sample {
  readonly result: LoadResult;
  /** Processor time of the gateway a request, in microseconds. */
  readonly processorUs: number | undefined;
}

/** Samples by case (`buffered 50`) and gateway, one a round. */
export type Samples = Map<string, Map<string, Sample[]>>;

export interface Run {
  readonly names: readonly string[];
  readonly cases: readonly Case[];
  readonly samples: Samples;
  /** Memory in megabytes, by gateway, after each case. */
  readonly memory: Map<string, number[]>;
  readonly rounds: number;
}

export function caseName(one: { kind: Kind; connections?: number; rate?: number }): string {
  return one.rate === undefined ? `${one.kind} ${one.connections}` : `latency ${one.kind}`;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The median of a figure over the rounds; NaN where there is none. */
export function middle(
  run: Run,
  name: string,
  gateway: string,
  figure: (sample: Sample) => number | undefined,
): number {
  const values = (run.samples.get(name)?.get(gateway) ?? []).map(figure).filter((value) => value !== undefined);
  return values.length === 0 ? Number.NaN : median(values);
}

export const perSecond = (sample: Sample): number => (sample.result.completed * 1000) / sample.result.milliseconds;

/** The median over rounds of the ratio within each round: what the machine does to all of them cancels out. */
export function ratio(run: Run, name: string, over: string, under: string): number {
  const by = run.samples.get(name);
  const above = by?.get(over);
  const below = by?.get(under);
  return above && below
    ? median(above.map((sample, round) => perSecond(sample) / perSecond(below[round]!)))
    : Number.NaN;
}

/** Each round takes the contestants in another order, so that none is always first after a rest. */
export function turned<T>(list: readonly T[], by: number): T[] {
  const at = by % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}
