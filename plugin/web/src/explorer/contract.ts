/**
 * What the panel's Python and its front end say to each other: state, binary columns, methods.
 *
 * Rules that hold for every message
 * - A sample (or patch) is named by its row on the loaded map: `0 … n-1`, the order of the map's columns.
 *   Every message with rows in it carries `map` and `map_version`; Python refuses rows of another version.
 * - Whatever has n entries travels as a column file, never in a message. A changed column gets a new `version`.
 * - A method answers with a `Reply`: on success its own fields, and `state` where the panel state changed;
 *   on failure `{error}`, one sentence for the user: what is wrong, with the value, and what to do.
 * - Method URIs arrive in `props.schema.view.<method>`, one key for each key of `Methods`.
 */

// ---------------------------------------------------------------------------------------------------------------
// Binary columns
// ---------------------------------------------------------------------------------------------------------------

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
  /** Colours of the App's colour scheme, one a class, null = the panel chooses. Absent = the panel chooses all. */
  readonly colors?: readonly (string | null)[];
}

/** Tail of a numeric column: float32, NaN = missing. `min`/`max` over finite values; null when there are none. */
export interface NumericTail {
  readonly kind: "numeric";
  readonly min: number | null;
  readonly max: number | null;
}

export type ValueTail = CategoricalTail | NumericTail;

/** Field name for "the label, and where there is none, the suggestion"; no field of the dataset is called so. */
export const BY_LABELS = "@labels";

/** Suggestions that reach the target precision, and those that do not. */
export type Confidence = "confident" | "uncertain";

/** The label-state column (uint8, no tail). */
export const LABEL_STATE = {
  unlabeled: 0,
  /** A saved label a person (or the imported data) gave. */
  human: 1,
  /** A suggestion nobody has accepted or rejected. */
  suggested: 2,
  /** A label set or accepted here, not saved yet. */
  pendingLabel: 3,
  /** A deletion asked for, not saved yet. */
  pendingDelete: 4,
  /** A saved label that came from "label neighbors". */
  neighbors: 5,
  /** An open suggestion that does not reach the target precision; `suggested` are those that do. */
  uncertain: 6,
} as const;
export type LabelState = (typeof LABEL_STATE)[keyof typeof LABEL_STATE];

// ---------------------------------------------------------------------------------------------------------------
// Panel state: small, whole, replaced at once
// ---------------------------------------------------------------------------------------------------------------

export interface EmbeddingsInfo {
  readonly key: string;
  readonly model: string;
  /** Length of a vector; null when not known. */
  readonly dim: number | null;
  readonly count: number;
  /** True when a text can be searched by meaning in these embeddings. */
  readonly text_search: boolean;
  /** ISO 8601, UTC; null when not known. */
  readonly timestamp: string | null;
}

export interface MapInfo {
  readonly key: string;
  /** Key of the embeddings it was made from; null for a map of unknown origin. */
  readonly embeddings: string | null;
  readonly method: string;
  readonly dims: 2 | 3;
  readonly timestamp: string | null;
  /** Field of the objects when it is a map of patches, else null. */
  readonly patches_field: string | null;
  /** Samples of the dataset that are not on the map / on the map but no longer in the dataset. Both 0 = fresh. */
  readonly stale: { readonly missing: number; readonly removed: number };
}

/** The map that is loaded, and its columns. */
export interface LoadedMap {
  readonly key: string;
  /** Changes when rows change (new points, another order). */
  readonly version: string;
  readonly dims: 2 | 3;
  readonly n: number;
  /** Names what the rows are: on two maps of the same `items`, row r is the same sample or object. */
  readonly items: string;
  /** float32, width 2 or 3. A row of NaN = no place on the map (never drawn). */
  readonly positions: ColumnRef;
  /** uint8, LABEL_STATE; null while the labels of many rows are read for the first time. */
  readonly label_state: ColumnRef | null;
  /**
   * uint8, 1 = in the App's current view (filters, saved view); null = all are. Others are drawn faint and not
   * selected.
   */
  readonly in_view: ColumnRef | null;
}

