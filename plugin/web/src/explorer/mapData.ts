/** A map as it was read: positions, label states, and what is in the view; and which of its rows are shown. */
import { bounds } from "../scatter/geometry";
import type { Column } from "./columns";
import type { LoadedMap } from "./contract";
import type { LabelStates, Values } from "./values";

export interface MapData {
  readonly info: LoadedMap;
  readonly planes: readonly Float32Array[];
  readonly labelState: Uint8Array;
  /** null: the labels are still being read, and all rows are shown without them. */
  readonly labelStateVersion: string | null;
  readonly inView: Uint8Array | null;
  readonly min: readonly number[];
  readonly max: readonly number[];
}

/** The label states of n rows; without any where they are still being read. */
export const labelsOf = (
  n: number,
  labelState: Uint8Array | null | undefined,
  version: string | undefined,
): LabelStates =>
  labelState
    ? { labelState, labelStateVersion: version ?? null }
    : { labelState: new Uint8Array(n), labelStateVersion: null };

/** The columns of a map, put together. */
export function mapOf(
  info: LoadedMap,
  columns: { positions: Column; labelState: Column | null; inView: Column | null },
): MapData {
  const planes = columns.positions.planes.filter((p): p is Float32Array => p instanceof Float32Array);
  if (planes.length !== info.dims)
    throw new Error(
      `The map "${info.key}" has ${planes.length} coordinates per point instead of ${info.dims}. Load it again.`,
    );
  const { min, max } = bounds(planes);
  return {
    info,
    planes,
    min,
    max,
    ...labelsOf(info.n, columns.labelState?.planes[0] as Uint8Array | undefined, info.label_state?.version),
    inView: (columns.inView?.planes[0] as Uint8Array | undefined) ?? null,
  };
}

/** What decides which rows are drawn in full. */
export interface Shown {
  readonly map: MapData | null;
  readonly color: Values | null;
  readonly hidden: ReadonlySet<number>;
  readonly range: readonly [number, number] | null;
  readonly isolated: Uint8Array | null;
}

/** 1 for every row that is drawn in full and can be pointed at: in the view, not hidden, not isolated away. */
export function allowedRows(ui: Shown): Uint8Array {
  const { map, color, hidden, isolated } = ui;
  if (!map) return new Uint8Array(0);
  const n = map.info.n;
  const mask = new Uint8Array(n).fill(1);
  const { inView } = map;
  const x = map.planes[0] as Float32Array;
  const [low, high] = codeRange(color, ui.range);
  const numeric = color?.kind === "numeric";
  const limited = numeric && ui.range !== null;
  const shown = new Uint8Array(65536).fill(1);
  if (!numeric) {
    for (const code of hidden) shown[code] = 0;
  }
  for (let i = 0; i < n; i++) {
    const code = color ? (color.codes[i] as number) : 0;
    const colored = limited ? code >= low && code <= high : shown[code] === 1;
    if (!colored || (inView && !inView[i]) || (isolated && !isolated[i]) || Number.isNaN(x[i])) mask[i] = 0;
  }
  return mask;
}

function codeRange(color: Values | null, range: readonly [number, number] | null): readonly [number, number] {
  if (!color || !range || color.max <= color.min) return [0, 65534];
  const scale = 65534 / (color.max - color.min);
  return [Math.floor((range[0] - color.min) * scale), Math.ceil((range[1] - color.min) * scale)];
}
