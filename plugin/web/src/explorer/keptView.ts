/** What is kept of a view in the browser, for when one leaves a dataset and returns. */
import type { Camera } from "../scatter/camera";
import type { Tool } from "./state";

export interface KeptView {
  readonly map: string;
  readonly camera: Camera | null;
  readonly colorBy: string;
  readonly textBy: string | null;
  readonly tool: Tool;
}

const keptKey = (dataset: string): string => `labelscape:view:${dataset}`;

export function readKept(dataset: string | null): KeptView | null {
  if (dataset === null) return null;
  try {
    const text = localStorage.getItem(keptKey(dataset));
    return text === null ? null : (JSON.parse(text) as KeptView);
  } catch {
    // Storage may be switched off, or hold what an older version wrote: then there is no kept view.
    return null;
  }
}

export function writeKept(dataset: string, kept: KeptView | null): void {
  try {
    if (kept === null) localStorage.removeItem(keptKey(dataset));
    else localStorage.setItem(keptKey(dataset), JSON.stringify(kept));
  } catch {
    // Without storage the view is not kept; nothing else depends on it.
  }
}
