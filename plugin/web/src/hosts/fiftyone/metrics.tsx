/** Registers the model metrics with the FiftyOne App, and connects them to the panel's Python. */
import * as React from "react";
import { PluginComponentType, registerComponent } from "@fiftyone/plugins";
import { getSampleSrc } from "@fiftyone/state";
import { usePanelCall, type PanelSchema } from "./call";
import type { Methods } from "../../metrics/contract";
import { MetricsPanel } from "../../metrics/MetricsPanel";
import { MetricsSession } from "../../metrics/session";

interface HostProps {
  readonly data?: { readonly dataset?: string | null };
  readonly schema: PanelSchema;
}

function LabelscapeModelMetrics({ data, schema }: HostProps): React.ReactElement {
  const call = usePanelCall<Methods>(schema);
  const session = React.useMemo(() => new MetricsSession(call, getSampleSrc), [call]);

  const dataset = data?.dataset; // undefined until Python has told it
  React.useEffect(() => {
    if (dataset !== undefined) void session.start();
  }, [session, dataset]);
  return <MetricsPanel session={session} />;
}

registerComponent({
  name: "LabelscapeModelMetrics",
  label: "Labelscape model metrics",
  component: LabelscapeModelMetrics,
  type: PluginComponentType.Component,
  activator: () => true,
});
