/** The bars around the map: selection, reach, pending changes, runs, stale map, and the line of facts below. */
import * as React from "react";
import { Icon } from "../parts/icons";
import { Button } from "../parts/parts";
import { counted, listing, plural } from "../parts/words";
import { useExplorer, useUi } from "./context";
import { methodName } from "./methods";
import { mapInfo, nounOf, pendingWords, suggestedAmong, type Tool, type Ui } from "./state";

export function SelectionBar(): React.ReactElement | null {
  const explorer = useExplorer();
  const selection = useUi((ui) => ui.selection);
  const labelState = useUi((ui) => ui.map?.labelState);
  const noun = useUi(nounOf);
  const isolated = useUi((ui) => ui.isolated !== null);
  const reach = useUi((ui) => ui.reach !== null);
  const { count } = selection;
  const open = React.useMemo(
    () => (labelState ? suggestedAmong(selection, labelState) : { confident: 0, uncertain: 0 }),
    [selection, labelState],
  );
  if ((count === 0 && !isolated) || reach) return null;
  const dialog = (name: "label" | "segment"): void => explorer.store.dispatch({ type: "dialog", dialog: name });
  const { labeling, selecting } = explorer;
  return (
    <div className="ls-bar ls-selection-bar" role="toolbar" aria-label="Selection">
      <strong role="status" data-testid="labelscape-selected">
        {count.toLocaleString("en")} selected
      </strong>
      {count > 0 && (
        <Button primary hotkey="l" title="Set the label" onClick={() => dialog("label")}>
          <Icon name="label" /> Label
        </Button>
      )}
      {open.confident > 0 && (
        <Button
          hotkey="a"
          title="Accept the suggestions that reach the target precision"
          onClick={() => void labeling.accept("confident")}
        >
          <Icon name="check" /> Accept {open.confident.toLocaleString("en")}
        </Button>
      )}
      {open.uncertain > 0 && (
        <Button
          hollow
          title="Accept also the suggestions that do not reach the target precision: many of them may be wrong"
          onClick={() => void labeling.accept("uncertain")}
        >
          Accept {open.uncertain.toLocaleString("en")} uncertain
        </Button>
      )}
      {open.confident + open.uncertain > 0 && (
        <Button hotkey="x" title="Reject the suggestions" onClick={() => void labeling.reject()}>
          <Icon name="close" /> Reject
        </Button>
      )}
      {count > 0 && (
        <>
          <Button hotkey="g" title="Add the nearest neighbors" onClick={() => void selecting.grow()}>
            <Icon name="grow" /> Grow
          </Button>
          <Button
            hotkey="m"
            title="Find what is most like the selection, best first"
            onClick={() => void explorer.reviewing.similar()}
          >
            <Icon name="search" /> Similar
          </Button>
          <Button title="Create a segment" onClick={() => dialog("segment")}>
            <Icon name="segment" /> Segment
          </Button>
        </>
      )}
      <Button
        hotkey="i"
        pressed={isolated}
        title={isolated ? "Show all" : "Show only the selection"}
        onClick={() => selecting.toggleIsolate()}
      >
        <Icon name="isolate" /> {isolated ? "Show all" : "Isolate"}
      </Button>
      {count > 0 && (
        <>
          <Button
            hotkey="d"
            title={`Mark the ${plural(noun)} for deletion; nothing is deleted until you save`}
            danger
            onClick={() => void labeling.delete()}
          >
            <Icon name="trash" /> Delete
          </Button>
          <Button
            hotkey="Escape"
            title="Clear the selection"
            label="Clear the selection"
            onClick={() => selecting.clear()}
          >
            <Icon name="close" />
          </Button>
        </>
      )}
    </div>
  );
}

