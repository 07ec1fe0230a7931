/** What the form “Generate explorer” knows about the ways to compute embeddings. */
import { counted, plural } from "../../parts/words";
import type { EmbeddingsForm, ModelChoice, PanelState } from "../contract";

export interface Group {
  readonly title: string;
  readonly why: string;
  readonly ways: readonly ModelChoice[];
}

/** The ways as the form lists them: all ways that take a published model by name are merged into one. */
export function groupsOf(ways: readonly ModelChoice[]): readonly Group[] {
  const published = ways.filter(({ names }) => names.length > 0);
  const alone = ({ title, why, ...way }: ModelChoice): Group => ({ title, why, ways: [{ title, why, ...way }] });
  if (published.length < 2) return ways.map(alone);
  return ways.flatMap((way) => {
    if (!published.includes(way)) return [alone(way)];
    return way === published[0] ? [{ ...PRETRAINED, ways: published }] : [];
  });
}

const PRETRAINED = {
  title: "Pretrained model",
  why: "A network pretrained on a lot of data; downloaded once, or read from a file",
};

/** The form with its defaults filled in, and without what the way does not use. */
export function completed(form: EmbeddingsForm, way: ModelChoice, panel: PanelState): EmbeddingsForm {
  const [firstBase] = panel.embeddings;
  const [firstField] = panel.options.vector_fields;
  const takesFile = form.path !== null;
  return {
    ...form,
    name: way.argument === "" ? null : (form.name ?? way.names[0] ?? "").trim(),
    base: way.way === "trained" ? (form.base ?? firstBase?.key ?? null) : null,
    vector_field: way.way === "precomputed" && !takesFile ? (form.vector_field ?? firstField ?? null) : null,
  };
}

/** Whether something must still be chosen or typed. */
export function missing(way: ModelChoice, form: EmbeddingsForm, panel: PanelState): boolean {
  const full = completed(form, way, panel);
  if (full.name === "") return true;
  if (way.way === "trained") return full.base === null;
  if (way.way !== "precomputed" || full.vector_field !== null) return false;
  return !full.path || (full.path.endsWith(".npy") && !full.ids_path);
}

/** What will happen, and roughly how long it takes. */
export function plan(way: ModelChoice, form: EmbeddingsForm, panel: PanelState): string {
  const noun = panel.options.patches_fields.find(({ field }) => field === form.patches_field)?.noun;
  const what = noun ? `The ${plural(noun)} in “${form.patches_field}”` : counted(panel.sample_count, "sample");
  if (way.speed === null)
    return `${what}. Progress is shown at the top of the panel; you can keep working in the
  meantime.`;
  const minutes = panel.sample_count / way.speed / 60;
  const time = minutes < 1 ? "less than a minute" : `about ${counted(Math.round(minutes), "minute")}`;
  return `${what}: ${time} for photos on two cores. Files that cannot
  be read are skipped and reported.`;
}
