/** What the browser keeps of a view, for when the user leaves a dataset and returns. */
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
    // Storage may be disabled, or hold data from an older version: then there is no stored view.
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