export interface FieldInfo {
  /** As in the dataset: "ground_truth.label", "tags", "outlier_score". */
  readonly path: string;
  readonly kind: "categorical" | "numeric";
}

export interface PendingCounts {
  readonly labels: number;
  /** Items that lose their label. */
  readonly cleared: number;
  readonly deletions: number;
}

/**
 * A long run (map, outliers, duplicates …). Progress is read with `sync`, once a second while one runs or labels are
 * read.
 */
export interface Job {
  readonly id: string;
  /** What the user reads: "Computing map umap_3d". */
  readonly title: string;
  /** 0..1; null = no measure yet. */
  readonly progress: number | null;
  readonly status: "queued" | "running" | "done" | "failed" | "cancelled";
  /** What it does now, what it ended with, or what went wrong. */
  readonly message: string;
  readonly cancellable: boolean;
  /** What one may do with the result: buttons that open a form of the App. */
  readonly steps?: readonly string[];
  /** Started from the App's menu: its result stands here until it is closed. */
  readonly by_operator?: boolean;
}

/** An act that can be undone: "label 12 samples “cat”". */
export interface Undoable {
  readonly key: string;
  readonly words: string;
}

export interface Message {
  /** Shown once per id. */
  readonly id: string;
  readonly level: "info" | "success" | "warning" | "error";
  readonly text: string;
}

export interface PanelState {
  /** Grows with every change; the front end keeps the highest it has seen. */
  readonly revision: number;
  readonly dataset: string | null;
  /** Samples in the dataset now. */
  readonly sample_count: number;
  readonly media_type: string | null;
  readonly embeddings: readonly EmbeddingsInfo[];
  readonly maps: readonly MapInfo[];
  readonly map: LoadedMap | null;
  /** Fields one may colour by or write on the map. */
  readonly fields: readonly FieldInfo[];
  /** Fields one may label into, never one of predictions; `label_field` is the chosen one, which may be a new one. */
  readonly label_fields: readonly string[];
  readonly label_field: string | null;
  /** False: the dataset gets the field with the first save. */
  readonly label_field_exists: boolean;
  /** Classes of the label field, in the dataset's order. */
  readonly classes: readonly string[];
  readonly pending: PendingCounts;
  /** Acts that can be undone, newest first. */
  readonly undoable: readonly Undoable[];
  readonly jobs: readonly Job[];
  readonly messages: readonly Message[];
  /** The colour pool of the App's colour scheme, "#rrggbb"; null = the panel's own colour-blind safe palette. */
  readonly palette: readonly string[] | null;
  /** What the forms offer. */
  readonly options: Options;
}

export interface Options {
  readonly models: readonly ModelChoice[];
  readonly methods: readonly string[];
  /** Fields whose objects can be embedded one by one. */
  readonly patches_fields: readonly string[];
  /** Fields of the samples that hold vectors. */
  readonly vector_fields: readonly string[];
}

/** A way to make embeddings, as the form offers it. */
export interface ModelChoice {
  /** "preprocessing", "torchvision", "open_clip", "trained", "precomputed". */
  readonly way: string;
  readonly title: string;
  /** One sentence: what it is good for. */
  readonly why: string;
  /** Names to choose from; empty = the way has none. */
  readonly names: readonly string[];
  /** Photos a second on two cores; null = not known. */
  readonly speed: number | null;
  /** What else the model can be told: weights, size, mean, … */
  readonly options: readonly ModelOption[];
}

export interface ModelOption {
  readonly name: string;
  readonly kind: "text" | "file" | "integer" | "numbers" | "choice" | "yes_no";
  readonly sentence: string;
  readonly choices: readonly string[];
}

