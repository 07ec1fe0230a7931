/** What is said where there is nothing to show yet, with the next step. */
import * as React from "react";
import { Button } from "../parts/parts";
import { counted } from "../parts/words";
import type { Ui } from "./state";
import { useUi } from "./context";
import { GenerateForm } from "./dialogs/GenerateForm";
import { MapForm } from "./dialogs/MapForm";

type Kind = "starting" | "no dataset" | "no samples" | "no embeddings" | "no map" | "loading" | "no points" | null;

/** Which empty state it is; null = there is a map to show. */
export function emptyKind(ui: Pick<Ui, "panel" | "map">): Kind {
  const { panel, map } = ui;
  if (!panel) return "starting";
  if (panel.dataset === null) return "no dataset";
  if (map) return map.info.n === 0 ? "no points" : null;
  if (panel.map || panel.maps.length > 0) return "loading";
  if (panel.sample_count === 0) return "no samples";
  return panel.embeddings.length === 0 ? "no embeddings" : "no map";
}

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
      return <Says title="The dataset is empty">Add samples to it, then come back.</Says>;
    case "no points":
      return <Says title="This map has no points">Choose another map, or make a new one: “Actions”, “New map”.</Says>;
    case "no embeddings":
      return (
        <Says title="No embeddings yet">
          A map shows which samples are alike. It is made from embeddings, one vector for each of the{" "}
          {counted(count, "sample")}. Choose how to make them.
          <GenerateForm />
        </Says>
      );
    case "no map":
      return <NoMap />;
  }
}

/** There are embeddings: make a map of them, or other embeddings. */
function NoMap(): React.ReactElement {
  const [other, setOther] = React.useState(false);
  return (
    <Says title="No map yet">
      {other
        ? "Choose how to make other embeddings."
        : "There are embeddings. Make a map of them to see which samples are alike."}
      {other ? <GenerateForm /> : <MapForm />}
      <div className="ls-row">
        <Button onClick={() => setOther(!other)}>
          {other ? "Use the embeddings there are" : "Generate other embeddings…"}
        </Button>
      </div>
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

/** One line over the map when nothing is labeled: how to begin. */
export function NothingLabeled(): React.ReactElement | null {
  const labelState = useUi((ui) => (ui.map && ui.map.labelStateVersion !== null ? ui.map.labelState : undefined));
  const selected = useUi((ui) => ui.selection.count > 0);
  const none = React.useMemo(
    () => labelState !== undefined && labelState.length > 0 && labelState.every((state) => state === 0),
    [labelState],
  );
  if (!none || selected) return null;
  return (
    <div className="ls-bar" role="status">
      <span>
        Nothing is labeled yet. Click a sample and press <kbd>l</kbd>; its neighbors follow. Or press <kbd>n</kbd> for a
        good first one.
      </span>
    </div>
  );
}
