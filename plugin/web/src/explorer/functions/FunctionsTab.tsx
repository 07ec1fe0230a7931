/** Saved searches: matches, new matches, and last run of each; run, edit, rename, duplicate, delete, restore. */
import * as React from "react";
import { NumberField, Submit, TextField } from "../../parts/fields";
import { Button } from "../../parts/parts";
import { ago, counted } from "../../parts/words";
import { useExplorer, useUi } from "../context";
import type { FunctionInfo } from "../contract";
import { THRESHOLD_STEP } from "./FunctionForm";

export function FunctionsTab(): React.ReactElement {
  const { runs, store } = useExplorer();
  const state = useUi((ui) => ui.panel?.functions);
  const some = (state?.functions.length ?? 0) > 0;
  return (
    <section className="ls-tab-body ls-functions" aria-label="Functions">
      <div className="ls-review-head">
        <p className="ls-quiet ls-block">
          A function is a search saved under a name: it scores every sample, including those added later.
        </p>
        <span className="ls-grow" />
        <Button
          disabled={state?.last_search == null}
          onClick={() => store.dispatch({ type: "dialog", dialog: "function" })}
        >
          New function from the last search…
        </Button>
        <Button primary disabled={!some} onClick={() => void runs.functions.run()}>
          Run all
        </Button>
      </div>
      {!some && (
        <div className="ls-review-empty">
          <h2>No functions yet</h2>
          <p>
            Select one or more samples on the map and press <kbd>m</kbd> for similar ones; then save that search as a
            function.
          </p>
        </div>
      )}
      <ul className="ls-function-list">
        {state?.functions.map((info) => (
          <Row key={info.slug} info={info} />
        ))}
      </ul>
      {state && state.deleted.length > 0 && (
        <div className="ls-row ls-quiet" role="group" aria-label="Deleted functions">
          Deleted:
          {state.deleted.map(({ key, name }) => (
            <Button key={key} onClick={() => void runs.functions.restore(key)}>
              Restore “{name}”
            </Button>
          ))}
        </div>
      )}
    </section>
  );
}

type Form = "edit" | "rename" | "duplicate" | "delete" | null;

function Row({ info }: { readonly info: FunctionInfo }): React.ReactElement {
  const { reviewing, runs } = useExplorer();
  const [form, setForm] = React.useState<Form>(null);
  const close = (): void => setForm(null);
  return (
    <li className="ls-function" aria-label={`Function ${info.name}`}>
      <div className="ls-run">
        <strong>{info.name}</strong>
        {info.stale && <span className="ls-stale">stale</span>}
        <span className="ls-grow" />
        {info.new > 0 && (
          <Button
            primary
            label={`Review the new matches of ${info.name}`}
            onClick={() => void reviewing.open(`function:${info.slug}:new`)}
          >
            Review {info.new.toLocaleString("en")} new
          </Button>
        )}
        <Button
          label={`Review the matches of ${info.name}`}
          onClick={() => void reviewing.open(`function:${info.slug}`)}
        >
          Review {counted(info.matches, "match")}
        </Button>
      </div>
      {info.new > 0 && <p className="ls-block">Since you last looked: {counted(info.new, "new match")}.</p>}
      <p className="ls-quiet ls-block">{factsOf(info).join(" · ")}</p>
      {info.stale && (
        <p className="ls-block">
          Its embeddings were recomputed or deleted, so its scores are no longer valid. “Edit and rebuild” rebuilds it
          from its examples.
        </p>
      )}
      {info.note !== "" && <p className="ls-block">{info.note}</p>}
      <div className="ls-row">
        <Button label={`Edit ${info.name}`} onClick={() => setForm("edit")}>
          {info.stale ? "Edit and rebuild" : "Edit"}
        </Button>
        <Button label={`Rename ${info.name}`} onClick={() => setForm("rename")}>
          Rename
        </Button>
        <Button label={`Duplicate ${info.name}`} disabled={info.stale} onClick={() => setForm("duplicate")}>
          Duplicate
        </Button>
        <Button danger label={`Delete ${info.name}`} onClick={() => void runs.functions.delete(info.slug)}>
          Delete
        </Button>
      </div>
      {form === "edit" && <EditForm info={info} onClose={close} />}
      {(form === "rename" || form === "duplicate") && <NameForm info={info} what={form} onClose={close} />}
    </li>
  );
}

const factsOf = (info: FunctionInfo): readonly string[] => [
  `${counted(info.matches, "match")} among ${counted(info.scored, info.noun)}`,
  `threshold ${info.threshold}`,
  info.examples,
  `embeddings “${info.embeddings}”`,
  `scores in “${info.field}”`,
  info.run_at === null ? "never run" : `last run ${ago(info.run_at)}`,
];

interface FormProps {
  readonly info: FunctionInfo;
  readonly onClose: () => void;
}

function EditForm({ info, onClose }: FormProps): React.ReactElement {
  const { runs } = useExplorer();
  const [threshold, setThreshold] = React.useState(info.threshold);
  const [note, setNote] = React.useState(info.note);
  return (
    <form
      className="ls-form"
      aria-label={`Edit ${info.name}`}
      onSubmit={(event) => {
        event.preventDefault();
        onClose();
        void runs.functions.edit(info.slug, threshold, note.trim());
      }}
    >
      <NumberField
        label="Threshold"
        hint="lowest score of a match; review the matches to check it"
        min={0}
        max={1}
        step={THRESHOLD_STEP}
        value={threshold}
        onChange={setThreshold}
      />
      <TextField label="Note" value={note} onChange={setNote} />
      <div className="ls-row">
        <Submit>Save and score again</Submit>
        <Button onClick={onClose}>Cancel</Button>
        <Button
          title="With a preview of the samples around the threshold"
          onClick={() => void runs.functions.openForm(info.slug)}
        >
          Edit with examples…
        </Button>
      </div>
    </form>
  );
}

function NameForm({ info, what, onClose }: FormProps & { readonly what: "rename" | "duplicate" }): React.ReactElement {
  const { runs } = useExplorer();
  const [name, setName] = React.useState(what === "rename" ? info.name : `${info.name} 2`);
  const word = what === "rename" ? "Rename" : "Duplicate";
  return (
    <form
      className="ls-row"
      aria-label={`${word} ${info.name}`}
      onSubmit={(event) => {
        event.preventDefault();
        onClose();
        void runs.functions[what](info.slug, name.trim());
      }}
    >
      <TextField label="Name" first required value={name} onChange={setName} />
      <button type="submit" className="ls-button ls-primary" disabled={name.trim() === "" || name.trim() === info.name}>
        {word}
      </button>
      <Button onClick={onClose}>Cancel</Button>
    </form>
  );
}
