/** The bars around the map: selection, reach, pending changes, jobs, stale map, notes. */
import * as React from "react";
import { counted } from "../parts/words";
import { positionOf, REACH_STEPS, reachAt, stepOf } from "./reach";
import { nounOf } from "./state";
import { useExplorer, useUi } from "./context";
import { Button, percent } from "../parts/parts";

export function SelectionBar(): React.ReactElement | null {
  const explorer = useExplorer();
  const count = useUi((ui) => ui.selection.count);
  const noun = useUi(nounOf);
  const isolated = useUi((ui) => ui.isolated !== null);
  const reach = useUi((ui) => ui.reach !== null);
  if ((count === 0 && !isolated) || reach) return null;
  const open = (dialog: "label" | "segment"): void => explorer.store.dispatch({ type: "dialog", dialog });
  return (
    <div className="ls-bar ls-selection-bar" role="toolbar" aria-label="Selection">
      <strong role="status" data-testid="labelscape-selected">
        {count.toLocaleString("en")} selected
      </strong>
      {count > 0 && (
        <>
          <Button primary hotkey="l" title="Set the label" onClick={() => open("label")}>
            Label
          </Button>
          <Button hotkey="a" title="Accept suggestions" onClick={() => void explorer.accept()}>
            Accept
          </Button>
          <Button hotkey="x" title="Reject suggestions" onClick={() => void explorer.reject()}>
            Reject
          </Button>
          <Button hotkey="d" title={`Queue the deletion of the ${noun}s`} danger onClick={() => void explorer.delete()}>
            Delete
          </Button>
          <Button hotkey="g" title="Add the nearest neighbors" onClick={() => void explorer.grow()}>
            Grow
          </Button>
          <Button title="Create a segment" onClick={() => open("segment")}>
            Segment
          </Button>
        </>
      )}
      <Button
        hotkey="i"
        pressed={isolated}
        title={isolated ? "Show all" : "Show only the selection"}
        onClick={() => explorer.toggleIsolate()}
      >
        {isolated ? "Show all" : "Isolate"}
      </Button>
      {count > 0 && (
        <Button hotkey="Escape" title="Clear the selection" onClick={() => explorer.clearSelection()}>
          Clear
        </Button>
      )}
    </div>
  );
}

export function ReachBar(): React.ReactElement | null {
  const explorer = useExplorer();
  const reach = useUi((ui) => ui.reach);
  const slider = React.useRef<HTMLInputElement>(null);
  const label = reach?.label;
  React.useEffect(() => {
    if (label !== undefined) slider.current?.focus();
  }, [label]);
  if (!reach) return null;
  const total = reach.order.length;
  const least = reach.count > 0 ? reach.confidence[reach.count - 1] : undefined;
  const surely = least === undefined ? "" : `, confidence at least ${percent(least)}`;
  const says = `${reach.count.toLocaleString("en")} of ${counted(total, "neighbor")}${surely}`;
  const onKeyDown = (event: React.KeyboardEvent): void => {
    // The browser's own step would be one of a thousand positions: too coarse at one end, too fine at the other.
    const way = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (way === undefined) return;
    event.preventDefault();
    explorer.setReach(reach.count + way * stepOf(reach.count));
  };
  return (
    <div className="ls-bar ls-reach-bar" role="group" aria-label="Label neighbors">
      <span>
        Neighbors also <strong>“{reach.label}”</strong>
      </span>
      <input
        ref={slider}
        type="range"
        min={0}
        max={REACH_STEPS}
        value={positionOf(reach.count, total)}
        aria-label="How far the label reaches"
        aria-valuetext={says}
        onKeyDown={onKeyDown}
        onChange={(event) => explorer.setReach(reachAt(Number(event.target.value), total))}
      />
      <span className="ls-reach-says" role="status" title={reach.why}>
        {says}
      </span>
      <Button
        primary
        hotkey="Enter"
        title="Label these too"
        disabled={reach.count === 0}
        onClick={() => void explorer.acceptReach()}
      >
        Accept {reach.count.toLocaleString("en")}
      </Button>
      <Button hotkey="Escape" title="Label only what was selected" onClick={() => explorer.leaveReach()}>
        Only the {counted(reach.anchors.length, "selected")}
      </Button>
    </div>
  );
}

