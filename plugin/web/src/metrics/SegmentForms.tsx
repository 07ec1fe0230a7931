/** Dialogs for segments: which one to add to, and how to edit, merge, or export it. */
import * as React from "react";
import { Button, Dialog } from "../parts/parts";
import { Picker, type PickerOption } from "../parts/Picker";
import { useMetrics, useSession } from "./context";
import { SEGMENT_KINDS, type Cell, type Members, type Segment, type SegmentKind } from "./contract";
import { labelName, predictionName } from "./matrix";
import { chosenCount } from "./session";

const NEW = "";
const KIND_NOTES: Readonly<Record<SegmentKind, string>> = {
  "data quality": "something to fix: wrong labels, broken files, duplicates",
  "data organization": "a part of the data to work with: a split, a batch, a topic",
  "collection campaign": "a kind of data to collect more of",
};
const KINDS = SEGMENT_KINDS.map((kind) => ({ value: kind, name: kind, note: KIND_NOTES[kind] }));
const option = ([value, name]: readonly [string, string]): PickerOption => ({ value, name });
const MEMBERS: readonly (readonly [Members, string])[] = [
  ["labels", "labels (or predictions if there is no label)"],
  ["predictions", "predictions (or labels if there is no prediction)"],
  ["both", "both"],
  ["samples", "whole samples"],
];

export function AddToSegment({ onClose }: { readonly onClose: () => void }): React.ReactElement {
  const session = useSession();
  const state = useMetrics();
  const [slug, setSlug] = React.useState(NEW);
  const [name, setName] = React.useState(() => proposal(state.whats, state.cells));
  const [kind, setKind] = React.useState<SegmentKind>("data quality");
  const [note, setNote] = React.useState("");
  const [members, setMembers] = React.useState<Members>("labels");
  const segments = state.overview?.segments ?? [];
  const target = segments.find((one) => one.slug === slug);
  const count = chosenCount(state).toLocaleString("en");
  const submit = async (): Promise<void> => {
    if (await session.addToSegment(slug ? { slug } : { name, kind, note }, members)) onClose();
  };
  return (
    <Asking
      title={`Add ${count} to a segment`}
      deed={slug === NEW ? "Create" : "Add"}
      disabled={slug === NEW && !name.trim()}
      onClose={onClose}
      onSubmit={submit}
    >
      <Picker
        wide
        label="Segment"
        value={slug}
        options={(
          [[NEW, "New segment"], ...segments.map((one) => [one.slug, `${one.name} (${one.size})`] as const)] as const
        ).map(option)}
        onChange={setSlug}
      />
      {slug === NEW && (
        <>
          <label className="ls-choice">
            <span className="ls-choice-label">Name</span>
            <input data-first value={name} onChange={(event) => setName(event.target.value)} required />
          </label>
          <Picker wide label="Kind" value={kind} options={KINDS} onChange={(value) => setKind(value as SegmentKind)} />
          <label className="ls-choice">
            <span className="ls-choice-label">Note</span>
            <textarea rows={2} value={note} onChange={(event) => setNote(event.target.value)} />
          </label>
        </>
      )}
      {state.report?.kind === "detection" && target?.noun !== "sample" && (
        <Picker
          wide
          label="What to add"
          value={members}
          options={MEMBERS.filter(([one]) => !target || one !== "samples").map(option)}
          onChange={(value) => setMembers(value as Members)}
        />
      )}
      <p className="ls-quiet">
        {slug === NEW ? "Fields and thresholds are saved with the segment so that it can be rebuilt. " : ""}
        Only a tag is written.
      </p>
    </Asking>
  );
}

function proposal(whats: readonly string[], cells: readonly Cell[]): string {
  const pairs = cells.map(([truth, prediction]) => `${labelName(truth)} as ${predictionName(prediction)}`);
  return [...whats, ...pairs].slice(0, 2).join(", ");
}

/** A dialog about one segment. */
export interface OfSegment {
  readonly segment: Segment;
  readonly onClose: () => void;
}

