/** The explorer for the components below, and the parts of its state they follow. */
import * as React from "react";
import { parseColor, readable } from "../scatter/colors";
import type { Explorer } from "./explorer";
import { allowedRows, type Ui } from "./state";

export const ExplorerContext = React.createContext<Explorer | null>(null);

export function useExplorer(): Explorer {
  const explorer = React.useContext(ExplorerContext);
  if (!explorer) throw new Error("A component of the explorer is used outside of it.");
  return explorer;
}

/** A part of the state; the component rerenders when that part is a different object. */
export function useUi<T>(part: (ui: Ui) => T): T {
  const { store } = useExplorer();
  return React.useSyncExternalStore(store.subscribe, () => part(store.get()));
}

/** The colors of the classes as they appear on the theme's background. */
export function useColors(): readonly string[] {
  const colors = useUi((ui) => ui.color?.colors);
  const ground = useUi((ui) => ui.ground);
  return React.useMemo(() => {
    const behind = parseColor(ground);
    return (colors ?? []).map((color) => readable(color, behind));
  }, [colors, ground]);
}

/** Rows that can be pointed at, recomputed only when their inputs change. */
export function useAllowed(): Uint8Array {
  const map = useUi((ui) => ui.map);
  const color = useUi((ui) => ui.color);
  const hidden = useUi((ui) => ui.hidden);
  const range = useUi((ui) => ui.range);
  const isolated = useUi((ui) => ui.isolated);
  return React.useMemo(
    () => allowedRows({ map, color, hidden, range, isolated }),
    [map, color, hidden, range, isolated],
  );
}

/** Keeps the newest function under one identity, for listeners that are set once. */
export function useLatest<T>(value: T): { readonly current: T } {
  const ref = React.useRef(value);
  ref.current = value;
  return ref;
}
