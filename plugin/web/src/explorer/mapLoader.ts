/** Keeps the loaded map in sync with Python's state, one step at a time: the map, positions, label states, view. */
import { ColumnCache } from "./columns";
import type { LoadedMap, PanelState } from "./contract";
import type { Appearance } from "./appearance";
import { readKept } from "./keptView";
import type { Session } from "./session";
import { BY_STATE, mapInfo, mapOf, stateValues } from "./state";
import { sentence } from "../parts/words";

const COLORS_SOON_MS = 250;
/** The longest time to wait for a frame. */
const DRAWN_MS = 3000;
const pause = (milliseconds: number): Promise<null> =>
  new Promise((resolve) => setTimeout(() => resolve(null), milliseconds));

/** What is out of sync with Python's state, most basic first; "ready" = nothing. */
type Step = "none" | "places" | "labels gone" | "labels" | "view" | "ready";

export class MapLoader {
  #loading: string | null = null;
  #opening = false;
  #readingLabels = false;
  #syncs = 0;
  #onDrawn: () => void = () => {};
  /** Maps opened automatically: one that cannot be loaded is not tried repeatedly. */
  readonly #tried = new Set<string>();
  /** What follows when another map is on the screen; the explorer sets it. */
  onShown: () => void = () => {};
  /** What follows when other labels are on the screen; the explorer sets it. */
  onLabels: () => void = () => {};

  constructor(
    private readonly session: Session,
    private readonly columns: ColumnCache,
    private readonly look: Appearance,
  ) {}

