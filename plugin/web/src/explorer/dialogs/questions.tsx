/** Confirmations before something is discarded, with what is lost, in numbers. */
import * as React from "react";
import { Button, Dialog } from "../../parts/parts";
import { counted } from "../../parts/words";
import { useExplorer, useUi } from "../context";
import type { Answer, Clearable } from "../contract";
import { pendingWords } from "../state";

interface Props {
  readonly onClose: () => void;
}

export function DiscardQuestion({ onClose }: Props): React.ReactElement {
  const explorer = useExplorer();
  const pending = useUi((ui) => (ui.panel ? pendingWords(ui.panel.pending) : ""));
  return (
    <Dialog title="Discard pending changes?" onClose={onClose}>
      <p>{pending} will not be saved. Undo restores them.</p>
      <div className="ls-row">
        <Button danger onClick={() => void explorer.labeling.discard()}>
          Discard
        </Button>
        <Button onClick={onClose}>Keep</Button>
      </div>
    </Dialog>
  );
}

export function ClearLabels({ onClose }: Props): React.ReactElement {
  const explorer = useExplorer();
  const [counts, setCounts] = React.useState<Answer<"count_labels"> | null>(null);
  React.useEffect(() => void explorer.labeling.countLabels().then(setCounts), [explorer]);
  const imported = counts ? counts.all - counts.ours : 0;
  return (
    <Dialog title="Clear labels?" onClose={onClose}>
      {counts === null && <p className="ls-quiet">Counting labels…</p>}
      {counts?.all === 0 && <p>The field “{counts.field}” has no labels.</p>}
      {counts !== null && counts.all > 0 && (
        <>
          <p>
            The field <strong>{counts.field}</strong> has {counted(counts.all, "label")}
            {counts.ours === 0
              ? counts.all === 1
                ? ", not set here"
                : ", none of them set here"
              : imported > 0 && `: ${counts.ours.toLocaleString("en")} set here, ${imported.toLocaleString("en")} not`}
            .
          </p>
          <p className="ls-quiet">Undo restores them.</p>
          <div className="ls-row">
            {counts.ours > 0 && (
              <Button danger onClick={() => void explorer.labeling.clearLabels("ours")}>
                Clear the {counts.ours.toLocaleString("en")} set here
              </Button>
            )}
            {imported > 0 && (
              <Button danger onClick={() => void explorer.labeling.clearLabels("all")}>
                Clear all {counts.all.toLocaleString("en")}
              </Button>
            )}
            <Button onClick={onClose}>Keep</Button>
          </div>
        </>
      )}
    </Dialog>
  );
}

export function ClearExplorer({ onClose }: Props): React.ReactElement {
  const explorer = useExplorer();
  const [items, setItems] = React.useState<readonly Clearable[] | null>(null);
  const [ticked, setTicked] = React.useState<ReadonlySet<string>>(new Set());
  React.useEffect(() => void explorer.labeling.clearable().then((answer) => setItems(answer?.items ?? [])), [explorer]);
  const toggle = (id: string): void => {
    const next = new Set(ticked);
    if (!next.delete(id)) next.add(id);
    setTicked(next);
  };
  return (
    <Dialog title="Clear explorer" onClose={onClose}>
      <p className="ls-quiet">Choose what to remove. Labels and pending changes stay.</p>
      {items === null && <p className="ls-quiet">Looking…</p>}
      <ul className="ls-checklist">
        {items?.map((item) => (
          <li key={item.id}>
            <label>
              <input type="checkbox" checked={ticked.has(item.id)} onChange={() => toggle(item.id)} />
              <span>
                <strong>{item.title}</strong> <span className="ls-quiet">{item.size}</span>
                <span className="ls-quiet ls-block">{item.note}</span>
              </span>
            </label>
          </li>
        ))}
      </ul>
      <div className="ls-row">
        <Button danger disabled={ticked.size === 0} onClick={() => void explorer.labeling.clearExplorer([...ticked])}>
          Clear {counted(ticked.size, "item")}
        </Button>
        <Button onClick={onClose}>Cancel</Button>
      </div>
    </Dialog>
  );
}