export function EditSegment({ segment, onClose }: OfSegment): React.ReactElement {
  const session = useSession();
  const [name, setName] = React.useState(segment.name);
  const [kind, setKind] = React.useState<SegmentKind>(segment.kind);
  const [note, setNote] = React.useState(segment.note);
  const submit = async (): Promise<void> => {
    if (await session.segmentAct("edit_segment", { slug: segment.slug, name, kind, note })) onClose();
  };
  return (
    <Asking title={`Edit “${segment.name}”`} deed="Save" disabled={!name.trim()} onClose={onClose} onSubmit={submit}>
      <label className="ls-choice">
        <span className="ls-choice-label">Name</span>
        <input data-first value={name} onChange={(event) => setName(event.target.value)} />
      </label>
      <Picker wide label="Kind" value={kind} options={KINDS} onChange={(value) => setKind(value as SegmentKind)} />
      <label className="ls-choice">
        <span className="ls-choice-label">Note</span>
        <textarea rows={2} value={note} onChange={(event) => setNote(event.target.value)} />
      </label>
    </Asking>
  );
}

export function MergeSegment({ segment, onClose }: OfSegment): React.ReactElement {
  const session = useSession();
  const others = (useMetrics().overview?.segments ?? []).filter(
    (one) => one.slug !== segment.slug && one.noun === segment.noun,
  );
  const [into, setInto] = React.useState(others[0]?.slug ?? "");
  const submit = async (): Promise<void> => {
    if (await session.segmentAct("merge_segments", { slug: segment.slug, into })) onClose();
  };
  return (
    <Asking
      title={`Merge “${segment.name}” into another`}
      deed="Merge"
      disabled={!into}
      onClose={onClose}
      onSubmit={submit}
    >
      {others.length === 0 ? (
        <p>There is no other segment of {segment.noun}s.</p>
      ) : (
        <Picker
          wide
          label="Into"
          value={into}
          options={others.map((one) => ({ value: one.slug, name: one.name, note: String(one.size) }))}
          onChange={setInto}
        />
      )}
      <p className="ls-quiet">
        “{segment.name}” is removed; its {segment.noun}s join the other segment.
      </p>
    </Asking>
  );
}

export function DeleteSegment({ segment, onClose }: OfSegment): React.ReactElement {
  const session = useSession();
  const submit = async (): Promise<void> => {
    if (await session.segmentAct("delete_segment", { slug: segment.slug })) onClose();
  };
  return (
    <Asking title={`Delete “${segment.name}”?`} deed="Delete" onClose={onClose} onSubmit={submit}>
      <p>
        Its tag, saved view, and record will be deleted. Its {segment.size.toLocaleString("en")} {segment.noun}s stay.
      </p>
    </Asking>
  );
}

export function ExportSegment({ segment, onClose }: OfSegment): React.ReactElement {
  const session = useSession();
  const [format, setFormat] = React.useState<"fiftyone" | "coco" | "csv">("csv");
  const [folder, setFolder] = React.useState("");
  const submit = async (): Promise<void> => {
    if (await session.exportSegment({ slug: segment.slug, format, folder: folder.trim() })) onClose();
  };
  return (
    <Asking
      title={`Export “${segment.name}”`}
      deed={folder.trim() === "" ? "Download" : "Export"}
      onClose={onClose}
      onSubmit={submit}
    >
      <Picker
        wide
        label="Format"
        value={format}
        options={(
          [
            ["csv", "CSV, one row per member"],
            ["coco", "COCO, with media"],
            ["fiftyone", "FiftyOne dataset, with media"],
          ] as const
        ).map(option)}
        onChange={(value) => setFormat(value as typeof format)}
      />
      <label className="ls-choice">
        <span className="ls-choice-label">New folder</span>
        <input
          value={folder}
          placeholder="on the server; leave empty to download"
          onChange={(event) => setFolder(event.target.value)}
        />
      </label>
    </Asking>
  );
}

export function Asking(props: {
  readonly title: string;
  readonly deed: string;
  readonly disabled?: boolean;
  readonly onClose: () => void;
  readonly onSubmit: () => Promise<void>;
  readonly children: React.ReactNode;
}): React.ReactElement {
  const working = React.useRef(false);
  const submit = async (): Promise<void> => {
    if (working.current) return; // a double click
    working.current = true;
    await props.onSubmit().finally(() => (working.current = false));
  };
  return (
    <Dialog title={props.title} onClose={props.onClose}>
      <form
        className="ls-form"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        {props.children}
        <div className="ls-row">
          <span className="ls-grow" />
          <Button onClick={props.onClose}>Cancel</Button>
          <button type="submit" className="ls-button ls-primary" disabled={props.disabled ?? false}>
            {props.deed}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
