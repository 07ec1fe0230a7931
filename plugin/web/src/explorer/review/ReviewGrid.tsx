/** The thumbnails of a review in their order; only those in sight are drawn, and the current one is kept in sight. */
import * as React from "react";
import { useWidth } from "../../parts/root";
import { rowWindow } from "../legend";
import { useExplorer, useUi } from "../context";
import { Thumb } from "../Thumb";
import { KIND_WORDS } from "./kinds";
import { proposalAt, type Review, type Verdict } from "./review";

const CELL_WIDTH = 110; // at least: cells share the width
const BESIDE_THUMB = 16; // pixels of border, padding and gap
const BELOW_THUMB = 56; // the same, and two lines of text

/** How many cells stand in a line, and their size. */
function cellsIn(width: number): { readonly columns: number; readonly wide: number; readonly high: number } {
  if (!Number.isFinite(width)) return { columns: 4, wide: CELL_WIDTH, high: CELL_WIDTH - BESIDE_THUMB + BELOW_THUMB };
  const columns = Math.max(1, Math.floor(width / CELL_WIDTH));
  const wide = Math.floor(width / columns);
  return { columns, wide, high: wide - BESIDE_THUMB + BELOW_THUMB };
}

export function ReviewGrid({ review }: { readonly review: Review }): React.ReactElement {
  const explorer = useExplorer();
  const box = React.useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const { columns, wide, high } = cellsIn(width - SCROLLBAR);
  const [top, setTop] = React.useState(0);
  const lines = Math.ceil(review.rows.length / columns);
  const height = box.current?.clientHeight ?? 500;
  const [first, last] = rowWindow(lines, top, height, high);
  const shown = Array.from({ length: (last - first) * columns }, (_, i) => first * columns + i).filter(
    (at) => at < review.rows.length,
  );

  const line = Math.floor(review.at / columns);
  React.useEffect(() => keepInSight(box.current, line, high), [line, high, review.id]);

  // When a label changes, the facts of its row are outdated and read again.
  const facts = useUi((ui) => ui.facts);
  const unknown = shown
    .map((at) => review.rows[at] as number)
    .filter((row) => !facts.has(row))
    .join();
  React.useEffect(() => {
    if (unknown !== "") void explorer.selecting.readFacts(unknown.split(",").map(Number));
  }, [explorer, unknown]);

  return (
    <div
      ref={box}
      className="ls-review-grid"
      role="listbox"
      aria-label={review.title}
      aria-activedescendant={`labelscape-review-${review.at}`}
      data-columns={columns}
      tabIndex={0}
      onScroll={(event) => setTop(event.currentTarget.scrollTop)}
    >
      <div style={{ height: lines * high, position: "relative" }} role="presentation">
        {shown.map((at) => (
          <Cell
            key={review.rows[at]}
            review={review}
            at={at}
            place={{ left: (at % columns) * wide, top: Math.floor(at / columns) * high }}
            side={wide - BESIDE_THUMB}
          />
        ))}
      </div>
    </div>
  );
}

function keepInSight(box: HTMLElement | null, line: number, high: number): void {
  if (!box) return;
  const [from, to] = [line * high, (line + 1) * high];
  if (from < box.scrollTop) box.scrollTop = from;
  else if (to > box.scrollTop + box.clientHeight - BARS) box.scrollTop = Math.min(from, to - box.clientHeight + BARS);
}

/** Height that the bar of pending changes may cover. */
const BARS = 60;
const SCROLLBAR = 12;

interface CellProps {
  readonly review: Review;
  readonly at: number;
  readonly place: { readonly left: number; readonly top: number };
  readonly side: number;
}

function Cell({ review, at, place, side }: CellProps): React.ReactElement {
  const explorer = useExplorer();
  const row = review.rows[at] as number;
  // The old picture stays while the facts of a new label are being read.
  const read = useUi((ui) => ui.facts.get(row));
  const before = React.useRef(read);
  const pictured = read ?? before.current;
  React.useEffect(() => {
    if (read) before.current = read;
  }, [read]);
  const label = read && (read.label ?? "no label");
  const verdict = review.verdicts.get(row);
  const current = at === review.at;
  const classes = ["ls-cell", current && "ls-cell-current", verdict && "ls-cell-done"].filter(Boolean).join(" ");
  return (
    <div
      id={`labelscape-review-${at}`}
      className={classes}
      role="option"
      aria-selected={current}
      aria-label={cellLabel(review, at, pictured?.name, label, verdict)}
      style={{ ...place, width: side + BESIDE_THUMB - 8, height: side + BELOW_THUMB - 8 }}
      onClick={() => explorer.reviewing.goTo(at)}
      onDoubleClick={() => void explorer.selecting.openInViewer(row)}
    >
      {pictured ? (
        <Thumb facts={pictured} side={side} />
      ) : (
        <div className="ls-thumb" style={{ width: side, height: side }} />
      )}
      {verdict && <Badge review={review} verdict={verdict} />}
      <div className="ls-cell-text">{label ?? "…"}</div>
      <div className="ls-cell-text ls-cell-note ls-quiet">
        <span>{aboutOf(review, at)}</span> <span>{scoreOf(review, at)}</span>
      </div>
    </div>
  );
}

function Badge({ review, verdict }: { readonly review: Review; readonly verdict: Verdict }): React.ReactElement {
  const sign = { accepted: "✓", rejected: "✕", labeled: "✎" }[verdict.mark];
  return (
    <span className={`ls-badge ls-badge-${verdict.mark}`}>
      {sign} {verdictWords(review, verdict)}
    </span>
  );
}

const verdictWords = (review: Review, { mark, label }: Verdict): string =>
  mark === "labeled" ? (label ?? "") : KIND_WORDS[review.kind][mark];

/** The proposal, else the group. */
function aboutOf(review: Review, at: number): string {
  const proposed = proposalAt(review, at);
  const group = review.groups?.[at];
  if (proposed !== null) return `→ ${proposed}`;
  return group === undefined ? "" : `group ${group + 1}`;
}

function scoreOf(review: Review, at: number): string {
  const score = review.scores?.[at];
  return score === undefined || Number.isNaN(score) ? "" : score.toFixed(2);
}

function cellLabel(
  review: Review,
  at: number,
  name: string | undefined,
  label: string | undefined,
  verdict: Verdict | undefined,
): string {
  const parts = [`${at + 1}`, name ?? "", label ?? "", aboutOf(review, at), scoreOf(review, at)];
  return [...parts, verdict ? verdictWords(review, verdict) : "open"].filter(Boolean).join(", ");
}
