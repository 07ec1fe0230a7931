/** Registers the explorer with the FiftyOne App, and connects it to the panel's Python. */
import * as React from "react";
import { usePanelEvent, type OperatorAnswer } from "@fiftyone/operators";
import { PluginComponentType, registerComponent } from "@fiftyone/plugins";
import { usePanelId } from "@fiftyone/spaces";
import { extendedSelectionOverrideStage, getSampleSrc } from "@fiftyone/state";
import { useSetRecoilState } from "recoil";
import { ExplorerPanel } from "./components/ExplorerPanel";
import type { Answer, Ask, MethodName, PanelData, PanelState, Reply } from "./contract";
import { Explorer } from "./explorer";
import "./metrics";

interface HostProps {
  readonly data?: PanelData;
  /** `view` holds each method's URI under its name. */
  readonly schema: { readonly view: Readonly<Record<string, unknown>> };
}

function LabelscapeDataExplorer({ data, schema }: HostProps): React.ReactElement {
  const panelId = usePanelId();
  const trigger = usePanelEvent();
  const showInGrid = useSetRecoilState(extendedSelectionOverrideStage);
  const latest = React.useRef({ trigger, schema, showInGrid });
  latest.current = { trigger, schema, showInGrid };

  const explorer = React.useMemo(
    () =>
      new Explorer({
        mediaUrl: getSampleSrc,
        showInGrid: (stage) => latest.current.showInGrid(stage),
        call: <M extends MethodName>(method: M, ask: Ask<M>) =>
          new Promise<Answer<M> & { readonly state?: PanelState }>((resolve, reject) => {
            const uri = latest.current.schema.view[method];
            if (typeof uri !== "string") {
              reject(new Error(`The panel's Python has no method "${method}". Its parts differ in age: restart the App.`));
              return;
            }
            latest.current.trigger(panelId, {
              operator: uri,
              params: ask,
              callback: (answer) => {
                const reply = replyOf<M>(answer);
                if (reply.error === undefined) resolve(reply);
                else reject(new Error(reply.error));
                return false;
              },
            });
          }),
      }),
    [panelId],
  );

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

/** The method's answer, or a sentence on what went wrong: our own, else the last line of the host's traceback. */
function replyOf<M extends MethodName>(answer: OperatorAnswer | undefined): Reply<Answer<M>> {
  const trouble = answer?.errorMessage ?? answer?.error;
  if (trouble) return { error: lastLine(trouble instanceof Error ? trouble.message : String(trouble)) };
  const result = answer?.result;
  if (typeof result !== "object" || result === null) return { error: "The server gave no answer. See its log." };
  return result as Reply<Answer<M>>;
}

/** Without the exception's class: what is left was written for the user. */
const lastLine = (text: string): string => (text.trim().split("\n").pop() ?? text).replace(/^[\w.]*(Error|Exception): /, "");

registerComponent({
  name: "LabelscapeDataExplorer",
  label: "Labelscape",
  component: LabelscapeDataExplorer,
  type: PluginComponentType.Component,
  activator: () => true,
});
