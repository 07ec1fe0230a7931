/** Messages: they appear above the bars, so that they never cover a button. */
import * as React from "react";
import { Note } from "../parts/Note";
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
          why={note.why ?? ""}
          onEnd={() => explorer.store.dispatch({ type: "dismiss", id: note.id })}
        />
      ))}
    </div>
  );
}