  get #ui() {
    return this.session.ui;
  }

  /** Takes a new panel state and fetches the columns that changed. */
  receive(panel: PanelState): void {
    const before = this.#ui.panel;
    if (before && before.dataset !== panel.dataset) {
      this.#tried.clear();
      this.columns.clear();
      this.session.store.dispatch({ type: "unload" });
    }
    this.session.store.dispatch({ type: "panel", panel });
    void this.#follow();
  }

  async sync(): Promise<void> {
    this.#syncs++;
    try {
      const answer = await this.session.host.call("sync", { revision: this.#ui.panel?.revision ?? -1 });
      if (answer.state) this.session.onState(answer.state);
    } catch (error) {
      this.session.note("error", sentence(error));
    } finally {
      this.#syncs--;
    }
  }

  /** Calls `sync` unless a call is in progress: a slow server must not get more requests. */
  poll(): void {
    if (this.#syncs === 0) void this.sync();
  }

  async load(map: string): Promise<void> {
    await this.session.ask("Loading the map", "load_map", { map });
  }

  /** Switches to a map of this dimension made from the same embeddings, else offers to compute one. */
  async dimension(dims: 2 | 3): Promise<void> {
    const { panel } = this.#ui;
    const info = mapInfo(this.#ui);
    if (!panel || info?.dims === dims) return;
    const current = panel.maps.find((m) => m.key === info?.key);
    const other =
      panel.maps.find((m) => m.dims === dims && m.embeddings === current?.embeddings && m.embeddings !== null) ??
      panel.maps.find((m) => m.dims === dims);
    if (other) await this.load(other.key);
    else this.session.store.dispatch({ type: "dialog", dialog: "map", dims });
  }

  /** Called whenever points are on the screen. */
  drawn(): void {
    this.#onDrawn();
  }

  #step(): Step {
    const newest = this.#ui.panel?.map ?? null;
    const have = this.#ui.map;
    if (!newest) return "none";
    if (!have || have.info.key !== newest.key || have.info.version !== newest.version) return "places";
    if (!newest.label_state && have.labelStateVersion !== null) return "labels gone";
    if (newest.label_state && newest.label_state.version !== have.labelStateVersion) return "labels";
    return newest.in_view?.version === have.info.in_view?.version ? "ready" : "view";
  }

  /** Takes one step after another until everything is in sync. */
  async #follow(): Promise<void> {
    const { panel, map } = this.#ui;
    if (!panel?.map && map) this.session.store.dispatch({ type: "unload" });
    if (panel && !(panel.map && map) && (await this.#openKept(panel))) return;
    const newest = this.#ui.panel?.map;
    if (!newest) return;
    switch (this.#step()) {
      case "places":
        return this.#takePlaces(newest);
      case "labels gone":
        this.session.store.dispatch({ type: "columns", labelState: null });
        return this.#follow();
      case "labels":
        return this.#takeLabels(newest);
      case "view":
        return this.#takeView(newest);
      case "none":
      case "ready":
        return;
    }
  }

  async #takePlaces(newest: LoadedMap): Promise<void> {
    const name = `${newest.key} ${newest.version}`;
    if (this.#loading === name) return;
    this.#loading = name;
    await this.session.during("Loading the map", () => this.#fetchMap(newest));
    if (this.#loading === name) this.#loading = null;
    // What arrived while it was loading.
    const now = this.#ui.map?.info;
    return now?.key === newest.key && now.version === newest.version ? this.#follow() : undefined;
  }

  async #takeLabels(newest: LoadedMap): Promise<void> {
    // Each answer on the way brings the state again; what is being read need not be read once more.
    const reference = newest.label_state;
    if (this.#readingLabels || !reference) return;
    this.#readingLabels = true;
    const { version } = reference;
    const read = await this.session.during("Reading labels", async () => {
      const column = await this.columns.read(reference);
      this.session.store.dispatch({ type: "columns", labelState: column.planes[0] as Uint8Array, version });
      await this.look.refreshValues();
      return true;
    });
    this.#readingLabels = false;
    this.onLabels();
    // A label may have been set, or the view changed, while the column was on its way.
    if (read || this.#ui.panel?.map?.label_state?.version !== version) return this.#follow();
  }

  async #takeView(newest: LoadedMap): Promise<void> {
    const column = await this.session.during("Reading the view", async () => ({
      read: newest.in_view && (await this.columns.read(newest.in_view)),
    }));
    const now = this.#ui.panel?.map;
    // Of two quick changes, the first may be read last.
    if (now?.version !== newest.version || now.in_view?.version !== newest.in_view?.version) return this.#follow();
    const inView = (column?.read?.planes[0] as Uint8Array | undefined) ?? null;
    if (column) this.session.store.dispatch({ type: "columns", inView, info: now });
  }

  /**
   * Opens the map one left, where Python has opened another one or none; true when that is what is to be waited for.
   */
  async #openKept(panel: PanelState): Promise<boolean> {
    if (this.#opening) return true;
    const left = readKept(panel.dataset)?.map;
    const key = panel.maps.find((m) => m.key === left)?.key ?? panel.map?.key ?? panel.maps[0]?.key;
    if (key === undefined || key === panel.map?.key || this.#tried.has(key)) return false;
    this.#tried.add(key);
    this.#opening = true;
    await this.load(key);
    this.#opening = false;
    void this.#follow();
    return true;
  }

  async #fetchMap(info: LoadedMap): Promise<void> {
    const kept = readKept(this.#ui.panel?.dataset ?? null);
    const before = this.#ui.map;
    const sameItems = before?.info.items === info.items;
    const field = this.look.knownField(sameItems ? this.look.chosenColor : kept?.colorBy) ?? this.look.firstColor();
    const stays =
      sameItems && before.labelStateVersion === (info.label_state?.version ?? null) && this.#ui.color?.field === field;
    this.look.chosenColor = field;
    const recolor = !stays && field !== BY_STATE;
    // Asked for beside the places; where the labels of many are yet to be read, the first picture comes before them.
    const beside = info.label_state !== null;
    const colors = recolor && beside ? this.look.values(info, field) : null;
    const [positions, labelState, inView] = await Promise.all([
      this.columns.read(info.positions),
      info.label_state && this.columns.read(info.label_state),
      info.in_view && this.columns.read(info.in_view),
    ]);
    // Draw once with the right colors rather than twice, if they arrive soon.
    const soon = colors && (await Promise.race([colors, pause(COLORS_SOON_MS)]));
    if (this.#ui.panel?.map?.version !== info.version || this.#ui.panel.map.key !== info.key) return;
    const map = mapOf(info, { positions, labelState, inView });
    this.session.store.dispatch({ type: "map", map });
    // Others may have been chosen while the map was loading.
    const chosen = this.look.chosenColor === field ? null : this.look.chosenColor;
    const bare = this.#ui.color === null;
    const color = soon ?? (bare || field === BY_STATE ? stateValues(map) : null);
    if (color && !stays && (bare || !chosen)) this.session.store.dispatch({ type: "color", color });
    const returning = kept?.map === info.key;
    if (returning && kept.camera?.dims === info.dims)
      this.session.store.dispatch({ type: "camera", camera: kept.camera });
    else this.look.fit(map);
    // In 3D, users look around before they select.
    this.session.store.dispatch({ type: "tool", tool: returning ? kept.tool : info.dims === 3 ? "pan" : "lasso" });
    this.onShown();
    if (chosen && bare) await this.look.colorBy(chosen);
    else if (colors && !soon) this.look.show(map, await colors);
    else if (!beside) {
      await Promise.race([new Promise<void>((resolve) => (this.#onDrawn = resolve)), pause(DRAWN_MS)]);
      const shown = this.#ui.map?.info;
      if (shown?.key !== info.key || shown.version !== info.version) return;
      if (recolor && this.look.chosenColor === field) this.look.show(map, await this.look.values(info, field));
      else this.poll();
    }
    if (this.#ui.map?.info.items !== info.items) return;
    this.look.keep();
    if (!stays && kept?.textBy && this.look.knownField(kept.textBy)) await this.look.textBy(kept.textBy);
  }
}
