/** What a screen reader calls the map. */
import { counted } from "../parts/words";
import { emptyKind } from "./emptyKind";
import { nounOf, type Ui } from "./state";

export function mapLabel(ui: Pick<Ui, "panel" | "map" | "selection">): string {
  const kind = emptyKind(ui);
  if (kind === "starting" || kind === "loading") return "Map of embeddings, loading";
  if (!ui.map || kind !== null) return "Map of embeddings, empty";
  const selected = ui.selection.count.toLocaleString("en");
  return `${ui.map.info.dims}D map of ${counted(ui.map.info.n, nounOf(ui))}, ${selected} selected`;
}
