/** The bar about the selection: what can be done with it, and below, the suggestions in it. */
import * as React from "react";
import { Icon, type IconName } from "../parts/icons";
import { Menu } from "../parts/Menu";
import { Button } from "../parts/parts";
import { plural } from "../parts/words";
import { useExplorer, useUi } from "./context";
import { openDialog } from "./dialogs/openDialog";
import type { Explorer } from "./explorer";
import { nounOf, suggestedAmong } from "./state";

export function SelectionBar(): React.ReactElement | null {
  const explorer = useExplorer();
  const count = useUi((ui) => ui.selection.count);
  const isolated = useUi((ui) => ui.isolated !== null);
  const reach = useUi((ui) => ui.reach !== null);
  if ((count === 0 && !isolated) || reach) return null;
  return (
    <div className="ls-bar ls-selection-bar" role="toolbar" aria-label="Selection">
      <strong role="status" data-testid="labelscape-selected">
        {count.toLocaleString("en")} selected
      </strong>
      {count > 0 && (
        <>
          <Button primary hotkey="l" title="Set the label" onClick={() => openDialog(explorer, "label")}>
            <Icon name="label" /> Label
          </Button>
          <Acts isolated={isolated} />
        </>
      )}
      {isolated && (
        <Button hotkey="i" pressed label="Show all" title="Show all" onClick={() => explorer.selecting.toggleIsolate()}>
          <Icon name="isolate" /> <span className={count > 0 ? "ls-button-word" : ""}>Show all</span>
        </Button>
      )}
      {count > 0 && (
        <>
          <Button
            hotkey="Escape"
            title="Clear the selection"
            label="Clear the selection"
            onClick={() => explorer.selecting.clear()}
          >
            <Icon name="close" />
          </Button>
          <Suggested />
        </>
      )}
    </div>
  );
}

interface Act {
  readonly name: string;
  readonly icon: IconName;
  readonly title: string;
  readonly hotkey?: string;
  readonly danger?: boolean;
  readonly run: () => void;
}

/** Next to each other where there is room, else in a menu: the style sheet shows one of the two. */
function Acts({ isolated }: { readonly isolated: boolean }): React.ReactElement {
  const explorer = useExplorer();
  const noun = useUi(nounOf);
  const acts = actsOn(explorer, noun).filter(({ icon }) => icon !== "isolate" || !isolated);
  return (
    <>
      <div className="ls-selection-acts">
        {acts.map(({ name, icon, run, ...rest }) => (
          <Button key={name} {...rest} onClick={run}>
            <Icon name={icon} /> {name}
          </Button>
        ))}
      </div>
      <div className="ls-selection-more">
        <Menu icon="more" name="More" groups={[{ title: "Selection", entries: acts }]} />
      </div>
    </>
  );
}

function actsOn({ selecting, reviewing, labeling, store }: Explorer, noun: string): readonly Act[] {
  return [
    { name: "Grow", icon: "grow", hotkey: "g", title: "Add the nearest neighbors", run: () => void selecting.grow() },
    {
      name: "Similar",
      icon: "search",
      hotkey: "m",
      title: `Find the ${plural(noun)} most similar to the selection, best first`,
      run: () => void reviewing.similar(),
    },
    {
      name: "Segment",
      icon: "segment",
      title: "Create a segment",
      run: () => store.dispatch({ type: "dialog", dialog: "segment" }),
    },
    {
      name: "Isolate",
      icon: "isolate",
      hotkey: "i",
      title: "Show only the selection",
      run: () => selecting.toggleIsolate(),
    },
    {
      name: "Delete",
      icon: "trash",
      hotkey: "d",
      title: `Mark the ${plural(noun)} for deletion; nothing is deleted until you save`,
      danger: true,
      run: () => void labeling.delete(),
    },
  ];
}

/** Decisions about the suggestions among what is selected. */
function Suggested(): React.ReactElement | null {
  const { labeling } = useExplorer();
  const selection = useUi((ui) => ui.selection);
  const labelState = useUi((ui) => ui.map?.labelState);
  const { confident, uncertain } = React.useMemo(
    () => (labelState ? suggestedAmong(selection, labelState) : { confident: 0, uncertain: 0 }),
    [selection, labelState],
  );
  if (confident + uncertain === 0) return null;
  return (
    <div className="ls-selection-suggested" role="group" aria-label="Suggestions in the selection">
      {confident > 0 && (
        <Button
          hotkey="a"
          title="Accept the suggestions that reach the target precision"
          onClick={() => void labeling.accept("confident")}
        >
          <Icon name="check" /> Accept {confident.toLocaleString("en")}
        </Button>
      )}
      {uncertain > 0 && (
        <Button
          hollow
          label={`Accept ${uncertain.toLocaleString("en")} uncertain`}
          title="Also accept the suggestions that do not reach the target precision: many of them may be wrong"
          onClick={() => void labeling.accept("uncertain")}
        >
          <Icon name="check" /> <span className="ls-button-word">Accept</span> {uncertain.toLocaleString("en")}{" "}
          uncertain
        </Button>
      )}
      <Button hotkey="x" label="Reject" title="Reject the suggestions" onClick={() => void labeling.reject()}>
        <Icon name="close" /> <span className="ls-button-word">Reject</span>
      </Button>
    </div>
  );
}
