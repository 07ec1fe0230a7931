/** Saves the last search as a function. */
import * as React from "react";
import { NumberField, Submit, TextField } from "../../parts/fields";
import { Dialog } from "../../parts/parts";
import { useExplorer, useUi } from "../context";
import type { Review } from "../review/review";

/** Scores have four decimals; the browser refuses a number between two steps. */
export const THRESHOLD_STEP = 0.0001;
const THRESHOLD_STEPS = 10_000; // from 0 to 1

export function FunctionForm({ onClose }: { readonly onClose: () => void }): React.ReactElement {
  const { runs } = useExplorer();
  const search = useUi((ui) => ui.panel?.functions.last_search ?? null);
  const last = useUi((ui) => thresholdOf(ui.review) ?? ui.panel?.functions.last_threshold ?? 0.5);
  const [name, setName] = React.useState("");
  const [threshold, setThreshold] = React.useState(last);
  return (
    <Dialog title="New function" onClose={onClose}>
      {search === null ? (
        <p>There is no search to save: select samples on the map, and press “Similar” first.</p>
      ) : (
        <form
          className="ls-form"
          onSubmit={(event) => {
            event.preventDefault();
            void runs.functions.create(name.trim(), threshold);
          }}
        >
          <p className="ls-quiet">
            From the last search: {search}. Every sample gets a score, including those added later.
          </p>
          <TextField label="Name" first required value={name} onChange={setName} />
          <NumberField
            label="Threshold"
            hint="lowest score of a match"
            min={0}
            max={1}
            step={THRESHOLD_STEP}
            value={threshold}
            onChange={setThreshold}
          />
          <Submit disabled={name.trim() === ""}>Create function</Submit>
        </form>
      )}
    </Dialog>
  );
}

/** The lowest score that was marked as similar to the examples; null if none was. */
function thresholdOf(review: Review | null): number | null {
  if (review?.kind !== "search" || !review.scores) return null;
  const { scores, rows, verdicts } = review;
  const liked = [...scores].filter((_, at) => verdicts.get(rows[at] as number)?.mark === "accepted");
  return liked.length > 0 ? Math.floor(Math.min(...liked) * THRESHOLD_STEPS) / THRESHOLD_STEPS : null;
}
