/** All segments: their contents, how they were made, how they grew, and what can be done with them. */
import * as React from "react";
import { Menu, type MenuEntry } from "../parts/Menu";
import { Button } from "../parts/parts";
import { useMetrics, useSession } from "./context";
import type { Segment } from "./contract";
import { RemakeSegment } from "./RemakeSegment";
import { RuleRuns } from "./RuleRuns";
import type { MetricsSession } from "./session";
import { DeleteSegment, EditSegment, ExportSegment, MergeSegment } from "./SegmentForms";

type Form = "edit" | "merge" | "delete" | "export" | "remake";
const FORMS = {
  edit: EditSegment,
  merge: MergeSegment,
  delete: DeleteSegment,
  export: ExportSegment,
  remake: RemakeSegment,
} as const;

export function Segments(): React.ReactElement {
  const segments = useMetrics().overview?.segments ?? [];
  const [open, setOpen] = React.useState<{ readonly form: Form; readonly slug: string } | null>(null);
  const about = segments.find((one) => one.slug === open?.slug);
  const Asked = open && FORMS[open.form];
  if (segments.length === 0)
    return (
      <p className="lm-empty">
        No segments yet. Choose results and press “Add to segment”, or run “Labelscape: create segment” on ticked
        samples.
      </p>
    );
  return (
    <>
      <ul className="lm-segments">
        {segments.map((segment) => (
          <Row key={segment.slug} segment={segment} ask={(form) => setOpen({ form, slug: segment.slug })} />
        ))}
      </ul>
      {Asked && about && <Asked segment={about} onClose={() => setOpen(null)} />}
    </>
  );
}

function Row({ segment, ask }: { readonly segment: Segment; readonly ask: (form: Form) => void }): React.ReactElement {
  const session = useSession();
  return (
    <li>
      <div className="lm-segment-head">
        <b>{segment.name}</b>
        <span className="lm-kind">{segment.kind}</span>
        <span className="ls-count">
          {segment.size.toLocaleString("en")} {segment.noun}
          {segment.size === 1 ? "" : "s"}
        </span>
        <Sizes segment={segment} />
        <div className="lm-segment-acts" role="group" aria-label={segment.name}>
          <Button onClick={() => void session.openSegment(segment.slug)}>Open</Button>
          <Button
            title="Create tasks for its samples, to relabel them"
            onClick={() => session.sendSegment(segment.slug)}
          >
            Send to Label Studio
          </Button>
          <Menu icon="more" name="More" groups={[{ title: "Segment", entries: moreActs(session, segment, ask) }]} />
        </div>
      </div>
      <div className="ls-quiet">{segment.origin}</div>
      {segment.note && <div>{segment.note}</div>}
      {segment.runs.length > 1 && (
        <details>
          <summary>Compared over time</summary>
          <RuleRuns runs={segment.runs} />
        </details>
      )}
    </li>
  );
}

function moreActs(session: MetricsSession, segment: Segment, ask: (form: Form) => void): MenuEntry[] {
  const remove = (): void => void session.segmentAct("remove_from_segment", { slug: segment.slug });
  const remake = { name: "Rebuild with new predictions…", run: () => ask("remake") };
  return [
    { name: "Edit…", run: () => ask("edit") },
    { name: "Merge with another…", run: () => ask("merge") },
    { name: "Remove the samples ticked in the grid", run: remove },
    ...(segment.can_remake ? [remake] : []),
    { name: "Export…", run: () => ask("export") },
    { name: "Delete…", danger: true, run: () => ask("delete") },
  ];
}

/** Size over time as a sparkline, and in words for tooltips and screen readers. */
function Sizes({ segment }: { readonly segment: Segment }): React.ReactElement | null {
  if (segment.sizes.length < 2) return null;
  const largest = Math.max(...segment.sizes.map(([, size]) => size), 1);
  const step = 60 / (segment.sizes.length - 1);
  const points = segment.sizes
    .map(([, size], i) => `${(i * step).toFixed(1)},${(15 - (size / largest) * 14).toFixed(1)}`)
    .join(" ");
  const told = segment.sizes
    .map(([at, size]) => `${at.slice(0, 16).replace("T", " ")}: ${size.toLocaleString("en")}`)
    .join("\n");
  return (
    <svg className="lm-sizes" viewBox="-1 0 62 16" role="img" aria-label={`Size over time: ${told}`}>
      <title>{told}</title>
      <polyline points={points} fill="none" stroke="currentColor" strokeWidth={1.5} />
    </svg>
  );
}
