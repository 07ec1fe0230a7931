/** The windows: label picker, map form, embeddings form, review, keys, segment, duplicates, discard. */
import * as React from "react";
import type { Answer, MapForm as MapFormData, PendingItem, SegmentKind } from "./contract";
import { nounOf } from "./state";
import { counted } from "../parts/words";
import { KEYS } from "./keymap";
import { typeahead } from "./typeahead";
import { useExplorer, useUi } from "./context";
import { Button, Choice, Dialog, Thumb } from "../parts/parts";

export function Dialogs(): React.ReactElement | null {
  const dialog = useUi((ui) => ui.dialog);
  const explorer = useExplorer();
  const close = (): void => explorer.store.dispatch({ type: "dialog", dialog: "none" });
  switch (dialog) {
    case "none":
      return null;
    case "label":
      return <LabelPicker onClose={close} />;
    case "map":
      return (
        <Dialog title="New map" onClose={close}>
          <MapForm />
        </Dialog>
      );
    case "embeddings":
      return (
        <Dialog title="New embeddings" onClose={close}>
          <EmbeddingsForm />
        </Dialog>
      );
    case "review":
      return <Review onClose={close} />;
    case "help":
      return <Help onClose={close} />;
    case "segment":
      return <SegmentForm onClose={close} />;
    case "duplicates":
      return <DuplicatesForm onClose={close} />;
    case "discard":
      return <DiscardQuestion onClose={close} />;
  }
}

const SHOWN = 50;

function LabelPicker({ onClose }: { readonly onClose: () => void }): React.ReactElement {
  const explorer = useExplorer();
  const classes = useUi((ui) => ui.panel?.classes);
  const count = useUi((ui) => ui.selection.count);
  const noun = useUi(nounOf);
  const [typed, setTyped] = React.useState("");
  const [at, setAt] = React.useState(0);
  const { matches, fresh } = typeahead(classes ?? [], typed, SHOWN);
  const choices = [
    ...matches.map((name) => ({ name, fresh: false })),
    ...(fresh === null ? [] : [{ name: fresh, fresh: true }]),
  ];
  const chosen = choices[Math.min(at, choices.length - 1)];
  const apply = (name: string): void => void explorer.setLabel(name);
  const onKeyDown = (event: React.KeyboardEvent): void => {
    if (event.key === "Enter" && chosen) apply(chosen.name);
    else if (event.key === "ArrowDown") setAt(Math.min(at + 1, choices.length - 1));
    else if (event.key === "ArrowUp") setAt(Math.max(at - 1, 0));
    else return;
    event.preventDefault();
  };
  return (
    <Dialog title={`Label ${counted(count, noun)}`} onClose={onClose}>
      {count === 0 && <p>Select {noun}s first: click a point, or draw a lasso.</p>}
      <input
        data-first=""
        className="ls-wide-input"
        role="combobox"
        aria-expanded="true"
        aria-controls="labelscape-classes"
        aria-activedescendant={chosen ? `labelscape-class-${choices.indexOf(chosen)}` : undefined}
        aria-label="Label"
        placeholder="Type a class, Enter applies"
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
          setAt(0);
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
            onMouseEnter={() => setAt(i)}
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
    </Dialog>
  );
}

