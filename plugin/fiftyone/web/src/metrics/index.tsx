/** Registers the model metrics with the FiftyOne App, and connects them to the panel's Python. */
import * as React from "react";
import { usePanelEvent, type OperatorAnswer } from "@fiftyone/operators";
import { PluginComponentType, registerComponent } from "@fiftyone/plugins";
import { usePanelId } from "@fiftyone/spaces";
import { getSampleSrc } from "@fiftyone/state";
import type { Answer, Ask, MethodName } from "./contract";
import { MetricsPanel } from "./MetricsPanel";
import { MetricsSession } from "./session";

interface HostProps {
  readonly data?: { readonly dataset?: string | null };
  /** `view` holds each method's URI under its name. */
  readonly schema: { readonly view: Readonly<Record<string, unknown>> };
}

function LabelscapeModelMetrics({ data, schema }: HostProps): React.ReactElement {
  const panelId = usePanelId();
  const trigger = usePanelEvent();
  const latest = React.useRef({ trigger, schema });
  latest.current = { trigger, schema };

  const session = React.useMemo(() => {
    const call = <M extends MethodName>(method: M, ask: Ask<M>): Promise<Answer<M>> =>
      new Promise((resolve, reject) => {
        const uri = latest.current.schema.view[method];
        if (typeof uri !== "string") {
          reject(new Error(`The panel's Python has no method "${method}". Its parts differ in age: restart the App.`));
          return;
        }
        latest.current.trigger(panelId, {
          operator: uri,
          params: ask,
          callback: (answer) => {
            const trouble = troubleOf(answer);
            if (trouble === null) resolve((answer as OperatorAnswer).result as Answer<M>);
            else reject(new Error(trouble));
            return false;
          },
        });
      });
    return new MetricsSession(call, getSampleSrc);
  }, [panelId]);

  const dataset = data?.dataset; // undefined until Python has told it
  React.useEffect(() => {
    if (dataset !== undefined) void session.start();
  }, [session, dataset]);
  return <MetricsPanel session={session} />;
}

/** One sentence on what went wrong, our own or the last line of the host's traceback; null where nothing did. */
function troubleOf(answer: OperatorAnswer | undefined): string | null {
  const trouble = answer?.errorMessage ?? answer?.error;
  if (trouble) {
    const text = trouble instanceof Error ? trouble.message : String(trouble);
    return text.trim().split("\n").pop() ?? text;
  }
  const result = answer?.result;
  if (typeof result !== "object" || result === null) return "The server gave no answer. See its log.";
  return (result as { readonly error?: string }).error ?? null;
}

registerComponent({
  name: "LabelscapeModelMetrics",
  label: "Labelscape model metrics",
  component: LabelscapeModelMetrics,
  type: PluginComponentType.Component,
  activator: () => true,
});
