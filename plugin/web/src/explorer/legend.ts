/** The legend: classes with counts, what is hidden, what a search in it leaves. */
import { MISSING_CODE } from "./contract";

export interface LegendRow {
  /** MISSING_CODE for samples without a value. */
  readonly code: number;
  readonly name: string;
  readonly color: string;
  readonly count: number;
  readonly hidden: boolean;
}

export type LegendOrder = "count" | "name";

/** How many rows of `within` have each class; the last entry counts those with none. */
export function countCodes(codes: Uint16Array, classes: number, within: Uint8Array): Uint32Array {
  const counts = new Uint32Array(classes + 1);
  for (let i = 0; i < codes.length; i++) {
    if (!within[i]) continue;
    const code = codes[i] as number;
    const at = code < classes ? code : classes;
    counts[at] = (counts[at] as number) + 1;
  }
  return counts;
}

export function legendRows(legend: {
  readonly classes: readonly string[];
  readonly colors: readonly string[];
  readonly counts: Uint32Array;
  readonly hidden: ReadonlySet<number>;
  readonly missing: { readonly name: string; readonly color: string };
  readonly query: string;
  readonly order: LegendOrder;
}): LegendRow[] {
  const query = legend.query.trim().toLocaleLowerCase();
  const rows: LegendRow[] = legend.classes
    .map((name, code) => ({
      code,
      name,
      color: legend.colors[code] ?? legend.missing.color,
      count: legend.counts[code] ?? 0,
      hidden: legend.hidden.has(code),
    }))
    // A class whose last label was undone keeps its code.
    .filter((row) => row.count > 0);
  const missing = legend.counts[legend.classes.length] ?? 0;
  rows.sort((a, b) =>
    legend.order === "count" ? b.count - a.count || compare(a.name, b.name) : compare(a.name, b.name),
  );
  if (missing > 0)
    rows.push({ code: MISSING_CODE, ...legend.missing, count: missing, hidden: legend.hidden.has(MISSING_CODE) });
  return query ? rows.filter((row) => row.name.toLocaleLowerCase().includes(query)) : rows;
}

const compare = (a: string, b: string): number => a.localeCompare(b, undefined, { numeric: true });

export function toggleHidden(hidden: ReadonlySet<number>, code: number): ReadonlySet<number> {
  const next = new Set(hidden);
  if (!next.delete(code)) next.add(code);
  return next;
}

/** Shows only this class; if it already is the only one shown, shows all. */
export function solo(hidden: ReadonlySet<number>, code: number, classes: number): ReadonlySet<number> {
  const others = new Set<number>([MISSING_CODE]);
  for (let c = 0; c < classes; c++) others.add(c);
  others.delete(code);
  const already = !hidden.has(code) && hidden.size === others.size;
  return already ? new Set() : others;
}

/** Which of many rows of equal height are in the window. */
export function rowWindow(total: number, top: number, height: number, rowHeight: number): readonly [number, number] {
  const first = Math.max(0, Math.floor(top / rowHeight) - 4);
  return [first, Math.min(total, Math.ceil((top + height) / rowHeight) + 4)];
}
