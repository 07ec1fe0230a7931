/** Generate explorer: five ways to compute embeddings, and a map from them in the same run. */
import * as React from "react";
import { Submit, TextField } from "../../parts/fields";
import { Picker } from "../../parts/Picker";
import { useExplorer, useUi } from "../context";
import type { EmbeddingsForm, ModelChoice, PanelState, Plan } from "../contract";
import { ModelSettings } from "./ModelSettings";
import { usePlan } from "./usePlan";
import { completed, embeds, groupsOf, missing, planned, renamed, storageOf, type Group } from "./ways";

const WHOLE = "@samples";
const FILE = "@file";
const OTHER = "@other";

const START: EmbeddingsForm = {
  way: "preprocessing",
  name: null,
  options: {},
  patches_field: null,
  predictions: null,
  base: null,
  tune: false,
  vector_field: null,
  path: null,
  ids_path: null,
  backend: null,
  with_map: true,
};

export function GenerateForm(): React.ReactElement | null {
  const explorer = useExplorer();
  const panel = useUi((ui) => ui.panel);
  const [said, setForm] = React.useState<EmbeddingsForm>(START);
  const ways = panel?.options.models ?? [];
  const way = ways.find((one) => one.way === said.way) ?? ways[0];
  // Sounds, texts, and videos have ways of their own.
  const form = way && way.way !== said.way ? { ...said, way: way.way } : said;
  const plan = usePlan(form, way);
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
        onChange={(next) => setForm({ ...START, way: next, backend: form.backend, with_map: form.with_map })}
      >
        <WaySettings way={way} plan={plan} panel={panel} form={form} set={set} />
      </Ways>
      {panel.options.backends.length > 1 && <Storage panel={panel} form={form} set={set} />}
      <label className="ls-check">
        <input type="checkbox" checked={form.with_map} onChange={(event) => set({ with_map: event.target.checked })} />
        <span>Then make a 2D map from them (UMAP)</span>
      </label>
      <Submit disabled={missing(way, form, panel, plan) !== null} note={planned(way, form, panel, plan)}>
        Generate explorer
      </Submit>
    </form>
  );
}

/** What the chosen way needs to know. */
function WaySettings({
  way,
  plan,
  panel,
  form,
  set,
}: Part & { readonly way: ModelChoice; readonly plan: Plan | null }): React.ReactElement {
  return (
    <>
      <ModelName key={way.way} way={way} form={form} set={set} />
      <ModelSettings key={`${way.way} settings`} way={way} plan={plan} form={form} set={set} />
      {way.way === "trained" && <Base panel={panel} form={form} set={set} />}
      {way.way === "precomputed" && <Source panel={panel} form={form} set={set} />}
      {embeds(way) && panel.options.patches_fields.length > 0 && <WhatToEmbed panel={panel} form={form} set={set} />}
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
            set(renamed(form, chosen === OTHER ? "" : chosen));
          }}
        />
      )}
      {other && (
        <TextField
          label={way.names.length > 0 ? "Name" : "Network"}
          value={name}
          placeholder={way.argument}
          onChange={(typed) => set(renamed(form, typed))}
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

/** The ways, with the settings of the chosen one below it. */
function Ways(props: {
  readonly ways: readonly ModelChoice[];
  readonly chosen: string;
  readonly onChange: (way: string) => void;
  readonly children: React.ReactNode;
}): React.ReactElement {
  const groups = groupsOf(props.ways);
  const chosen = groups.find(({ ways }) => ways.some(({ way }) => way === props.chosen));
  return (
    <fieldset className="ls-ways">
      <legend className="ls-unseen">How to make embeddings</legend>
      {groups.map((group) => (
        <React.Fragment key={group.title}>
          <label className="ls-way">
            <input
              type="radio"
              name="labelscape-way"
              checked={group === chosen}
              onChange={() => props.onChange(group.ways[0]?.way ?? "")}
            />
            <span>
              <strong>{group.title}</strong>
              <span className="ls-quiet">{group.why}</span>
            </span>
          </label>
          {group === chosen && (
            <div className="ls-form ls-way-settings">
              <Sources group={group} chosen={props.chosen} onChange={props.onChange} />
              {props.children}
            </div>
          )}
        </React.Fragment>
      ))}
    </fieldset>
  );
}

/** Where the models of a way come from, if there are several places. */
function Sources(props: {
  readonly group: Group;
  readonly chosen: string;
  readonly onChange: (way: string) => void;
}): React.ReactElement | null {
  const { ways } = props.group;
  if (ways.length < 2) return null;
  return (
    <Picker
      label="Models from"
      wide
      value={props.chosen}
      options={ways.map(({ way, title, why }) => ({ value: way, name: title, note: why }))}
      onChange={props.onChange}
    />
  );
}

/** Where the vectors are stored, if FiftyOne's settings name more than one place. */
function Storage({ panel, form, set }: Part): React.ReactElement {
  const { backends } = panel.options;
  return (
    <Picker
      label="Store in"
      wide
      value={form.backend ?? backends[0] ?? ""}
      options={backends.map((name, i) => ({ value: name, ...storageOf(name, i === 0) }))}
      onChange={(backend) => set({ backend })}
    />
  );
}

interface Part {
  readonly panel: PanelState;
  readonly form: EmbeddingsForm;
  readonly set: (part: Partial<EmbeddingsForm>) => void;
}

function Base({ panel, form, set }: Part): React.ReactElement {
  if (panel.embeddings.length === 0)
    return <p className="ls-quiet">Training starts from other embeddings: generate those first.</p>;
  const chosen = panel.embeddings.find(({ key }) => key === form.base) ?? panel.embeddings[0];
  return (
    <>
      <Picker
        label="Start from"
        wide
        value={chosen?.key ?? ""}
        options={panel.embeddings.map((e) => ({ value: e.key, name: e.key, note: e.model }))}
        onChange={(base) => set({ base, tune: false })}
      />
      {chosen?.tunable && (
        <label className="ls-check">
          <input type="checkbox" checked={form.tune} onChange={(event) => set({ tune: event.target.checked })} />
          <span>Also fine-tune the network's last block (takes minutes; stops where it does not help)</span>
        </label>
      )}
    </>
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
