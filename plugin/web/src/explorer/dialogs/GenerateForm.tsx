/** Generate explorer: five ways to compute embeddings, and a map from them in the same run. */
import * as React from "react";
import { Submit, TextField } from "../../parts/fields";
import { Picker } from "../../parts/Picker";
import { useExplorer, useUi } from "../context";
import type { EmbeddingsForm, ModelChoice, ModelOption, PanelState } from "../contract";
import { completed, groupsOf, missing, plan } from "./ways";

const WHOLE = "@samples";
const FILE = "@file";
const OTHER = "@other";

const START: EmbeddingsForm = {
  way: "preprocessing",
  name: null,
  options: {},
  patches_field: null,
  base: null,
  vector_field: null,
  path: null,
  ids_path: null,
  with_map: true,
};

export function GenerateForm(): React.ReactElement | null {
  const explorer = useExplorer();
  const panel = useUi((ui) => ui.panel);
  const [form, setForm] = React.useState<EmbeddingsForm>(START);
  const ways = panel?.options.models ?? [];
  const way = ways.find((one) => one.way === form.way) ?? ways[0];
  if (!panel || !way) return null;
  const set = (part: Partial<EmbeddingsForm>): void => setForm({ ...form, ...part });
  return (
    <form
      className="ls-form"
      onSubmit={(event) => {
        event.preventDefault();
        void explorer.runs.computeEmbeddings(completed(form, way, panel));
      }}
    >
      <Ways
        ways={ways}
        chosen={form.way}
        onChange={(next) => setForm({ ...START, way: next, with_map: form.with_map })}
      />
      <WaySettings way={way} panel={panel} form={form} set={set} />
      <label className="ls-check">
        <input type="checkbox" checked={form.with_map} onChange={(event) => set({ with_map: event.target.checked })} />
        <span>Then make a 2D map of them (UMAP)</span>
      </label>
      <Submit disabled={missing(way, form, panel)} note={plan(way, form, panel)}>
        Generate explorer
      </Submit>
    </form>
  );
}

/** What the chosen way needs to know. */
function WaySettings({ way, panel, form, set }: Part & { readonly way: ModelChoice }): React.ReactElement {
  return (
    <>
      <ModelName key={way.way} way={way} form={form} set={set} />
      <ModelOptions way={way} form={form} set={set} />
      {way.way === "trained" && <Base panel={panel} form={form} set={set} />}
      {way.way === "precomputed" && <Source panel={panel} form={form} set={set} />}
      {way.speed !== null && panel.options.patches_fields.length > 0 && (
        <WhatToEmbed panel={panel} form={form} set={set} />
      )}
    </>
  );
}

/** Which model: a known one, or any other by its name or file. */
function ModelName({ way, form, set }: Omit<Part, "panel"> & { readonly way: ModelChoice }): React.ReactElement | null {
  // What is typed may briefly equal an offered name, on the way to a longer one.
  const [other, setOther] = React.useState(way.names.length === 0);
  if (way.argument === "") return null;
  const name = form.name ?? way.names[0] ?? "";
  return (
    <>
      {way.names.length > 0 && (
        <Picker
          label="Model"
          wide
          value={other ? OTHER : name}
          options={[
            ...way.names.map((known) => ({ value: known, name: known })),
            { value: OTHER, name: "Another…", note: `type its ${way.argument}` },
          ]}
          onChange={(chosen) => {
            setOther(chosen === OTHER);
            set({ name: chosen === OTHER ? "" : chosen });
          }}
        />
      )}
      {other && (
        <TextField
          label={way.names.length > 0 ? "Name" : "Network"}
          value={name}
          placeholder={way.argument}
          onChange={(typed) => set({ name: typed })}
        />
      )}
    </>
  );
}

function WhatToEmbed({ panel, form, set }: Part): React.ReactElement {
  const objects = panel.options.patches_fields.map(({ field, noun }) => ({
    value: field,
    name: field,
    note: `each ${noun} by itself`,
  }));
  return (
    <Picker
      label="Embed"
      wide
      value={form.patches_field ?? WHOLE}
      options={[{ value: WHOLE, name: "whole samples" }, ...objects]}
      onChange={(field) => set({ patches_field: field === WHOLE ? null : field })}
    />
  );
}

