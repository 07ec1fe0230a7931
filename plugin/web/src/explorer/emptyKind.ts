/** What the panel shows in place of a map. */
import type { Ui } from "./state";

type Kind = "starting" | "no dataset" | "no samples" | "no embeddings" | "no map" | "loading" | "no points" | null;

/** Which empty state it is; null = there is a map to show. */
export function emptyKind(ui: Pick<Ui, "panel" | "map">): Kind {
  const { panel, map } = ui;
  if (!panel) return "starting";
  if (panel.dataset === null) return "no dataset";
  if (map) return map.info.n === 0 ? "no points" : null;
  if (panel.map || panel.maps.length > 0) return "loading";
  if (panel.sample_count === 0) return "no samples";
  return panel.embeddings.length === 0 ? "no embeddings" : "no map";
}
