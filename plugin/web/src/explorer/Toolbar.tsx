/** The lines above the map: which map, how it is colored, where labels go, tools, search, and the menus. */
import * as React from "react";
import { Button } from "../parts/parts";
import { Icon, type IconName } from "../parts/icons";
import { Menu, type MenuGroup } from "../parts/Menu";
import { Picker, type PickerOption } from "../parts/Picker";
import { capitalized, counted, plural } from "../parts/words";
import type { Tool } from "../scatter/Scatter";
import { useExplorer, useUi } from "./context";
import { BY_LABELS, type PanelState } from "./contract";
import type { Explorer } from "./explorer";
import { BY_STATE, mapInfo, nounOf, type Dialog, type Ui } from "./state";
import { methodName } from "./methods";

const COMBINE = "Hold while selecting: Shift adds, Alt removes, both intersect";
const TOOLS: readonly (readonly [Tool, string, string, string])[] = [
  ["pan", "Move", "Drag to move the map; in 3D, to turn it", "p"],
  ["lasso", "Lasso", `Drag to draw around points. ${COMBINE}`, "o"],
  ["box", "Box", `Drag to draw a box around points. ${COMBINE}`, "b"],
];
const NEW = "@new";
const NONE = "@none";

export function Toolbar(): React.ReactElement | null {
  const panel = useUi((ui) => ui.panel);
  const info = useUi(mapInfo);
  const onMap = useUi((ui) => ui.tab === "map");
  if (!panel?.dataset) return null;
  return (
    <div className="ls-toolbar" role="toolbar" aria-label="Explorer">
      <div className="ls-pickers">
        {info && <MapPicker panel={panel} current={info.key} />}
        {info && <ColorPicker panel={panel} />}
        <LabelFieldPicker panel={panel} />
      </div>
      {info && (
        <>
          {onMap && <Dimensions current={info.dims} />}
          {onMap && <Tools />}
          <Search />
        </>
      )}
      <span className="ls-grow" />
      <div className="ls-menus">
        {info && <ViewMenu panel={panel} />}
        <UndoMenu panel={panel} />
        <ActionsMenu />
      </div>
    </div>
  );
}

const openDialog = (explorer: Explorer, dialog: Dialog, dims?: 2 | 3): void =>
  explorer.store.dispatch(dims ? { type: "dialog", dialog, dims } : { type: "dialog", dialog });

function MapPicker({ panel, current }: { readonly panel: PanelState; readonly current: string }): React.ReactElement {
  const explorer = useExplorer();
  const options: PickerOption[] = panel.maps.map((map) => ({
    value: map.key,
    name: map.key,
    note: [`${methodName(map.method)}, ${map.dims}D`, map.embeddings && `of ${map.embeddings}`]
      .filter(Boolean)
      .join(" "),
  }));
  options.push({ value: NEW, name: "New map…", note: "UMAP, t-SNE, or PCA of embeddings there are" });
  return (
    <Picker
      label="Map"
      value={current}
      options={options}
      onChange={(key) => (key === NEW ? openDialog(explorer, "map") : void explorer.map.load(key))}
    />
  );
}

/** Fields to color by or to write on the map, after those that the panel makes up itself. */
function fieldOptions(panel: PanelState): PickerOption[] {
  return [
    { value: BY_STATE, name: "label state", note: "labeled, suggested, pending" },
    { value: BY_LABELS, name: "labels and suggestions", note: "a suggestion where there is no label" },
    ...panel.fields.map((f) => ({ value: f.path, name: f.path, note: f.kind === "numeric" ? "numbers" : "classes" })),
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

/** The field that labels are written to: always in sight, and changed here. */
function LabelFieldPicker({ panel }: { readonly panel: PanelState }): React.ReactElement {
  const explorer = useExplorer();
  const { label_field: field, label_fields: fields, label_field_exists: exists } = panel;
  const inPlace = useUi((ui) => nounOf(ui) === "object" || nounOf(ui) === "clip"); // they carry their own labels
  const options: PickerOption[] = fields.map((name) => ({
    value: name,
    name,
    note: name === field && !exists ? "new: made with the first save" : "labels are written here",
  }));
  if (!inPlace) options.push({ value: NEW, name: "New field…", note: "leave the labels there are as they are" });
  return (
    <Picker
      label="Labels go to"
      caption={exists ? "Labels go to" : "Labels go to new field"}
      value={field ?? ""}
      shown={field ?? "no field"}
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
        title="Search by id, file name, text, or label (/)"
        aria-label="Search the map"
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          if (event.target.value === "") void explorer.selecting.search("", false);
        }}
      />
      {canMean && (
        <label className="ls-check" title="Search by what a text means, with the text encoder of the embedding model">
          <input type="checkbox" checked={meaning} onChange={(event) => setMeaning(event.target.checked)} /> meaning
        </label>
      )}
      {result && (
        <span className="ls-quiet" role="status" title={result.how}>
          {result.rows.length < result.total
            ? `${result.rows.length.toLocaleString("en")} of ${result.total.toLocaleString("en")}`
            : counted(result.total, "match")}
        </span>
      )}
    </form>
  );
}

