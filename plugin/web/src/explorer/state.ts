/** The panel's state on the client, and how each event changes it. Pure: no host, no network, no drawing. */
import type { Camera } from "../scatter/camera";
import type { Tool } from "../scatter/Scatter";
import { bySize, classColors, quantize } from "../scatter/colors";
import { unpackBytes, unpackU16, unpackU32, type Column } from "./columns";
import {
  BY_LABELS,
  LABEL_STATE,
  MISSING_CODE,
  type CategoricalTail,
  type Facts,
  type LoadedMap,
  type Message,
  type PanelState,
  type PendingCounts,
  type Preview,
  type SelectionHow,
  type StatePatch,
} from "./contract";
import { counted, listing } from "../parts/words";
import { STATE_LEGEND } from "./labelStates";
import { bounds } from "../scatter/geometry";
import { emptySet, setOf, type RowSet } from "./selection";

/** The field name that stands for "colour by label state". */
export const BY_STATE = "@state";

export type { Tool };
export type Dialog =
  | "none"
  | "label"
  | "map"
  | "review"
  | "help"
  | "segment"
  | "duplicates"
  | "embeddings"
  | "discard"
  | "field"
  | "clear labels"
  | "clear explorer"
  | "runs";

export interface MapData {
  readonly info: LoadedMap;
  readonly planes: readonly Float32Array[];
  readonly labelState: Uint8Array;
  /** null: the labels are still being read, and all rows stand there without. */
  readonly labelStateVersion: string | null;
  readonly inView: Uint8Array | null;
  readonly min: readonly number[];
  readonly max: readonly number[];
}

type Labels = Pick<MapData, "labelState" | "labelStateVersion">;

/** What the points are coloured by (or what is written on them). */
export interface Values {
  readonly field: string;
  readonly kind: "categorical" | "numeric";
  readonly codes: Uint16Array;
  readonly classes: readonly string[];
  readonly colors: readonly string[];
  readonly missing: { readonly name: string; readonly color: string };
  readonly min: number;
  readonly max: number;
}

/** Neighbors that light up after a label was set, and how far it goes. */
export interface Reach {
  readonly anchors: readonly number[];
  readonly label: string;
  readonly order: Uint32Array;
  readonly confidence: Float32Array;
  readonly count: number;
  readonly why: string;
  /** Rows left out by hand. */
  readonly left: ReadonlySet<number>;
}

export interface SearchResult {
  readonly text: string;
  readonly rows: Uint32Array;
  readonly total: number;
  readonly how: string;
}

export interface Ui {
  readonly panel: PanelState | null;
  readonly map: MapData | null;
  readonly camera: Camera | null;
  readonly color: Values | null;
  readonly text: Values | null;
  readonly showTexts: boolean;
  /** Whether clusters carry the name of their class, and whether lines of equal density are drawn. */
  readonly names: boolean;
  readonly contours: boolean;
  /** Color behind the points, as the App's theme has it. */
  readonly ground: string;
  /** Times the usual size of a point. */
  readonly pointScale: number;
  readonly hidden: ReadonlySet<number>;
  readonly range: readonly [number, number] | null;
  readonly selection: RowSet;
  readonly how: SelectionHow;
  readonly isolated: Uint8Array | null;
  readonly hover: { readonly row: number; readonly x: number; readonly y: number } | null;
  readonly facts: ReadonlyMap<number, Facts>;
  readonly focus: number | null;
  readonly preview: Preview | null;
  readonly reach: Reach | null;
  readonly search: SearchResult | null;
  readonly tool: Tool;
  readonly dialog: Dialog;
  /** Dimension the map form starts with. */
  readonly formDims: 2 | 3;
  /** What is being waited for, in words. */
  readonly busy: readonly string[];
  readonly notes: readonly Message[];
  readonly seen: ReadonlySet<string>;
}

const ROWS_HOW: SelectionHow = { kind: "rows" };

