/** Fields of the forms: text, number, and the button that sends. */
import * as React from "react";

export function TextField(props: {
  readonly label: string;
  readonly value: string;
  readonly onChange: (text: string) => void;
  readonly placeholder?: string;
  readonly pattern?: string;
  readonly hint?: string;
  readonly first?: boolean;
  readonly required?: boolean;
}): React.ReactElement {
  return (
    <label className="ls-choice">
      <span className="ls-choice-label">{props.label}</span>
      <input
        {...(props.first ? { "data-first": "" } : {})}
        value={props.value}
        placeholder={props.placeholder}
        pattern={props.pattern}
        title={props.hint}
        required={props.required ?? false}
        onChange={(event) => props.onChange(event.target.value)}
      />
    </label>
  );
}

export function NumberField(props: {
  readonly label: string;
  readonly hint: string;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  readonly value: number;
  readonly onChange: (value: number) => void;
}): React.ReactElement {
  return (
    <label className="ls-choice">
      <span className="ls-choice-label">{props.label}</span>
      <input
        type="number"
        required
        min={props.min}
        max={props.max}
        step={props.step}
        value={Number.isNaN(props.value) ? "" : props.value}
        title={props.hint}
        onChange={(event) => props.onChange(event.target.valueAsNumber)}
      />
      <span className="ls-quiet">{props.hint}</span>
    </label>
  );
}

export function Submit(props: {
  readonly disabled?: boolean;
  /** What will happen; it is next to the button, visible however long the form is. */
  readonly note?: string;
  readonly children: React.ReactNode;
}): React.ReactElement {
  return (
    <div className="ls-row ls-submit">
      {props.note && <span className="ls-quiet">{props.note}</span>}
      <button type="submit" className="ls-button ls-primary" disabled={props.disabled ?? false}>
        {props.children}
      </button>
    </div>
  );
}
