/**
 * The candidates that look most like `name`, nearest first: those within a third of the length in edits
 * (Damerau–Levenshtein, optimal string alignment, letter case ignored), or that contain it or are contained in it.
 *
 * @param max how many to return at most
 *
 * @example nearest("curency", ["currency", "rates"]) // ["currency"]
 */
export function nearest(name: string, candidates: Iterable<string>, max = 3): string[] {
  const wanted = name.slice(0, LONGEST).toLowerCase();
  const found: { candidate: string; distance: number }[] = [];
  for (const candidate of candidates) {
    const other = candidate.slice(0, LONGEST).toLowerCase();
    const allowed = Math.max(1, Math.floor(Math.max(wanted.length, other.length) / 3));
    const distance = editDistance(wanted, other, allowed);
    if (distance <= allowed) found.push({ candidate, distance });
    else if (contains(wanted, other)) found.push({ candidate, distance: LONGEST });
  }
  found.sort((a, b) => a.distance - b.distance || (a.candidate < b.candidate ? -1 : 1));
  return found.slice(0, max).map((one) => one.candidate);
}

/** Longer names are compared by their beginning: the work for one pair stays bounded. */
const LONGEST = 128;

/** Shorter names are in too many others to mean anything. */
const SHORTEST_PART = 3;

function contains(a: string, b: string): boolean {
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  return short.length >= SHORTEST_PART && long.includes(short);
}

/** Edits from `a` to `b`: insert, delete, replace, swap neighbours. Gives up above `most` and returns `most + 1`. */
function editDistance(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most) return most + 1;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) cost = Math.min(cost, before[j - 2]! + 1);
      row.push(cost);
      least = Math.min(least, cost);
    }
    if (least > most) return most + 1;
    before = last;
    last = row;
  }
  return last[b.length]!;
}