export function PendingBar(): React.ReactElement | null {
  const explorer = useExplorer();
  const labels = useUi((ui) => ui.panel?.pending.labels ?? 0);
  const deletions = useUi((ui) => ui.panel?.pending.deletions ?? 0);
  const undo = useUi((ui) => ui.panel?.undo ?? null);
  const saving = useUi((ui) => ui.busy.includes("Saving"));
  if (labels + deletions === 0) return null;
  const parts = [labels > 0 && counted(labels, "label"), deletions > 0 && counted(deletions, "deletion")].filter(
    Boolean,
  );
  const open = (dialog: "review" | "discard"): void => explorer.store.dispatch({ type: "dialog", dialog });
  return (
    <div className="ls-bar ls-pending-bar" role="group" aria-label="Pending changes">
      <strong role="status" data-testid="labelscape-pending">
        {parts.join(", ")} pending
      </strong>
      <Button
        primary
        hotkey="s"
        title="Write them to the dataset"
        disabled={saving}
        onClick={() => void explorer.save()}
      >
        {saving ? "Saving…" : "Save"}
      </Button>
      <Button title="List them" onClick={() => open("review")}>
        Review
      </Button>
      {undo && (
        <Button hotkey="u" title={`Undo: ${undo}`} onClick={() => void explorer.undo()}>
          Undo
        </Button>
      )}
      <Button danger title="Throw them away" onClick={() => open("discard")}>
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
  const parts = [
    missing > 0 && `${counted(missing, noun)} ${missing === 1 ? "is" : "are"} not on this map`,
    removed > 0 && `${counted(removed, "point")} of removed ${noun}s`,
  ].filter(Boolean);
  return (
    <div className="ls-bar ls-warn" role="status">
      Stale: {parts.join(", ")}
      <Button primary onClick={() => void explorer.updateMap(key)}>
        Update
      </Button>
    </div>
  );
}

export function JobBars(): React.ReactElement {
  const explorer = useExplorer();
  const jobs = useUi((ui) => ui.panel?.jobs);
  const [closed, setClosed] = React.useState<ReadonlySet<string>>(new Set());
  const live = (jobs ?? []).filter(
    (job) => ["queued", "running", "failed"].includes(job.status) && !closed.has(job.id),
  );
  return (
    <>
      {live.map((job) => (
        <div
          key={job.id}
          className={`ls-bar${job.status === "failed" ? " ls-warn" : ""}`}
          role="status"
          aria-label={job.title}
        >
          <strong>{job.title}</strong>
          {job.status === "failed" ? (
            <>
              <span>{job.message}</span>
              <Button
                label={`Close: ${job.title}`}
                title="Close"
                onClick={() => setClosed(new Set([...closed, job.id]))}
              >
                ✕
              </Button>
            </>
          ) : (
            <>
              <progress max={1} {...(job.progress === null ? {} : { value: job.progress })} aria-label={job.title} />
              <span className="ls-quiet">
                {job.status === "queued" ? "queued" : job.progress === null ? "" : percent(job.progress)} {job.message}
              </span>
              {job.cancellable && <Button onClick={() => void explorer.cancelJob(job.id)}>Stop</Button>}
            </>
          )}
        </div>
      ))}
    </>
  );
}

export function Notes(): React.ReactElement {
  const explorer = useExplorer();
  const notes = useUi((ui) => ui.notes);
  return (
    <div className="ls-notes" aria-live="polite">
      {notes.map((note) => (
        <Note
          key={note.id}
          level={note.level}
          text={note.text}
          onEnd={() => explorer.store.dispatch({ type: "dismiss", id: note.id })}
        />
      ))}
    </div>
  );
}

const SIGN = { info: "ℹ", success: "✓", warning: "⚠", error: "✕" } as const;

function Note(props: {
  readonly level: keyof typeof SIGN;
  readonly text: string;
  readonly onEnd: () => void;
}): React.ReactElement {
  const { level, onEnd } = props;
  const end = React.useRef(onEnd);
  end.current = onEnd;
  React.useEffect(() => {
    // An error stays until it is read.
    if (level === "error") return;
    const timer = window.setTimeout(() => end.current(), level === "warning" ? 12000 : 6000);
    return () => clearTimeout(timer);
  }, [level]);
  return (
    <div className={`ls-note ls-note-${level}`} role={level === "error" ? "alert" : "status"}>
      <span aria-hidden="true">{SIGN[level]}</span>
      <span>{props.text}</span>
      <button type="button" className="ls-note-close" aria-label="Close this message" onClick={onEnd}>
        ✕
      </button>
    </div>
  );
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
