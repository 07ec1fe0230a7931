/** The map of the explorer: passes the state to the scatter component, and pointer events back. */
import * as React from "react";
import { classColors, classTable, numericTable, parseColor } from "../scatter/colors";
import { contour, densityOf, homesOf, levelsOf } from "../scatter/density";
import type { Layers } from "../scatter/overlay";
import { FLAG } from "../scatter/renderer";
import { Scatter } from "../scatter/Scatter";
import { useAllowed, useColors, useExplorer, useUi } from "./context";
import { MISSING_CODE } from "./contract";
import type { Explorer } from "./explorer";
import { reachedRows } from "./labeling";
import { mapLabel } from "./mapLabel";
import { combineFor, rowsOf } from "./selection";
import type { MapData, Ui, Values } from "./state";
import { blankOf } from "./values";
import { Tooltip } from "./Tooltip";

const NO_POINTS: readonly Float32Array[] = [];
/** Pixels between two equal texts: numbers are rarely repeated, classes often. */
const TEXTS_APART = 150;
/** Selected points with a ring of their own; more are told by their brightness. */
const RINGS_LIMIT = 24;

export function MapView({ ground }: { readonly ground: string }): React.ReactElement {
  const explorer = useExplorer();
  const map = useUi((ui) => ui.map);
  const camera = useUi((ui) => ui.camera);
  const color = useUi((ui) => ui.color);
  const tool = useUi((ui) => ui.tool);
  const pointScale = useUi((ui) => ui.pointScale);
  const label = useUi(mapLabel);
  const someSelected = useUi((ui) => ui.selection.count > 1 || ui.reach !== null);
  const reachLabel = useUi((ui) => ui.reach?.label ?? null);
  const allowed = useAllowed();
  const colors = useColors();
  const flags = useFlags(map, allowed);
  const table = useTable();
  const layers = useLayers(map, allowed, someSelected);
  const n = map?.info.n ?? 0;
  const noCodes = React.useMemo(() => new Uint16Array(n), [n]);
  const groundRgb = React.useMemo(() => parseColor(ground), [ground]);
  const reachColor = React.useMemo(
    () => parseColor(colorOfLabel(reachLabel, color, colors)),
    [reachLabel, color, colors],
  );
  const callbacks = React.useMemo(() => callbacksOf(explorer), [explorer]);
  return (
    <Scatter
      planes={map?.planes ?? NO_POINTS}
      camera={camera}
      codes={color?.codes ?? noCodes}
      blank={blankOf(color)}
      table={table}
      flags={flags}
      allowed={allowed}
      layers={layers}
      tool={tool}
      ground={ground}
      groundRgb={groundRgb}
      reachColor={reachColor}
      dimOthers={someSelected}
      pointScale={pointScale}
      label={label}
      {...callbacks}
    />
  );
}

function callbacksOf(explorer: Explorer) {
  const { selecting, look, map, store } = explorer;
  return {
    onCamera: (camera: Ui["camera"]) => store.dispatch({ type: "camera", camera }),
    onCameraRest: () => look.keep(),
    onHover: (row: number, x: number, y: number, near: readonly number[]) => selecting.hover(row, x, y, near),
    onClick: (row: number, keys: { shift: boolean; alt: boolean }) => {
      if (row >= 0) void selecting.click(row, combineFor(keys));
      else if (!keys.shift && !keys.alt) selecting.clear();
    },
    onShape: (
      inside: Uint8Array,
      polygon: readonly (readonly [number, number])[] | null,
      keys: { shift: boolean; alt: boolean },
    ) => {
      const whole = polygon !== null && wholeMapShown(explorer.ui);
      selecting.selectMask(inside, whole ? { kind: "polygon", points: polygon } : { kind: "rows" }, combineFor(keys));
    },
    onDoubleClick: () => look.showAll(),
    onResize: (size: { width: number; height: number }) => look.resize(size),
    onDrawn: () => map.drawn(),
    onError: (message: string) => explorer.note("error", message),
    children: (size: { width: number; height: number }) => <Tooltip size={size} />,
  };
}

/** True when nothing is hidden, so that a polygon alone determines which samples were chosen. */
const wholeMapShown = (ui: Ui): boolean =>
  ui.hidden.size === 0 && ui.range === null && ui.isolated === null && !ui.map?.info.in_view;

