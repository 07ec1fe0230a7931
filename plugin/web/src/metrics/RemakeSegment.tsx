/** The dialog that applies the rule of a segment to new predictions, and shows what changed. */
import * as React from "react";
import { Dialog } from "../parts/parts";
import { Picker } from "../parts/Picker";
import { useMetrics, useSession } from "./context";
import type { Remake } from "./contract";
import { Compared } from "./RuleRuns";
import { Asking, type OfSegment } from "./SegmentForms";
import { partnersOf } from "./session";

export function RemakeSegment({ segment, onClose }: OfSegment): React.ReactElement {
  const session = useSession();
  const { overview, truthField } = useMetrics();
  const fields = overview && truthField ? partnersOf(overview, truthField) : [];
  const [field, setField] = React.useState("");
  const [name, setName] = React.useState("");
  const [remake, setRemake] = React.useState<Remake | null>(null);
  const submit = async (): Promise<void> => {
    const ask = { slug: segment.slug, prediction_field: field || null, name: name.trim() || null };
    setRemake(await session.remakeSegment(ask));
  };
  if (remake)
    return (
      <Dialog title={`“${segment.name}”: comparison`} onClose={onClose} wide>
        <Compared remake={remake} />
      </Dialog>
    );
  return (
    <Asking
      title={`Rebuild “${segment.name}”`}
      deed={name.trim() ? "Rebuild and compare" : "Compare"}
      onClose={onClose}
      onSubmit={submit}
    >
      <p className="ls-quiet">{segment.origin}</p>
      <Picker
        wide
        label="Predictions"
        value={field}
        options={[{ value: "", name: "the same field" }, ...fields.map((one) => ({ value: one, name: one }))]}
        onChange={setField}
      />
      <label className="ls-choice">
        <span className="ls-choice-label">Save as</span>
        <input
          value={name}
          placeholder="leave empty to only compare"
          onChange={(event) => setName(event.target.value)}
        />
      </label>
    </Asking>
  );
}
