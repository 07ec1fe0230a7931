/** Gives the labels in the App's grid the colors of the map, while “Map colors in the grid” is on. */
import * as React from "react";
import { useColors, useExplorer, useUi } from "./context";
import { gridColors } from "./coloring";

export function GridColors(): null {
  const explorer = useExplorer();
  const on = useUi((ui) => ui.inGrid);
  const panel = useUi((ui) => ui.panel);
  const color = useUi((ui) => ui.color);
  const colors = useColors();
  const given = JSON.stringify(on ? gridColors(panel, color, colors) : null);
  const last = React.useRef(given);
  React.useEffect(() => {
    // What cannot color the grid, label states for example, leaves it as it is.
    if (given === last.current || (on && given === "null")) return;
    last.current = given;
    explorer.look.colorGrid(JSON.parse(given));
  }, [explorer, on, given]);
  return null;
}
