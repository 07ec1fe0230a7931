/** Messages: they appear above the bars, so that they never cover a button. */
import * as React from "react";
import { useExplorer, useUi } from "./context";

export function Notes(): React.ReactElement {
  const explorer = useExplorer();
  const notes = useUi((ui) => ui.notes);
  return (
    <div className="ls-notes" aria-live="polite">
      {notes.map((note) => (
        <Note
          key={note.id}
          level={note.level}
          text={note.text}
          onEnd={() => explorer.store.dispatch({ type: "dismiss", id: note.id })}
        />
      ))}
    </div>
  );
}

const SIGN = { info: "ℹ", success: "✓", warning: "⚠", error: "✕" } as const;
const SECONDS = { info: 7, success: 7, warning: 14 } as const;

function Note(props: {
  readonly level: keyof typeof SIGN;
  readonly text: string;
  readonly onEnd: () => void;
}): React.ReactElement {
  const { level, onEnd } = props;
  const end = React.useRef(onEnd);
  end.current = onEnd;
  React.useEffect(() => {
    // An error stays until it is closed.
    if (level === "error") return;
    const timer = window.setTimeout(() => end.current(), 1000 * SECONDS[level]);
    return () => clearTimeout(timer);
  }, [level]);
  return (
    <div className={`ls-note ls-note-${level}`} role={level === "error" ? "alert" : "status"}>
      <span aria-hidden="true">{SIGN[level]}</span>
      <span>{props.text}</span>
      <button type="button" className="ls-note-close" aria-label="Close this message" onClick={onEnd}>
        ✕
      </button>
    </div>
  );
}
