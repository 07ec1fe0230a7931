/** Registers the explorer with the FiftyOne App, and connects it to the panel's Python. */
import * as React from "react";
import { PluginComponentType, registerComponent } from "@fiftyone/plugins";
import {
  colorScheme,
  extendedSelectionOverrideStage,
  filters,
  getSampleSrc,
  selectedSamples,
  view,
  viewName,
} from "@fiftyone/state";
import { useRecoilValue, useSetRecoilState } from "recoil";
import { usePanelCall, type PanelSchema } from "./call";
import { ExplorerPanel } from "../../explorer/ExplorerPanel";
import type { Methods, PanelData, PanelState } from "../../explorer/contract";
import { Explorer } from "../../explorer/explorer";
import type { GridColors } from "../../explorer/coloring";
import { withColors, type ColorScheme } from "./colorScheme";

interface HostProps {
  readonly data?: PanelData;
  readonly schema: PanelSchema;
}

const FIRST_SYNC_MS = 1500;

/** Any answer may carry the new state. */
type Stateful = { [M in keyof Methods]: [Methods[M][0], Methods[M][1] & { readonly state?: PanelState }] };

function LabelscapeDataExplorer({ data, schema }: HostProps): React.ReactElement {
  const call = usePanelCall<Stateful>(schema);
  const showInGrid = useSetRecoilState(extendedSelectionOverrideStage);
  const tick = useSetRecoilState(selectedSamples);
  const colorGrid = useColorGrid();
  const explorer = React.useMemo(
    () => new Explorer({ mediaUrl: getSampleSrc, showInGrid, colorGrid, untick: () => tick(new Map()), call }),
    [call, showInGrid, colorGrid, tick],
  );

  const state = data?.panel;
  React.useEffect(() => {
    if (state) explorer.receive(state);
  }, [explorer, state]);

  const started = data?.job_started;
  React.useEffect(() => {
    if (started !== undefined) void explorer.map.sync();
  }, [explorer, started]);

  // The App's own event for this comes three times when a panel opens, before its points are there.
  const shown = JSON.stringify([useRecoilValue(view), useRecoilValue(filters), useRecoilValue(viewName)]);
  const drawn = React.useRef(shown);
  React.useEffect(() => {
    if (drawn.current !== shown) void explorer.map.sync();
    drawn.current = shown;
  }, [explorer, shown]);

  React.useEffect(() => {
    // What was loaded before the page was reloaded may be gone from the server. The points come first, where it is
    // there.
    const timer = window.setTimeout(() => void explorer.map.sync(), FIRST_SYNC_MS);
    return () => window.clearTimeout(timer);
  }, [explorer]);

  // What is ticked in the grid is selected on the map.
  const ticked = useRecoilValue(selectedSamples) as ReadonlyMap<string, unknown> | ReadonlySet<string>;
  React.useEffect(() => void explorer.selecting.takeTicked([...ticked.keys()]), [explorer, ticked]);

  return <ExplorerPanel explorer={explorer} />;
}

/** Gives the App's color scheme the colors of the map; null takes back the one before. */
function useColorGrid(): (colors: GridColors | null) => void {
  const setScheme = useSetRecoilState(colorScheme);
  const scheme = React.useRef<ColorScheme | null>(null);
  scheme.current = useRecoilValue(colorScheme) as ColorScheme;
  const before = React.useRef<ColorScheme | null>(null);
  return React.useCallback(
    (colors) => {
      if (!scheme.current) return;
      before.current ??= scheme.current;
      setScheme(colors ? withColors(before.current, colors) : before.current);
      if (!colors) before.current = null;
    },
    [setScheme],
  );
}

registerComponent({
  name: "LabelscapeDataExplorer",
  label: "Labelscape",
  component: LabelscapeDataExplorer,
  type: PluginComponentType.Component,
  activator: () => true,
});
