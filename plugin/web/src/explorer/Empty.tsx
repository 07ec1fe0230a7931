/** What to show when there is nothing to display yet, with the next step. */
import * as React from "react";
import { Button } from "../parts/parts";
import { counted } from "../parts/words";
import { emptyKind } from "./emptyKind";
import { isAtWork } from "./jobs";
import { nounOf } from "./state";
import { useUi } from "./context";
import { GenerateForm } from "./dialogs/GenerateForm";
import { MapForm } from "./dialogs/MapForm";

export function Empty(): React.ReactElement | null {
  const kind = useUi(emptyKind);
  const count = useUi((ui) => ui.panel?.sample_count ?? 0);
  switch (kind) {
    case null:
      return null;
    case "starting":
      return <Says title="Starting…">Waiting for the server.</Says>;
    case "loading":
      return <Says title="Loading the map…">Reading points, colors, and labels.</Says>;
    case "no dataset":
      return <Says title="No dataset is open">Open a dataset in the App; its map appears here.</Says>;
    case "no samples":
      return <Says title="The dataset is empty">Once it has samples, the next step appears here.</Says>;
    case "no points":
      return (
        <Says title="This map has no points">Choose another map, or compute a new one: “Actions”, “New map”.</Says>
      );
    case "no embeddings":
      return <FirstMap count={count} />;
    case "no map":
      return <NoMap />;
  }
}

/** Nothing yet: compute embeddings. */
function FirstMap({ count }: { readonly count: number }): React.ReactElement {
  const why =
    "A map shows which samples are alike. It is computed from embeddings: one vector for " +
    `${count === 1 ? "the one sample" : `each of the ${counted(count, "sample")}`}. Choose how to compute them.`;
  return (
    <NextStep title="No embeddings yet" why={why}>
      <GenerateForm />
    </NextStep>
  );
}

/** There are embeddings: compute a map from them, or other embeddings. */
function NoMap(): React.ReactElement {
  const [other, setOther] = React.useState(false);
  const why = other
    ? "Choose how to compute other embeddings."
    : "The dataset has embeddings. Compute a map from them to see which samples are alike.";
  return (
    <NextStep title="No map yet" why={why}>
      {other ? <GenerateForm /> : <MapForm />}
      <div className="ls-row">
        <Button onClick={() => setOther(!other)}>
          {other ? "Use existing embeddings" : "Generate other embeddings…"}
        </Button>
      </div>
    </NextStep>
  );
}

/** A form and its purpose. The form keeps its contents while the job runs, because the job may fail. */
function NextStep(props: {
  readonly title: string;
  readonly why: string;
  readonly children: React.ReactNode;
}): React.ReactElement {
  const working = useUi((ui) => isAtWork(ui.panel?.jobs ?? []));
  return (
    <Says title={working ? "Work in progress" : props.title}>
      {working ? (
        <>
          The map, or the next step toward it, will appear here. Progress is shown at the top of the panel; meanwhile,
          you can keep working in the App.
        </>
      ) : (
        props.why
      )}
      <div hidden={working}>{props.children}</div>
    </Says>
  );
}

function Says({ title, children }: { readonly title: string; readonly children: React.ReactNode }): React.ReactElement {
  return (
    <div className="ls-empty" role="status">
      <h2>{title}</h2>
      <div>{children}</div>
    </div>
  );
}

/** One line above the map when nothing is labeled: how to begin. */
export function NothingLabeled(): React.ReactElement | null {
  const labelState = useUi((ui) => (ui.map && ui.map.labelStateVersion !== null ? ui.map.labelState : undefined));
  const selected = useUi((ui) => ui.selection.count > 0);
  const noun = useUi(nounOf);
  const none = React.useMemo(
    () => labelState !== undefined && labelState.length > 0 && labelState.every((state) => state === 0),
    [labelState],
  );
  if (!none || selected) return null;
  return (
    <div className="ls-bar" role="status">
      <span>
        Nothing is labeled yet. Click {noun === "object" ? "an" : "a"} {noun} and press <kbd>l</kbd>; its neighbors
        follow. Or press <kbd>n</kbd> for a good first one.
      </span>
    </div>
  );
}
