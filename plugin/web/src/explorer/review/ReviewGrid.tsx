/** The thumbnails of a review in their order; only those in sight are drawn, and the current one is kept in sight. */
import * as React from "react";
import { useWidth } from "../../parts/root";
import { rowWindow } from "../legend";
import { useExplorer, useUi } from "../context";
import { Thumb } from "../Thumb";
import { KIND_WORDS } from "./kinds";
import { proposalAt, type Review, type Verdict } from "./review";

const CELL_WIDTH = 124;
const CELL_HEIGHT = 164;
const THUMB_SIDE = 108;

export function ReviewGrid({ review }: { readonly review: Review }): React.ReactElement {
  const explorer = useExplorer();
  const box = React.useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const columns = Number.isFinite(width) ? Math.max(1, Math.floor(width / CELL_WIDTH)) : 4;
  const [top, setTop] = React.useState(0);
  const lines = Math.ceil(review.rows.length / columns);
  const height = box.current?.clientHeight ?? 500;
  const [first, last] = rowWindow(lines, top, height, CELL_HEIGHT);
  const shown = Array.from({ length: (last - first) * columns }, (_, i) => first * columns + i).filter(
    (at) => at < review.rows.length,
  );

  const line = Math.floor(review.at / columns);
  React.useEffect(() => keepInSight(box.current, line), [line, review.id]);

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
      <div style={{ height: lines * CELL_HEIGHT, position: "relative" }} role="presentation">
        {shown.map((at) => (
          <Cell
            key={review.rows[at]}
            review={review}
            at={at}
            left={(at % columns) * CELL_WIDTH}
            top={Math.floor(at / columns) * CELL_HEIGHT}
          />
        ))}
      </div>
    </div>
  );
}

function keepInSight(box: HTMLElement | null, line: number): void {
  if (!box) return;
  const [from, to] = [line * CELL_HEIGHT, (line + 1) * CELL_HEIGHT];
  if (from < box.scrollTop) box.scrollTop = from;
  else if (to > box.scrollTop + box.clientHeight - BARS) box.scrollTop = to - box.clientHeight + BARS;
}

/** Height that the bar of pending changes may cover. */
const BARS = 60;

interface CellProps {
  readonly review: Review;
  readonly at: number;
  readonly left: number;
  readonly top: number;
}

function Cell({ review, at, left, top }: CellProps): React.ReactElement {
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
      style={{ left, top, width: CELL_WIDTH - 8, height: CELL_HEIGHT - 8 }}
      onClick={() => explorer.reviewing.goTo(at)}
      onDoubleClick={() => void explorer.selecting.openInViewer(row)}
    >
      {pictured ? <Thumb facts={pictured} side={THUMB_SIDE} /> : <div className="ls-thumb" style={BLANK} />}
      {verdict && <Badge review={review} verdict={verdict} />}
      <div className="ls-cell-text">{label ?? "…"}</div>
      <div className="ls-cell-text ls-quiet">{noteOf(review, at)}</div>
    </div>
  );
}

const BLANK = { width: THUMB_SIDE, height: THUMB_SIDE };

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

/** The proposal, else the group, with the score. */
function noteOf(review: Review, at: number): string {
  const proposed = proposalAt(review, at);
  const group = review.groups?.[at];
  const score = review.scores?.[at];
  const number = score === undefined || Number.isNaN(score) ? "" : score.toFixed(2);
  if (proposed !== null) return `→ ${proposed} ${number}`;
  return group === undefined ? number : `group ${group + 1} · ${number}`;
}

function cellLabel(
  review: Review,
  at: number,
  name: string | undefined,
  label: string | undefined,
  verdict: Verdict | undefined,
): string {
  const parts = [`${at + 1}`, name ?? "", label ?? "", noteOf(review, at)];
  return [...parts, verdict ? verdictWords(review, verdict) : "open"].filter(Boolean).join(", ");
}
