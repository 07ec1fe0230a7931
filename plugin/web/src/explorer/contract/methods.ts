/** The methods of the panel's Python code: the request and the answer of each. */
import type { ColumnRef } from "./columns";
import type {
  Clearable,
  Decision,
  EmbeddingsForm,
  Facts,
  LikelyClass,
  GridStage,
  MapForm,
  Medium,
  PackedF32,
  PackedU32,
  PendingItem,
  Plan,
  Preview,
  ReviewAnswer,
  RowsRef,
  SegmentKind,
  Selection,
  StatePatch,
} from "./messages";
import type { Confidence } from "./columns";
import type { PanelState } from "./state";

export interface Failure {
  readonly error: string;
}
export type Reply<T> = (T & { readonly state?: PanelState; readonly error?: undefined }) | Failure;

export type Nothing = Readonly<Record<string, never>>;

/** The request and the answer of every method. */
export interface Methods {
  /** Poll, and after a reload or a change of the view. `unchanged` = nothing newer than `revision`. */
  sync: [{ revision: number }, { unchanged: boolean }];

  /** Loads a map (or, with the key of the loaded one, builds its columns again). Answers with `state.map`. */
  load_map: [{ map: string }, Nothing];
  /** A field's values over the rows of the map, to color by or to write. Tail: `ValueTail`. */
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
  /** A sample's original medium; for a series, a stretch in full detail if one is given. */
  medium: [{ map: string; map_version: string; row: number; start?: number; end?: number }, { medium: Medium | null }];
  /** Opens the sample in the App's viewer. */
  open_sample: [{ map: string; map_version: string; row: number }, Nothing];
  /** By id, file name, text fields and label; with `meaning`, by the embeddings' text tower (best first). */
  search: [
    { map: string; map_version: string; text: string; meaning: boolean; limit: number },
    { rows: PackedU32; total: number; how: string },
  ];
  /** The most informative unlabeled sample to label; row null = nothing left, `reason` says why. */
  next_best: [{ map: string; map_version: string }, { row: number | null; reason: string }];

  /** At most three classes that the selection is likely to have, the likeliest first, each with a reason. */
  likely_classes: [Selection, { classes: readonly LikelyClass[] }];

  /** Sets `label`, pending, on every selected row. As a human action, it replaces older labels of these rows, except
   * those that this screen has not shown: `kept` says which, and is empty if there are none.
   */
  set_label: [Selection & { label: string }, { patch: StatePatch; count: number; kept: string }];
  /**
   * The rows the label of `anchors` would reach, most confident first, with their confidence (0..1, falling). Sets
   * nothing. `reach`: how many of them to take at first. `order` may be long (≤ 50 000); a labeled row is never in it.
   */
  label_neighbors: [
    RowsRef & { label: string },
    { order: PackedU32; confidence: PackedF32; reach: number; why: string },
  ];
  /** Sets `label` from `anchors`, pending, on `rows` (the first `reach` of the order). One undo reverts all of it. */
  accept_neighbors: [
    { map: string; map_version: string; anchors: readonly number[]; rows: PackedU32; label: string },
    { patch: StatePatch; count: number },
  ];
  /** Turns the suggestions of these rows into pending labels. Rows without one are skipped and counted in `skipped`. */
  accept: [
    Selection & { which: Confidence },
    { patch: StatePatch; count: number; uncertain: number; skipped: number; kept: string },
  ];
  /** Rejects the suggestions of these rows. */
  reject: [Selection, { patch: StatePatch; count: number; skipped: number; kept: string }];
  /** Marks the samples (or objects) themselves for deletion. */
  delete: [Selection, { patch: StatePatch; count: number; kept: string }];
  /** Undoes the last action, which may be a save; `done` says which, in words. */
  undo: [{ key: string | null; decision: string | null }, { patch: StatePatch | null; done: string }];
  /** Writes all that is pending to the dataset. */
  save: [Nothing, { labels: number; cleared: number; deletions: number; patch: StatePatch | null }];
  discard: [Nothing, { patch: StatePatch | null; count: number; undoable: boolean }];
  /** What is pending on the rows of the loaded map, newest first, a page at a time. */
  review: [{ offset: number; limit: number }, { items: readonly PendingItem[]; total: number }];
  /** Removes single rows from the pending changes. */
  unqueue: [RowsRef, { patch: StatePatch; count: number }];

