import type { Random } from "./random.ts";
import { NAMES, scrapJson } from "./scraps.ts";

/** JSON as it is written: names may stand twice, and values may be what no parser takes. */
type Written = string | WrittenItem[] | WrittenField[];
interface WrittenItem {
  value: Written;
}
interface WrittenField {
  /** In the spelling of JSON, with its quotes. */
  name: string;
  value: Written;
}
type Holder = WrittenItem | WrittenField;

/** The text of a JSON value with a few things changed in its tree. */
export function mutateJson(value: unknown, random: Random): string {
  const root: WrittenItem = { value: written(value) };
  for (let times = random.pick([1, 1, 2, 3, 8]); times > 0; times--) changeOne(root, random);
  return spelled(root.value);
}

/** `mutateJson` of a text, where it is JSON; undefined where it is none. */
export function mutateJsonText(text: string, random: Random): string | undefined {
  try {
    return mutateJson(JSON.parse(text), random);
  } catch {
    return undefined;
  }
}

function written(value: unknown): Written {
  if (Array.isArray(value)) return value.map((item) => ({ value: written(item) }));
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  return Object.entries(value).map(([name, one]) => ({ name: JSON.stringify(name), value: written(one) }));
}

function isField(holder: Holder): holder is WrittenField {
  return "name" in holder;
}

function changeOne(root: WrittenItem, random: Random): void {
  const holders: Holder[] = [];
  const lists: Holder[][] = [];
  gather(root, holders, lists);
  const holder = random.pick(holders);
  const list = lists.length > 0 ? random.pick(lists) : undefined;
  switch (random.below(9)) {
    case 0:
    case 1:
    case 2:
      holder.value = scrapJson(random);
      return;
    case 3: // a value of another place
      holder.value = structuredClone(random.pick(holders).value);
      return;
    case 4: // wrapped
      holder.value = random.once(2) ? [{ value: holder.value }] : [{ name: random.pick(NAMES), value: holder.value }];
      return;
    case 5: // gone
      list?.splice(random.below(list.length), 1);
      return;
    case 6: {
      // once more, and now and then very often
      if (!list || list.length === 0) return;
      const again = random.pick(list);
      const times = random.once(8) ? random.between(10, 200) : 1;
      const size = spelled(again.value).length;
      for (let n = 0; n < Math.min(times, 20_000 / (size + 1)); n++) {
        list.splice(random.below(list.length + 1), 0, structuredClone(again));
      }
      return;
    }
    case 7: // another name, or one more field
      if (isField(holder)) holder.name = random.pick(NAMES);
      else if (list?.[0] && isField(list[0])) list.push({ name: random.pick(NAMES), value: scrapJson(random) });
      return;
    default:
      if (typeof holder.value === "string") holder.value = changedScalar(holder.value, random);
  }
}

/** Something of a scalar stays what it was. */
function changedScalar(token: string, random: Random): string {
  if (!token.startsWith('"')) return random.pick([`"${token}"`, `-${token}`, `${token}0`, `${token}.5`, `[${token}]`]);
  const inner = token.slice(1, -1);
  const at = random.below(inner.length + 1);
  const odd = random.pick([
    "\\u0000",
    "\\ud83d",
    "\\udc00",
    "\\r\\n",
    "\\u2028",
    "é",
    "🧾",
    " ",
    "%",
    "../",
    "\\\\",
    '\\"',
    "\\x",
    "\u0001",
  ]);
  return random.pick([
    `"${inner.slice(0, at)}${odd}${inner.slice(at)}"`,
    `"${inner.slice(0, at)}"`,
    `"${inner.repeat(random.between(0, 40))}"`,
    inner,
  ]);
}

function gather(holder: Holder, holders: Holder[], lists: Holder[][]): void {
  holders.push(holder);
  if (typeof holder.value === "string") return;
  lists.push(holder.value);
  for (const one of holder.value) gather(one, holders, lists);
}

function spelled(value: Written): string {
  if (typeof value === "string") return value;
  const [first] = value;
  if (first && isField(first))
    return `{${value.map((one) => (isField(one) ? `${one.name}:` : "") + spelled(one.value)).join(",")}}`;
  return `[${value.map((one) => spelled(one.value)).join(",")}]`;
}
