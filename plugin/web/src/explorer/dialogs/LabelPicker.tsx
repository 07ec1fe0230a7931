/** Choose a class for the selection, or type a new one. */
import * as React from "react";
import { Button, Dialog } from "../../parts/parts";
import { counted, plural } from "../../parts/words";
import { useExplorer, useUi } from "../context";
import type { LikelyClass } from "../contract";
import { likelyPredicted, offeredClasses } from "../predicted";
import { nounOf } from "../state";
import { typeahead } from "../typeahead";
import { openDialog } from "./openDialog";

const SHOWN = 50;

interface Props {
  readonly onClose: () => void;
}

export function LabelPicker({ onClose }: Props): React.ReactElement {
  const field = useUi((ui) => (ui.panel?.label_field_unclear === true ? ui.panel.label_field : null));
  return field === null ? <ClassPicker onClose={onClose} /> : <WhereLabelsGo field={field} onClose={onClose} />;
}

/** Asked before the first label of a field that may hold predictions; then the class is chosen. */
function WhereLabelsGo({ field, onClose }: Props & { readonly field: string }): React.ReactElement {
  const explorer = useExplorer();
  const write = async (): Promise<void> => {
    await explorer.labeling.chooseField(field);
    openDialog(explorer, "label");
  };
  return (
    <Dialog title={`Write labels to “${field}”?`} onClose={onClose}>
      <p>
        “{field}” already has labels, and it is unclear whether a person or a model set them. If a model did, write your
        own labels to a new field.
      </p>
      <div className="ls-row">
        <Button onClick={() => void write()}>Write to “{field}”</Button>
        <Button onClick={() => openDialog(explorer, "field")}>New field…</Button>
      </div>
    </Dialog>
  );
}

function ClassPicker({ onClose }: Props): React.ReactElement {
  const explorer = useExplorer();
  const panel = useUi((ui) => ui.panel);
  const color = useUi((ui) => ui.color);
  const classes = React.useMemo(() => offeredClasses({ panel, color }), [panel, color]);
  const field = useUi((ui) => ui.panel?.label_field);
  const count = useUi((ui) => ui.selection.count);
  const noun = useUi(nounOf);
  const [typed, setTyped] = React.useState("");
  // Nothing is chosen until the user types, moves the pointer, or presses an arrow: Enter must never label by accident.
  const [at, setAt] = React.useState<number | null>(null);
  const { matches, fresh } = typeahead(classes, typed, SHOWN);
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
      <Likely apply={apply} />
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
      {classes.length > SHOWN && typed === "" && (
        <p className="ls-quiet">
          {SHOWN} of {classes.length} classes; type to find the others.
        </p>
      )}
      <p className="ls-quiet">
        Written to <strong>{field ?? "no field"}</strong> when you save.
      </p>
    </Dialog>
  );
}

/** Classes that the selection is likely to have; none is chosen until it is pressed. */
function Likely({ apply }: { readonly apply: (name: string) => void }): React.ReactElement {
  const explorer = useExplorer();
  const [likely, setLikely] = React.useState<readonly LikelyClass[] | null>(null);
  React.useEffect(() => {
    let open = true;
    void explorer.labeling.likelyClasses().then((classes) => {
      if (open) setLikely(classes.length > 0 ? classes : likelyPredicted(explorer.ui));
    });
    return () => void (open = false);
  }, [explorer]);
  return (
    <div
      className={`ls-likely${likely?.length === 0 ? " ls-likely-none" : ""}`}
      role="group"
      aria-label="Likely classes"
    >
      <span className="ls-quiet">Likely: {likely === null && "…"}</span>
      {likely?.map(({ label, note, why }) => (
        <Button key={label} title={why} onClick={() => apply(label)}>
          <strong>{label}</strong> <span className="ls-quiet">{note}</span>
        </Button>
      ))}
    </div>
  );
}
