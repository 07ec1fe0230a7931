/** Values of a field over the rows of a map: what colors and texts are made of. */
import { bySize, classColors, quantize, SAFE_PALETTE } from "../scatter/colors";
import { unpackU16, type Column } from "./columns";
import {
  BY_LABELS,
  LABEL_STATE,
  MISSING_CODE,
  type CategoricalTail,
  type PanelState,
  type StatePatch,
} from "./contract";
import { STATE_LEGEND } from "./labelStates";

/** The field name that stands for "color by label state". */
export const BY_STATE = "@state";

/** The label state of every row. */
export interface LabelStates {
  readonly labelState: Uint8Array;
  /** null: the labels are still being read, and all rows are shown without them. */
  readonly labelStateVersion: string | null;
}

/** What the points are colored by, or what is written on them. */
export interface Values {
  readonly field: string;
  readonly kind: "categorical" | "numeric";
  readonly codes: Uint16Array;
  readonly classes: readonly string[];
  readonly colors: readonly string[];
  readonly missing: { readonly name: string; readonly color: string };
  readonly min: number;
  readonly max: number;
}

/** The code of rows without a value; among label states, of those without a label. */
export const blankOf = (values: Values | null): number =>
  values?.field === BY_STATE ? LABEL_STATE.unlabeled : MISSING_CODE;

/** The common name of a field: "ground_truth" for the labels in it, however they are stored. */
export const fieldName = (path: string): string =>
  path.replace(/(\.(classifications|detections|polylines))?\.label$/, "");

/** True for the label field itself, its `.label`, and that of the labels listed in it. */
export function isLabelField(field: string, panel: PanelState | null): boolean {
  const label = panel?.label_field;
  if (label == null) return false;
  return (
    field === label ||
    [".label", ".classifications.label", ".detections.label", ".polylines.label"].some((end) => field === label + end)
  );
}

/** The values with the new labels of some rows. */
export function withLabels(
  values: Values,
  patch: StatePatch,
  rows: Uint32Array,
  pool: readonly string[] | null,
): Values {
  const given = unpackU16(patch.codes);
  const added = patch.labels.filter((label) => !values.classes.includes(label));
  const classes = added.length ? [...values.classes, ...added] : values.classes;
  const codeOf = patch.labels.map((label) => classes.indexOf(label));
  const codes = values.codes.slice();
  rows.forEach((row, i) => (codes[row] = codeOf[given[i] as number] ?? MISSING_CODE));
  const kept = classes.map((_, code) => values.colors[code] ?? null);
  const colors = added.length ? completedColors(kept, [...classes.keys()], pool) : values.colors;
  return { ...values, codes, classes, colors };
}

/** The label states as a field to color by. */
export function stateValues({ labelState, labelStateVersion }: LabelStates): Values {
  return {
    field: BY_STATE,
    kind: "categorical",
    codes:
      labelStateVersion === null ? new Uint16Array(labelState.length).fill(MISSING_CODE) : Uint16Array.from(labelState),
    classes: STATE_LEGEND.map((s) => s.name),
    colors: STATE_LEGEND.map((s) => s.color),
    missing: { name: "being read", color: "#8f8f8f" },
    min: 0,
    max: 0,
  };
}

/** A value column as the renderer and the legend use it; throws if the file has no tail. */
export function valuesOf(
  field: string,
  column: Column,
  panel: PanelState | null,
  before: Values | null = null,
): Values {
  const plane = column.planes[0];
  const missing = { name: field === BY_LABELS || isLabelField(field, panel) ? "unlabeled" : "none", color: "#8f8f8f" };
  if (column.tail?.kind === "categorical" && plane instanceof Uint16Array) {
    const { classes } = column.tail;
    return {
      field,
      kind: "categorical",
      codes: plane,
      classes,
      missing,
      min: 0,
      max: 0,
      colors: stableColors(column.tail, plane, panel, before),
    };
  }
  if (column.tail?.kind === "numeric" && plane instanceof Float32Array) {
    const { min, max } = column.tail;
    const low = min ?? 0;
    const high = max ?? 0;
    return {
      field,
      kind: "numeric",
      codes: quantize(plane, low, high),
      classes: [],
      colors: [],
      missing,
      min: low,
      max: high,
    };
  }
  throw new Error(`The values of "${field}" arrived in a format that this panel does not know. Reload the page.`);
}

/** Colors by size of the classes; a class that was on the map before, in this field or another, keeps its color. */
function stableColors(
  { classes, colors: given }: CategoricalTail,
  codes: Uint16Array,
  panel: PanelState | null,
  before: Values | null,
): readonly string[] {
  const order = bySize(codes, classes.length);
  const shown = before?.kind === "categorical" && before.field !== BY_STATE ? before : null;
  const known = new Map(shown?.classes.map((name, code) => [name, shown.colors[code] as string]));
  const chosen = new Set(given);
  const kept = classes.map((name, code) => {
    const color = known.get(name) ?? null;
    return given?.[code] ?? (chosen.has(color) ? null : color);
  });
  return completedColors(kept, order, panel?.palette ?? null);
}

/** Colors for the classes that have none, in this order: those that no other class has, as long as there are some. */
function completedColors(
  kept: readonly (string | null)[],
  order: readonly number[],
  palette: readonly string[] | null,
): string[] {
  const pool = palette?.length ? palette : SAFE_PALETTE;
  const free = pool.filter((color) => !kept.includes(color));
  const old = order.filter((code) => kept[code] !== null);
  const fresh = order.filter((code) => kept[code] === null);
  return free.length > 0
    ? classColors(kept.length, kept, free, [...fresh, ...old])
    : classColors(kept.length, kept, pool, [...old, ...fresh]);
}
