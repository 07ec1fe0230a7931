/** What the form “Generate explorer” knows about the ways to compute embeddings. */
import { counted, listing } from "../../parts/words";
import type { EmbeddingsForm, ModelChoice, PanelState, Plan } from "../contract";

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
    predictions: form.patches_field === null ? form.predictions?.trim() || null : null,
    base: way.way === "trained" ? (form.base ?? firstBase?.key ?? null) : null,
    vector_field: way.way === "precomputed" && !takesFile ? (form.vector_field ?? firstField ?? null) : null,
  };
}

/** What changes in the form along with the model: the layer and the predictions were those of another network. */
export const renamed = ({ options }: EmbeddingsForm, name: string): Partial<EmbeddingsForm> => ({
  name,
  predictions: null,
  options: { ...options, layer: "" },
});

/** Whether a way computes vectors from the media, so that it can be planned, and objects can be chosen. */
export const embeds = ({ way }: ModelChoice): boolean => way !== "trained" && way !== "precomputed";

const IN_SETTINGS = "the database in FiftyOne's settings";
const STORES: Readonly<Record<string, { readonly name: string; readonly where: string }>> = {
  lancedb: { name: "LanceDB", where: "files on the App's server" },
  sklearn: { name: "scikit-learn", where: "with the dataset, in FiftyOne's database" },
  pgvector: { name: "PostgreSQL (pgvector)", where: IN_SETTINGS },
  milvus: { name: "Milvus", where: IN_SETTINGS },
  qdrant: { name: "Qdrant", where: IN_SETTINGS },
};

/** A place for vectors as the form lists it. */
export function storageOf(backend: string, isDefault: boolean): { readonly name: string; readonly note: string } {
  const { name, where } = STORES[backend] ?? { name: backend, where: "as FiftyOne's settings say" };
  return { name, note: isDefault ? `${where}; the default` : where };
}

export interface Normalization {
  readonly name: string;
  readonly mean: string;
  readonly std: string;
}

/** Ways to scale the values of images that networks are usually trained with. */
export const NORMALIZATIONS: readonly Normalization[] = [
  { name: "ImageNet", mean: "0.485, 0.456, 0.406", std: "0.229, 0.224, 0.225" },
  { name: "0 to 1", mean: "0, 0, 0", std: "1, 1, 1" },
  { name: "−1 to 1", mean: "0.5, 0.5, 0.5", std: "0.5, 0.5, 0.5" },
];

export const normalizationOf = (options: EmbeddingsForm["options"]): Normalization | undefined =>
  NORMALIZATIONS.find(({ mean, std }) => mean === options.mean && std === options.std);

const SETTING_NAMES: Readonly<Record<string, string>> = {
  weights: "weights file",
  size: "input size",
  resize: "resize to",
  std: "standard deviation",
  channels: "channel order",
  classes: "class names",
};
/** A setting of a model, as words in a sentence. */
export const settingName = (setting: string): string => SETTING_NAMES[setting] ?? setting.replace(/_/g, " ");

/** What must still be chosen or typed, as the end of a sentence; null if nothing. */
export function missing(way: ModelChoice, form: EmbeddingsForm, panel: PanelState, plan: Plan | null): string | null {
  const full = completed(form, way, panel);
  if (full.name === "") return way.inspects ? "the file of your network" : `the model’s ${way.argument}`;
  if (way.way === "trained") return full.base === null ? "other embeddings to start from" : null;
  if (way.inspects) return missingOf(form, plan);
  if (way.way !== "precomputed" || full.vector_field !== null) return null;
  if (!full.path) return "a file";
  return full.path.endsWith(".npy") && !full.ids_path ? "a file with the IDs" : null;
}

/** What the file of one's own network does not declare, and the user has not entered yet. */
function missingOf(form: EmbeddingsForm, plan: Plan | null): string | null {
  if (plan === null) return "…";
  if (plan.trouble !== null) return "a file that can be loaded";
  const unsaid = (plan.network?.undeclared ?? []).filter((name) => !form.options[name]?.trim());
  return unsaid.length > 0 ? `its ${listing(unsaid.map(settingName))}, which the file does not declare` : null;
}

/** What will happen, and roughly how long it takes; or what is still needed for it. */
export function planned(way: ModelChoice, form: EmbeddingsForm, panel: PanelState, plan: Plan | null): string {
  const needed = missing(way, form, panel, plan);
  if (needed === "…") return "Reading the file…";
  if (needed !== null && way.inspects) return `Still needed: ${needed}.`;
  if (!embeds(way))
    return `${counted(panel.sample_count, "sample")}. Progress is shown in the panel; you can keep working.`;
  if (plan === null) return "";
  if (plan.trouble !== null && !way.inspects) return plan.trouble;
  const { count, noun, seconds } = plan;
  const time =
    seconds === null ? ". How long it takes depends on the model" : `: ${duration(seconds)} for photos of typical size`;
  return `${counted(count, noun)}${time}. Files that cannot be read are skipped and reported.`;
}

function duration(seconds: number): string {
  if (seconds < 60) return "less than a minute";
  if (seconds < 5400) return `about ${counted(Math.round(seconds / 60), "minute")}`;
  return `about ${counted(Math.round(seconds / 3600), "hour")}`;
}
