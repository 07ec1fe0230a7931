/** How to compute a map from existing embeddings. */
import * as React from "react";
import { NumberField, Submit, TextField } from "../../parts/fields";
import { Picker } from "../../parts/Picker";
import { ago, counted } from "../../parts/words";
import { useExplorer, useUi } from "../context";
import type { MapForm as MapFormData, MapInfo, PanelState } from "../contract";
import { methodName } from "../methods";

const METHOD_NOTES: Readonly<Record<string, string>> = {
  umap: "clusters and their neighborhoods; the usual choice",
  tsne: "the finest local structure; slower",
  pca: "the main directions; exact and instant",
};

export function MapForm(): React.ReactElement {
  const explorer = useExplorer();
  const panel = useUi((ui) => ui.panel);
  const dims = useUi((ui) => ui.formDims);
  const current = useUi((ui) => ui.panel?.maps.find((m) => m.key === ui.map?.info.key));
  const [form, setForm] = React.useState<MapFormData>({
    ...START,
    embeddings: current?.embeddings ?? panel?.embeddings[0]?.key ?? "",
    method: panel?.options.methods[0] ?? "umap",
    dims,
  });
  const set = (part: Partial<MapFormData>): void => setForm({ ...form, ...part });
  const last = lastLike(panel?.maps ?? [], form);
  return (
    <form
      className="ls-form"
      onSubmit={(event) => {
        event.preventDefault();
        void explorer.runs.computeMap(form);
      }}
    >
      <WhatMap form={form} set={set} panel={panel} />
      <MethodSettings form={form} set={set} />
      <label className="ls-check">
        <input type="checkbox" checked={form.spherize} onChange={(event) => set({ spherize: event.target.checked })} />
        <span>Spherize (center and whiten the vectors first)</span>
      </label>
      <TextField
        label="Name"
        value={form.key ?? ""}
        placeholder="chosen for you"
        pattern="[A-Za-z_][A-Za-z0-9_]*"
        hint="Letters, digits, and _; must not start with a digit"
        onChange={(text) => set({ key: text === "" ? null : text })}
      />
      {last && <p className="ls-quiet">Last computed with these choices {ago(last)}.</p>}
      <Submit disabled={form.embeddings === ""}>Compute map</Submit>
    </form>
  );
}

const START = { n_neighbors: 15, min_dist: 0.1, perplexity: 30, spherize: false, key: null } as const;

interface Part {
  readonly form: MapFormData;
  readonly set: (part: Partial<MapFormData>) => void;
}

/** From which embeddings, with which method, in how many dimensions. */
function WhatMap({ form, set, panel }: Part & { readonly panel: PanelState | null }): React.ReactElement {
  const embeddings = (panel?.embeddings ?? []).map((e) => ({
    value: e.key,
    name: e.key,
    note: `${e.model}, ${counted(e.count, "vector")}`,
  }));
  const methods = (panel?.options.methods ?? []).map((m) => ({
    value: m,
    name: methodName(m),
    note: METHOD_NOTES[m] ?? "",
  }));
  return (
    <>
      <Picker
        label="Embeddings"
        wide
        value={form.embeddings}
        options={embeddings}
        onChange={(value) => set({ embeddings: value })}
      />
      <Picker label="Method" wide value={form.method} options={methods} onChange={(method) => set({ method })} />
      <Picker
        label="Dimensions"
        wide
        value={String(form.dims)}
        options={DIMENSIONS}
        onChange={(value) => set({ dims: value === "3" ? 3 : 2 })}
      />
    </>
  );
}

const DIMENSIONS = [
  { value: "2", name: "2D" },
  { value: "3", name: "3D" },
] as const;

function MethodSettings({ form, set }: Part): React.ReactElement {
  const settings = SETTINGS.filter((setting) => setting.method === form.method);
  return (
    <>
      {settings.map(({ name, label, hint, min, max, step }) => (
        <NumberField
          key={name}
          label={label}
          hint={hint}
          min={min}
          max={max}
          step={step}
          value={form[name]}
          onChange={(value) => set({ [name]: value })}
        />
      ))}
    </>
  );
}

/** The options of the methods. */
const SETTINGS = [
  {
    method: "umap",
    name: "n_neighbors",
    label: "Neighbors",
    hint: "higher values favor global structure",
    min: 2,
    max: 200,
    step: 1,
  },
  {
    method: "umap",
    name: "min_dist",
    label: "Minimum distance",
    hint: "lower values pack clusters more tightly",
    min: 0,
    max: 1,
    step: 0.01,
  },
  {
    method: "tsne",
    name: "perplexity",
    label: "Perplexity",
    hint: "roughly how many neighbors each point has",
    min: 2,
    max: 200,
    step: 1,
  },
] as const;

function lastLike(maps: readonly MapInfo[], form: MapFormData): string | undefined {
  return maps
    .filter((m) => m.embeddings === form.embeddings && m.method === form.method && m.dims === form.dims)
    .flatMap((m) => m.timestamp ?? [])
    .sort()
    .pop();
}
