/** The line above the map: which map, how coloured, which tool, search, and the menu. */
import * as React from "react";
import { counted } from "../parts/words";
import { BY_STATE, mapInfo, nounOf, type Tool } from "./state";
import { useExplorer, useUi } from "./context";
import { Button, Choice } from "../parts/parts";

const TOOLS: readonly (readonly [Tool, string, string, string])[] = [
  ["pan", "✥", "Drag moves the map, turns it in 3D", "p"],
  ["lasso", "◌", "Drag draws a lasso (shift adds, alt removes, both intersect)", "o"],
  ["box", "▭", "Drag draws a box (shift adds, alt removes, both intersect)", "b"],
];

export function Toolbar(): React.ReactElement | null {
  const explorer = useExplorer();
  const panel = useUi((ui) => ui.panel);
  const info = useUi(mapInfo);
  const waiting = useUi((ui) => ui.map === null);
  const color = useUi((ui) => ui.color);
  const text = useUi((ui) => (ui.showTexts ? ui.text : null));
  const tool = useUi((ui) => ui.tool);
  if (!panel || !info) return null;
  const fields = panel.fields.map((f) => [f.path, f.path] as const);
  const dialog = (name: "map"): void => explorer.store.dispatch({ type: "dialog", dialog: name, dims: info.dims });
  return (
    <div className="ls-toolbar" role="toolbar" aria-label="Explorer">
      <Choice
        label="Map"
        value={info.key}
        options={[
          ...panel.maps.map((m) => [m.key, `${m.key} · ${m.method} ${m.dims}D`] as const),
          ["@new", "New map…"],
        ]}
        onChange={(key) => (key === "@new" ? dialog("map") : void explorer.loadMap(key))}
      />
      <div className="ls-group" role="group" aria-label="Dimension">
        {([2, 3] as const).map((dims) => (
          <Button
            key={dims}
            pressed={info.dims === dims}
            title={`${dims}D map`}
            hotkey={String(dims)}
            onClick={() => void explorer.dimension(dims)}
          >
            {dims}D
          </Button>
        ))}
      </div>
      <Choice
        label="Color"
        disabled={waiting}
        value={color?.field ?? BY_STATE}
        options={[[BY_STATE, "label state"], ...fields]}
        onChange={(field) => void explorer.colorBy(field)}
      />
      <Choice
        label="Text"
        disabled={waiting}
        value={text?.field ?? ""}
        options={[["", "none"], [BY_STATE, "label state"], ...fields]}
        onChange={(field) => void explorer.textBy(field === "" ? null : field)}
      />
      <div className="ls-group" role="group" aria-label="Tool">
        {TOOLS.map(([name, sign, says, key]) => (
          <Button
            key={name}
            disabled={waiting}
            label={says}
            pressed={tool === name}
            title={says}
            hotkey={key}
            onClick={() => explorer.store.dispatch({ type: "tool", tool: name })}
          >
            {sign}
          </Button>
        ))}
        <Button
          disabled={waiting}
          title="Show the whole map"
          label="Show the whole map"
          hotkey="f"
          onClick={() => explorer.showAll()}
        >
          ⤢
        </Button>
      </div>
      <Search />
      <span className="ls-grow" />
      <Menu />
    </div>
  );
}

function Search(): React.ReactElement {
  const explorer = useExplorer();
  const panel = useUi((ui) => ui.panel);
  const map = useUi((ui) => ui.map);
  const result = useUi((ui) => ui.search);
  const [text, setText] = React.useState("");
  const [meaning, setMeaning] = React.useState(false);
  const run = panel?.maps.find((m) => m.key === map?.info.key);
  const canMean = panel?.embeddings.find((e) => e.key === run?.embeddings)?.text_search ?? false;
  return (
    <form
      className="ls-search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        void explorer.search(text, meaning && canMean);
      }}
    >
      <input
        type="search"
        data-search=""
        disabled={map === null}
        placeholder={meaning && canMean ? "Describe what to find" : "Search id, name, text, label"}
        aria-label="Search the map"
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          if (event.target.value === "") void explorer.search("", false);
        }}
      />
      {canMean && (
        <label className="ls-check" title="Search by meaning, with the embeddings' text tower">
          <input type="checkbox" checked={meaning} onChange={(event) => setMeaning(event.target.checked)} /> meaning
        </label>
      )}
      {result && (
        <span className="ls-quiet" role="status" title={result.how}>
          {result.rows.length < result.total
            ? `${result.rows.length.toLocaleString("en")} of ${result.total.toLocaleString("en")}`
            : counted(result.total, "hit")}
        </span>
      )}
    </form>
  );
}

