/** The bars around the map: pending changes, stale map, and the line of facts below. */
import * as React from "react";
import { Icon } from "../parts/icons";
import { Button } from "../parts/parts";
import { counted, listing } from "../parts/words";
import { useExplorer, useUi } from "./context";
import { SAVING } from "./jobs";
import { methodName } from "./methods";
import { mapInfo, nounOf, pendingWords, type Tool, type Ui } from "./state";

export function PendingBar(): React.ReactElement | null {
  const explorer = useExplorer();
  const pending = useUi((ui) => (ui.panel ? pendingWords(ui.panel.pending) : ""));
  const saving = useUi((ui) => ui.busy.includes(SAVING));
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
        title="Save the pending changes to the dataset"
        disabled={saving}
        onClick={() => void explorer.labeling.save()}
      >
        <Icon name="save" /> {saving ? "Saving…" : "Save"}
      </Button>
      <Button label="Review" title="Review the pending changes" onClick={() => open("review")}>
        <Icon name="legend" /> <span className="ls-button-word">Review</span>
      </Button>
      <Button label="Undo" hotkey="u" title="Undo the last action" onClick={() => void explorer.labeling.undo()}>
        <Icon name="undo" /> <span className="ls-button-word">Undo</span>
      </Button>
      <Button danger label="Discard" title="Discard the pending changes" onClick={() => open("discard")}>
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
