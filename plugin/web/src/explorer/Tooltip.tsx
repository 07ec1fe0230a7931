/** What is under the cursor: thumbnail and basic facts. */
import * as React from "react";
import type { Size } from "../scatter/camera";
import { STATE_LEGEND } from "./labelStates";
import { useUi } from "./context";
import { percent } from "../parts/words";
import { Thumb } from "./Thumb";

const WIDTH = 190;
const HEIGHT = 250;

export function Tooltip({ size }: { readonly size: Size }): React.ReactElement | null {
  const hover = useUi((ui) => ui.hover);
  const facts = useUi((ui) => (ui.hover ? ui.facts.get(ui.hover.row) : undefined));
  const map = useUi((ui) => ui.map);
  const color = useUi((ui) => ui.color);
  if (!hover || !map) return null;
  const left = hover.x + 16 + WIDTH > size.width ? hover.x - WIDTH - 16 : hover.x + 16;
  const top = Math.max(4, Math.min(hover.y + 12, size.height - HEIGHT));
  const state = map.labelStateVersion === null ? "" : (STATE_LEGEND[map.labelState[hover.row] as number]?.name ?? "");
  const code = color?.codes[hover.row];
  const value = color?.kind === "categorical" && code !== undefined ? color.classes[code] : undefined;
  return (
    <div className="ls-tooltip" role="tooltip" style={{ left: Math.max(4, left), top, width: WIDTH }}>
      {facts ? (
        <Thumb facts={facts} side={WIDTH - 16} />
      ) : (
        <div className="ls-thumb ls-thumb-none" style={{ width: WIDTH - 16, height: WIDTH - 16 }}>
          …
        </div>
      )}
      <div className="ls-tooltip-name">{facts?.name ?? "…"}</div>
      <div>
        <strong>{facts?.label ?? value ?? "no label"}</strong> <span className="ls-quiet">{state}</span>
      </div>
      {facts?.suggestion && (
        <div>
          suggested: <strong>{facts.suggestion.label}</strong> {percent(facts.suggestion.confidence)}
        </div>
      )}
    </div>
  );
}