  /** How much the form would embed, how long that takes, and what is in the file of one's own network. */
  plan_embeddings: [
    Pick<EmbeddingsForm, "way" | "name" | "patches_field"> & { options: Readonly<Record<string, string>> },
    { plan: Plan },
  ];
  /** Start a job; progress comes in `state.jobs`. */
  compute_embeddings: [EmbeddingsForm, { job: string }];
  compute_map: [MapForm, { job: string }];
  /** Places the missing samples on the map and drops the removed ones. */
  update_map: [{ map: string }, { job: string }];
  rank_outliers: [{ selection: Selection | null }, { job: string }];
  rank_mislabels: [{ selection: Selection | null }, { job: string }];
  /** `threshold`: highest cosine distance of near duplicates; null = chosen by the data. */
  find_duplicates: [{ selection: Selection | null; threshold: number | null }, { job: string }];
  suggest_labels: [{ selection: Selection | null; precision: number }, { job: string }];
  cancel_job: [{ job: string }, Nothing];
  /** Opens the form of a next step of a job, by its position in `steps`. */
  take_step: [{ job: string; step: number }, Nothing];
  /** The App lists the fields a job has added and, after a ranking, its samples with the highest score first. */
  refresh_app: [{ ranking: "outliers" | "mislabels" | null }, { field: string | null }];
  /** Opens the operator's form, which takes what the grid shows: the selection. */
  send_to_label_studio: [Nothing, Nothing];

  /** A list to review. Opening a function's list counts as looking at its new matches. */
  open_list: [{ map: string; map_version: string; list: string }, ReviewAnswer];
  /** What is most like `liked` and least like `disliked`; the scores are written to `search_score`. */
  search_similar: [
    { map: string; map_version: string; liked: readonly number[]; disliked: readonly number[] },
    ReviewAnswer,
  ];
  /** Applies decisions of a review in order, each as a separate action, except those that were applied before.
   * `failed`: those that could not be applied, with the reason.
   */
  decide: [
    { dataset: string; decisions: readonly Decision[] },
    { patch: StatePatch | null; failed: readonly { readonly id: string; readonly reason: string }[] },
  ];

  /** Opens the App's form for the next batch of a segment's collection campaign. */
  next_batch: [{ segment: string }, Nothing];

  /** Saves the last search, with what was marked in its results, as a function. */
  create_function: [
    {
      name: string;
      threshold: number;
      map?: string;
      map_version?: string;
      liked?: readonly number[];
      disliked?: readonly number[];
    },
    { job: string },
  ];
  run_functions: [Nothing, { job: string }];
  /** Changes a function and scores everything again; also rebuilds a stale one. */
  edit_function: [
    {
      slug: string;
      threshold?: number;
      note?: string;
      map?: string;
      map_version?: string;
      liked?: readonly number[];
      disliked?: readonly number[];
    },
    { job: string },
  ];
  /** Opens the App's form of a function, which shows the samples around its threshold. */
  open_function_form: [{ slug: string }, Nothing];
  rename_function: [{ slug: string; name: string }, { done: string }];
  duplicate_function: [{ slug: string; name: string }, { job: string }];
  delete_function: [{ slug: string }, { done: string }];
  restore_function: [{ key: string }, { done: string }];

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
  /** The numbers of saved labels in the label field: all, and those set here. */
  count_labels: [Nothing, { field: string; all: number; ours: number }];
  /** Removes saved labels of the label field; `undo` restores them. */
  clear_labels: [{ which: "ours" | "all" }, { patch: StatePatch | null; done: string }];
}

export type MethodName = keyof Methods;
export type Ask<M extends MethodName> = Methods[M][0];
export type Answer<M extends MethodName> = Methods[M][1];
