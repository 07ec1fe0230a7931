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
  const { asked, ...held } = useLeaving(level === "error" ? null : SECONDS[level], props.onEnd);
  return (
    <div className={`ls-note ls-note-${level}`} role={level === "error" ? "alert" : "status"} {...held}>
      <span aria-hidden="true">{SIGN[level]}</span>
      <span>
        {props.text} {why && <Why text={why} onToggle={asked} />}
      </span>
      <button type="button" className="ls-note-close" aria-label="Close this message" onClick={props.onEnd}>
        ✕
      </button>
    </div>
  );
}

/**
 * Ends a message after some seconds, null = never; it waits while the pointer or the focus is on it, or while its
 * “Why?” is open. The handlers go on the message.
 */
export function useLeaving(
  seconds: number | null,
  onEnd: () => void,
): Pick<React.DOMAttributes<HTMLElement>, "onMouseEnter" | "onMouseLeave" | "onFocus" | "onBlur"> & {
  readonly asked: (open: boolean) => void;
} {
  const [held, setHeld] = React.useState(false);
  const [asked, setAsked] = React.useState(false);
  const end = React.useRef(onEnd);
  end.current = onEnd;
  React.useEffect(() => {
    if (seconds === null || held || asked) return;
    const timer = window.setTimeout(() => end.current(), 1000 * seconds);
    return () => clearTimeout(timer);
  }, [seconds, held, asked]);
  return {
    asked: setAsked,
    onMouseEnter: () => setHeld(true),
    onMouseLeave: () => setHeld(false),
    onFocus: () => setHeld(true),
    onBlur: () => setHeld(false),
  };
}
