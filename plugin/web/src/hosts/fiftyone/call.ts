/** Calls the panel's Python code from a component, in the same way for both panels. */
import * as React from "react";
import { usePanelEvent, type OperatorAnswer } from "@fiftyone/operators";
import { usePanelId } from "@fiftyone/spaces";
import { lastLine } from "../../parts/words";

/** The App gives each method's URI under its name. */
export interface PanelSchema {
  readonly view: Readonly<Record<string, unknown>>;
}

/** Each method with what it is asked with and what it answers. */
type Described = Record<string, [object, object]>;

/** A function that calls a method of the panel's Python code; it rejects with one sentence if that fails. */
export function usePanelCall<Methods extends { [M in keyof Methods]: Described[string] }>(schema: PanelSchema) {
  const panelId = usePanelId();
  const trigger = usePanelEvent();
  const latest = React.useRef({ trigger, schema });
  latest.current = { trigger, schema };
  return React.useCallback(
    <M extends keyof Methods & string>(method: M, ask: Methods[M][0]) =>
      new Promise<Methods[M][1]>((resolve, reject) => {
        const uri = latest.current.schema.view[method];
        if (typeof uri !== "string") {
          reject(
            new Error(`The panel's Python code has no method "${method}". Its parts have different versions:
          restart the App.`),
          );
          return;
        }
        latest.current.trigger(panelId, {
          operator: uri,
          params: ask,
          callback: (answer) => {
            const trouble = troubleOf(answer);
            if (trouble === null) resolve(answer?.result as Methods[M][1]);
            else reject(new Error(trouble));
            return false;
          },
        });
      }),
    [panelId],
  );
}

/** One sentence on what went wrong, our own or the last line of the host's traceback; null if nothing did. */
export function troubleOf(answer: OperatorAnswer | undefined): string | null {
  const trouble = answer?.errorMessage ?? answer?.error;
  if (trouble) return lastLine(trouble instanceof Error ? trouble.message : String(trouble));
  const result = answer?.result;
  if (typeof result !== "object" || result === null) return "The server gave no answer. See its log.";
  return (result as { readonly error?: string }).error ?? null;
}
