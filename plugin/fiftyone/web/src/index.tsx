/** Registers the explorer with the FiftyOne App, and connects it to the panel's Python. */
import * as React from "react";
import { PluginComponentType, registerComponent } from "@fiftyone/plugins";
import { extendedSelectionOverrideStage, getSampleSrc } from "@fiftyone/state";
import { useSetRecoilState } from "recoil";
import { usePanelCall, type PanelSchema } from "./call";
import { ExplorerPanel } from "./components/ExplorerPanel";
import type { Methods, PanelData, PanelState } from "./contract";
import { Explorer } from "./explorer";
import "./metrics";

interface HostProps {
  readonly data?: PanelData;
  readonly schema: PanelSchema;
}

/** Any answer may carry the new state. */
type Stateful = { [M in keyof Methods]: [Methods[M][0], Methods[M][1] & { readonly state?: PanelState }] };

function LabelscapeDataExplorer({ data, schema }: HostProps): React.ReactElement {
  const call = usePanelCall<Stateful>(schema);
  const showInGrid = useSetRecoilState(extendedSelectionOverrideStage);
  const explorer = React.useMemo(() => new Explorer({ mediaUrl: getSampleSrc, showInGrid, call }), [call, showInGrid]);

  const state = data?.panel;
  React.useEffect(() => {
    if (state) explorer.receive(state);
  }, [explorer, state]);

  React.useEffect(() => {
    // What was loaded before the page was reloaded may be gone from the server; the first sync says what there is.
    void explorer.sync();
  }, [explorer]);

  return <ExplorerPanel explorer={explorer} />;
}

registerComponent({
  name: "LabelscapeDataExplorer",
  label: "Labelscape",
  component: LabelscapeDataExplorer,
  type: PluginComponentType.Component,
  activator: () => true,
});
