/** Existing maps and embeddings, and what each was made from; rename or delete one. */
import * as React from "react";
import { TextField } from "../../parts/fields";
import { Button, Dialog } from "../../parts/parts";
import { useExplorer, useUi } from "../context";
import type { PanelState } from "../contract";
import { methodName } from "../methods";
import { counted } from "../../parts/words";

interface Run {
  readonly key: string;
  readonly kind: "Map" | "Embeddings";
  readonly note: string;
}

export function RunsList({ onClose }: { readonly onClose: () => void }): React.ReactElement {
  const panel = useUi((ui) => ui.panel);
  const runs = panel ? runsOf(panel) : [];
  return (
    <Dialog title="Maps and embeddings" wide onClose={onClose}>
      {runs.length === 0 && <p>There are none yet: choose “Generate explorer”.</p>}
      <ul className="ls-checklist">
        {runs.map((run) => (
          <Row key={run.key} run={run} />
        ))}
      </ul>
    </Dialog>
  );
}

function runsOf(panel: PanelState): Run[] {
  const maps = panel.maps.map((m) => ({
    key: m.key,
    kind: "Map" as const,
    note: `${methodName(m.method)}, ${m.dims}D${m.embeddings ? `, of ${m.embeddings}` : ""}`,
  }));
  const embeddings = panel.embeddings.map((e) => ({
    key: e.key,
    kind: "Embeddings" as const,
    note: [e.model, counted(e.count, "vector"), e.dim && counted(e.dim, "dimension")].filter(Boolean).join(", "),
  }));
  return [...maps, ...embeddings];
}

function Row({ run }: { readonly run: Run }): React.ReactElement {
  const explorer = useExplorer();
  const [open, setOpen] = React.useState<"rename" | "delete" | null>(null);
  const [name, setName] = React.useState(run.key);
  return (
    <li className="ls-run">
      <span>
        <span className="ls-quiet">{run.kind}</span> <strong>{run.key}</strong>
        <span className="ls-quiet ls-block">{run.note}</span>
      </span>
      <span className="ls-grow" />
      {open === null && (
        <>
          <Button label={`Rename ${run.key}`} onClick={() => setOpen("rename")}>
            Rename
          </Button>
          <Button danger label={`Delete ${run.key}`} onClick={() => setOpen("delete")}>
            Delete
          </Button>
        </>
      )}
      {open === "rename" && (
        <>
          <TextField label="New name" first value={name} pattern="[A-Za-z_][A-Za-z0-9_]*" onChange={setName} />
          <Button primary disabled={name === run.key} onClick={() => void explorer.runs.renameRun(run.key, name)}>
            Rename
          </Button>
          <Button onClick={() => setOpen(null)}>Cancel</Button>
        </>
      )}
      {open === "delete" && (
        <>
          <span>Delete for good?</span>
          <Button danger onClick={() => void explorer.runs.deleteRun(run.key)}>
            Delete
          </Button>
          <Button onClick={() => setOpen(null)}>Keep</Button>
        </>
      )}
    </li>
  );
}
