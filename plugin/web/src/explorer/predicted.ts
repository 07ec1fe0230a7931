/** Classes that a model predicted for what is selected: a hint for labeling. */
import { counted, percent } from "../parts/words";
import { MISSING_CODE, type LikelyClass } from "./contract";
import { isLabelField, type Ui, type Values } from "./state";
import { fieldName } from "./values";

type Known = Pick<Ui, "panel" | "color" | "selection">;

const SHOWN = 3;

/** The field that the map is colored by, where it holds predictions and is not the label field. */
function predictedValues({ panel, color }: Pick<Ui, "panel" | "color">): Values | null {
  if (color?.kind !== "categorical" || isLabelField(color.field, panel)) return null;
  return panel?.fields.some((f) => f.path === color.field && f.predictions) ? color : null;
}

/** The classes to label with: those of the label field, then those of the predictions on the map. */
export function offeredClasses(ui: Pick<Ui, "panel" | "color">): readonly string[] {
  const own = ui.panel?.classes ?? [];
  const others = predictedValues(ui)?.classes.filter((name) => !own.includes(name)) ?? [];
  return others.length === 0 ? own : [...own, ...others];
}

/** The classes predicted most often for the selection. */
export function likelyPredicted(ui: Known): LikelyClass[] {
  const values = predictedValues(ui);
  const { mask, count } = ui.selection;
  if (!values || count === 0) return [];
  const votes = new Map<number, number>();
  for (let row = 0; row < mask.length; row++) {
    const code = values.codes[row] ?? MISSING_CODE;
    if (mask[row] && code !== MISSING_CODE) votes.set(code, (votes.get(code) ?? 0) + 1);
  }
  const field = fieldName(values.field);
  return [...votes]
    .sort(([, a], [, b]) => b - a)
    .slice(0, SHOWN)
    .map(([code, number]) => ({
      label: values.classes[code] ?? "",
      note: count === 1 ? "predicted" : percent(number / count),
      why:
        count === 1
          ? `In “${field}”`
          : `In “${field}” for ${number.toLocaleString("en")} of ${counted(count, "selected item")}`,
    }));
}
