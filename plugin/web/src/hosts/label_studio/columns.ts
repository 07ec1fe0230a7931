/** The map's columns as the scatter component takes them, and a set of tasks as the text of a filter. */
import { bySize, classColors, classTable, NO_VALUE, numericTable, quantize } from "../../scatter/colors";
import type { MapColumns, User } from "./api";

export const COLORINGS = ["label", "prediction", "annotator", "outlier", "mislabel", "confidence"] as const;
export type Coloring = (typeof COLORINGS)[number];
export const COLORING_NAMES: Readonly<Record<Coloring, string>> = {
  label: "Label",
  prediction: "Prediction",
  annotator: "Annotator",
  outlier: "Outlier score",
  mislabel: "Mislabel score",
  confidence: "Confidence",
};

export interface Colored {
  readonly codes: Uint16Array;
  readonly table: Uint8Array;
  /** Name and color of each class with its number of tasks, the largest first; empty for numbers. */
  readonly legend: readonly { readonly name: string; readonly color: string; readonly count: number }[];
  /** The smallest and the largest number; null for classes. */
  readonly range: readonly [number, number] | null;
}

/** User id → the name that Label Studio (1.23) shows. */
export type Names = ReadonlyMap<number, string>;
export const NO_NAMES: Names = new Map();

/** The names of users, as Label Studio (1.23) shows them in the Data Manager. */
export const namesOf = (users: readonly User[]): Names =>
  new Map(users.map((user) => [user.id, fullName(user) || user.username || user.email || numbered(user.id)]));

const fullName = (user: User): string => [user.first_name, user.last_name].filter(Boolean).join(" ").trim();
const numbered = (user: number): string => `User ${user}`;

export function colored(map: MapColumns, by: Coloring, names: Names = NO_NAMES): Colored {
  switch (by) {
    case "label":
      return byClass(map.labels);
    case "prediction":
      return byClass(map.predictions);
    case "annotator":
      return byClass(annotatorNames(map.annotators, names));
    default:
      return byNumber(map[by]);
  }
}

/** The name of each annotator: with their number where several have the same name, and only that if it is unknown. */
function annotatorNames(annotators: MapColumns["annotators"], names: Names): readonly (string | null)[] {
  const known = new Map<string, number>();
  for (const name of names.values()) known.set(name, (known.get(name) ?? 0) + 1);
  return annotators.map((user) => {
    if (user === null) return null;
    const name = names.get(user);
    if (name === undefined) return numbered(user);
    return known.get(name) === 1 ? name : `${name} (${user})`;
  });
}

function byClass(values: readonly (string | null)[]): Colored {
  const names = [...new Set(values.filter((value) => value !== null))].sort();
  const codeOf = new Map(names.map((name, code) => [name, code]));
  const codes = Uint16Array.from(values, (value) => (value === null ? NO_VALUE : (codeOf.get(value) ?? NO_VALUE)));
  const order = bySize(codes, names.length);
  const colors = classColors(names.length, undefined, null, order);
  const counts = new Array<number>(names.length).fill(0);
  for (const code of codes) if (code !== NO_VALUE) counts[code] = (counts[code] ?? 0) + 1;
  const legend = order.map((code) => ({
    name: names[code] as string,
    color: colors[code] as string,
    count: counts[code] as number,
  }));
  return { codes, table: classTable(colors, new Set(), false), legend, range: null };
}

function byNumber(values: readonly (number | null)[]): Colored {
  const numbers = Float32Array.from(values, (value) => value ?? Number.NaN);
  let [low, high] = [Infinity, -Infinity];
  for (const value of numbers) if (!Number.isNaN(value)) [low, high] = [Math.min(low, value), Math.max(high, value)];
  if (low > high) [low, high] = [0, 1];
  return {
    codes: quantize(numbers, low, high),
    table: numericTable([low, high], low, high),
    legend: [],
    range: [low, high],
  };
}

/** Tasks as ranges of their ids, such as "3-7,9": what the filter of a tab keeps of a lasso. */
export function asRanges(tasks: readonly number[]): string {
  const sorted = [...new Set(tasks)].sort((a, b) => a - b);
  const parts: string[] = [];
  for (let i = 0; i < sorted.length;) {
    let j = i;
    while (j + 1 < sorted.length && sorted[j + 1] === (sorted[j] as number) + 1) j++;
    parts.push(i === j ? String(sorted[i]) : `${sorted[i]}-${sorted[j]}`);
    i = j + 1;
  }
  return parts.join(",");
}
