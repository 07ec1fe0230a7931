/** The map on the screen: kept in step with Python's state, with its columns, colours, texts and camera. */
import { fit, type Camera, type Size } from "../scatter/camera";
import { ColumnCache } from "./columns";
import type { Answer, Ask, GridStage, LoadedMap, Message, MethodName, PanelState, StatePatch } from "./contract";
import { bounds } from "../scatter/geometry";
import { readKept, writeKept, type KeptView } from "./keptView";
import {
  BY_STATE,
  isLabelField,
  mapInfo,
  mapOf,
  stateValues,
  Store,
  valuesOf,
  type MapData,
  type Ui,
  type Values,
} from "./state";
import { sentence } from "../parts/words";

/** What the panel needs from the App around it. */
export interface Host {
  call<M extends MethodName>(method: M, ask: Ask<M>): Promise<Answer<M> & { readonly state?: PanelState }>;
  mediaUrl(file: string): string;
  /** Puts a stage over the samples grid; null takes it off. */
  showInGrid(stage: GridStage | null): void;
}

const COLORS_SOON_MS = 250;
/** A picture that takes longer is waited for no more. */
const DRAWN_MS = 3000;
const pause = (milliseconds: number): Promise<null> =>
  new Promise((resolve) => setTimeout(() => resolve(null), milliseconds));

export class Picture {
  readonly store = new Store();
  readonly #columns: ColumnCache;
  #size: Size = { width: 800, height: 600 };
  #fitted: Camera | null = null;
  #loading: string | null = null;
  #opening = false;
  #readingLabels = false;
  #syncs = 0;
  #onDrawn: () => void = () => {};
  #noteCount = 0;
  /** The colours chosen last: those that are still being read, or on the screen. */
  #wantedColor: string | null = null;
  /** Maps opened unasked: one that cannot be loaded is not tried again and again. */
  readonly #tried = new Set<string>();

  constructor(protected readonly host: Host) {
    this.#columns = new ColumnCache((file) => host.mediaUrl(file));
  }

  get ui(): Ui {
    return this.store.get();
  }

  mediaUrl(file: string): string {
    return this.host.mediaUrl(file);
  }

  // --- state from Python ---------------------------------------------------------------------------------------

  /** Takes a new panel state and fetches the columns that changed. */
  receive(panel: PanelState): void {
    const before = this.ui.panel;
    if (before && before.dataset !== panel.dataset) {
      this.#tried.clear();
      this.#columns.clear();
      this.store.dispatch({ type: "unload" });
    }
    this.store.dispatch({ type: "panel", panel });
    void this.#follow();
  }

  async sync(): Promise<void> {
    this.#syncs++;
    try {
      const answer = await this.host.call("sync", { revision: this.ui.panel?.revision ?? -1 });
      if (answer.state) this.receive(answer.state);
    } catch (error) {
      this.note("error", sentence(error));
    } finally {
      this.#syncs--;
    }
  }

