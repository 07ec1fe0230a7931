/** Small parts the other components are made of. */
import * as React from "react";
import type { Facts } from "../explorer/contract";
import { useExplorer, useLatest } from "../explorer/context";

export function Button(props: {
  readonly onClick: () => void;
  readonly children: React.ReactNode;
  readonly title?: string;
  readonly hotkey?: string;
  readonly pressed?: boolean;
  readonly primary?: boolean;
  readonly danger?: boolean;
  readonly disabled?: boolean;
  readonly label?: string;
}): React.ReactElement {
  const kinds = [props.primary && "ls-primary", props.danger && "ls-danger", props.pressed && "ls-pressed"];
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

/** A window over the panel; Escape and the cross close it, and focus returns to where it was. */
export function Dialog(props: {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: React.ReactNode;
  readonly wide?: boolean;
}): React.ReactElement {
  const box = React.useRef<HTMLDivElement>(null);
  const before = React.useRef(document.activeElement);
  React.useEffect(() => {
    const first = box.current?.querySelector<HTMLElement>("[data-first], input, select, button.ls-primary");
    (first ?? box.current)?.focus();
    return () => (before.current as HTMLElement | null)?.focus?.();
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
  const stops = box?.querySelectorAll<HTMLElement>("button:not(:disabled), input, select, textarea, a[href]");
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

/** The sample's picture, or the part of it that is the object. */
export function Thumb({ facts, side }: { readonly facts: Facts; readonly side: number }): React.ReactElement {
  const explorer = useExplorer();
  const [natural, setNatural] = React.useState<readonly [number, number] | null>(null);
  const [broken, setBroken] = React.useState(false);
  const frame = { width: side, height: side };
  if (facts.thumbnail === null || broken)
    return (
      <div className="ls-thumb ls-thumb-none" style={frame}>
        {broken ? "cannot be read" : facts.name}
      </div>
    );
  const crop = facts.crop ?? [0, 0, 1, 1];
  const place = natural && placeCrop(natural, crop, side);
  return (
    <div className="ls-thumb" style={frame}>
      <div className="ls-thumb-crop" style={place ? place.window : frame}>
        <img
          alt={facts.name}
          src={explorer.mediaUrl(facts.thumbnail)}
          style={place ? place.image : { visibility: "hidden" }}
          onLoad={(event) =>
            setNatural([event.currentTarget.naturalWidth || 1, event.currentTarget.naturalHeight || 1])
          }
          onError={() => setBroken(true)}
        />
      </div>
    </div>
  );
}

function placeCrop(
  [width, height]: readonly [number, number],
  [x, y, w, h]: readonly [number, number, number, number],
  side: number,
) {
  const scale = Math.min(side / (w * width), side / (h * height));
  return {
    window: { width: w * width * scale, height: h * height * scale },
    image: {
      width: width * scale,
      height: height * scale,
      marginLeft: -x * width * scale,
      marginTop: -y * height * scale,
    },
  };
}

export const percent = (share: number): string => `${Math.round(share * 100)} %`;

/** Runs `deed` every so often while the page is seen, and when it comes back to the front. */
export function usePoll(deed: () => void, milliseconds: number): void {
  const latest = useLatest(deed);
  React.useEffect(() => {
    const look = (): void => {
      if (document.visibilityState === "visible") latest.current();
    };
    const timer = window.setInterval(look, milliseconds);
    document.addEventListener("visibilitychange", look);
    window.addEventListener("focus", look);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", look);
      window.removeEventListener("focus", look);
    };
  }, [milliseconds]);
}
