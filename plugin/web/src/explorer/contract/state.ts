/** The panel's state: small, whole, replaced at once. */
import type { ColumnRef } from "./columns";

export interface EmbeddingsInfo {
  readonly key: string;
  readonly model: string;
  /** Length of a vector; null when not known. */
  readonly dim: number | null;
  readonly count: number;
  /** True if these embeddings can be searched by the meaning of a text. */
  readonly text_search: boolean;
  /** True if the last block of the network can be fine-tuned. */
  readonly tunable: boolean;
  /** ISO 8601, UTC; null when not known. */
  readonly timestamp: string | null;
}

/** What one row of a map, or one item to embed, is called. */
export type Noun = "sample" | "object" | "frame" | "clip";

export interface MapInfo {
  readonly key: string;
  /** Key of the embeddings it was made from; null for a map of unknown origin. */
  readonly embeddings: string | null;
  readonly method: string;
  readonly dims: 2 | 3;
  readonly timestamp: string | null;
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
  /** Identifies what the rows are: on two maps with the same `items`, row r is the same sample or object. */
  readonly items: string;
  readonly noun: Noun;
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
  /** True for the classes that a model predicted; never for the suggestions, or the labels of another question. */
  readonly predictions: boolean;
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
  /** How the result came about, for those who ask; empty = there is no more to say. */
  readonly why?: string;
  readonly cancellable: boolean;
  /** Next steps with the result: buttons that open a form of the App. */
  readonly steps?: readonly string[];
  /** Started from the App's menu: its result is shown here until it is closed. */
  readonly by_operator?: boolean;
  /** Of a call that waits for it, such as a large save: it makes no map and no embeddings. */
  readonly in_call?: boolean;
}

/** An action that can be undone: "label 12 samples “cat”". */
export interface Undoable {
  readonly key: string;
  readonly words: string;
}

export interface Message {
  /** Shown once per id. */
  readonly id: string;
  readonly level: "info" | "success" | "warning" | "error";
  readonly text: string;
  /** As in `Job`. */
  readonly why?: string;
}

export interface PanelState {
  /** Grows with every change; the front end keeps the highest it has seen. */
  readonly revision: number;
  readonly dataset: string | null;
  /** Samples in the dataset now. */
  readonly sample_count: number;
  readonly media_type: string | null;
  /** What the samples carry where their pictures are cards: "audio", "series", or "text"; else null. */
  readonly medium: string | null;
  readonly embeddings: readonly EmbeddingsInfo[];
  readonly maps: readonly MapInfo[];
  readonly map: LoadedMap | null;
  /** Fields to color by or to show as text on the map. */
  readonly fields: readonly FieldInfo[];
  /** Fields one may label into, never one of predictions; `label_field` is the chosen one, which may be a new one. */
  readonly label_fields: readonly string[];
  readonly label_field: string | null;
  /** False: the dataset gets the field with the first save. */
  readonly label_field_exists: boolean;
  /** True: it may hold predictions and nobody has chosen it, so it is asked for before a label is set. */
  readonly label_field_unclear: boolean;
  /** Classes of the label field, in the dataset's order. */
  readonly classes: readonly string[];
  readonly pending: PendingCounts;
  /** Actions that can be undone, newest first. */
  readonly undoable: readonly Undoable[];
  readonly jobs: readonly Job[];
  readonly messages: readonly Message[];
  /** The color pool of the App's color scheme, "#rrggbb"; null = the panel's own color-blind safe palette. */
  readonly palette: readonly string[] | null;
  /** What can be reviewed now. */
  readonly lists: readonly ReviewSource[];
  readonly functions: FunctionsState;
  /** What the forms offer. */
  readonly options: Options;
}

export interface Options {
  readonly models: readonly ModelChoice[];
  readonly methods: readonly string[];
  /** Fields whose objects can be embedded one by one. */
  readonly patches_fields: readonly { readonly field: string; readonly noun: Noun }[];
  /** Fields of the samples that hold vectors. */
  readonly vector_fields: readonly string[];
  /** Where vectors can be stored, the default first: "lancedb", "pgvector", "milvus", "qdrant", … */
  readonly backends: readonly string[];
}

/** A way to make embeddings, as the form offers it. */
export interface ModelChoice {
  /** "preprocessing", "torchvision", "open_clip", "trained", "precomputed". */
  readonly way: string;
  readonly title: string;
  /** One sentence: what it is good for. */
  readonly why: string;
  /** What names a model of this way, such as "repository or folder"; empty = the way has one model. */
  readonly argument: string;
  /** Names to choose from; any other may be typed. */
  readonly names: readonly string[];
  /** Whether `plan_embeddings` says what is in the file that `name` names. */
  readonly inspects: boolean;
  /** What else the model can be told: weights, size, mean, … */
  readonly options: readonly ModelOption[];
}

export interface ModelOption {
  readonly name: string;
  readonly kind: "text" | "file" | "integer" | "number" | "numbers" | "choice" | "yes_no";
  readonly sentence: string;
  readonly choices: readonly string[];
}

/** `props.data` of the component: whatever Python set with `set_state` / `set_data`. */
export interface PanelData {
  readonly panel?: PanelState;
  /** A job that an operator has just started: sync at once. */
  readonly job_started?: string;
}

/** A list that can be reviewed: a ranking that was made, suggestions, a segment, or a function. */
export interface ReviewSource {
  /** "mislabels", "outliers", "duplicates", "suggestions", "segment:<slug>", or "function:<slug>[:new]". */
  readonly id: string;
  readonly name: string;
  readonly note: string;
}

/** Saved searches that score every sample, and what can be done with the last search. */
export interface FunctionsState {
  readonly functions: readonly FunctionInfo[];
  /** Deleted ones that can be restored, last deleted first. */
  readonly deleted: readonly { readonly key: string; readonly name: string }[];
  /** Examples of the last search in words; null where there was none. */
  readonly last_search: string | null;
  readonly last_threshold: number | null;
}

export interface FunctionInfo {
  readonly slug: string;
  readonly name: string;
  readonly note: string;
  /** In words: "3 positives and 1 negative". */
  readonly examples: string;
  readonly embeddings: string;
  readonly noun: string;
  readonly threshold: number;
  readonly matches: number;
  readonly scored: number;
  /** Matches that are new since they were last viewed. */
  readonly new: number;
  /** True if its embeddings were recomputed or deleted. */
  readonly stale: boolean;
  readonly field: string;
  readonly quality: string;
  readonly run_at: string | null;
}