function Ways(props: {
  readonly ways: readonly ModelChoice[];
  readonly chosen: string;
  readonly onChange: (way: string) => void;
}): React.ReactElement {
  const groups = groupsOf(props.ways);
  const group = groups.find(({ ways }) => ways.some(({ way }) => way === props.chosen));
  return (
    <>
      <fieldset className="ls-ways">
        <legend className="ls-unseen">How to make embeddings</legend>
        {groups.map(({ title, why, ways }) => (
          <label key={title} className="ls-way">
            <input
              type="radio"
              name="labelscape-way"
              checked={title === group?.title}
              onChange={() => props.onChange(ways[0]?.way ?? "")}
            />
            <span>
              <strong>{title}</strong>
              <span className="ls-quiet">{why}</span>
            </span>
          </label>
        ))}
      </fieldset>
      {group && group.ways.length > 1 && (
        <Picker
          label="Models of"
          wide
          value={props.chosen}
          options={group.ways.map(({ way, title, why }) => ({ value: way, name: title, note: why }))}
          onChange={props.onChange}
        />
      )}
    </>
  );
}

/** The model's options; most models need none, so all but the weights are collapsed. */
function ModelOptions(props: Omit<Part, "panel"> & { readonly way: ModelChoice }): React.ReactElement | null {
  const { way, form, set } = props;
  const field = (option: ModelOption): React.ReactElement => (
    <TextField
      key={option.name}
      label={OPTION_NAMES[option.name] ?? option.name}
      value={form.options[option.name] ?? ""}
      placeholder={option.kind === "file" ? "from the hub" : option.choices.join(" or ") || "of the model"}
      hint={option.sentence}
      onChange={(text) => set({ options: { ...form.options, [option.name]: text } })}
    />
  );
  if (way.options.length === 0) return null;
  return (
    <>
      {way.options.filter((option) => option.kind === "file").map(field)}
      <details>
        <summary>Input settings of the model</summary>
        <div className="ls-form">{way.options.filter((option) => option.kind !== "file").map(field)}</div>
      </details>
    </>
  );
}

const OPTION_NAMES: Readonly<Record<string, string>> = {
  weights: "Weights file",
  size: "Input size",
  resize: "Resize to",
  mean: "Mean",
  std: "Standard deviation",
  channels: "Channel order",
  flip: "Flip",
};

interface Part {
  readonly panel: PanelState;
  readonly form: EmbeddingsForm;
  readonly set: (part: Partial<EmbeddingsForm>) => void;
}

function Base({ panel, form, set }: Part): React.ReactElement {
  if (panel.embeddings.length === 0)
    return <p className="ls-quiet">Training starts from other embeddings: generate those first.</p>;
  return (
    <Picker
      label="Start from"
      wide
      value={form.base ?? panel.embeddings[0]?.key ?? ""}
      options={panel.embeddings.map((e) => ({ value: e.key, name: e.key, note: e.model }))}
      onChange={(base) => set({ base })}
    />
  );
}

function Source({ panel, form, set }: Part): React.ReactElement {
  const fields = panel.options.vector_fields;
  const chosen = form.vector_field ?? (fields.length > 0 && form.path === null ? (fields[0] as string) : FILE);
  return (
    <>
      {fields.length > 0 && (
        <Picker
          label="Vectors from"
          wide
          value={chosen}
          options={[
            ...fields.map((field) => ({ value: field, name: field, note: "a field of the samples" })),
            { value: FILE, name: "a file on the server" },
          ]}
          onChange={(field) =>
            set(field === FILE ? { vector_field: null, path: "" } : { vector_field: field, path: null })
          }
        />
      )}
      {chosen === FILE && (
        <TextField
          label="File"
          value={form.path ?? ""}
          placeholder=".parquet or .npy on the server"
          onChange={(path) => set({ path })}
        />
      )}
      {chosen === FILE && form.path?.endsWith(".npy") && (
        <TextField
          label="Its IDs"
          value={form.ids_path ?? ""}
          placeholder=".npy, or text with one ID per line"
          onChange={(ids_path) => set({ ids_path })}
        />
      )}
    </>
  );
}