export function PendingBar(): React.ReactElement | null {
  const explorer = useExplorer();
  const pending = useUi((ui) => (ui.panel ? pendingWords(ui.panel.pending) : ""));
  const saving = useUi((ui) => ui.busy.includes("Saving"));
  if (pending === "") return null;
  const open = (dialog: "review" | "discard"): void => explorer.store.dispatch({ type: "dialog", dialog });
  return (
    <div className="ls-bar ls-pending-bar" role="group" aria-label="Pending changes">
      <strong role="status" data-testid="labelscape-pending">
        {pending} pending
      </strong>
      <Button
        primary
        hotkey="s"
        title="Write them to the dataset"
        disabled={saving}
        onClick={() => void explorer.labeling.save()}
      >
        <Icon name="save" /> {saving ? "Saving…" : "Save"}
      </Button>
      <Button title="List them" onClick={() => open("review")}>
        Review
      </Button>
      <Button hotkey="u" title="Undo the last act" onClick={() => void explorer.labeling.undo()}>
        <Icon name="undo" /> Undo
      </Button>
      <Button danger title="Discard them" onClick={() => open("discard")}>
        Discard
      </Button>
    </div>
  );
}

export function StaleBar(): React.ReactElement | null {
  const explorer = useExplorer();
  const key = useUi((ui) => ui.map?.info.key);
  const run = useUi((ui) => ui.panel?.maps.find((m) => m.key === ui.map?.info.key));
  const noun = useUi(nounOf);
  if (!run || key === undefined) return null;
  const { missing, removed } = run.stale;
  if (missing + removed === 0) return null;
  const parts = listing([
    missing > 0 && `${counted(missing, noun)} ${missing === 1 ? "is" : "are"} not on this map`,
    removed > 0 && `${counted(removed, `removed ${noun}`)} still ${removed === 1 ? "is" : "are"}`,
  ]);
  return (
    <div className="ls-bar ls-warn" role="status">
      Out of date: {parts}
      <Button primary onClick={() => void explorer.runs.updateMap(key)}>
        Update
      </Button>
    </div>
  );
}

const HINTS: Readonly<Record<Tool, string>> = {
  lasso: "Drag around points to select them; Shift adds, Alt removes",
  box: "Drag a box to select points; Shift adds, Alt removes",
  pan: "Drag to move the map, click a point to look at it",
};

/** What the map is, and what the tool in hand does. */
export function FactsLine(): React.ReactElement | null {
  const facts = useUi(factsOf);
  const tab = useUi((ui) => ui.tab);
  const tool = useUi((ui) => ui.tool);
  const turns = useUi((ui) => ui.map?.info.dims === 3);
  if (facts === null) return null;
  if (tab !== "map") return <footer className="ls-facts">{facts}</footer>;
  const hint = tool === "pan" && turns ? "Drag to turn the map, click a point to look at it" : HINTS[tool];
  return (
    <footer className="ls-facts">
      <span>{facts}</span>
      <span className="ls-hint">
        {hint} · <kbd>?</kbd> all shortcuts
      </span>
    </footer>
  );
}

function factsOf(ui: Ui): string | null {
  const info = mapInfo(ui);
  const run = ui.panel?.maps.find((m) => m.key === info?.key);
  if (!info || !run) return null;
  const embeddings = ui.panel?.embeddings.find((e) => e.key === run.embeddings);
  const from = embeddings?.dim
    ? `${methodName(run.method)} of ${counted(embeddings.dim, "dimension")}`
    : methodName(run.method);
  return `${counted(info.n, nounOf(ui))} · ${from}`;
}

export function Busy(): React.ReactElement | null {
  const what = useUi((ui) => ui.busy[ui.busy.length - 1]);
  const [slow, setSlow] = React.useState(false);
  React.useEffect(() => {
    setSlow(false);
    if (what === undefined) return;
    const timer = window.setTimeout(() => setSlow(true), 300);
    return () => clearTimeout(timer);
  }, [what]);
  return what !== undefined && slow ? (
    <div className="ls-busy" role="status">
      {what}…
    </div>
  ) : null;
}
