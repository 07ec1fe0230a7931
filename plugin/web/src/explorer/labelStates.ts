/** Label states as the legend, the tooltip, and the preview name and color them. */
import { GRAY } from "../scatter/colors";
import { LABEL_STATE } from "./contract";

/** Label states in the order of LABEL_STATE, each with a name and a color; shapes are the renderer's. */
export const STATE_LEGEND: readonly { readonly name: string; readonly color: string }[] = (() => {
  const rows: { name: string; color: string }[] = [];
  rows[LABEL_STATE.unlabeled] = { name: "unlabeled", color: GRAY };
  rows[LABEL_STATE.human] = { name: "labeled", color: "#47a3ff" };
  rows[LABEL_STATE.suggested] = { name: "suggested, confident", color: "#cc4400" };
  rows[LABEL_STATE.uncertain] = { name: "suggested, uncertain", color: "#cc4400" };
  rows[LABEL_STATE.pendingLabel] = { name: "pending label", color: "#75d194" };
  rows[LABEL_STATE.pendingDelete] = { name: "pending deletion", color: "#b31999" };
  rows[LABEL_STATE.neighbors] = { name: "labeled from neighbors", color: "#5ed1e8" };
  rows[LABEL_STATE.checked] = { name: "checked, nothing there", color: "#e0c000" };
  return rows;
})();
