/** Short forms: a segment from the selection, duplicates, a new label field. */
import * as React from "react";
import { NumberField, Submit, TextField } from "../../parts/fields";
import { Dialog } from "../../parts/parts";
import { Picker } from "../../parts/Picker";
import { counted } from "../../parts/words";
import { useExplorer, useUi } from "../context";
import type { SegmentKind } from "../contract";
import { nounOf } from "../state";

interface Props {
  readonly onClose: () => void;
}

export const KIND_NOTES: Readonly<Record<SegmentKind, string>> = {
  "data quality": "something to fix: wrong labels, broken files, duplicates",
  "data organization": "a part of the data to work with: a split, a batch, a topic",
  "collection campaign": "a kind of data to collect more of",
};

export function SegmentForm({ onClose }: Props): React.ReactElement {
  const explorer = useExplorer();
  const count = useUi((ui) => ui.selection.count);
  const noun = useUi(nounOf);
  const [name, setName] = React.useState("");
  const [kind, setKind] = React.useState<SegmentKind>("data quality");
  const [note, setNote] = React.useState("");
  return (
    <Dialog title={`New segment from ${counted(count, noun)}`} onClose={onClose}>
      <form
        className="ls-form"
        onSubmit={(event) => {
          event.preventDefault();
          void explorer.runs.createSegment(name.trim(), kind, note.trim());
        }}
      >
        <TextField label="Name" first required value={name} onChange={setName} />
        <Picker
          label="Kind"
          wide
          value={kind}
          options={(Object.keys(KIND_NOTES) as SegmentKind[]).map((k) => ({ value: k, name: k, note: KIND_NOTES[k] }))}
          onChange={(value) => setKind(value as SegmentKind)}
        />
        <label className="ls-choice">
          <span className="ls-choice-label">Note</span>
          <textarea rows={3} value={note} onChange={(event) => setNote(event.target.value)} />
        </label>
        <p className="ls-quiet">A segment is a tag and a saved view; nothing is copied or changed.</p>
        <Submit disabled={name.trim() === "" || count === 0}>Create segment</Submit>
      </form>
    </Dialog>
  );
}

export function DuplicatesForm({ onClose }: Props): React.ReactElement {
  const explorer = useExplorer();
  const [automatic, setAutomatic] = React.useState(true);
  const [threshold, setThreshold] = React.useState(0.02);
  return (
    <Dialog title="Find duplicates" onClose={onClose}>
      <form
        className="ls-form"
        onSubmit={(event) => {
          event.preventDefault();
          void explorer.runs.findDuplicates(automatic ? null : threshold);
        }}
      >
        <label className="ls-check">
          <input type="checkbox" checked={automatic} onChange={(event) => setAutomatic(event.target.checked)} />
          <span>Choose the threshold automatically</span>
        </label>
        {!automatic && (
          <NumberField
            label="Threshold"
            hint="highest cosine distance of near duplicates"
            min={0}
            max={2}
            step={0.001}
            value={threshold}
            onChange={setThreshold}
          />
        )}
        <Submit>Find duplicates</Submit>
      </form>
    </Dialog>
  );
}

export function NewFieldForm({ onClose }: Props): React.ReactElement {
  const explorer = useExplorer();
  const fields = useUi((ui) => ui.panel?.label_fields ?? NO_FIELDS);
  const [name, setName] = React.useState("");
  return (
    <Dialog title="New label field" onClose={onClose}>
      <form
        className="ls-form"
        onSubmit={(event) => {
          event.preventDefault();
          void explorer.labeling.chooseField(name.trim());
        }}
      >
        <TextField
          label="Name"
          first
          required
          value={name}
          pattern="[A-Za-z][A-Za-z0-9_]*"
          hint="Letters, digits, and _; must start with a letter"
          onChange={setName}
        />
        <p className="ls-quiet">The field is added to the dataset with the first save.</p>
        <Submit disabled={name.trim() === "" || fields.includes(name.trim())}>Use this field</Submit>
      </form>
    </Dialog>
  );
}

const NO_FIELDS: readonly string[] = [];