export function MapForm(): React.ReactElement {
  const explorer = useExplorer();
  const panel = useUi((ui) => ui.panel);
  const dims = useUi((ui) => ui.formDims);
  const current = useUi((ui) => ui.panel?.maps.find((m) => m.key === ui.map?.info.key));
  const [form, setForm] = React.useState<MapFormData>({
    embeddings: current?.embeddings ?? panel?.embeddings[0]?.key ?? "",
    method: panel?.options.methods[0] ?? "umap",
    dims,
    n_neighbors: 15,
    min_dist: 0.1,
    perplexity: 30,
    spherize: false,
    key: null,
  });
  const set = (part: Partial<MapFormData>): void => setForm({ ...form, ...part });
  const last = panel?.maps
    .filter((m) => m.embeddings === form.embeddings && m.method === form.method && m.dims === form.dims)
    .map((m) => m.timestamp)
    .filter((t): t is string => t !== null)
    .sort()
    .pop();
  return (
    <form
      className="ls-form"
      onSubmit={(event) => {
        event.preventDefault();
        void explorer.computeMap(form);
      }}
    >
      <Choice
        label="Embeddings"
        value={form.embeddings}
        options={(panel?.embeddings ?? []).map(
          (e) => [e.key, `${e.key} · ${e.model} · ${e.count.toLocaleString("en")}`] as const,
        )}
        onChange={(embeddings) => set({ embeddings })}
      />
      <Choice
        label="Method"
        value={form.method}
        options={(panel?.options.methods ?? []).map((m) => [m, m] as const)}
        onChange={(method) => set({ method })}
      />
      <Choice
        label="Dimension"
        value={String(form.dims)}
        options={[
          ["2", "2D"],
          ["3", "3D"],
        ]}
        onChange={(value) => set({ dims: value === "3" ? 3 : 2 })}
      />
      {form.method === "umap" && (
        <>
          <NumberField
            label="Neighbors"
            hint="more = the whole rather than the parts"
            min={2}
            max={200}
            step={1}
            value={form.n_neighbors}
            onChange={(n_neighbors) => set({ n_neighbors })}
          />
          <NumberField
            label="Least distance"
            hint="less = tighter groups"
            min={0}
            max={1}
            step={0.01}
            value={form.min_dist}
            onChange={(min_dist) => set({ min_dist })}
          />
        </>
      )}
      {form.method === "tsne" && (
        <NumberField
          label="Perplexity"
          hint="about how many neighbors count"
          min={2}
          max={200}
          step={1}
          value={form.perplexity}
          onChange={(perplexity) => set({ perplexity })}
        />
      )}
      <label className="ls-check">
        <input type="checkbox" checked={form.spherize} onChange={(event) => set({ spherize: event.target.checked })} />
        <span>Spherize (center and scale the vectors first)</span>
      </label>
      <label className="ls-choice">
        <span className="ls-choice-label">Name</span>
        <input
          value={form.key ?? ""}
          placeholder="chosen for you"
          pattern="[A-Za-z_][A-Za-z0-9_]*"
          title="Letters, digits and _, not a digit first"
          onChange={(event) => set({ key: event.target.value === "" ? null : event.target.value })}
        />
      </label>
      <p className="ls-quiet">{last ? `Last computed like this ${ago(last)}.` : "Not computed like this yet."}</p>
      <div className="ls-row">
        <button type="submit" className="ls-button ls-primary" disabled={form.embeddings === ""}>
          Compute the map
        </button>
      </div>
    </form>
  );
}

function NumberField(props: {
  readonly label: string;
  readonly hint: string;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  readonly value: number;
  readonly onChange: (value: number) => void;
}): React.ReactElement {
  return (
    <label className="ls-choice">
      <span className="ls-choice-label">{props.label}</span>
      <input
        type="number"
        required
        min={props.min}
        max={props.max}
        step={props.step}
        value={Number.isNaN(props.value) ? "" : props.value}
        title={props.hint}
        onChange={(event) => props.onChange(event.target.valueAsNumber)}
      />
      <span className="ls-quiet">{props.hint}</span>
    </label>
  );
}

/** A moment in words: "today 14:05", "3 days ago". */
function ago(iso: string): string {
  const then = new Date(iso);
  const days = Math.floor((Date.now() - then.getTime()) / 86_400_000);
  if (Number.isNaN(days)) return iso;
  if (days < 1) return `at ${then.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}`;
  return days === 1 ? "yesterday" : `${days} days ago`;
}

export function EmbeddingsForm(): React.ReactElement {
  const explorer = useExplorer();
  const models = useUi((ui) => ui.panel?.options.models);
  const [model, setModel] = React.useState(models?.[0] ?? "");
  return (
    <form
      className="ls-form"
      onSubmit={(event) => {
        event.preventDefault();
        void explorer.computeEmbeddings(model);
      }}
    >
      <Choice
        label="Embedding model"
        value={model}
        options={(models ?? []).map((m) => [m, m] as const)}
        onChange={setModel}
      />
      <div className="ls-row">
        <button type="submit" className="ls-button ls-primary" disabled={model === ""}>
          Compute embeddings
        </button>
      </div>
    </form>
  );
}

const PAGE = 60;

function Review({ onClose }: { readonly onClose: () => void }): React.ReactElement {
  const explorer = useExplorer();
  const revision = useUi((ui) => ui.panel?.revision);
  const [offset, setOffset] = React.useState(0);
  const [page, setPage] = React.useState<Answer<"review"> | null>(null);
  React.useEffect(() => {
    let gone = false;
    void explorer.review(offset, PAGE).then((answer) => {
      if (!gone && answer) setPage(answer);
    });
    return () => {
      gone = true;
    };
  }, [explorer, offset, revision]);
  return (
    <Dialog title="Pending changes" wide onClose={onClose}>
      {page === null && <p className="ls-quiet">Reading…</p>}
      {page?.total === 0 && <p>Nothing is pending.</p>}
      <ul className="ls-review">
        {page?.items.map((item) => (
          <li key={`${item.action}-${item.row}`}>
            <Thumb facts={item} side={96} />
            <div className="ls-review-name" title={item.name}>
              {item.name}
            </div>
            <Change item={item} />
            <Button
              label={`Take ${item.name} out`}
              title="Take this one out"
              onClick={() => void explorer.unqueue([item.row])}
            >
              Take out
            </Button>
          </li>
        ))}
      </ul>
      {page && page.total > PAGE && (
        <div className="ls-row">
          <Button disabled={offset === 0} onClick={() => setOffset(Math.max(0, offset - PAGE))}>
            Newer
          </Button>
          <span className="ls-quiet">
            {offset + 1}–{Math.min(offset + PAGE, page.total)} of {page.total.toLocaleString("en")}
          </span>
          <Button disabled={offset + PAGE >= page.total} onClick={() => setOffset(offset + PAGE)}>
            Older
          </Button>
        </div>
      )}
      {page && page.total > 0 && (
        <div className="ls-row">
          <Button
            primary
            onClick={() => {
              onClose();
              void explorer.save();
            }}
          >
            Save {counted(page.total, "change")}
          </Button>
        </div>
      )}
    </Dialog>
  );
}

