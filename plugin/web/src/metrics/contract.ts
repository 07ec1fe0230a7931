/** The contract between the panel `model_metrics` and its Python code.
 *
 * A method answers with its own fields, or with `{error}`: one sentence for the user. Method URIs arrive in
 * `props.schema.view.<method>`. Classes travel by name; null stands for none.
 */

export type What = "true positives" | "confusions" | "false positives" | "false negatives";
export const WHATS: readonly What[] = ["false positives", "false negatives", "confusions", "true positives"];
export type Members = "labels" | "predictions" | "both" | "samples";
export type Order = "none" | "confidence" | "iou low" | "iou high" | "pair";
export type SegmentKind = "data quality" | "data organization" | "collection campaign";
export const SEGMENT_KINDS: readonly SegmentKind[] = ["data quality", "data organization", "collection campaign"];
export type EvaluationKind = "detection" | "classification";

/** base64 of little-endian uint32. */
export type PackedU32 = string;

export interface Thresholds {
  readonly iou: number;
  readonly confidence: number;
  /** Classification: how many guesses a sample has. */
  readonly top_k: number;
}

export interface Report {
  /** Names the comparison the server keeps in memory. */
  readonly evaluation: string;
  readonly kind: EvaluationKind;
  readonly truth_field: string;
  readonly prediction_field: string;
  readonly classes: readonly string[];
  readonly samples: number;
  readonly labels: number;
  readonly predictions: number;
  /** Whether predictions have confidences; without, the threshold means nothing. */
  readonly scored: boolean;
  /** Most guesses of a sample, classification. */
  readonly guesses: number;
  /** Pairs compared by their masks. */
  readonly mask_pairs: number;
  /** The cells with a count: row = class of the label, column = predicted class, C = none. */
  readonly cells: { readonly rows: PackedU32; readonly columns: PackedU32; readonly counts: PackedU32 };
  readonly per_class: Readonly<Record<Measure, readonly (number | null)[]>>;
  readonly weighted: {
    readonly precision: number;
    readonly recall: number;
    readonly f1: number;
    readonly map: number | null;
  };
  readonly totals: Readonly<Record<What, number>>;
}
export type Measure = "precision" | "recall" | "f1" | "support" | "average_precision";

/** [label, prediction] class names; null = none. */
export type Cell = readonly [truth: string | null, prediction: string | null];

/** Rows of the label and of the prediction, -1 = none: what names a result. */
export type ResultRows = readonly [truth: number, prediction: number];

export interface Choice extends Thresholds {
  readonly evaluation: string;
  readonly whats: readonly What[];
  readonly cells: readonly Cell[];
  /** Only these of them; null = all. */
  readonly rows?: readonly ResultRows[] | null;
  /** All but these. */
  readonly without?: readonly ResultRows[];
}

/** x, y, width, height as shares of the picture. */
export type Box = readonly [number, number, number, number];

export interface Result {
  readonly rows: ResultRows;
  readonly sample_id: string;
  readonly image: string;
  readonly truth_box: Box | null;
  readonly prediction_box: Box | null;
  readonly truth_class: string | null;
  readonly predicted_class: string | null;
  readonly iou: number | null;
  readonly confidence: number | null;
}

export interface Segment {
  readonly slug: string;
  readonly name: string;
  readonly kind: SegmentKind;
  readonly note: string;
  readonly noun: "sample" | "object";
  readonly size: number;
  /** [when, size], oldest first. */
  readonly sizes: readonly (readonly [string, number])[];
  /** How it was made, in words. */
  readonly origin: string;
  readonly can_remake: boolean;
  /** Those of its rule, oldest first. */
  readonly runs: readonly RuleRun[];
}

/** What the rule of a segment found at a time in the predictions of a field, and how good these were. */
export interface RuleRun {
  readonly at: string;
  readonly field: string;
  readonly members: number;
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

/** IDs by field; "" = whole samples. */
export type MemberIds = Readonly<Record<string, readonly string[]>>;

/** A segment compared with what its rule finds now. */
export interface Remake {
  readonly stayed: number;
  readonly gone: number;
  readonly new: number;
  /** Members that are no longer in the dataset. */
  readonly lost: number;
  readonly gone_ids: MemberIds;
  readonly new_ids: MemberIds;
  readonly runs: readonly RuleRun[];
}

export interface Overview {
  readonly dataset: string;
  /** Fields that can be compared with each other. */
  readonly fields: Readonly<Partial<Record<EvaluationKind, readonly string[]>>>;
  /** Whether the App shows a part of the dataset. */
  readonly filtered: boolean;
  readonly segments: readonly Segment[];
}

interface Changed {
  readonly message: string;
  readonly segments: readonly Segment[];
}
export type Nothing = Readonly<Record<string, never>>;

/** The request and the answer of every method. */
export interface Methods {
  overview: [Nothing, Overview];
  /** With `evaluation`, the same comparison at other thresholds; null reads both fields anew. */
  compare: [
    Omit<Thresholds, "confidence"> & {
      evaluation: string | null;
      /** null: the one with the best F1, which the answer names. */
      confidence: number | null;
      truth_field: string;
      prediction_field: string;
      scope: "dataset" | "view";
    },
    { report: Report; confidence: number },
  ];
  results: [Choice & { order: Order; offset: number; limit: number }, { total: number; items: readonly Result[] }];
  show_results: [Choice, { message: string }];
  show_all: [Nothing, Nothing];
  open_sample: [{ sample_id: string }, Nothing];
  /** Into the segment `slug`, or a new one. */
  add_to_segment: [
    Choice & { members: Members; slug?: string; name?: string; kind?: SegmentKind; note?: string },
    Changed,
  ];
  open_segment: [{ slug: string }, { message: string }];
  edit_segment: [{ slug: string; name: string; kind: SegmentKind; note: string }, Changed];
  merge_segments: [{ slug: string; into: string }, Changed];
  /** What is ticked in the App's grid leaves the segment. */
  remove_from_segment: [{ slug: string }, Changed];
  delete_segment: [{ slug: string }, Changed];
  /** `folder`: on the server; "" = a file to download, whose path the answer has. */
  export_segment: [
    { slug: string; format: "fiftyone" | "coco" | "csv"; folder: string },
    { message: string; file: string | null },
  ];
  /** Opens the operator's form for a segment, or for the samples of what is chosen. */
  send_to_label_studio: [{ slug: string } | Choice, Nothing];
  remake_segment: [
    { slug: string; prediction_field: string | null; name: string | null },
    Changed & { readonly remake: Remake },
  ];
  /** In the App's grid. */
  show_members: [{ ids: MemberIds; total: number }, { message: string }];
}
export type MethodName = keyof Methods;
export type Ask<M extends MethodName> = Methods[M][0];
export type Answer<M extends MethodName> = Methods[M][1];