function Menu(): React.ReactElement {
  const explorer = useExplorer();
  const [open, setOpen] = React.useState(false);
  const undo = useUi((ui) => ui.panel?.undo ?? null);
  const panel = useUi((ui) => ui.panel);
  const map = useUi((ui) => ui.map);
  const pointScale = useUi((ui) => ui.pointScale);
  const some = useUi((ui) => ui.selection.count);
  const noun = useUi(nounOf);
  const box = React.useRef<HTMLDivElement>(null);
  React.useEffect(() => {
    if (!open) return;
    box.current?.querySelector<HTMLElement>("[role=menuitem]")?.focus();
    const onDown = (event: MouseEvent): void => {
      if (!box.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("mousedown", onDown);
    return () => document.removeEventListener("mousedown", onDown);
  }, [open]);
  const scope = some > 0 ? counted(some, `selected ${noun}`) : "all";
  const items: readonly (readonly [string, () => void, boolean?])[] = [
    ["Next best sample to label (n)", () => void explorer.nextBest()],
    [`Suggest labels: ${scope}`, () => void explorer.suggestLabels()],
    [`Rank outliers: ${scope}`, () => void explorer.rankOutliers()],
    [`Find wrong labels: ${scope}`, () => void explorer.rankMislabels()],
    [`Find duplicates: ${scope}…`, () => explorer.store.dispatch({ type: "dialog", dialog: "duplicates" })],
    [
      "Create segment from the selection…",
      () => explorer.store.dispatch({ type: "dialog", dialog: "segment" }),
      some === 0,
    ],
    ["Send the selection to Label Studio…", () => void explorer.sendToLabelStudio(), some === 0],
    ["Invert the selection (v)", () => explorer.invertSelection()],
    ["New map…", () => explorer.store.dispatch({ type: "dialog", dialog: "map", dims: map?.info.dims ?? 2 })],
    ["New embeddings…", () => explorer.store.dispatch({ type: "dialog", dialog: "embeddings" })],
    [undo ? `Undo: ${undo} (u)` : "Nothing to undo", () => void explorer.undo(), undo === null],
    ["Clear all labels", () => void explorer.clearLabels()],
    ["Clear explorer", () => void explorer.clearExplorer()],
    ["All keys (?)", () => explorer.store.dispatch({ type: "dialog", dialog: "help" })],
  ];
  const onKeyDown = (event: React.KeyboardEvent): void => {
    const stops = [...(box.current?.querySelectorAll<HTMLElement>("[role=menuitem]:not(:disabled)") ?? [])];
    const at = stops.indexOf(document.activeElement as HTMLElement);
    if (event.key === "Escape" && open) setOpen(false);
    else if (event.key === "ArrowDown") stops[(at + 1) % stops.length]?.focus();
    else if (event.key === "ArrowUp") stops[(at - 1 + stops.length) % stops.length]?.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div className="ls-menu" ref={box} onKeyDown={onKeyDown}>
      <button
        type="button"
        className="ls-button"
        aria-haspopup="menu"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        Actions ▾
      </button>
      {open && (
        <div className="ls-menu-list" role="menu">
          {items.map(([name, deed, off]) => (
            <button
              key={name}
              type="button"
              role="menuitem"
              disabled={off ?? false}
              onClick={() => {
                setOpen(false);
                deed();
              }}
            >
              {name}
            </button>
          ))}
          {panel && panel.label_fields.length > 1 && (
            <Choice
              label="Label field"
              value={panel.label_field ?? ""}
              options={panel.label_fields.map((f) => [f, f] as const)}
              onChange={(field) => void explorer.labelField(field)}
            />
          )}
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
      )}
    </div>
  );
}
