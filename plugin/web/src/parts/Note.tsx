/** One message: it says what happened, and leaves by itself unless it is an error or in use. */
import * as React from "react";
import { Why } from "./Why";

const SIGN = { info: "ℹ", success: "✓", warning: "⚠", error: "✕" } as const;
const SECONDS = { info: 7, success: 7, warning: 14 } as const;

export function Note(props: {
  readonly level: keyof typeof SIGN;
  readonly text: string;
  readonly why?: string;
  readonly onEnd: () => void;
}): React.ReactElement {
  const { level, why } = props;
  const box = React.useRef<HTMLDivElement>(null);
  useLeaving(box, level === "error" ? null : SECONDS[level], props.onEnd);
  return (
    <div ref={box} className={`ls-note ls-note-${level}`} role={level === "error" ? "alert" : "status"}>
      <span aria-hidden="true">{SIGN[level]}</span>
      <span>
        {props.text} {why && <Why text={why} />}
      </span>
      <button type="button" className="ls-note-close" aria-label="Close this message" onClick={props.onEnd}>
        ✕
      </button>
    </div>
  );
}

/** Ends a message after some seconds in which nobody used it; null = never. */
export function useLeaving(box: React.RefObject<HTMLElement>, seconds: number | null, onEnd: () => void): void {
  const end = React.useRef(onEnd);
  end.current = onEnd;
  React.useEffect(() => {
    if (seconds === null) return;
    return leaveWhenUnused(
      () => box.current !== null && isInUse(box.current),
      seconds,
      () => end.current(),
    );
  }, [box, seconds]);
}

/**
 * Looks every second, because events do not tell: a control that is removed while it has the focus fires none, and the
 * pointer may leave while the focus stays. Returns what stops it.
 */
export function leaveWhenUnused(inUse: () => boolean, seconds: number, onEnd: () => void): () => void {
  let left = seconds;
  const timer = setInterval(() => {
    left = inUse() ? seconds : left - 1;
    if (left > 0) return;
    clearInterval(timer);
    onEnd();
  }, 1000);
  return () => clearInterval(timer);
}

/** Whether the pointer or the focus is on it, or its “Why?” is open. */
const isInUse = (element: HTMLElement): boolean =>
  element.matches(":hover, :focus-within, :has([aria-expanded='true'])");