function Change({ item }: { readonly item: PendingItem }): React.ReactElement {
  if (item.action === "delete") return <div className="ls-change ls-danger-text">✕ delete</div>;
  return (
    <div className="ls-change" title={item.origin}>
      <s>{item.before ?? ""}</s> {item.before ? "→ " : ""}
      <strong>{item.after ?? "no label"}</strong>
      {item.origin === "neighbors" && <span className="ls-quiet"> from neighbors</span>}
    </div>
  );
}

function Help({ onClose }: { readonly onClose: () => void }): React.ReactElement {
  return (
    <Dialog title="Keys" onClose={onClose}>
      <dl className="ls-keys">
        {KEYS.map(({ key, says }) => (
          <React.Fragment key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{says}</dd>
          </React.Fragment>
        ))}
        <dt>
          <kbd>shift</kbd> <kbd>alt</kbd>
        </dt>
        <dd>While one clicks or draws: add, remove; both: intersect</dd>
        <dt>right drag</dt>
        <dd>
          Moves the map with any tool, turns it in 3D (then the middle button moves); the wheel zooms, a double click
          shows all
        </dd>
      </dl>
    </Dialog>
  );
}

const KINDS: readonly SegmentKind[] = ["data quality", "data organization", "collection campaign"];

function SegmentForm({ onClose }: { readonly onClose: () => void }): React.ReactElement {
  const explorer = useExplorer();
  const count = useUi((ui) => ui.selection.count);
  const noun = useUi(nounOf);
  const [name, setName] = React.useState("");
  const [kind, setKind] = React.useState<SegmentKind>("data quality");
  const [note, setNote] = React.useState("");
  return (
    <Dialog title={`Segment of ${counted(count, noun)}`} onClose={onClose}>
      <form
        className="ls-form"
        onSubmit={(event) => {
          event.preventDefault();
          void explorer.createSegment(name.trim(), kind, note.trim());
        }}
      >
        <label className="ls-choice">
          <span className="ls-choice-label">Name</span>
          <input data-first="" required value={name} onChange={(event) => setName(event.target.value)} />
        </label>
        <Choice
          label="Kind"
          value={kind}
          options={KINDS.map((k) => [k, k] as const)}
          onChange={(value) => setKind(KINDS.find((k) => k === value) ?? "data quality")}
        />
        <label className="ls-choice">
          <span className="ls-choice-label">Note</span>
          <textarea rows={3} value={note} onChange={(event) => setNote(event.target.value)} />
        </label>
        <div className="ls-row">
          <button type="submit" className="ls-button ls-primary" disabled={name.trim() === "" || count === 0}>
            Create the segment
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function DuplicatesForm({ onClose }: { readonly onClose: () => void }): React.ReactElement {
  const explorer = useExplorer();
  const [threshold, setThreshold] = React.useState(0.02);
  return (
    <Dialog title="Find duplicates" onClose={onClose}>
      <form
        className="ls-form"
        onSubmit={(event) => {
          event.preventDefault();
          void explorer.findDuplicates(threshold);
        }}
      >
        <NumberField
          label="Distance"
          hint="cosine; at most this far apart = duplicates"
          min={0}
          max={0.5}
          step={0.001}
          value={threshold}
          onChange={setThreshold}
        />
        <div className="ls-row">
          <button type="submit" className="ls-button ls-primary">
            Find
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function DiscardQuestion({ onClose }: { readonly onClose: () => void }): React.ReactElement {
  const explorer = useExplorer();
  const pending = useUi((ui) => ui.panel?.pending);
  return (
    <Dialog title="Discard what is pending?" onClose={onClose}>
      <p>
        {counted(pending?.labels ?? 0, "label")} and {counted(pending?.deletions ?? 0, "deletion")} will not be saved.
        Undo brings them back.
      </p>
      <div className="ls-row">
        <Button danger onClick={() => void explorer.discard()}>
          Discard
        </Button>
        <Button onClick={onClose}>Keep</Button>
      </div>
    </Dialog>
  );
}
