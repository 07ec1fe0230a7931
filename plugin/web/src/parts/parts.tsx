/** Small parts the other components are made of. */
import * as React from "react";

export function Button(props: {
  readonly onClick: () => void;
  readonly children: React.ReactNode;
  readonly title?: string;
  readonly hotkey?: string;
  readonly pressed?: boolean;
  readonly primary?: boolean;
  readonly danger?: boolean;
  /** Drawn as an outline: an action that needs care. */
  readonly hollow?: boolean;
  readonly disabled?: boolean;
  readonly label?: string;
  /** Whether what the button shows and hides is shown, and its id. */
  readonly expanded?: boolean;
  readonly controls?: string;
}): React.ReactElement {
  const kinds = [
    props.primary && "ls-primary",
    props.danger && "ls-danger",
    props.pressed && "ls-pressed",
    props.hollow && "ls-hollow",
  ];
  return (
    <button
      type="button"
      className={["ls-button", ...kinds].filter(Boolean).join(" ")}
      onClick={props.onClick}
      disabled={props.disabled ?? false}
      title={props.hotkey ? `${props.title ?? ""} (${props.hotkey})`.trim() : props.title}
      aria-label={props.label}
      aria-pressed={props.pressed}
      aria-keyshortcuts={props.hotkey}
      aria-expanded={props.expanded}
      aria-controls={props.controls}
    >
      {props.children}
    </button>
  );
}

export function Choice(props: {
  readonly label: string;
  readonly value: string;
  readonly options: readonly (readonly [value: string, text: string])[];
  readonly onChange: (value: string) => void;
  readonly hideLabel?: boolean;
  readonly disabled?: boolean;
}): React.ReactElement {
  return (
    <label className="ls-choice">
      <span className={props.hideLabel ? "ls-unseen" : "ls-choice-label"}>{props.label}</span>
      <select
        value={props.value}
        disabled={props.disabled ?? false}
        onChange={(event) => props.onChange(event.target.value)}
      >
        {props.options.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

/** A dialog over the panel; Escape and the cross close it, and focus returns to where it was. */
export function Dialog(props: {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: React.ReactNode;
  readonly wide?: boolean;
}): React.ReactElement {
  const box = React.useRef<HTMLDivElement>(null);
  const before = React.useRef(document.activeElement);
  React.useEffect(() => {
    const first = box.current?.querySelector<HTMLElement>(
      "[data-first], input, select, [role=combobox], button.ls-primary",
    );
    (first ?? box.current)?.focus();
    const root = box.current?.closest<HTMLElement>(".ls-root");
    return () => {
      const focused = before.current;
      (focused instanceof HTMLElement && focused.isConnected && focused !== document.body ? focused : root)?.focus();
    };
  }, []);
  const onKeyDown = (event: React.KeyboardEvent): void => {
    if (event.key === "Escape") {
      event.stopPropagation();
      props.onClose();
    } else if (event.key === "Tab") keepInside(event, box.current);
    else event.stopPropagation();
  };
  return (
    <div className="ls-veil" onMouseDown={(event) => event.target === event.currentTarget && props.onClose()}>
      <div
        ref={box}
        className={`ls-dialog${props.wide ? " ls-wide" : ""}`}
        role="dialog"
        aria-modal="true"
        aria-label={props.title}
        tabIndex={-1}
        onKeyDown={onKeyDown}
      >
        <div className="ls-dialog-head">
          <h2>{props.title}</h2>
          <Button label="Close" title="Close" hotkey="Escape" onClick={props.onClose}>
            ✕
          </Button>
        </div>
        {props.children}
      </div>
    </div>
  );
}

function keepInside(event: React.KeyboardEvent, box: HTMLElement | null): void {
  const stops = box?.querySelectorAll<HTMLElement>(
    "button:not(:disabled), input, select, textarea, a[href], [role=combobox]",
  );
  const first = stops?.[0];
  const last = stops?.[stops.length - 1];
  if (!first || !last) return;
  if (event.shiftKey && document.activeElement === first) {
    event.preventDefault();
    last.focus();
  } else if (!event.shiftKey && document.activeElement === last) {
    event.preventDefault();
    first.focus();
  }
}