export const INITIAL: Ui = {
  panel: null,
  map: null,
  camera: null,
  color: null,
  text: null,
  showTexts: false,
  ground: "#1a1a1a",
  names: true,
  contours: false,
  pointScale: 1,
  hidden: new Set(),
  range: null,
  selection: emptySet(0),
  how: ROWS_HOW,
  isolated: null,
  hover: null,
  facts: new Map(),
  focus: null,
  preview: null,
  reach: null,
  search: null,
  tool: "lasso",
  dialog: "none",
  formDims: 2,
  busy: [],
  notes: [],
  seen: new Set(),
};

export type Event =
  | { readonly type: "panel"; readonly panel: PanelState }
  | { readonly type: "map"; readonly map: MapData }
  | {
      readonly type: "columns";
      readonly labelState?: Uint8Array | null;
      readonly version?: string;
      readonly inView?: Uint8Array | null;
      readonly info?: LoadedMap;
    }
  | { readonly type: "unload" }
  | { readonly type: "camera"; readonly camera: Camera | null }
  | { readonly type: "color"; readonly color: Values | null }
  | { readonly type: "text"; readonly text: Values | null }
  | { readonly type: "showTexts"; readonly show: boolean }
  | { readonly type: "ground"; readonly ground: string }
  | { readonly type: "layers"; readonly names?: boolean; readonly contours?: boolean }
  | { readonly type: "pointScale"; readonly scale: number }
  | { readonly type: "hidden"; readonly hidden: ReadonlySet<number> }
  | { readonly type: "range"; readonly range: readonly [number, number] | null }
  | { readonly type: "select"; readonly selection: RowSet; readonly how: SelectionHow }
  | { readonly type: "isolate"; readonly mask: Uint8Array | null }
  | { readonly type: "hover"; readonly hover: Ui["hover"] }
  | { readonly type: "facts"; readonly facts: readonly Facts[] }
  | { readonly type: "focus"; readonly row: number | null }
  | { readonly type: "preview"; readonly preview: Preview | null }
  | { readonly type: "reach"; readonly reach: Reach | null }
  | { readonly type: "reachCount"; readonly count: number }
  | { readonly type: "search"; readonly search: SearchResult | null }
  | { readonly type: "tool"; readonly tool: Tool }
  | { readonly type: "dialog"; readonly dialog: Dialog; readonly dims?: 2 | 3 }
  | { readonly type: "busy"; readonly what: string }
  | { readonly type: "idle"; readonly what: string }
  | { readonly type: "note"; readonly note: Message }
  | { readonly type: "dismiss"; readonly id: string }
  | { readonly type: "patch"; readonly patch: StatePatch };

export function reduce(ui: Ui, event: Event): Ui {
  switch (event.type) {
    case "panel":
      return withPanel(ui, event.panel);
    case "map":
      return withMap(ui, event.map);
    case "columns":
      return withColumns(ui, event);
    case "unload":
      return {
        ...ui,
        map: null,
        camera: null,
        color: null,
        text: null,
        selection: emptySet(0),
        isolated: null,
        hover: null,
        facts: new Map(),
        focus: null,
        preview: null,
        reach: null,
        search: null,
      };
    case "camera":
      return { ...ui, camera: event.camera };
    case "color":
      return {
        ...ui,
        color: event.color,
        hidden: ui.color?.field === event.color?.field ? ui.hidden : new Set(),
        range: ui.color?.field === event.color?.field ? ui.range : null,
      };
    case "text":
      return { ...ui, text: event.text };
    case "showTexts":
      return { ...ui, showTexts: event.show };
    case "ground":
      return { ...ui, ground: event.ground };
    case "layers":
      return { ...ui, names: event.names ?? ui.names, contours: event.contours ?? ui.contours };
    case "pointScale":
      return { ...ui, pointScale: event.scale };
    case "hidden":
      return { ...ui, hidden: event.hidden };
    case "range":
      return { ...ui, range: event.range };
    case "select":
      return { ...ui, selection: event.selection, how: event.how };
    case "isolate":
      return { ...ui, isolated: event.mask };
    case "hover":
      return { ...ui, hover: event.hover };
    case "facts":
      return { ...ui, facts: new Map([...ui.facts, ...event.facts.map((f) => [f.row, f] as const)]) };
    case "focus":
      return { ...ui, focus: event.row, preview: event.row === ui.preview?.row ? ui.preview : null };
    case "preview":
      return event.preview && event.preview.row !== ui.focus ? ui : { ...ui, preview: event.preview };
    case "reach":
      return { ...ui, reach: event.reach };
    case "reachCount":
      return ui.reach
        ? { ...ui, reach: { ...ui.reach, count: Math.max(0, Math.min(event.count, ui.reach.order.length)) } }
        : ui;
    case "search":
      return { ...ui, search: event.search };
    case "tool":
      return { ...ui, tool: event.tool };
    case "dialog":
      return { ...ui, dialog: event.dialog, formDims: event.dims ?? ui.formDims };
    case "busy":
      return { ...ui, busy: [...ui.busy, event.what] };
    case "idle": {
      const at = ui.busy.indexOf(event.what);
      return at < 0 ? ui : { ...ui, busy: ui.busy.filter((_, i) => i !== at) };
    }
    case "note":
      return ui.seen.has(event.note.id) || ui.notes.some((note) => note.text === event.note.text)
        ? ui
        : { ...ui, notes: [...ui.notes, event.note].slice(-4), seen: new Set([...ui.seen, event.note.id]) };
    case "dismiss":
      return { ...ui, notes: ui.notes.filter((note) => note.id !== event.id) };
    case "patch":
      return withPatch(ui, event.patch);
  }
}

