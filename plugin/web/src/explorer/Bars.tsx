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
    <div
      className={`ls-bar ls-selection-bar${open.confident + open.uncertain > 0 ? " ls-crowded" : ""}`}
      role="toolbar"
      aria-label="Selection"
    >
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
          title="Also accept the suggestions that do not reach the target precision: many of them may be wrong"
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
          <Button label="Grow" hotkey="g" title="Add the nearest neighbors" onClick={() => void selecting.grow()}>
            <Icon name="grow" /> <span className="ls-button-word">Grow</span>
          </Button>
          <Button
            label="Similar"
            hotkey="m"
            title="Find the samples most similar to the selection, best first"
            onClick={() => void explorer.reviewing.similar()}
          >
            <Icon name="search" /> <span className="ls-button-word">Similar</span>
          </Button>
          <Button label="Segment" title="Create a segment" onClick={() => dialog("segment")}>
            <Icon name="segment" /> <span className="ls-button-word">Segment</span>
          </Button>
        </>
      )}
      <Button
        label={isolated ? "Show all" : "Isolate"}
        hotkey="i"
        pressed={isolated}
        title={isolated ? "Show all" : "Show only the selection"}
        onClick={() => selecting.toggleIsolate()}
      >
        <Icon name="isolate" /> <span className="ls-button-word">{isolated ? "Show all" : "Isolate"}</span>
      </Button>
      {count > 0 && (
        <>
          <Button
            label="Delete"
            hotkey="d"
            title={`Mark the ${plural(noun)} for deletion; nothing is deleted until you save`}
            danger
            onClick={() => void labeling.delete()}
          >
            <Icon name="trash" /> <span className="ls-button-word">Delete</span>
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
  // One question at a time: how far the label reaches comes first.
  const asking = useUi((ui) => ui.reach !== null);
  if (pending === "" || asking) return null;
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
      <Button label="Review" title="Review: list them" onClick={() => open("review")}>
        <Icon name="legend" /> <span className="ls-button-word">Review</span>
      </Button>
      <Button label="Undo" hotkey="u" title="Undo the last action" onClick={() => void explorer.labeling.undo()}>
        <Icon name="undo" /> <span className="ls-button-word">Undo</span>
      </Button>
      <Button danger label="Discard" title="Discard them" onClick={() => open("discard")}>
        <Icon name="trash" /> <span className="ls-button-word">Discard</span>
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
  const map = missing > 0 ? "it" : "this map";
  const parts = listing([
    missing > 0 && `${counted(missing, noun)} ${missing === 1 ? "is" : "are"} not on this map`,
    removed > 0 && `${counted(removed, `removed ${noun}`)} ${removed === 1 ? "is" : "are"} still on ${map}`,
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
  lasso: "Drag around points to select",
  box: "Drag a box to select",
  pan: "Drag to move, click a point to preview it",
};
const KEYS_HINT = "Shift adds, Alt removes";

/** What the map shows, and next to it what is being waited for, or else what the current tool does. */
export function FactsLine(): React.ReactElement | null {
  const facts = useUi(factsOf);
  const busy = useSlowWork();
  if (facts === null && busy === null) return null;
  return (
    <footer className="ls-facts">
      <span>{facts}</span>
      {busy === null ? facts !== null && <Hint /> : <span role="status">{busy}…</span>}
    </footer>
  );
}

function Hint(): React.ReactElement | null {
  const onMap = useUi((ui) => ui.tab === "map");
  const tool = useUi((ui) => ui.tool);
  const turns = useUi((ui) => ui.map?.info.dims === 3);
  if (!onMap) return null;
  const hint = tool === "pan" && turns ? "Drag to rotate, click a point to preview it" : HINTS[tool];
  return (
    <span className="ls-hint">
      {hint}
      {tool !== "pan" && <span className="ls-hint-keys"> · {KEYS_HINT}</span>} · <kbd>?</kbd> shortcuts
    </span>
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

/** What is being waited for, once it has taken a moment. */
function useSlowWork(): string | null {
  const what = useUi((ui) => ui.busy[ui.busy.length - 1]);
  const [slow, setSlow] = React.useState(false);
  React.useEffect(() => {
    setSlow(false);
    if (what === undefined) return;
    const timer = window.setTimeout(() => setSlow(true), 300);
    return () => clearTimeout(timer);
  }, [what]);
  return what !== undefined && slow ? what : null;
}
