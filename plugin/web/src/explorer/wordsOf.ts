/** Words for the state on screen: the current map, its nouns, what is pending, what is suggested. */
import { LABEL_STATE, type LoadedMap, type Noun, type PendingCounts } from "./contract";
import { counted, listing } from "../parts/words";
import type { RowSet } from "./selection";
import type { Ui } from "./state";

/** The map on the screen, or the one being loaded, so that the controls around it are already in place. */
export const mapInfo = ({ panel, map }: Pick<Ui, "panel" | "map">): LoadedMap | null => map?.info ?? panel?.map ?? null;

/** What is pending, in words; "" for nothing. */
export const pendingWords = ({ labels, cleared, deletions }: PendingCounts): string =>
  listing([
    labels > 0 && counted(labels, "label"),
    cleared > 0 && counted(cleared, "cleared label"),
    deletions > 0 && counted(deletions, "deletion"),
  ]);

/** What a row of the loaded map is called on screen. */
export const nounOf = ({ map }: Pick<Ui, "map">): Noun => map?.info.noun ?? "sample";

/** How many of these rows have an open suggestion that reaches the target precision, and one that does not. */
export function suggestedAmong(set: RowSet, labelState: Uint8Array): { confident: number; uncertain: number } {
  let [confident, uncertain] = [0, 0];
  for (let i = 0; i < labelState.length; i++) {
    if (!set.mask[i]) continue;
    if (labelState[i] === LABEL_STATE.suggested) confident++;
    else if (labelState[i] === LABEL_STATE.uncertain) uncertain++;
  }
  return { confident, uncertain };
}
