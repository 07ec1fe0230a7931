/** The line at the top, which is the same in every tab: the tabs, and the menus. */
import * as React from "react";
import { Menu, type MenuGroup } from "../parts/Menu";
import { Picker } from "../parts/Picker";
import { capitalized, counted, plural } from "../parts/words";
import { useExplorer, useUi } from "./context";
import type { PanelState } from "./contract";
import type { Explorer } from "./explorer";
import { openDialog } from "./dialogs/openDialog";
import { mapInfo, nounOf } from "./state";
import { Tabs } from "./Tabs";
import { fieldOptions, LabelFieldPicker } from "./Toolbar";

const NONE = "@none";

export function Header(): React.ReactElement | null {
  const panel = useUi((ui) => ui.panel);
  const hasMap = useUi((ui) => mapInfo(ui) !== null);
  if (!panel?.dataset) return null;
  return (
    <div className="ls-header">
      {hasMap ? <Tabs /> : <LabelFieldPicker panel={panel} />}
      <span className="ls-grow" />
      <div className="ls-menus" role="group" aria-label="Menus">
        {hasMap && <ViewMenu panel={panel} />}
        <UndoMenu panel={panel} />
        <ActionsMenu />
      </div>
    </div>
  );
}

function ViewMenu({ panel }: { readonly panel: PanelState }): React.ReactElement {
  const explorer = useExplorer();
  const names = useUi((ui) => ui.names);
  const contours = useUi((ui) => ui.contours);
  const inGrid = useUi((ui) => ui.inGrid);
  const flat = useUi((ui) => mapInfo(ui)?.dims !== 3);
  const only = flat ? "" : " (2D only)";
  const pointScale = useUi((ui) => ui.pointScale);
  const text = useUi((ui) => (ui.showTexts ? ui.text : null));
  const layers = (part: { names?: boolean; contours?: boolean; inGrid?: boolean }): void =>
    explorer.store.dispatch({ type: "layers", ...part });
  const entries = [
    { name: `Cluster names${only}`, on: names, disabled: !flat, run: () => layers({ names: !names }) },
    {
      name: `Density contours${only}`,
      on: contours,
      disabled: !flat,
      run: () => layers({ contours: !contours }),
    },
  ];
  const grid = [{ name: "Map colors in the grid", on: inGrid, run: () => layers({ inGrid: !inGrid }) }];
  return (
    <Menu
      icon="view"
      name="View"
      groups={[
        { title: "Layers", entries },
        { title: "Grid", entries: grid },
      ]}
    >
      <div className="ls-menu-part" onKeyDown={(event) => event.stopPropagation()}>
        <Picker
          label="Text on the points"
          wide
          value={text?.field ?? NONE}
          options={[{ value: NONE, name: "none" }, ...fieldOptions(panel)]}
          onChange={(field) => void explorer.look.textBy(field === NONE ? null : field)}
        />
      </div>
      <div className="ls-menu-part" onKeyDown={(event) => event.stopPropagation()}>
        <label className="ls-choice">
          <span className="ls-choice-label">Point size</span>
          <input
            type="range"
            min={0.4}
            max={3}
            step={0.1}
            value={pointScale}
            onChange={(event) => explorer.store.dispatch({ type: "pointScale", scale: Number(event.target.value) })}
          />
        </label>
      </div>
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
  const title = undoable.length > 1 ? "Undo everything back to" : "Undo";
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
        { name: "Create a segment from the selection…", run: () => openDialog(explorer, "segment"), ...needsSome },
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
      title: "Danger zone",
      entries: [
        { name: "Clear labels…", danger: true, run: () => openDialog(explorer, "clear labels") },
        { name: "Clear explorer…", danger: true, run: () => openDialog(explorer, "clear explorer") },
      ],
    },
  ];
}
