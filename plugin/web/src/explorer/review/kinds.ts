/** What accepting and rejecting mean in each kind of list, in words. */
import type { ReviewKind } from "../contract";

export interface KindWords {
  readonly accept: string;
  readonly reject: string;
  /** What the badges say afterwards. */
  readonly accepted: string;
  readonly rejected: string;
}

export const KIND_WORDS: Readonly<Record<ReviewKind, KindWords>> = {
  mislabels: { accept: "Set proposed label", reject: "Keep label", accepted: "relabeled", rejected: "label kept" },
  suggestions: { accept: "Accept", reject: "Reject", accepted: "accepted", rejected: "rejected" },
  outliers: { accept: "Keep", reject: "Mark for deletion", accepted: "kept", rejected: "to be deleted" },
  duplicates: { accept: "Keep", reject: "Mark for deletion", accepted: "kept", rejected: "to be deleted" },
  segment: { accept: "Keep in segment", reject: "Remove from segment", accepted: "kept", rejected: "removed" },
  function: { accept: "A match", reject: "Not a match", accepted: "match", rejected: "no match" },
  search: { accept: "Like this", reject: "Not like this", accepted: "like this", rejected: "not like this" },
};
