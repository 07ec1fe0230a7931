/** Choose a class for the selection, or type a new one. */
import * as React from "react";
import { Dialog } from "../../parts/parts";
import { counted, plural } from "../../parts/words";
import { useExplorer, useUi } from "../context";
import { nounOf } from "../state";
import { typeahead } from "../typeahead";

const SHOWN = 50;

export function LabelPicker({ onClose }: { readonly onClose: () => void }): React.ReactElement {
  const explorer = useExplorer();
  const classes = useUi((ui) => ui.panel?.classes);
  const field = useUi((ui) => ui.panel?.label_field);
  const count = useUi((ui) => ui.selection.count);
  const noun = useUi(nounOf);
  const [typed, setTyped] = React.useState("");
  // Nothing is chosen until one types, moves the pointer, or presses an arrow: Enter must never label by accident.
  const [at, setAt] = React.useState<number | null>(null);
  const { matches, fresh } = typeahead(classes ?? [], typed, SHOWN);
  const choices = [
    ...matches.map((name) => ({ name, fresh: false })),
    ...(fresh === null ? [] : [{ name: fresh, fresh: true }]),
  ];
  const chosen = at === null ? undefined : choices[Math.min(at, choices.length - 1)];
  const apply = (name: string): void =>
    explorer.ui.tab === "review" ? explorer.reviewing.label(name) : void explorer.labeling.setLabel(name);
  const onKeyDown = (event: React.KeyboardEvent): void => {
    if (event.key === "Enter") {
      if (chosen) apply(chosen.name);
    } else if (event.key === "ArrowDown") setAt(at === null ? 0 : Math.min(at + 1, choices.length - 1));
    else if (event.key === "ArrowUp") setAt(at === null ? choices.length - 1 : Math.max(at - 1, 0));
    else return;
    event.preventDefault();
  };
  return (
    <Dialog title={`Label ${counted(count, noun)}`} onClose={onClose}>
      {count === 0 && <p>Select {plural(noun)} first: click a point, or draw a lasso.</p>}
      <input
        data-first=""
        className="ls-wide-input"
        role="combobox"
        aria-expanded="true"
        aria-controls="labelscape-classes"
        aria-activedescendant={chosen ? `labelscape-class-${choices.indexOf(chosen)}` : undefined}
        aria-label="Label"
        placeholder="Type a class; Enter applies it"
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
          setAt(event.target.value.trim() === "" ? null : 0);
        }}
        onKeyDown={onKeyDown}
      />
      <ul className="ls-classes" id="labelscape-classes" role="listbox" aria-label="Classes">
        {choices.map((choice, i) => (
          <li
            key={`${choice.fresh}-${choice.name}`}
            id={`labelscape-class-${i}`}
            role="option"
            aria-selected={choice === chosen}
            onPointerMove={(event) => (event.movementX !== 0 || event.movementY !== 0) && setAt(i)}
            onClick={() => apply(choice.name)}
          >
            {choice.fresh ? (
              <>
                New class <strong>“{choice.name}”</strong>
              </>
            ) : (
              choice.name
            )}
          </li>
        ))}
      </ul>
      {(classes?.length ?? 0) > SHOWN && typed === "" && (
        <p className="ls-quiet">
          {SHOWN} of {classes?.length} classes; type to find the others.
        </p>
      )}
      <p className="ls-quiet">
        Written to <strong>{field ?? "no field"}</strong> when you save.
      </p>
    </Dialog>
  );
}
