/** How to make a map of embeddings there are. */
import * as React from "react";
import { NumberField, Submit, TextField } from "../../parts/fields";
import { Picker } from "../../parts/Picker";
import { useExplorer, useUi } from "../context";
import type { MapForm as MapFormData, MapInfo } from "../contract";
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
    embeddings: current?.embeddings ?? panel?.embeddings[0]?.key ?? "",
    method: panel?.options.methods[0] ?? "umap",
    dims,
    n_neighbors: 15,
    min_dist: 0.1,
    perplexity: 30,
    spherize: false,
    key: null,
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
      <Picker
        label="Embeddings"
        wide
        value={form.embeddings}
        options={(panel?.embeddings ?? []).map((e) => ({
          value: e.key,
          name: e.key,
          note: `${e.model}, ${e.count.toLocaleString("en")} vectors`,
        }))}
        onChange={(embeddings) => set({ embeddings })}
      />
      <Picker
        label="Method"
        wide
        value={form.method}
        options={(panel?.options.methods ?? []).map((m) => ({
          value: m,
          name: methodName(m),
          note: METHOD_NOTES[m] ?? "",
        }))}
        onChange={(method) => set({ method })}
      />
      <Picker
        label="Dimensions"
        wide
        value={String(form.dims)}
        options={[
          { value: "2", name: "2D" },
          { value: "3", name: "3D" },
        ]}
        onChange={(value) => set({ dims: value === "3" ? 3 : 2 })}
      />
      {form.method === "umap" && (
        <>
          <NumberField
            label="Neighbors"
            hint="higher values favor global structure"
            min={2}
            max={200}
            step={1}
            value={form.n_neighbors}
            onChange={(n_neighbors) => set({ n_neighbors })}
          />
          <NumberField
            label="Minimum distance"
            hint="lower packs clusters tighter"
            min={0}
            max={1}
            step={0.01}
            value={form.min_dist}
            onChange={(min_dist) => set({ min_dist })}
          />
        </>
      )}
      {form.method === "tsne" && (
        <NumberField
          label="Perplexity"
          hint="roughly how many neighbors each point has"
          min={2}
          max={200}
          step={1}
          value={form.perplexity}
          onChange={(perplexity) => set({ perplexity })}
        />
      )}
      <label className="ls-check">
        <input type="checkbox" checked={form.spherize} onChange={(event) => set({ spherize: event.target.checked })} />
        <span>Spherize (center and whiten the vectors first)</span>
      </label>
      <TextField
        label="Name"
        value={form.key ?? ""}
        placeholder="chosen for you"
        pattern="[A-Za-z_][A-Za-z0-9_]*"
        hint="Letters, digits, and _; no digit first"
        onChange={(text) => set({ key: text === "" ? null : text })}
      />
      {last && <p className="ls-quiet">Last computed with these choices {ago(last)}.</p>}
      <Submit disabled={form.embeddings === ""}>Compute map</Submit>
    </form>
  );
}

function lastLike(maps: readonly MapInfo[], form: MapFormData): string | undefined {
  return maps
    .filter((m) => m.embeddings === form.embeddings && m.method === form.method && m.dims === form.dims)
    .flatMap((m) => m.timestamp ?? [])
    .sort()
    .pop();
}

/** A moment in words: "at 14:05", "yesterday", "3 days ago". */
function ago(iso: string): string {
  const then = new Date(iso);
  const days = Math.floor((Date.now() - then.getTime()) / 86_400_000);
  if (Number.isNaN(days)) return iso;
  if (days < 1) return `at ${then.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}`;
  return days === 1 ? "yesterday" : `${days} days ago`;
}
