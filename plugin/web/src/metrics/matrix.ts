/** The confusion matrix as numbers: decoding, order of classes, shares, what a search leaves, shades. */
import type { Cell, PackedU32, Report, What } from "./contract";

export interface Matrix {
  readonly classes: readonly string[];
  /** row * (C + 1) + column → count; C = none. */
  readonly counts: ReadonlyMap<number, number>;
  readonly rowTotals: Float64Array;
  readonly columnTotals: Float64Array;
}

export type Shown = "count" | "row" | "column";
export type ClassOrder = "name" | "support" | "confusion";

export function unpack(packed: PackedU32): Uint32Array {
  const bytes = Uint8Array.from(atob(packed), (c) => c.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Uint32Array.from({ length: bytes.length / 4 }, (_, i) => view.getUint32(i * 4, true));
}

export function matrixOf(report: Report): Matrix {
  const side = report.classes.length + 1;
  const [rows, columns, values] = [
    unpack(report.cells.rows),
    unpack(report.cells.columns),
    unpack(report.cells.counts),
  ];
  const counts = new Map<number, number>();
  const rowTotals = new Float64Array(side);
  const columnTotals = new Float64Array(side);
  for (let i = 0; i < values.length; i++) {
    const [row, column, value] = [rows[i] as number, columns[i] as number, values[i] as number];
    counts.set(row * side + column, value);
    rowTotals[row] = (rowTotals[row] as number) + value;
    columnTotals[column] = (columnTotals[column] as number) + value;
  }
  return { classes: report.classes, counts, rowTotals, columnTotals };
}

export const countAt = (matrix: Matrix, row: number, column: number): number =>
  matrix.counts.get(row * (matrix.classes.length + 1) + column) ?? 0;

/** Count, or its share of the row or column in 0..1. */
export function valueAt(matrix: Matrix, row: number, column: number, shown: Shown): number {
  const count = countAt(matrix, row, column);
  if (shown === "count") return count;
  const total = (shown === "row" ? matrix.rowTotals[row] : matrix.columnTotals[column]) as number;
  return total > 0 ? count / total : 0;
}

/** The outcome that a cell counts. */
export function whatOf(matrix: Matrix, row: number, column: number): What {
  const none = matrix.classes.length;
  if (row === none) return "false positives";
  if (column === none) return "false negatives";
  return row === column ? "true positives" : "confusions";
}

/** How often a class is part of an error. */
export function errorsByClass(matrix: Matrix): Float64Array {
  const side = matrix.classes.length + 1;
  const errors = new Float64Array(side);
  for (const [key, count] of matrix.counts) {
    const [row, column] = [Math.floor(key / side), key % side];
    if (row === column) continue;
    errors[row] = (errors[row] as number) + count;
    errors[column] = (errors[column] as number) + count;
  }
  return errors;
}

/**
 * Rows and columns in the order they are drawn; none comes first, so that it is in sight among 1,000 classes too.
 * By confusion, the classes of the largest highlighted errors come first, or those with the most errors.
 */
export function orderOf(matrix: Matrix, order: ClassOrder, highlighted: readonly What[] = []): number[] {
  const codes = matrix.classes.map((_, i) => i);
  const byName = (a: number, b: number): number => collate(matrix.classes[a] as string, matrix.classes[b] as string);
  const weight = order === "support" ? matrix.rowTotals : order === "confusion" ? errorsByClass(matrix) : null;
  codes.sort((a, b) => (weight ? (weight[b] as number) - (weight[a] as number) || byName(a, b) : byName(a, b)));
  const first = order === "confusion" ? classesOfLargest(matrix, highlighted) : [];
  return [...new Set([matrix.classes.length, ...first, ...codes])];
}

/** The classes of the cells with these outcomes, largest cell first, so that both classes of a cell stand together. */
function classesOfLargest(matrix: Matrix, whats: readonly What[]): number[] {
  const side = matrix.classes.length + 1;
  return [...matrix.counts]
    .map(([key, count]) => ({ row: Math.floor(key / side), column: key % side, count }))
    .filter(({ row, column }) => row !== column && whats.includes(whatOf(matrix, row, column)))
    .sort((a, b) => b.count - a.count)
    .flatMap(({ row, column }) => [row, column]);
}

const { compare: collate } = new Intl.Collator("en", { numeric: true });

/** Classes whose name has the text in it, with those they are confused with; an empty text leaves all. */
export function searched(matrix: Matrix, order: readonly number[], text: string): number[] {
  const query = text.trim().toLowerCase();
  if (!query) return [...order];
  const side = matrix.classes.length + 1;
  const matching = new Set<number>();
  matrix.classes.forEach((name, i) => name.toLowerCase().includes(query) && matching.add(i));
  const kept = new Set(matching);
  for (const key of matrix.counts.keys()) {
    const [row, column] = [Math.floor(key / side), key % side];
    if (matching.has(row)) kept.add(column);
    if (matching.has(column)) kept.add(row);
  }
  if (matching.size > 0) kept.add(side - 1);
  return order.filter((code) => kept.has(code));
}

/** How strongly a cell is tinted, 0..1; logarithmic, so that single errors are seen beside thousands of hits. */
export function shade(value: number, largest: number): number {
  if (value <= 0 || largest <= 0) return 0;
  return 0.15 + 0.85 * (Math.log1p((value / largest) * 99) / Math.log(100));
}

export const labelName = (name: string | null): string => name ?? "(no label)";
export const predictionName = (name: string | null): string => name ?? "(no prediction)";
export const rowName = (matrix: Matrix, row: number): string => labelName(matrix.classes[row] ?? null);
export const columnName = (matrix: Matrix, column: number): string => predictionName(matrix.classes[column] ?? null);
export const cellOf = (matrix: Matrix, row: number, column: number): Cell => [
  matrix.classes[row] ?? null,
  matrix.classes[column] ?? null,
];
export const keyOf = (cell: Cell): string => JSON.stringify(cell);

/** A count or a share, short enough for a cell. */
export function short(value: number, shown: Shown): string {
  if (shown !== "count") return value > 0 && value < 0.005 ? "<1" : String(Math.round(value * 100));
  if (value < 1000) return String(value);
  return value < 10000 ? `${(value / 1000).toFixed(1)}k` : `${Math.round(value / 1000)}k`;
}

export type SortKey = "name" | "precision" | "recall" | "f1" | "average_precision" | "support";

/** Rows of the metrics table, sorted; a missing number is last either way. */
export function sortedRows(report: Report, key: SortKey, falling: boolean): number[] {
  const rows = report.classes.map((_, i) => i);
  const sign = falling ? -1 : 1;
  return rows.sort((a, b) => {
    const names = collate(report.classes[a] as string, report.classes[b] as string);
    if (key === "name") return sign * names;
    const [x, y] = [report.per_class[key][a] ?? null, report.per_class[key][b] ?? null];
    if (x === null || y === null) return x === y ? names : x === null ? 1 : -1;
    return sign * (x - y) || names;
  });
}