  /** `sync`, unless one is on its way: a server that is slow is not asked the more. */
  poll(): void {
    if (this.#syncs === 0) void this.sync();
  }

  /** Brings the loaded map in step with `panel.map`. */
  async #follow(): Promise<void> {
    const panel = this.ui.panel;
    const wanted = panel?.map ?? null;
    const have = this.ui.map;
    if (!wanted && have) this.store.dispatch({ type: "unload" });
    if (panel && !(wanted && have) && (await this.#openKept(panel))) return;
    if (!wanted) return;
    const name = `${wanted.key} ${wanted.version}`;
    if (!have || have.info.key !== wanted.key || have.info.version !== wanted.version) {
      if (this.#loading === name) return;
      this.#loading = name;
      await this.during("Loading the map", () => this.#fetchMap(wanted));
      if (this.#loading === name) this.#loading = null;
      // What came while it was on its way.
      const now = this.ui.map?.info;
      return now?.key === wanted.key && now.version === wanted.version ? this.#follow() : undefined;
    }
    if (!wanted.label_state && have.labelStateVersion !== null)
      this.store.dispatch({ type: "columns", labelState: null });
    if (wanted.label_state && wanted.label_state.version !== have.labelStateVersion) {
      // Each answer on the way brings the state again; what is being read need not be read once more.
      if (this.#readingLabels) return;
      this.#readingLabels = true;
      const reference = wanted.label_state;
      const version = reference.version;
      const read = await this.during("Reading labels", async () => {
        const column = await this.#columns.read(reference);
        this.store.dispatch({ type: "columns", labelState: column.planes[0] as Uint8Array, version });
        await this.refreshValues();
        return true;
      });
      this.#readingLabels = false;
      // A label may have been set, or the view changed, while the column was on its way.
      if (read || this.ui.panel?.map?.label_state?.version !== version) return this.#follow();
    }
    if (wanted.in_view?.version !== have.info.in_view?.version) {
      const column = await this.during("Reading the view", async () => ({
        read: wanted.in_view && (await this.#columns.read(wanted.in_view)),
      }));
      const now = this.ui.panel?.map;
      // Of two quick changes the first may be read last.
      if (now?.version !== wanted.version || now.in_view?.version !== wanted.in_view?.version) return this.#follow();
      if (column)
        this.store.dispatch({
          type: "columns",
          inView: (column.read?.planes[0] as Uint8Array | undefined) ?? null,
          info: now,
        });
    }
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
    await this.loadMap(key);
    this.#opening = false;
    void this.#follow();
    return true;
  }

  async #fetchMap(info: LoadedMap): Promise<void> {
    const kept = readKept(this.ui.panel?.dataset ?? null);
    const before = this.ui.map;
    const sameItems = before?.info.items === info.items;
    const field = this.knownField(sameItems ? this.#wantedColor : kept?.colorBy) ?? this.#firstColor();
    const stays =
      sameItems && before.labelStateVersion === (info.label_state?.version ?? null) && this.ui.color?.field === field;
    this.#wantedColor = field;
    const recolor = !stays && field !== BY_STATE;
    // Asked for beside the places; where the labels of many are yet to be read, the first picture comes before them.
    const beside = info.label_state !== null;
    const colors = recolor && beside ? this.#values(info, field) : null;
    const [positions, labelState, inView] = await Promise.all([
      this.#columns.read(info.positions),
      info.label_state && this.#columns.read(info.label_state),
      info.in_view && this.#columns.read(info.in_view),
    ]);
    // One picture in its colours rather than two, where these come soon.
    const soon = colors && (await Promise.race([colors, pause(COLORS_SOON_MS)]));
    if (this.ui.panel?.map?.version !== info.version || this.ui.panel.map.key !== info.key) return;
    const map = mapOf(info, { positions, labelState, inView });
    this.store.dispatch({ type: "map", map });
    // Others may have been chosen while the map was on its way.
    const chosen = this.#wantedColor === field ? null : this.#wantedColor;
    const bare = this.ui.color === null;
    const color = soon ?? (bare || field === BY_STATE ? stateValues(map) : null);
    if (color && !stays && (bare || !chosen)) this.store.dispatch({ type: "color", color });
    const returning = kept?.map === info.key;
    if (returning && kept.camera?.dims === info.dims) this.store.dispatch({ type: "camera", camera: kept.camera });
    else this.#fit(map);
    // One looks around in 3D before one draws in it.
    this.store.dispatch({ type: "tool", tool: returning ? kept.tool : info.dims === 3 ? "pan" : "lasso" });
    this.mapShown();
    if (chosen && bare) await this.colorBy(chosen);
    else if (colors && !soon) this.#show(map, await colors);
    else if (!beside) {
      await Promise.race([new Promise<void>((resolve) => (this.#onDrawn = resolve)), pause(DRAWN_MS)]);
      const shown = this.ui.map?.info;
      if (shown?.key !== info.key || shown.version !== info.version) return;
      if (recolor && this.#wantedColor === field) this.#show(map, await this.#values(info, field));
      else this.poll();
    }
    if (this.ui.map?.info.items !== info.items) return;
    this.keep();
    if (!stays && kept?.textBy && this.knownField(kept.textBy)) await this.textBy(kept.textBy);
  }

  /** Told whenever points are on the screen. */
  drawn(): void {
    this.#onDrawn();
  }

  /** What follows when another map is on the screen. */
  protected mapShown(): void {}

  protected knownField(field: string | null | undefined): string | null {
    if (field == null) return null;
    return field === BY_STATE || this.ui.panel?.fields.some((f) => f.path === field) ? field : null;
  }

  #firstColor(): string {
    const { panel } = this.ui;
    const field = panel?.fields.find((f) => isLabelField(f.path, panel));
    return field && panel && panel.classes.length > 0 ? field.path : BY_STATE;
  }

  // --- the picture ---------------------------------------------------------------------------------------------

  async loadMap(map: string): Promise<void> {
    await this.ask("Loading the map", "load_map", { map });
  }

  /** Switches to a map of this dimension made from the same embeddings, else offers to compute one. */
  async dimension(dims: 2 | 3): Promise<void> {
    const { panel } = this.ui;
    const info = mapInfo(this.ui);
    if (!panel || info?.dims === dims) return;
    const current = panel.maps.find((m) => m.key === info?.key);
    const other =
      panel.maps.find((m) => m.dims === dims && m.embeddings === current?.embeddings && m.embeddings !== null) ??
      panel.maps.find((m) => m.dims === dims);
    if (other) await this.loadMap(other.key);
    else this.store.dispatch({ type: "dialog", dialog: "map", dims });
  }

  async colorBy(field: string): Promise<void> {
    const { map } = this.ui;
    if (!map) return;
    this.#wantedColor = field;
    if (field === BY_STATE) this.store.dispatch({ type: "color", color: stateValues(map) });
    else this.#show(map, await this.#values(map.info, field));
    this.keep();
  }

  #show(map: MapData, color: Values | null): void {
    if (color && color.field === this.#wantedColor && this.ui.map?.info.items === map.info.items)
      this.store.dispatch({ type: "color", color });
  }

  /** Writes the values of a field on the map; null = no texts. */
  async textBy(field: string | null): Promise<void> {
    const { map } = this.ui;
    if (!map) return;
    const text = field === null ? null : field === BY_STATE ? stateValues(map) : await this.#values(map.info, field);
    if (this.ui.map?.info !== map.info) return;
    this.store.dispatch({ type: "text", text });
    this.store.dispatch({ type: "showTexts", show: text !== null });
    this.keep();
  }

  async toggleTexts(): Promise<void> {
    const { showTexts, text, color } = this.ui;
    if (showTexts || text) this.store.dispatch({ type: "showTexts", show: !showTexts });
    else if (color?.kind === "categorical") await this.textBy(color.field);
    else this.note("info", "Choose a field to write on the map first, under “Text”.");
  }

  async #values(map: LoadedMap, field: string): Promise<Values | null> {
    const answer = await this.ask(`Reading ${field}`, "column", { map: map.key, map_version: map.version, field });
    return (
      answer &&
      this.during(`Reading ${field}`, async () =>
        valuesOf(field, await this.#columns.read(answer.column), this.ui.panel),
      )
    );
  }

  protected async refreshValues(): Promise<void> {
    const { color, text, map } = this.ui;
    if (!map) return;
    if (color && color.field !== BY_STATE) {
      this.#show(map, await this.#values(map.info, color.field));
    }
    if (text && text.field !== BY_STATE) {
      const values = text.field === color?.field ? this.ui.color : await this.#values(map.info, text.field);
      if (values) this.store.dispatch({ type: "text", text: values });
    }
  }

  resize(size: Size): void {
    this.#size = size;
    // A view nobody has moved yet goes on showing the whole map.
    const { map, camera } = this.ui;
    if (map && (!camera || camera === this.#fitted)) this.#fit(map);
  }

  showAll(): void {
    const { map } = this.ui;
    if (map) this.#fit(map);
    this.keep();
  }

  #fit(map: MapData): void {
    const { isolated } = this.ui;
    const shown = isolated ? map.planes.map((plane) => plane.filter((_, row) => isolated[row] === 1)) : null;
    const { min, max } = shown ? bounds(shown) : map;
    this.#fitted = fit(min, max, this.#size, map.info.dims);
    this.store.dispatch({ type: "camera", camera: this.#fitted });
  }

  /** Keeps the view of this dataset for the next visit. */
  keep(): void {
    const { panel, map, camera, color, text, showTexts, tool } = this.ui;
    if (!panel?.dataset || !map) return;
    const kept: KeptView = {
      map: map.info.key,
      camera: camera === this.#fitted ? null : camera,
      tool,
      colorBy: this.#wantedColor ?? color?.field ?? BY_STATE,
      textBy: showTexts ? (text?.field ?? null) : null,
    };
    writeKept(panel.dataset, kept);
  }

  // --- plumbing ------------------------------------------------------------------------------------------------

  note(level: Message["level"], text: string): void {
    this.store.dispatch({ type: "note", note: { id: `here-${++this.#noteCount}`, level, text } });
  }

  /** Calls a method and takes over what its answer changes; null where it failed, which is told. */
  protected async ask<M extends MethodName>(
    what: string,
    method: M,
    ask: Ask<M>,
    first: (answer: Answer<M>) => void = () => {},
  ): Promise<(Answer<M> & { readonly state?: PanelState }) | null> {
    return this.during(what, async () => {
      const answer = await this.host.call(method, ask);
      first(answer);
      // The patch first: the state names its version, and a column one already has need not be fetched.
      const { patch } = answer as { patch?: StatePatch | null };
      if (patch) this.applyPatch(patch);
      if (answer.state) this.receive(answer.state);
      return answer;
    });
  }

  protected applyPatch(patch: StatePatch): void {
    const behind =
      this.ui.map !== null &&
      this.ui.map.labelStateVersion !== patch.from &&
      this.ui.map.labelStateVersion !== patch.to;
    if (behind) void this.sync();
    else this.store.dispatch({ type: "patch", patch });
  }

  protected async during<T>(what: string, deed: () => Promise<T>): Promise<T | null> {
    this.store.dispatch({ type: "busy", what });
    try {
      return await deed();
    } catch (error) {
      this.note("error", sentence(error));
      return null;
    } finally {
      this.store.dispatch({ type: "idle", what });
    }
  }
}
