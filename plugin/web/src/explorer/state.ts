/** The panel's state on the client, and how each event changes it. Pure: no host, no network, no drawing. */
import type { Camera } from "../scatter/camera";
import type { Tool } from "../scatter/Scatter";
import { unpackBytes, unpackU32 } from "./columns";
import {
  BY_LABELS,
  type Facts,
  type LoadedMap,
  type Message,
  type PanelState,
  type Preview,
  type SelectionHow,
  type StatePatch,
} from "./contract";
import { labelsOf, type MapData } from "./mapData";
import type { Review } from "./review/review";
import { emptySet, setOf, type RowSet } from "./selection";
import { BY_STATE, isLabelField, stateValues, withLabels, type Values } from "./values";

export { allowedRows, mapOf, type MapData } from "./mapData";
export { BY_STATE, fieldName, isLabelField, stateValues, valuesOf, type Values } from "./values";
export { mapInfo, nounOf, pendingWords, suggestedAmong } from "./wordsOf";
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
  | "runs"
  | "function";

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

/** What fills the panel: the map, a list to work through, or the saved searches. */
export type Tab = "map" | "review" | "functions";

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
  /** The labels in the App's grid have the colors of the map. */
  readonly inGrid: boolean;
  /** Color behind the points, as the App's theme has it. */
  readonly ground: string;
  /** A multiple of the usual size of a point. */
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
  readonly tab: Tab;
  readonly review: Review | null;
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
  inGrid: false,
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
  tab: "map",
  review: null,
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
  | { readonly type: "layers"; readonly names?: boolean; readonly contours?: boolean; readonly inGrid?: boolean }
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
  | { readonly type: "tab"; readonly tab: Tab }
  | { readonly type: "review"; readonly review: Review | null }
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
        review: null,
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
      return {
        ...ui,
        names: event.names ?? ui.names,
        contours: event.contours ?? ui.contours,
        inGrid: event.inGrid ?? ui.inGrid,
      };
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
    case "tab":
      return { ...ui, tab: event.tab };
    case "review":
      return { ...ui, review: event.review };
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

/** Switches to another map; what is known about its rows is kept if they are the same. */
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
      review: null,
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
