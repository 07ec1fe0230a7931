/** The samples that a label reaches: a slider for how far, and thumbnails, least certain first, to exclude some. */
import * as React from "react";
import { Button } from "../parts/parts";
import { Why } from "../parts/Why";
import { counted, percent } from "../parts/words";
import { useExplorer, useUi } from "./context";
import { reachedRows } from "./labeling";
import { positionOf, REACH_STEPS, reachAt, stepOf } from "./reach";
import { nounOf, type Reach } from "./state";
import { Thumb } from "./Thumb";

const THUMBS = 40;
const THUMB_SIDE = 44;

export function ReachBar(): React.ReactElement | null {
  const explorer = useExplorer();
  const reach = useUi((ui) => ui.reach);
  const noun = useUi(nounOf);
  const slider = React.useRef<HTMLInputElement>(null);
  const label = reach?.label;
  React.useEffect(() => {
    if (label !== undefined) slider.current?.focus();
  }, [label]);
  if (!reach) return null;
  const { labeling } = explorer;
  const total = reach.order.length;
  const taken = reachedRows(reach).length;
  const least = reach.count > 0 ? reach.confidence[reach.count - 1] : undefined;
  const confidence = least === undefined ? "" : `, ≥ ${percent(least)} certain`;
  const says = `${reach.count.toLocaleString("en")} of ${counted(total, "neighbor")}${confidence}`;
  const onKeyDown = (event: React.KeyboardEvent): void => {
    // The browser's own step would be one of a thousand positions: too coarse at one end, too fine at the other.
    const way = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (way === undefined) return;
    event.preventDefault();
    labeling.setReach(reach.count + way * stepOf(reach.count));
  };
  return (
    <div className="ls-bar ls-reach-bar" role="group" aria-label="Label neighbors">
      <div className="ls-reach-head">
        <span>
          Also label <strong>“{reach.label}”</strong>
        </span>
        <span className="ls-quiet ls-reach-says" role="status">
          {says}
        </span>
        <Why text={reach.why} />
      </div>
      <div className="ls-reach-choice">
        <input
          ref={slider}
          type="range"
          min={0}
          max={REACH_STEPS}
          value={positionOf(reach.count, total)}
          aria-label="How far the label reaches"
          aria-valuetext={says}
          onKeyDown={onKeyDown}
          onChange={(event) => labeling.setReach(reachAt(Number(event.target.value), total))}
        />
        <Button
          primary
          hotkey="Enter"
          title="Label these too"
          disabled={taken === 0}
          onClick={() => void labeling.acceptReach()}
        >
          Accept {taken.toLocaleString("en")}
        </Button>
        <Button
          hotkey="Escape"
          title={`Label only the selected ${reach.anchors.length === 1 ? noun : counted(reach.anchors.length, noun)}`}
          onClick={() => labeling.leaveReach()}
        >
          Skip
        </Button>
      </div>
      <Reached reach={reach} />
    </div>
  );
}

/** Thumbnails of the reached, least certain first; a click leaves one out, as a tick in the samples grid does. */
function Reached({ reach }: { readonly reach: Reach }): React.ReactElement | null {
  const explorer = useExplorer();
  const facts = useUi((ui) => ui.facts);
  const rows = React.useMemo(
    () => Array.from(reach.order.subarray(0, reach.count)).reverse().slice(0, THUMBS),
    [reach.order, reach.count],
  );
  React.useEffect(() => {
    // Not for every position that the slider passes through.
    const timer = window.setTimeout(() => void explorer.selecting.readFacts(rows), 150);
    return () => clearTimeout(timer);
  }, [explorer, rows]);
  if (rows.length === 0) return null;
  return (
    <ul className="ls-reached" aria-label="Reached neighbors, least certain first">
      {rows.map((row) => {
        const known = facts.get(row);
        const out = reach.left.has(row);
        const name = known?.name ?? "…";
        return (
          <li key={row}>
            <button
              type="button"
              aria-pressed={!out}
              className={out ? "ls-left-out" : ""}
              title={`${name}: ${out ? "left out, click to include it" : "click to leave it out"}`}
              aria-label={`${out ? "Include" : "Leave out"} ${name}`}
              onClick={() => explorer.labeling.toggleReached(row)}
            >
              {known ? <Thumb facts={known} side={THUMB_SIDE} /> : <span className="ls-thumb" style={BLANK} />}
            </button>
          </li>
        );
      })}
    </ul>
  );
}

const BLANK = { width: THUMB_SIDE, height: THUMB_SIDE };