/** `props.data` of the component: whatever Python set with `set_state` / `set_data`. */
export interface PanelData {
  readonly panel?: PanelState;
  /** A job that an operator has just started: look at once. */
  readonly job_started?: string;
}

// ---------------------------------------------------------------------------------------------------------------
// Packed arrays in messages (small compared with n)
// ---------------------------------------------------------------------------------------------------------------

/** base64 of little-endian uint32 / float32 / uint8 / uint16: `base64.b64encode(a.astype("<u4").tobytes())`. */
export type PackedU32 = string;
export type PackedF32 = string;
export type PackedU8 = string;
export type PackedU16 = string;

/**
 * Rows chosen on the map. `rows` or `bits` hold the rows themselves in every case, and every write goes by them. `how`
 * is
 * for the grid: how they were chosen, where one constant-size stage says the same (a `$geoWithin`, a match on the
 * field).
 */
export interface Selection {
  readonly map: string;
  readonly map_version: string;
  readonly count: number;
  /** Row numbers, when count ≤ 4096; else null. */
  readonly rows: readonly number[] | null;
  /**
   * base64 bitset, row i = byte i>>3, bit i&7, when count > 4096: `np.unpackbits(b, bitorder="little")[:n]`; else null.
   */
  readonly bits: string | null;
  readonly how: SelectionHow;
}

export type SelectionHow =
  /** Closed polygon in map coordinates of a 2D map (a box is one of four corners), all of the map inside it. */
  | { readonly kind: "polygon"; readonly points: readonly (readonly [number, number])[] }
  /** All with this value of this field; value null = those with none. */
  | { readonly kind: "value"; readonly field: string; readonly value: string | null }
  /** Any other set. */
  | { readonly kind: "rows" };

/** Rows named one by one (≤ 4096 of them). */
export interface RowsRef {
  readonly map: string;
  readonly map_version: string;
  readonly rows: readonly number[];
}

/**
 * What a label action changed, so that no column is fetched again: new label states, and the new classes where the
 * label
 * field is shown. `from` → `to`: versions of `map.label_state`; a client with another version fetches the column.
 */
export interface StatePatch {
  readonly from: string;
  readonly to: string;
  readonly rows: PackedU32;
  readonly states: PackedU8;
  /** Index into `labels` for each row, MISSING_CODE = now without a label. */
  readonly codes: PackedU16;
  readonly labels: readonly string[];
}

// ---------------------------------------------------------------------------------------------------------------
// Methods
// ---------------------------------------------------------------------------------------------------------------

export interface Failure {
  readonly error: string;
}
export type Reply<T> = (T & { readonly state?: PanelState; readonly error?: undefined }) | Failure;

export type Nothing = Readonly<Record<string, never>>;

/** Basic facts of one sample, for the hover tooltip. */
export interface Facts {
  readonly row: number;
  /** Sample id as text (of the object for patches). */
  readonly id: string;
  /** Path on the server's disk of the image to show (thumbnail where there is one); null = nothing to show. */
  readonly thumbnail: string | null;
  /** [x, y, w, h] in 0..1 of the thumbnail to show, for a patch; null = all of it. */
  readonly crop: readonly [number, number, number, number] | null;
  /** Name to show: file name, or the first words of a text. */
  readonly name: string;
  readonly label: string | null;
  readonly state: LabelState;
  /** The open suggestion, if there is one. */
  readonly suggestion: { readonly label: string; readonly confidence: number } | null;
}

export interface Preview extends Facts {
  /** Sample to open in the viewer (the parent sample for a patch). */
  readonly sample_id: string;
  readonly confidence: number | null;
  /** In words: "human", "neighbors of 3 samples", "imported". */
  readonly origin: string | null;
  /** More facts to list: [name, value as text]. */
  readonly fields: readonly (readonly [string, string])[];
  /** Nearest in embedding space, nearest first; distance = cosine distance. */
  readonly neighbors: readonly (Facts & { readonly distance: number })[];
}

