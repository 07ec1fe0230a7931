/** The lines above the map: which map, how it is colored, where labels go, tools, and search. */
import * as React from "react";
import { Button } from "../parts/parts";
import { Icon, type IconName } from "../parts/icons";
import { Picker, type PickerOption } from "../parts/Picker";
import type { Tool } from "../scatter/Scatter";
import { useExplorer, useUi } from "./context";
import { BY_LABELS, type PanelState } from "./contract";
import { openDialog } from "./dialogs/openDialog";
import { BY_STATE, fieldName, mapInfo, nounOf, type Ui } from "./state";
import { methodName } from "./methods";

const COMBINE = "Hold while selecting: Shift adds, Alt removes, both intersect";
const TOOLS: readonly (readonly [Tool, string, string, string])[] = [
  ["pan", "Move", "Drag to move the map, or rotate it in 3D", "p"],
  ["lasso", "Lasso", `Drag to draw around points. ${COMBINE}`, "o"],
  ["box", "Box", `Drag to draw a box around points. ${COMBINE}`, "b"],
];
const NEW = "@new";

export function Toolbar(): React.ReactElement | null {
  const panel = useUi((ui) => ui.panel);
  const info = useUi(mapInfo);
  const onMap = useUi((ui) => ui.tab === "map");
  if (!panel?.dataset || !info) return null;
  return (
    <div className="ls-toolbar" role="toolbar" aria-label="Explorer">
      <div className="ls-pickers">
        <MapPicker panel={panel} current={info.key} />
        {onMap && <ColorPicker panel={panel} />}
        <LabelFieldPicker panel={panel} />
      </div>
      {onMap && <Dimensions current={info.dims} />}
      {onMap && <Tools />}
      <Search />
    </div>
  );
}

function MapPicker({ panel, current }: { readonly panel: PanelState; readonly current: string }): React.ReactElement {
  const explorer = useExplorer();
  const options: PickerOption[] = panel.maps.map((map) => ({
    value: map.key,
    name: map.key,
    note: [`${methodName(map.method)}, ${map.dims}D`, map.embeddings && `of ${map.embeddings}`]
      .filter(Boolean)
      .join(" "),
  }));
  options.push({ value: NEW, name: "New map…", note: "UMAP, t-SNE, or PCA of existing embeddings" });
  return (
    <Picker
      label="Map"
      value={current}
      options={options}
      onChange={(key) => (key === NEW ? openDialog(explorer, "map") : void explorer.map.load(key))}
    />
  );
}

/** Fields to color by or to show as text on the map, after those that the panel itself provides. */
export function fieldOptions(panel: PanelState): PickerOption[] {
  return [
    { value: BY_STATE, name: "label state", note: "labeled, suggested, pending" },
    { value: BY_LABELS, name: "labels and suggestions", note: "the suggestion if there is no label" },
    ...panel.fields.map((f) => ({
      value: f.path,
      name: fieldName(f.path),
      note: f.kind === "numeric" ? "numbers" : "classes",
    })),
  ];
}

function ColorPicker({ panel }: { readonly panel: PanelState }): React.ReactElement {
  const explorer = useExplorer();
  const waiting = useUi((ui) => ui.map === null);
  const field = useUi((ui) => ui.color?.field ?? BY_STATE);
  return (
    <Picker
      label="Color by"
      disabled={waiting}
      value={field}
      options={fieldOptions(panel)}
      onChange={(value) => void explorer.look.colorBy(value)}
    />
  );
}

/** The field that labels are written to: always visible, and changed here. */
export function LabelFieldPicker({ panel }: { readonly panel: PanelState }): React.ReactElement {
  const explorer = useExplorer();
  const { label_field: field, label_fields: fields, label_field_exists: exists, label_field_unclear: unclear } = panel;
  const inPlace = useUi((ui) => nounOf(ui) === "object" || nounOf(ui) === "clip"); // they carry their own labels
  const options: PickerOption[] = fields.map((name) => ({
    value: name,
    name,
    note:
      name === field && !exists
        ? "new: created with the first save"
        : name === field && unclear
          ? "has labels that a model may have set"
          : "labels are written here",
  }));
  if (!inPlace) options.push({ value: NEW, name: "New field…", note: "leaves existing labels unchanged" });
  return (
    <Picker
      label="Labels go to"
      caption={exists ? "Labels go to" : "New label field"}
      value={unclear ? "" : (field ?? "")}
      shown={field === null ? "no field" : unclear ? `${field}?` : field}
      options={options}
      onChange={(name) => (name === NEW ? openDialog(explorer, "field") : void explorer.labeling.chooseField(name))}
    />
  );
}

function Dimensions({ current }: { readonly current: 2 | 3 }): React.ReactElement {
  const explorer = useExplorer();
  return (
    <div className="ls-group" role="group" aria-label="Dimension">
      {([2, 3] as const).map((dims) => (
        <Button
          key={dims}
          pressed={current === dims}
          title={`${dims}D map`}
          hotkey={String(dims)}
          onClick={() => void explorer.map.dimension(dims)}
        >
          {dims}D
        </Button>
      ))}
    </div>
  );
}

function Tools(): React.ReactElement {
  const explorer = useExplorer();
  const waiting = useUi((ui) => ui.map === null);
  const tool = useUi((ui) => ui.tool);
  return (
    <div className="ls-group" role="group" aria-label="Tool">
      {TOOLS.map(([name, word, says, key]) => (
        <Button
          key={name}
          disabled={waiting}
          label={word}
          pressed={tool === name}
          title={`${word}. ${says}`}
          hotkey={key}
          onClick={() => explorer.store.dispatch({ type: "tool", tool: name })}
        >
          <Icon name={name satisfies IconName} />
          <span className="ls-button-word">{word}</span>
        </Button>
      ))}
      <Button
        disabled={waiting}
        title="Show the whole map"
        label="Show the whole map"
        hotkey="f"
        onClick={() => explorer.look.showAll()}
      >
        <Icon name="fit" />
      </Button>
    </div>
  );
}

function Search(): React.ReactElement {
  const explorer = useExplorer();
  const waiting = useUi((ui) => ui.map === null);
  const canMean = useUi(searchesMeaning);
  const result = useUi((ui) => ui.search);
  const [text, setText] = React.useState("");
  const [meaning, setMeaning] = React.useState(false);
  return (
    <form
      className="ls-search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        void explorer.selecting.search(text, meaning && canMean);
      }}
    >
      <Icon name="search" />
      <input
        type="search"
        data-search=""
        disabled={waiting}
        placeholder={meaning && canMean ? "Describe what to find" : "Search"}
        title="Search by ID, file name, text, or label (/)"
        aria-label="Search the map"
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          if (event.target.value === "") void explorer.selecting.search("", false);
        }}
      />
      {canMean && (
        <label className="ls-check" title="Search by the meaning of a text, with the embedding model's text encoder">
          <input type="checkbox" checked={meaning} onChange={(event) => setMeaning(event.target.checked)} /> meaning
        </label>
      )}
      {result && (
        <span className="ls-quiet" role="status" title={result.how}>
          {result.rows.length < result.total && `${result.rows.length.toLocaleString("en")} of `}
          {result.total.toLocaleString("en")}
          <span className="ls-button-word"> {result.total === 1 ? "match" : "matches"}</span>
        </span>
      )}
    </form>
  );
}

function searchesMeaning({ panel, map }: Ui): boolean {
  const run = panel?.maps.find((m) => m.key === map?.info.key);
  return panel?.embeddings.find((e) => e.key === run?.embeddings)?.text_search ?? false;
}