/** Keeps the newest state (another tab or a late answer may bring an older one) and shows each message once. */
function withPanel(ui: Ui, panel: PanelState): Ui {
  if (ui.panel && ui.panel.dataset === panel.dataset && panel.revision < ui.panel.revision) return ui;
  const fresh = panel.messages.filter((message) => !ui.seen.has(message.id));
  return {
    ...ui,
    panel,
    notes: fresh.length ? [...ui.notes, ...fresh].slice(-4) : ui.notes,
    seen: fresh.length ? new Set([...ui.seen, ...fresh.map((m) => m.id)]) : ui.seen,
  };
}

/** Takes another map; what is known of its rows stays where they are the same ones. */
function withMap(ui: Ui, map: MapData): Ui {
  // What a preview calls near is of other embeddings, perhaps.
  const next = { ...ui, map, camera: null, how: ROWS_HOW, hover: null, reach: null, preview: null };
  if (ui.map?.info.items !== map.info.items)
    return {
      ...next,
      color: null,
      text: null,
      hidden: new Set(),
      range: null,
      selection: emptySet(map.info.n),
      isolated: null,
      facts: new Map(),
      focus: null,
      search: null,
    };
  // Samples that have left the dataset have no place any more.
  const gone = (row: number | null): boolean => row !== null && Number.isNaN(map.planes[0]?.[row]);
  const selection = setOf(ui.selection.mask.map((selected, row) => (gone(row) ? 0 : selected)));
  const sameLabels = ui.map.labelStateVersion === map.labelStateVersion;
  return {
    ...next,
    selection,
    focus: gone(ui.focus) ? null : ui.focus,
    facts: sameLabels ? ui.facts : new Map(),
    text: sameLabels ? ui.text : null,
  };
}

function withColumns(ui: Ui, event: Extract<Event, { type: "columns" }>): Ui {
  if (!ui.map) return ui;
  const labels = event.labelState === undefined ? ui.map : labelsOf(ui.map.info.n, event.labelState, event.version);
  const map: MapData = {
    ...ui.map,
    info: event.info ?? ui.map.info,
    labelState: labels.labelState,
    labelStateVersion: labels.labelStateVersion,
    inView: event.inView === undefined ? ui.map.inView : event.inView,
  };
  const restate = (values: Values | null): Values | null => (values?.field === BY_STATE ? stateValues(map) : values);
  return {
    ...ui,
    map,
    color: restate(ui.color),
    text: restate(ui.text),
    facts: event.labelState === undefined ? ui.facts : new Map(),
  };
}