function searchesMeaning({ panel, map }: Ui): boolean {
  const run = panel?.maps.find((m) => m.key === map?.info.key);
  return panel?.embeddings.find((e) => e.key === run?.embeddings)?.text_search ?? false;
}

function ViewMenu({ panel }: { readonly panel: PanelState }): React.ReactElement {
  const explorer = useExplorer();
  const names = useUi((ui) => ui.names);
  const contours = useUi((ui) => ui.contours);
  const pointScale = useUi((ui) => ui.pointScale);
  const text = useUi((ui) => (ui.showTexts ? ui.text : null));
  const { dispatch } = explorer.store;
  const layers = (part: { names?: boolean; contours?: boolean }): void =>
    explorer.store.dispatch({ type: "layers", ...part });
  const entries = [
    { name: "Names of clusters", on: names, run: () => layers({ names: !names }) },
    { name: "Lines of equal density", on: contours, run: () => layers({ contours: !contours }) },
  ];
  return (
    <Menu icon="view" name="View" groups={[{ title: "Layers", entries }]}>
      <li className="ls-menu-part" onKeyDown={(event) => event.stopPropagation()}>
        <Picker
          label="Text on the points"
          wide
          value={text?.field ?? NONE}
          options={[{ value: NONE, name: "none" }, ...fieldOptions(panel)]}
          onChange={(field) => void explorer.look.textBy(field === NONE ? null : field)}
        />
      </li>
      <li className="ls-menu-part" onKeyDown={(event) => event.stopPropagation()}>
        <label className="ls-choice">
          <span className="ls-choice-label">Point size</span>
          <input
            type="range"
            min={0.4}
            max={3}
            step={0.1}
            value={pointScale}
            onChange={(event) =>
              dispatch.call(explorer.store, { type: "pointScale", scale: Number(event.target.value) })
            }
          />
        </label>
      </li>
    </Menu>
  );
}

function UndoMenu({ panel }: { readonly panel: PanelState }): React.ReactElement {
  const explorer = useExplorer();
  const { undoable } = panel;
  const entries = undoable.map((act, i) => ({
    name: capitalized(act.words),
    ...(i === 0 ? { hotkey: "u" } : {}),
    run: () => void explorer.labeling.undo(act.key),
  }));
  const title = undoable.length > 1 ? "Undo down to and including" : "Undo";
  return (
    <Menu
      icon="undo"
      name="Undo"
      label={undoable[0] ? `Undo: ${undoable[0].words}` : "Nothing to undo"}
      disabled={undoable.length === 0}
      groups={[{ title, entries }]}
    />
  );
}

function ActionsMenu(): React.ReactElement {
  const explorer = useExplorer();
  const some = useUi((ui) => ui.selection.count);
  const noun = useUi(nounOf);
  const hasMap = useUi((ui) => ui.map !== null);
  const dims = useUi((ui) => ui.map?.info.dims ?? 2);
  const scope = some > 0 ? counted(some, `selected ${noun}`) : `all ${plural(noun)}`;
  return <Menu icon="menu" name="Actions" groups={actionGroups(explorer, { scope, some, hasMap, dims })} />;
}

function actionGroups(
  explorer: Explorer,
  { scope, some, hasMap, dims }: { scope: string; some: number; hasMap: boolean; dims: 2 | 3 },
): MenuGroup[] {
  const { runs, selecting } = explorer;
  const noMap = { disabled: !hasMap };
  const needsSome = { disabled: some === 0 };
  return [
    {
      title: "Label",
      entries: [
        { name: "Next best sample to label", hotkey: "n", run: () => void selecting.nextBest(), ...noMap },
        { name: `Suggest labels for ${scope}`, run: () => void runs.suggestLabels(), ...noMap },
        { name: "Send the selection to Label Studio…", run: () => void runs.sendToLabelStudio(), ...needsSome },
      ],
    },
    {
      title: "Find",
      entries: [
        { name: `Rank outliers among ${scope}`, run: () => void runs.rankOutliers(), ...noMap },
        { name: `Find wrong labels among ${scope}`, run: () => void runs.rankMislabels(), ...noMap },
        { name: `Find duplicates among ${scope}…`, run: () => openDialog(explorer, "duplicates"), ...noMap },
        { name: "Similar to the selection", hotkey: "m", run: () => void explorer.reviewing.similar(), ...needsSome },
        { name: "Create a segment of the selection…", run: () => openDialog(explorer, "segment"), ...needsSome },
        { name: "Invert the selection", hotkey: "v", run: () => selecting.invert(), ...noMap },
      ],
    },
    {
      title: "Map",
      entries: [
        { name: "Generate explorer…", run: () => openDialog(explorer, "embeddings") },
        { name: "New map…", run: () => openDialog(explorer, "map", dims), ...noMap },
        { name: "Maps and embeddings…", run: () => openDialog(explorer, "runs") },
        { name: "Keyboard shortcuts", hotkey: "?", run: () => openDialog(explorer, "help") },
      ],
    },
    {
      title: "Danger",
      entries: [
        { name: "Clear labels…", danger: true, run: () => openDialog(explorer, "clear labels") },
        { name: "Clear explorer…", danger: true, run: () => openDialog(explorer, "clear explorer") },
      ],
    },
  ];
}