export interface PendingItem extends Facts {
  readonly action: "label" | "delete";
  /** The label it had, and the label it gets; null = none. */
  readonly before: string | null;
  readonly after: string | null;
  /** "human" or "neighbors". */
  readonly origin: string;
}

/** How to make embeddings; what a way does not use is null. */
export interface EmbeddingsForm {
  readonly way: string;
  /** The model of the way, such as "resnet18". */
  readonly name: string | null;
  /** Options of the model by name, as typed. */
  readonly options: Readonly<Record<string, string>>;
  readonly patches_field: string | null;
  /** Of `trained`: the embeddings to start from. */
  readonly base: string | null;
  /** Of `precomputed`: a field with vectors, or a file (and for .npy its ids). */
  readonly vector_field: string | null;
  readonly path: string | null;
  readonly ids_path: string | null;
  /** Whether a 2D map of them follows in the same run. */
  readonly with_map: boolean;
}

/** Something “Clear explorer” can remove. */
export interface Clearable {
  readonly id: string;
  readonly title: string;
  /** How much it is, in words. */
  readonly size: string;
  /** What is lost, or how it can be had again. */
  readonly note: string;
}

export interface MapForm {
  readonly embeddings: string;
  readonly method: string;
  readonly dims: 2 | 3;
  readonly n_neighbors: number;
  readonly min_dist: number;
  readonly perplexity: number;
  readonly spherize: boolean;
  /** Key of the new run; null = Python names it. */
  readonly key: string | null;
}

/** Every method: what it is asked with, what it answers. */
export interface Methods {
  /** Poll, and after a reload or a change of the view. `unchanged` = nothing newer than `revision`. */
  sync: [{ revision: number }, { unchanged: boolean }];

  /** Loads a map (or, with the key of the loaded one, builds its columns again). Answers with `state.map`. */
  load_map: [{ map: string }, Nothing];
  /** A field's values over the rows of the map, to colour by or to write. Tail: `ValueTail`. */
  column: [{ map: string; map_version: string; field: string }, { column: ColumnRef }];
  /** Which field labels are written to and read from. New `state.map.label_state`, `classes`, `pending`. */
  set_label_field: [{ field: string }, Nothing];

  /**
   * The grid shows these. `stage` goes into the host's `extendedSelectionOverrideStage`; null = all (empty selection).
   */
  select: [Selection & { ordered?: boolean }, { stage: GridStage | null }];
  /** Rows of these samples (or objects), as ticked in the grid. */
  locate: [{ map: string; map_version: string; ids: readonly string[] }, { rows: PackedU32 }];
  /** The `k` nearest of each selected row, as one set with them. */
  grow: [Selection & { k: number }, { rows: PackedU32 }];
  /** Facts for the tooltip; a handful of rows at once (≤ 64). */
  facts: [RowsRef, { facts: readonly Facts[] }];
  preview: [{ map: string; map_version: string; row: number; k: number }, { preview: Preview }];
  /** Opens the sample in the App's viewer. */
  open_sample: [{ map: string; map_version: string; row: number }, Nothing];
  /** By id, file name, text fields and label; with `meaning`, by the embeddings' text tower (best first). */
  search: [
    { map: string; map_version: string; text: string; meaning: boolean; limit: number },
    { rows: PackedU32; total: number; how: string },
  ];
  /** The unlabeled sample whose label teaches most; row null = nothing left, `reason` says why. */
  next_best: [{ map: string; map_version: string }, { row: number | null; reason: string }];