function withPatch(ui: Ui, patch: StatePatch): Ui {
  if (!ui.map || ui.map.labelStateVersion !== patch.from) return ui;
  const rows = unpackU32(patch.rows);
  const states = unpackBytes(patch.states);
  const labelState = ui.map.labelState.slice();
  rows.forEach((row, i) => (labelState[row] = states[i] as number));
  const map: MapData = { ...ui.map, labelState, labelStateVersion: patch.to };
  const relabel = (values: Values | null): Values | null => {
    if (values?.field === BY_STATE) return stateValues(map);
    return values && (values.field === BY_LABELS || isLabelField(values.field, ui.panel))
      ? withLabels(values, patch, rows, ui.panel?.palette ?? null)
      : values;
  };
  const facts = new Map(ui.facts);
  rows.forEach((row) => facts.delete(row));
  return {
    ...ui,
    map,
    color: relabel(ui.color),
    text: relabel(ui.text),
    facts,
  };
}

/** True for the label field itself, its `.label`, and that of the labels listed in it. */
export function isLabelField(field: string, panel: PanelState | null): boolean {
  const label = panel?.label_field;
  if (label == null) return false;
  return (
    field === label ||
    [".label", ".classifications.label", ".detections.label", ".polylines.label"].some((end) => field === label + end)
  );
}

function withLabels(values: Values, patch: StatePatch, rows: Uint32Array, pool: readonly string[] | null): Values {
  const given = unpackU16(patch.codes);
  const added = patch.labels.filter((label) => !values.classes.includes(label));
  const classes = added.length ? [...values.classes, ...added] : values.classes;
  const codeOf = patch.labels.map((label) => classes.indexOf(label));
  const codes = values.codes.slice();
  rows.forEach((row, i) => (codes[row] = codeOf[given[i] as number] ?? MISSING_CODE));
  const colors = added.length
    ? [...values.colors, ...classColors(classes.length, undefined, pool).slice(values.colors.length)]
    : values.colors;
  return { ...values, codes, classes, colors };
}

/** The label states as a field to colour by. */
export function stateValues({ labelState, labelStateVersion }: Labels): Values {
  return {
    field: BY_STATE,
    kind: "categorical",
    codes:
      labelStateVersion === null ? new Uint16Array(labelState.length).fill(MISSING_CODE) : Uint16Array.from(labelState),
    classes: STATE_LEGEND.map((s) => s.name),
    colors: STATE_LEGEND.map((s) => s.color),
    missing: { name: "being read", color: "#8f8f8f" },
    min: 0,
    max: 0,
  };
}

/** A value column as what the renderer and the legend work on; throws where the file has no tail. */
export function valuesOf(
  field: string,
  column: Column,
  panel: PanelState | null,
  before: Values | null = null,
): Values {
  const plane = column.planes[0];
  const missing = { name: field === BY_LABELS || isLabelField(field, panel) ? "unlabeled" : "none", color: "#8f8f8f" };
  if (column.tail?.kind === "categorical" && plane instanceof Uint16Array) {
    const { classes } = column.tail;
    return {
      field,
      kind: "categorical",
      codes: plane,
      classes,
      missing,
      min: 0,
      max: 0,
      colors: stableColors(field, column.tail, plane, panel, before),
    };
  }
  if (column.tail?.kind === "numeric" && plane instanceof Float32Array) {
    const { min, max } = column.tail;
    const low = min ?? 0;
    const high = max ?? 0;
    return {
      field,
      kind: "numeric",
      codes: quantize(plane, low, high),
      classes: [],
      colors: [],
      missing,
      min: low,
      max: high,
    };
  }
  throw new Error(`The values of "${field}" came in a form this panel does not know. Reload the page.`);
}

/** Colors by size of the classes; a class that was on the map in this field before keeps its color. */
function stableColors(
  field: string,
  { classes, colors: given }: CategoricalTail,
  codes: Uint16Array,
  panel: PanelState | null,
  before: Values | null,
): readonly string[] {
  const colors = classColors(classes.length, given, panel?.palette ?? null, bySize(codes, classes.length));
  if (before?.field !== field) return colors;
  const known = new Map(before.classes.map((name, code) => [name, before.colors[code]]));
  return classes.map((name, code) => known.get(name) ?? (colors[code] as string));
}

