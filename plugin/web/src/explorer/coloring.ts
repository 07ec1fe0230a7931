/** The colors of the map as the App's color scheme takes them: by field and value. */
import { BY_LABELS, type PanelState } from "./contract";
import { BY_STATE, fieldName, type Values } from "./values";

export interface GridColors {
  /** The fields of the samples whose values get these colors. */
  readonly fields: readonly string[];
  readonly colors: readonly { readonly value: string; readonly color: string }[];
}

/** null where the map is not colored by the values of a field: by numbers, by label states, or not at all. */
export function gridColors(
  panel: PanelState | null,
  color: Values | null,
  colors: readonly string[],
): GridColors | null {
  if (!panel || color?.kind !== "categorical" || color.field === BY_STATE) return null;
  const field = color.field === BY_LABELS ? panel.label_field : fieldName(color.field);
  // A class has one color on the map, whichever field it is in: so it has in the grid.
  const labels = panel.fields.map(({ path }) => path).filter((path) => path.endsWith(".label"));
  const fields = new Set([...(field === null ? [] : [field]), ...labels.map(fieldName)]);
  return { fields: [...fields], colors: color.classes.map((value, code) => ({ value, color: colors[code] ?? "" })) };
}
