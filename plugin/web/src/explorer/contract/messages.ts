/** The parts of messages: packed arrays, selections, facts about samples, forms. */
import type { LabelState } from "./columns";
import type { Noun } from "./state";

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
  /** The version of the labels on this screen; null = they have not been read. What changed since is left alone. */
  readonly shown: string | null;
}

export type SelectionHow =
  /** Closed polygon in map coordinates of a 2D map (a box is one of four corners), all of the map inside it. */
  | { readonly kind: "polygon"; readonly points: readonly (readonly [number, number])[] }
  /** All with this value of this field; value null = those with none. */
  | { readonly kind: "value"; readonly field: string; readonly value: string | null }
  /** Any other set of rows. */
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

/** Basic facts of one sample, for the hover tooltip. */
export interface Facts {
  readonly row: number;
  /** Sample id as text (of the object for patches). */
  readonly id: string;
  /** Path on the server's disk of the image or video to show (thumbnail where there is one); null = nothing to show. */
  readonly thumbnail: string | null;
  /** True if that is a video. */
  readonly moving: boolean;
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

/** A class that a selection is likely to have: why, in a word or two and in a sentence. */
export interface LikelyClass {
  readonly label: string;
  readonly note: string;
  readonly why: string;
}

export interface PendingItem extends Facts {
  readonly action: "label" | "delete";
  /** The label before and after; null = none. */
  readonly before: string | null;
  readonly after: string | null;
  /** "human" or "neighbors". */
  readonly origin: string;
}

/** How to compute embeddings; whatever a way does not use is null. */
export interface EmbeddingsForm {
  readonly way: string;
  /** The model of the way, such as "resnet18". */
  readonly name: string | null;
  /** Options of the model by name, as typed. */
  readonly options: Readonly<Record<string, string>>;
  readonly patches_field: string | null;
  /** New field for the classes that one's own network predicts; null = none. */
  readonly predictions: string | null;
  /** Of `trained`: the embeddings to start from. */
  readonly base: string | null;
  /** Of `trained`: whether the last block of the network is fine-tuned, too. */
  readonly tune: boolean;
  /** Of `precomputed`: a field with vectors, or a file (and for .npy its ids). */
  readonly vector_field: string | null;
  readonly path: string | null;
  readonly ids_path: string | null;
  /** One of `Options.backends`; null = the first. */
  readonly backend: string | null;
  /** Whether a 2D map of them follows in the same run. */
  readonly with_map: boolean;
}

/** What the choice of a model means, before anything is embedded. */
export interface Plan {
  /** How many items it embeds. */
  readonly count: number;
  readonly noun: Noun;
  /** How long that takes for photos of typical size; null = not known. */
  readonly seconds: number | null;
  /** What is in the file of one's own network. */
  readonly network: Network | null;
  /** Why the file cannot be used. */
  readonly trouble: string | null;
}

export interface Network {
  /** "ONNX", "TorchScript", "torch.export", … */
  readonly kind: string;
  readonly layers: readonly Layer[];
  /** The layer whose output is the embedding unless another is chosen; null = the network's output. */
  readonly cut: string | null;
  /** How many classes it predicts; 0 = none. */
  readonly classes: number;
  /** The input settings that the file says, and those that it should say but does not. */
  readonly said: readonly string[];
  readonly undeclared: readonly string[];
}

export interface Layer {
  readonly name: string;
  readonly kind: string;
  /** Of its output for one image, such as [512, 7, 7]. */
  readonly size: readonly number[];
}

/** Something “Clear explorer” can remove. */
export interface Clearable {
  readonly id: string;
  readonly title: string;
  /** Its amount, in words. */
  readonly size: string;
  /** What is lost, or how it can be recreated. */
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

/** What accepting and rejecting mean in a list. */
export type ReviewKind = "mislabels" | "outliers" | "duplicates" | "suggestions" | "segment" | "function" | "search";

/** What a sample carries besides its card. */
export interface Medium {
  readonly kind: string;
  /** Of a recording or a series: its file on the server's disk. */
  readonly file: string | null;
  readonly text: string | null;
  /** The window in seconds, where the sample is one. */
  readonly start: number | null;
  readonly end: number | null;
  /** In Hz; null when not known. */
  readonly sampling_rate: number | null;
  /** Of a series: seconds, or moments without a sampling rate. */
  readonly times: PackedF32;
  readonly channels: readonly { readonly name: string; readonly values: PackedF32 }[];
}

/** The decision on one item of a list; of several with the same `id`, only one is applied. */
export interface Decision {
  readonly id: string;
  /** The map whose rows the item is one of, and the label field at that time. */
  readonly map: string;
  readonly field: string;
  /** Id of the sample, or of the object. */
  readonly item: string;
  readonly kind: "label" | "accept" | "reject" | "delete" | "add_to_segment" | "remove_from_segment";
  /** The label, or the segment; else empty. */
  readonly value: string;
  /** As in a `Selection`. */
  readonly shown: string | null;
}

/** A list to review, in its order; arrays have one entry for each row. */
export interface ReviewAnswer {
  readonly id: string;
  readonly kind: ReviewKind;
  readonly title: string;
  readonly note: string;
  /** More than the number of rows if the list is longer than a person can review. */
  readonly total: number;
  readonly rows: PackedU32;
  /** Id of each row's sample, or object. */
  readonly ids: readonly string[];
  readonly scores: PackedF32 | null;
  /** Index into `labels` of the label that accepting sets, MISSING_CODE = none. */
  readonly proposals: PackedU16 | null;
  readonly labels: readonly string[];
  /** Of duplicates: the number of the group. */
  readonly groups: PackedU32 | null;
  /** Making the list added a field, which the App's sidebar does not show yet. */
  readonly adds_field: boolean;
}

export type SegmentKind = "data quality" | "data organization" | "collection campaign";

/**
 * A view stage as the App's grid takes it: `{"fiftyone.core.stages.Select": {"sample_ids": […], "ordered": false}}`.
 */
export type GridStage = Readonly<Record<string, Readonly<Record<string, unknown>>>>;