/** The label states of n rows; without any where they are still being read. */
const labelsOf = (n: number, labelState: Uint8Array | null | undefined, version: string | undefined): Labels =>
  labelState
    ? { labelState, labelStateVersion: version ?? null }
    : { labelState: new Uint8Array(n), labelStateVersion: null };

/** The columns of a map, put together. */
export function mapOf(
  info: LoadedMap,
  columns: { positions: Column; labelState: Column | null; inView: Column | null },
): MapData {
  const planes = columns.positions.planes.filter((p): p is Float32Array => p instanceof Float32Array);
  if (planes.length !== info.dims)
    throw new Error(
      `The map "${info.key}" has ${planes.length} coordinates a point instead of ${info.dims}. Load it again.`,
    );
  const { min, max } = bounds(planes);
  return {
    info,
    planes,
    min,
    max,
    ...labelsOf(info.n, columns.labelState?.planes[0] as Uint8Array | undefined, info.label_state?.version),
    inView: (columns.inView?.planes[0] as Uint8Array | undefined) ?? null,
  };
}

/** 1 for every row that is drawn in full and can be pointed at: in the view, not hidden, not isolated away. */
export function allowedRows(ui: Pick<Ui, "map" | "color" | "hidden" | "range" | "isolated">): Uint8Array {
  const { map, color, hidden, isolated } = ui;
  if (!map) return new Uint8Array(0);
  const n = map.info.n;
  const mask = new Uint8Array(n).fill(1);
  const { inView } = map;
  const x = map.planes[0] as Float32Array;
  const [low, high] = codeRange(color, ui.range);
  const numeric = color?.kind === "numeric";
  const limited = numeric && ui.range !== null;
  const shown = new Uint8Array(65536).fill(1);
  if (!numeric) {
    for (const code of hidden) shown[code] = 0;
  }
  for (let i = 0; i < n; i++) {
    const code = color ? (color.codes[i] as number) : 0;
    const coloured = limited ? code >= low && code <= high : shown[code] === 1;
    if (!coloured || (inView && !inView[i]) || (isolated && !isolated[i]) || Number.isNaN(x[i])) mask[i] = 0;
  }
  return mask;
}

function codeRange(color: Values | null, range: readonly [number, number] | null): readonly [number, number] {
  if (!color || !range || color.max <= color.min) return [0, 65534];
  const scale = 65534 / (color.max - color.min);
  return [Math.floor((range[0] - color.min) * scale), Math.ceil((range[1] - color.min) * scale)];
}

/** The map on the screen, or the one that is on its way: what surrounds it has its place already. */
export const mapInfo = ({ panel, map }: Pick<Ui, "panel" | "map">): LoadedMap | null => map?.info ?? panel?.map ?? null;

/** What is pending, in words; "" for nothing. */
export const pendingWords = ({ labels, cleared, deletions }: PendingCounts): string =>
  listing([
    labels > 0 && counted(labels, "label"),
    cleared > 0 && counted(cleared, "cleared label"),
    deletions > 0 && counted(deletions, "deletion"),
  ]);

/** What a row of the loaded map is called on screen. */
export const nounOf = ({ panel, map }: Pick<Ui, "panel" | "map">): "sample" | "object" =>
  panel?.maps.find((m) => m.key === map?.info.key)?.patches_field == null ? "sample" : "object";

/** How many of these rows have an open suggestion that reaches the target precision, and one that does not. */
export function suggestedAmong(set: RowSet, labelState: Uint8Array): { confident: number; uncertain: number } {
  let [confident, uncertain] = [0, 0];
  for (let i = 0; i < labelState.length; i++) {
    if (!set.mask[i]) continue;
    if (labelState[i] === LABEL_STATE.suggested) confident++;
    else if (labelState[i] === LABEL_STATE.uncertain) uncertain++;
  }
  return { confident, uncertain };
}

export class Store {
  #ui: Ui = INITIAL;
  readonly #listeners = new Set<() => void>();

  readonly get = (): Ui => this.#ui;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  dispatch(event: Event): void {
    const next = reduce(this.#ui, event);
    if (next === this.#ui) return;
    this.#ui = next;
    for (const listener of this.#listeners) listener();
  }
}