/** One byte per row: label state, and how to show it. */
function useFlags(map: MapData | null, allowed: Uint8Array): Uint8Array {
  const selection = useUi((ui) => ui.selection);
  const reach = useUi((ui) => ui.reach);
  const isolated = useUi((ui) => ui.isolated);
  const focus = useUi((ui) => ui.focus);
  const preview = useUi((ui) => ui.preview);
  const range = useUi((ui) => ui.range);
  return React.useMemo(() => {
    if (!map) return new Uint8Array(0);
    const n = map.info.n;
    const flags = new Uint8Array(n);
    const { labelState, inView } = map;
    for (let i = 0; i < n; i++) {
      let flag = (labelState[i] as number) & FLAG.state;
      if (selection.mask[i]) flag |= FLAG.selected;
      // Outside the view or the range: faint. Isolated away: gone. A hidden class is gone by its color entry.
      if (!allowed[i])
        flag |= isolated && !isolated[i] ? FLAG.hidden : (inView && !inView[i]) || range ? FLAG.faint : 0;
      flags[i] = flag;
    }
    if (reach) {
      for (const row of reachedRows(reach)) mark(flags, row, FLAG.reached);
      for (const anchor of reach.anchors) mark(flags, anchor, FLAG.marked);
    }
    if (focus !== null) mark(flags, focus, FLAG.marked);
    // The nearest neighbors of the sample in the preview are highlighted with it.
    if (preview && !reach) for (const near of preview.neighbors) mark(flags, near.row, FLAG.selected);
    return flags;
  }, [map, allowed, selection, reach, isolated, focus, preview, range]);
}

function mark(flags: Uint8Array, row: number, flag: number): void {
  flags[row] = (flags[row] as number) | flag;
}

function useTable(): Uint8Array {
  const color = useUi((ui) => ui.color);
  const hidden = useUi((ui) => ui.hidden);
  const range = useUi((ui) => ui.range);
  const colors = useColors();
  const kind = color?.kind;
  const [min, max] = [color?.min ?? 0, color?.max ?? 0];
  return React.useMemo(
    () =>
      kind === "numeric"
        ? numericTable(range ?? [min, max], min, max)
        : classTable(colors, hidden, hidden.has(MISSING_CODE)),
    [colors, hidden, range, kind, min, max],
  );
}

function useLayers(map: MapData | null, allowed: Uint8Array, faint: boolean): Layers {
  const color = useUi((ui) => ui.color);
  const text = useUi((ui) => (ui.showTexts ? ui.text : null));
  const names = useUi((ui) => ui.names);
  const ringed = useRinged();
  const drawContours = useUi((ui) => ui.contours);
  const [x, y] = map?.planes ?? [];
  const flat = map?.info.dims === 2 && x !== undefined && y !== undefined;
  const contours = React.useMemo(() => {
    if (!drawContours || !flat) return null;
    const density = densityOf(x, y, allowed);
    return levelsOf(density).map((level) => contour(density, level));
  }, [drawContours, flat, x, y, allowed]);
  const named = names && flat && color?.kind === "categorical" && color.field !== "@state" && text === null;
  const homes = React.useMemo(
    () => (named ? homesOf(x as Float32Array, y as Float32Array, color.codes, allowed) : null),
    [named, x, y, color?.codes, allowed],
  );
  return React.useMemo(
    () => ({
      contours,
      names: homes && color ? { homes, nameOf: (code: number) => color.classes[code] ?? "", faint } : null,
      texts: text && {
        codes: text.codes,
        nameOf: (code: number) => (text.kind === "numeric" ? numberOf(text, code) : (text.classes[code] ?? "")),
        apart: text.kind === "numeric" ? 0 : TEXTS_APART,
      },
      ringed,
    }),
    [contours, homes, color, text, faint, ringed],
  );
}

/** The sample in the preview, and what is selected where it is little: among many points it would not be seen. */
function useRinged(): readonly number[] {
  const focus = useUi((ui) => ui.focus);
  const selection = useUi((ui) => ui.selection);
  const reaching = useUi((ui) => ui.reach !== null);
  return React.useMemo(() => {
    const few = !reaching && selection.count <= RINGS_LIMIT ? Array.from(rowsOf(selection)) : [];
    return [...new Set(focus === null ? few : [...few, focus])];
  }, [focus, selection, reaching]);
}

function colorOfLabel(label: string | null, color: Values | null, colors: readonly string[]): string {
  const at = label === null || !color ? -1 : color.classes.indexOf(label);
  return colors[at] ?? classColors(1, undefined, null)[0] ?? "#47a3ff";
}

const numberOf = (values: Values, code: number): string =>
  (values.min + (code / 65534) * (values.max - values.min)).toPrecision(3);