  /** Queues `label` for every selected row. A human act: replaces an older label of the same rows. */
  set_label: [Selection & { label: string }, { patch: StatePatch; count: number }];
  /**
   * The rows the label of `anchors` would reach, surest first, and how sure each is (0..1, falling). Queues nothing.
   * `reach`: how many of them to take at first. `order` may be long (≤ 50 000); a labeled row is never in it.
   */
  label_neighbors: [
    RowsRef & { label: string },
    { order: PackedU32; confidence: PackedF32; reach: number; why: string },
  ];
  /** Queues `label` from `anchors` for `rows` (the first `reach` of the order). One undo takes all of it back. */
  accept_neighbors: [
    { map: string; map_version: string; anchors: readonly number[]; rows: PackedU32; label: string },
    { patch: StatePatch; count: number },
  ];
  /** Queues the suggestions of these rows as labels. Rows without one are left alone and counted in `skipped`. */
  accept: [Selection & { which: Confidence }, { patch: StatePatch; count: number; uncertain: number; skipped: number }];
  /** Rejects the suggestions of these rows. */
  reject: [Selection, { patch: StatePatch; count: number; skipped: number }];
  /** Queues the deletion of the samples (or objects) themselves. */
  delete: [Selection, { patch: StatePatch; count: number }];
  /** Takes back the last act; `done` says which, in words. Also undoes the last save. */
  undo: [{ key: string | null }, { patch: StatePatch | null; done: string }];
  /** Writes all that is pending to the dataset. */
  save: [Nothing, { labels: number; cleared: number; deletions: number; patch: StatePatch | null }];
  discard: [Nothing, { patch: StatePatch | null; count: number; undoable: boolean }];
  /** What is pending on the rows of the loaded map, newest first, a page at a time. */
  review: [{ offset: number; limit: number }, { items: readonly PendingItem[]; total: number }];
  /** Takes single rows out of what is pending. */
  unqueue: [RowsRef, { patch: StatePatch; count: number }];

  /** Start a job; progress comes in `state.jobs`. */
  compute_embeddings: [EmbeddingsForm, { job: string }];
  compute_map: [MapForm, { job: string }];
  /** Places the missing samples on the map and drops the removed ones. */
  update_map: [{ map: string }, { job: string }];
  rank_outliers: [{ selection: Selection | null }, { job: string }];
  rank_mislabels: [{ selection: Selection | null }, { job: string }];
  find_duplicates: [{ selection: Selection | null; threshold: number }, { job: string }];
  suggest_labels: [{ selection: Selection | null; precision: number }, { job: string }];
  cancel_job: [{ job: string }, Nothing];
  /** Opens the form of a next step of a job, by its position in `steps`. */
  take_step: [{ job: string; step: number }, Nothing];
  /** The App lists the fields a job has added and, with `ranked_by`, its samples with the highest of it first. */
  refresh_app: [{ ranked_by: string | null }, Nothing];
  /** Opens the operator's form, which takes what the grid shows: the selection. */
  send_to_label_studio: [Nothing, Nothing];

  create_segment: [
    Selection & { name: string; segment_kind: SegmentKind; note: string },
    { slug: string; count: number },
  ];
  /** What “Clear explorer” can remove from this dataset. Labels and pending changes are never among it. */
  clearable: [Nothing, { items: readonly Clearable[] }];
  clear_explorer: [{ ids: readonly string[] }, { done: string }];
  /** Renames or deletes one map, or one set of embeddings. */
  rename_run: [{ key: string; name: string }, Nothing];
  delete_run: [{ key: string }, { done: string }];
  /** Saved labels of the label field: all, and of these those that were set here. */
  count_labels: [Nothing, { field: string; all: number; ours: number }];
  /** Removes saved labels of the label field; `undo` brings them back. */
  clear_labels: [{ which: "ours" | "all" }, { patch: StatePatch | null; done: string }];
}

/**
 * A view stage as the App's grid takes it: `{"fiftyone.core.stages.Select": {"sample_ids": […], "ordered": false}}`.
 */
export type GridStage = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export type SegmentKind = "data quality" | "data organization" | "collection campaign";
export type MethodName = keyof Methods;
export type Ask<M extends MethodName> = Methods[M][0];
export type Answer<M extends MethodName> = Methods[M][1];
