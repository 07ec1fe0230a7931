/** Binary columns: files with one entry for each row of a map, and what they mean. */

/**
 * A column file. Little-endian throughout.
 *
 *   offset  size  what
 *        0     4  magic "LSC1"
 *        4     2  uint16  format version, 1
 *        6     1  uint8   dtype: 0 uint8 · 1 uint16 · 2 uint32 · 3 float32
 *        7     1  uint8   width: columns in the file (positions 2 or 3, everything else 1)
 *        8     4  uint32  n: rows
 *       12     4  uint32  t: bytes of the JSON tail (0 = no tail)
 *       16     …  width columns one after another (planar: all x, then all y, then all z), n entries each
 *   16+w*n*b   t  UTF-8 JSON tail
 *
 * Python: `struct.pack("<4sHBBII", b"LSC1", 1, dtype, width, n, len(tail))`.
 */
export const COLUMN_MAGIC = "LSC1";
export const COLUMN_VERSION = 1;
export const COLUMN_HEADER_BYTES = 16;
export const DTYPE = { uint8: 0, uint16: 1, uint32: 2, float32: 3 } as const;

/** Where a column lies. `file` is a path on the server's disk, read through `/media?filepath=`; `url` is used as is. */
export interface ColumnRef {
  readonly file?: string;
  readonly url?: string;
  /** Changes whenever the bytes change; the client caches by (file or url, version). */
  readonly version: string;
  readonly n: number;
}

/** Code of a categorical column for "this sample has no value" (uint16). Drawn gray. */
export const MISSING_CODE = 0xffff;

/** Tail of a categorical column: uint16 codes into `classes`, MISSING_CODE = none. */
export interface CategoricalTail {
  readonly kind: "categorical";
  readonly classes: readonly string[];
  /** Colors of the App's color scheme, one per class, null = the panel chooses. Absent = the panel chooses all. */
  readonly colors?: readonly (string | null)[];
}

/** Tail of a numeric column: float32, NaN = missing. `min`/`max` over finite values; null when there are none. */
export interface NumericTail {
  readonly kind: "numeric";
  readonly min: number | null;
  readonly max: number | null;
}

export type ValueTail = CategoricalTail | NumericTail;

/** Field name for "the label, or the suggestion if there is none"; no field of the dataset has this name. */
export const BY_LABELS = "@labels";

/** Suggestions that reach the target precision, and those that do not. */
export type Confidence = "confident" | "uncertain";

/** The label-state column (uint8, no tail). */
export const LABEL_STATE = {
  unlabeled: 0,
  /** A saved label that was set by a person or imported. */
  human: 1,
  /** A suggestion nobody has accepted or rejected. */
  suggested: 2,
  /** A label set or accepted here, not saved yet. */
  pendingLabel: 3,
  /** A requested deletion that is not saved yet. */
  pendingDelete: 4,
  /** A saved label that came from "label neighbors". */
  neighbors: 5,
  /** An open suggestion that does not reach the target precision; `suggested` are those that do. */
  uncertain: 6,
  /** Somebody checked, and there was nothing to label. */
  checked: 7,
} as const;
export type LabelState = (typeof LABEL_STATE)[keyof typeof LABEL_STATE];
