/** What a user can do in the panel: each act asks Python where it must and changes the state. */
import { fit, lookAt, type Camera, type Size } from "./camera";
import { ColumnCache, pack, unpackF32, unpackU32 } from "./columns";
import type {
  Answer, Ask, GridStage, LoadedMap, MapForm, Message, MethodName, PanelState, SegmentKind, SelectionHow, StatePatch,
} from "./contract";
import { bounds } from "./geometry";
import { combine, emptySet, firstOf, invert, rowsOf, setFromRows, setOf, toSelection, type Combine, type RowSet } from "./selection";
import { allowedRows, BY_STATE, mapOf, stateValues, Store, suggestedAmong, valuesOf, type MapData, type Tool, type Ui } from "./state";

/** What the panel needs from the App around it. */
export interface Host {
  call<M extends MethodName>(method: M, ask: Ask<M>): Promise<Answer<M> & { readonly state?: PanelState }>;
  mediaUrl(file: string): string;
  /** Puts a stage over the samples grid; null takes it off. */
  showInGrid(stage: GridStage | null): void;
}

/** What is kept of a view when one leaves a dataset and returns. */
interface KeptView {
  readonly map: string;
  readonly camera: Camera | null;
  readonly colorBy: string;
  readonly textBy: string | null;
  readonly tool: Tool;
}

const ROWS: SelectionHow = { kind: "rows" };
const FACTS_AT_ONCE = 32;
const GROW_BY = 10;
const HOVER_MS = 30;
/** Most rows `label_neighbors` takes as anchors. */
const ANCHORS_LIMIT = 4096;

export class Explorer {
  readonly store = new Store();
  readonly #host: Host;
  readonly #columns: ColumnCache;
  #size: Size = { width: 800, height: 600 };
  #fitted: Camera | null = null;
  #hoverTimer: ReturnType<typeof setTimeout> | undefined;
  #selectTicket = 0;
  #loading: string | null = null;
  #noteCount = 0;
  /** What follows a job that was started here, by the job's id. */
  readonly #whenDone = new Map<string, () => void>();
  /** Maps opened unasked: one that cannot be loaded is not tried again and again. */
  readonly #tried = new Set<string>();
  readonly #factsAsked = new Set<number>();

  constructor(host: Host) {
    this.#host = host;
    this.#columns = new ColumnCache((file) => host.mediaUrl(file));
  }

  get ui(): Ui {
    return this.store.get();
  }

  mediaUrl(file: string): string {
    return this.#host.mediaUrl(file);
  }

  // --- state from Python ---------------------------------------------------------------------------------------

  /** Takes a new panel state and fetches the columns that changed. */
  receive(panel: PanelState): void {
    const before = this.ui.panel;
    if (before && before.dataset !== panel.dataset) {
      this.#whenDone.clear();
      this.#tried.clear();
      this.#columns.clear();
      this.store.dispatch({ type: "unload" });
    }
    this.store.dispatch({ type: "panel", panel });
    void this.#follow();
    this.#finishJobs();
  }

  /** Does what was to be done once a job started here has ended, and says how it ended. */
  #finishJobs(): void {
    for (const job of this.ui.panel?.jobs ?? []) {
      const deed = this.#whenDone.get(job.id);
      if (!deed || job.status === "queued" || job.status === "running") continue;
      this.#whenDone.delete(job.id);
      if (job.status === "done") {
        this.note("success", job.message === "" ? `${job.title}: done.` : job.message);
        deed();
      } else if (job.status === "cancelled") this.note("info", `${job.title}: stopped.`);
    }
  }

  async sync(): Promise<void> {
    try {
      const answer = await this.#host.call("sync", { revision: this.ui.panel?.revision ?? -1 });
      if (answer.state) this.receive(answer.state);
    } catch (error) {
      this.note("error", sentence(error));
    }
  }

  /** Brings the loaded map in step with `panel.map`. */
  async #follow(): Promise<void> {
    const panel = this.ui.panel;
    const wanted = panel?.map ?? null;
    const have = this.ui.map;
    if (!wanted) {
      if (have) this.store.dispatch({ type: "unload" });
      if (panel && panel.maps.length > 0) await this.#openKept(panel);
      return;
    }
    const name = `${wanted.key} ${wanted.version}`;
    if (!have || have.info.key !== wanted.key || have.info.version !== wanted.version) {
      if (this.#loading === name) return;
      this.#loading = name;
      await this.#during("Loading the map", () => this.#fetchMap(wanted));
      this.#loading = null;
      return;
    }
    if (wanted.label_state.version !== have.labelStateVersion) {
      const version = wanted.label_state.version;
      await this.#during("Reading labels", async () => {
        const column = await this.#columns.read(wanted.label_state);
        this.store.dispatch({ type: "columns", labelState: column.planes[0] as Uint8Array, version });
        await this.#refreshValues();
      });
      // A label may have been set while the column was on its way.
      const now = this.ui.panel?.map;
      if (now?.version === wanted.version && now.label_state.version !== version) return this.#follow();
    }
    if (wanted.in_view?.version !== have.info.in_view?.version) {
      const inView = wanted.in_view ? ((await this.#columns.read(wanted.in_view)).planes[0] as Uint8Array) : null;
      this.store.dispatch({ type: "columns", inView, info: wanted });
    }
  }

  async #openKept(panel: PanelState): Promise<void> {
    const kept = readKept(panel.dataset);
    const key = panel.maps.find((m) => m.key === kept?.map)?.key ?? panel.maps[0]?.key;
    if (key === undefined || this.#tried.has(key)) return;
    this.#tried.add(key);
    await this.loadMap(key);
  }

  async #fetchMap(info: LoadedMap): Promise<void> {
    const [positions, ids, labelState, inView] = await Promise.all([
      this.#columns.read(info.positions),
      this.#columns.read(info.ids),
      this.#columns.read(info.label_state),
      info.in_view ? this.#columns.read(info.in_view) : null,
    ]);
    if (this.ui.panel?.map?.version !== info.version || this.ui.panel.map.key !== info.key) return;
    const map = mapOf(info, { positions, ids, labelState, inView });
    this.#factsAsked.clear();
    this.store.dispatch({ type: "map", map });
    // Drawn by label state at once; the colours asked for follow when they are here.
    this.store.dispatch({ type: "color", color: stateValues(map.labelState) });
    const kept = readKept(this.ui.panel.dataset);
    const same = kept?.map === info.key;
    if (same && kept.camera?.dims === info.dims) this.store.dispatch({ type: "camera", camera: kept.camera });
    else this.#fit(map);
    // One looks around in 3D before one draws in it.
    this.store.dispatch({ type: "tool", tool: same ? kept.tool : info.dims === 3 ? "pan" : "lasso" });
    await this.colorBy(this.#knownField(kept?.colorBy) ?? this.#firstColor());
    if (kept?.textBy && this.#knownField(kept.textBy)) await this.textBy(kept.textBy);
  }

  #knownField(field: string | null | undefined): string | null {
    if (field == null) return null;
    return field === BY_STATE || this.ui.panel?.fields.some((f) => f.path === field) ? field : null;
  }

  #firstColor(): string {
    const { panel } = this.ui;
    const label = panel?.label_field;
    const field = panel?.fields.find((f) => f.path === label || f.path === `${label}.label`);
    return field && panel && panel.classes.length > 0 ? field.path : BY_STATE;
  }

  // --- the picture ---------------------------------------------------------------------------------------------

  async loadMap(map: string): Promise<void> {
    await this.#ask("Loading the map", "load_map", { map });
  }

  /** Switches to a map of this dimension made from the same embeddings, else offers to compute one. */
  async dimension(dims: 2 | 3): Promise<void> {
    const { panel, map } = this.ui;
    if (!panel || map?.info.dims === dims) return;
    const current = panel.maps.find((m) => m.key === map?.info.key);
    const other =
      panel.maps.find((m) => m.dims === dims && m.embeddings === current?.embeddings && m.embeddings !== null) ??
      panel.maps.find((m) => m.dims === dims);
    if (other) await this.loadMap(other.key);
    else this.store.dispatch({ type: "dialog", dialog: "map", dims });
  }

  async colorBy(field: string): Promise<void> {
    const { map } = this.ui;
    if (!map) return;
    if (field === BY_STATE) this.store.dispatch({ type: "color", color: stateValues(map.labelState) });
    else {
      const color = await this.#values(map, field);
      if (color && this.ui.map?.info === map.info) this.store.dispatch({ type: "color", color });
    }
    this.keep();
  }

  /** Writes the values of a field on the map; null = no texts. */
  async textBy(field: string | null): Promise<void> {
    const { map } = this.ui;
    if (!map) return;
    const text = field === null ? null : field === BY_STATE ? stateValues(map.labelState) : await this.#values(map, field);
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

  async #values(map: MapData, field: string) {
    return this.#during(`Reading ${field}`, async () => {
      const answer = await this.#host.call("column", { map: map.info.key, map_version: map.info.version, field });
      return valuesOf(field, await this.#columns.read(answer.column), this.ui.panel);
    });
  }

  async #refreshValues(): Promise<void> {
    const { color, text, map } = this.ui;
    if (!map) return;
    if (color && color.field !== BY_STATE) {
      const values = await this.#values(map, color.field);
      if (values) this.store.dispatch({ type: "color", color: values });
    }
    if (text && text.field !== BY_STATE) {
      const values = text.field === color?.field ? this.ui.color : await this.#values(map, text.field);
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
      map: map.info.key, camera: camera === this.#fitted ? null : camera, tool, colorBy: color?.field ?? BY_STATE, textBy: showTexts ? (text?.field ?? null) : null,
    };
    writeKept(panel.dataset, kept);
  }

  // --- pointing and selecting ----------------------------------------------------------------------------------

  /** `near`: rows the pointer may reach next. */
  hover(row: number, x: number, y: number, near: readonly number[]): void {
    const { hover } = this.ui;
    const same = hover?.row === row;
    if (!same) clearTimeout(this.#hoverTimer);
    if (row < 0) {
      if (hover) this.store.dispatch({ type: "hover", hover: null });
      return;
    }
    this.store.dispatch({ type: "hover", hover: { row, x, y } });
    // Not for every point a quick hand passes over: each question is a call of the server.
    if (!same && !this.ui.facts.has(row)) this.#hoverTimer = setTimeout(() => void this.#askFacts([row, ...near]), HOVER_MS);
  }

  async #askFacts(rows: readonly number[]): Promise<void> {
    const { map, facts } = this.ui;
    const wanted = [...new Set(rows)].filter((r) => !facts.has(r) && !this.#factsAsked.has(r)).slice(0, FACTS_AT_ONCE);
    if (!map || wanted.length === 0) return;
    wanted.forEach((r) => this.#factsAsked.add(r));
    try {
      const answer = await this.#host.call("facts", { ...rowsRef(map), rows: wanted });
      if (this.ui.map?.info.version === map.info.version) this.store.dispatch({ type: "facts", facts: answer.facts });
    } catch {
      // A tooltip without facts still names the row; the next hover asks again.
    } finally {
      wanted.forEach((r) => this.#factsAsked.delete(r));
    }
  }

  /** Opens the preview of a row and makes it the selection. */
  async click(row: number, how: Combine): Promise<void> {
    const { map } = this.ui;
    if (!map) return;
    this.select(combine(this.ui.selection, setFromRows(map.info.n, [row]), how), ROWS);
    await this.focus(row);
  }

  async focus(row: number | null): Promise<void> {
    const { map } = this.ui;
    this.store.dispatch({ type: "focus", row });
    if (row === null || !map) return;
    try {
      const answer = await this.#host.call("preview", { map: map.info.key, map_version: map.info.version, row, k: 8 });
      this.store.dispatch({ type: "preview", preview: answer.preview });
      this.store.dispatch({ type: "facts", facts: [answer.preview, ...answer.preview.neighbors] });
    } catch (error) {
      this.note("error", sentence(error));
    }
  }

  async openInViewer(row: number): Promise<void> {
    const { map } = this.ui;
    if (map) await this.#ask("Opening the sample", "open_sample", { map: map.info.key, map_version: map.info.version, row });
  }

  /** Sets the selection; the samples grid follows. */
  select(selection: RowSet, how: SelectionHow): void {
    this.store.dispatch({ type: "select", selection, how });
    void this.#tellGrid();
  }

  async #tellGrid(): Promise<void> {
    const { map, selection, how } = this.ui;
    if (!map) return;
    const ticket = ++this.#selectTicket;
    // One answer behind a quick series of clicks is enough.
    await new Promise((resolve) => setTimeout(resolve, 60));
    if (ticket !== this.#selectTicket) return;
    if (selection.count === 0) this.#host.showInGrid(null);
    const answer = await this.#ask("Updating the grid", "select", toSelection(selection, map.info, how));
    if (answer && ticket === this.#selectTicket) this.#host.showInGrid(answer.stage);
  }

  /** True when the map holds the whole dataset, so that a match on a field finds the rows of the map and no other sample. */
  get mapIsWhole(): boolean {
    const { panel, map } = this.ui;
    const run = panel?.maps.find((m) => m.key === map?.info.key);
    return run !== undefined && run.patches_field === null && run.stale.missing + run.stale.removed === 0 && map?.info.n === panel?.sample_count;
  }

  selectMask(mask: Uint8Array, how: SelectionHow, way: Combine): void {
    const selection = combine(this.ui.selection, setOf(mask), way);
    this.select(selection, way === "replace" ? how : ROWS);
  }

  selectRows(rows: ArrayLike<number>): void {
    const { map } = this.ui;
    if (map) this.select(setFromRows(map.info.n, rows), ROWS);
  }

  clearSelection(): void {
    const { map } = this.ui;
    if (map) this.select(emptySet(map.info.n), ROWS);
  }

  invertSelection(): void {
    this.select(invert(this.ui.selection, allowedRows(this.ui)), ROWS);
  }

  async grow(): Promise<void> {
    const { map, selection, how } = this.ui;
    if (!map || !this.#needSelection("grow")) return;
    const answer = await this.#ask("Finding neighbors", "grow", { ...toSelection(selection, map.info, how), k: GROW_BY });
    if (answer) this.selectRows(unpackU32(answer.rows));
  }

  toggleIsolate(): void {
    const { isolated, selection } = this.ui;
    if (isolated) this.store.dispatch({ type: "isolate", mask: null });
    else if (this.#needSelection("isolate")) this.store.dispatch({ type: "isolate", mask: selection.mask });
  }

  async search(text: string, meaning: boolean): Promise<void> {
    const { map } = this.ui;
    if (!map) return;
    if (text.trim() === "") {
      this.store.dispatch({ type: "search", search: null });
      return;
    }
    const answer = await this.#ask("Searching", "search", {
      map: map.info.key, map_version: map.info.version, text: text.trim(), meaning, limit: 1000,
    });
    if (!answer) return;
    const rows = unpackU32(answer.rows);
    this.store.dispatch({ type: "search", search: { text: text.trim(), rows, total: answer.total, how: answer.how } });
    if (rows.length > 0) this.selectRows(rows);
    if (rows.length === 1) this.#goTo(rows[0] as number);
  }

  async nextBest(): Promise<void> {
    const { map } = this.ui;
    if (!map) return;
    const answer = await this.#ask("Finding the next best sample", "next_best", { map: map.info.key, map_version: map.info.version });
    if (!answer) return;
    if (answer.row === null) this.note("info", answer.reason);
    else {
      this.#goTo(answer.row);
      await this.click(answer.row, "replace");
    }
  }

  #goTo(row: number): void {
    const { map, camera } = this.ui;
    if (!map || !camera) return;
    const [x = 0, y = 0, z = 0] = map.planes.map((p) => p[row] as number);
    this.store.dispatch({ type: "camera", camera: lookAt(camera, [x, y, z]) });
  }

  // --- labeling ------------------------------------------------------------------------------------------------

  /** Queues the label and lights up the neighbors it would reach. */
  async setLabel(label: string): Promise<void> {
    const { map, selection, how } = this.ui;
    const name = label.trim();
    this.store.dispatch({ type: "dialog", dialog: "none" });
    if (!map || name === "" || !this.#needSelection("label")) return;
    const answer = await this.#ask("Setting the label", "set_label", { ...toSelection(selection, map.info, how), label: name });
    if (!answer) return;
    await this.#lightUp(name);
  }

  async #lightUp(label: string): Promise<void> {
    const { map, selection } = this.ui;
    if (!map) return;
    if (selection.count > ANCHORS_LIMIT) {
      this.note("info", `${counted(selection.count, "sample")} labeled “${label}”. Neighbors light up for at most ${counted(ANCHORS_LIMIT, "sample")} at once.`);
      return;
    }
    const anchors = Array.from(rowsOf(selection));
    const answer = await this.#ask("Finding neighbors", "label_neighbors", { ...rowsRef(map), rows: anchors, label });
    if (!answer) return;
    const order = unpackU32(answer.order);
    if (order.length === 0) this.note("info", answer.why);
    else
      this.store.dispatch({
        type: "reach",
        reach: { anchors, label, order, confidence: unpackF32(answer.confidence), count: Math.min(answer.reach, order.length), why: answer.why },
      });
  }

  setReach(count: number): void {
    this.store.dispatch({ type: "reachCount", count });
  }

  async acceptReach(): Promise<void> {
    const { map, reach } = this.ui;
    if (!map || !reach) return;
    this.store.dispatch({ type: "reach", reach: null });
    if (reach.count === 0) return;
    const answer = await this.#ask("Labeling neighbors", "accept_neighbors", {
      map: map.info.key, map_version: map.info.version, anchors: reach.anchors,
      rows: pack(reach.order.subarray(0, reach.count)), label: reach.label,
    });
    if (!answer) return;
    this.note("success", `${counted(answer.count, "neighbor")} labeled “${reach.label}”. Not saved yet.`);
  }

  leaveReach(): void {
    this.store.dispatch({ type: "reach", reach: null });
  }

  async accept(): Promise<void> {
    await this.#judge("accept", "accepted");
  }

  async reject(): Promise<void> {
    await this.#judge("reject", "rejected");
  }

  async #judge(method: "accept" | "reject", word: string): Promise<void> {
    const { map, selection, how } = this.ui;
    if (!map || !this.#needSelection(method)) return;
    if (suggestedAmong(selection, map.labelState).count === 0) {
      this.note("info", `None of the ${counted(selection.count, "selected sample")} has a suggestion.`);
      return;
    }
    const answer = await this.#ask("Working", method, toSelection(selection, map.info, how));
    if (!answer) return;
    const skipped = answer.skipped > 0 ? ` ${answer.skipped} had none.` : "";
    this.note("success", `${counted(answer.count, "suggestion")} ${word}.${skipped}`);
  }

  async delete(): Promise<void> {
    const { map, selection, how } = this.ui;
    if (!map || !this.#needSelection("delete")) return;
    const answer = await this.#ask("Queueing deletions", "delete", toSelection(selection, map.info, how));
    if (!answer) return;
    this.note("success", `${counted(answer.count, "deletion")} queued. Nothing is deleted before you save.`);
  }

  async undo(): Promise<void> {
    const answer = await this.#ask("Undoing", "undo", {});
    if (!answer) return;
    this.leaveReach();
    this.note("info", answer.done);
  }

  async save(): Promise<void> {
    const { panel } = this.ui;
    if (panel && panel.pending.labels + panel.pending.deletions === 0) {
      this.note("info", "Nothing is pending.");
      return;
    }
    const answer = await this.#ask("Saving", "save", {});
    if (!answer) return;
    this.note("success", `Saved ${counted(answer.labels, "label")} and ${counted(answer.deletions, "deletion")}.`);
  }

  async discard(): Promise<void> {
    this.store.dispatch({ type: "dialog", dialog: "none" });
    const answer = await this.#ask("Discarding", "discard", {});
    if (!answer) return;
    this.note("info", `${counted(answer.count, "pending change")} discarded. Undo brings them back.`);
  }

  async review(offset: number, limit: number): Promise<Answer<"review"> | null> {
    return this.#ask("Reading what is pending", "review", { offset, limit });
  }

  async unqueue(rows: readonly number[]): Promise<void> {
    const { map } = this.ui;
    if (!map) return;
    await this.#ask("Working", "unqueue", { ...rowsRef(map), rows });
  }

  async clearLabels(): Promise<void> {
    const answer = await this.#ask("Clearing labels", "clear_labels", {});
    if (!answer) return;
    this.note("success", `Removed ${counted(answer.count, "label")}. Undo (u) brings them back.`);
  }

  async clearExplorer(): Promise<void> {
    const { panel } = this.ui;
    await this.#ask("Clearing", "clear_explorer", {});
    if (panel?.dataset) writeKept(panel.dataset, null);
    this.clearSelection();
  }

  async labelField(field: string): Promise<void> {
    await this.#ask("Reading labels", "set_label_field", { field });
  }

  // --- jobs ----------------------------------------------------------------------------------------------------

  async computeMap(form: MapForm): Promise<void> {
    this.store.dispatch({ type: "dialog", dialog: "none" });
    const before = new Set(this.ui.panel?.maps.map((m) => m.key));
    await this.#start("compute_map", form, () => {
      const made = this.ui.panel?.maps.find((m) => !before.has(m.key));
      if (made) void this.loadMap(made.key);
    });
  }

  async computeEmbeddings(model: string): Promise<void> {
    this.store.dispatch({ type: "dialog", dialog: "none" });
    await this.#start("compute_embeddings", { model, key: null });
  }

  async updateMap(map: string): Promise<void> {
    await this.#start("update_map", { map });
  }

  async rankOutliers(): Promise<void> {
    await this.#start("rank_outliers", { selection: this.#selectionOrNull() }, () => this.#colorByScore("outlier_score"));
  }

  async rankMislabels(): Promise<void> {
    await this.#start("rank_mislabels", { selection: this.#selectionOrNull() }, () => this.#colorByScore("mislabel_score"));
  }

  async findDuplicates(threshold: number): Promise<void> {
    this.store.dispatch({ type: "dialog", dialog: "none" });
    await this.#start("find_duplicates", { selection: this.#selectionOrNull(), threshold }, () => void this.#refreshValues());
  }

  async suggestLabels(): Promise<void> {
    await this.#start("suggest_labels", { selection: this.#selectionOrNull(), precision: 0.95 }, () => void this.colorBy(BY_STATE));
  }

  /** Starts a job; `then` runs once it has ended well. */
  async #start<M extends "compute_embeddings" | "compute_map" | "update_map" | "rank_outliers" | "rank_mislabels" | "find_duplicates" | "suggest_labels">(
    method: M, ask: Ask<M>, then: () => void = () => {},
  ): Promise<void> {
    const answer = await this.#ask("Starting", method, ask, (job) => this.#whenDone.set(job.job, then));
    if (answer && !answer.state) void this.sync();
  }

  #colorByScore(field: string): void {
    if (this.#knownField(field)) void this.colorBy(field);
  }

  async cancelJob(job: string): Promise<void> {
    await this.#ask("Stopping", "cancel_job", { job });
  }

  async createSegment(name: string, kind: SegmentKind, note: string): Promise<void> {
    const { map, selection, how } = this.ui;
    this.store.dispatch({ type: "dialog", dialog: "none" });
    if (!map || !this.#needSelection("make a segment of")) return;
    const answer = await this.#ask("Creating the segment", "create_segment", {
      ...toSelection(selection, map.info, how), name, segment_kind: kind, note,
    });
    if (answer) this.note("success", `Segment “${name}” made of ${counted(answer.count, "sample")}.`);
  }

  // --- plumbing ------------------------------------------------------------------------------------------------

  note(level: Message["level"], text: string): void {
    this.store.dispatch({ type: "note", note: { id: `here-${++this.#noteCount}`, level, text } });
  }

  #selectionOrNull() {
    const { map, selection, how } = this.ui;
    return map && selection.count > 0 ? toSelection(selection, map.info, how) : null;
  }

  #needSelection(deed: string): boolean {
    if (this.ui.selection.count > 0) return true;
    this.note("info", `Select the samples to ${deed} first: click a point, or draw a lasso.`);
    return false;
  }

  #apply(patch: StatePatch | null): void {
    if (!patch) return;
    const behind = this.ui.map !== null && this.ui.map.labelStateVersion !== patch.from && this.ui.map.labelStateVersion !== patch.to;
    if (behind) void this.sync();
    else this.store.dispatch({ type: "patch", patch });
  }

  async #ask<M extends MethodName>(
    what: string, method: M, ask: Ask<M>, first: (answer: Answer<M>) => void = () => {},
  ): Promise<(Answer<M> & { readonly state?: PanelState }) | null> {
    return this.#during(what, async () => {
      const answer = await this.#host.call(method, ask);
      first(answer);
      // The patch first: the state names its version, and a column one already has need not be fetched.
      const { patch } = answer as { patch?: StatePatch | null };
      if (patch) this.#apply(patch);
      if (answer.state) this.receive(answer.state);
      // The sample looked at may have another label now.
      if (patch && this.ui.focus !== null) void this.focus(this.ui.focus);
      return answer;
    });
  }

  async #during<T>(what: string, deed: () => Promise<T>): Promise<T | null> {
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

  /** First row of the selection, for what works on one sample. */
  get firstSelected(): number {
    return firstOf(this.ui.selection);
  }
}

const rowsRef = (map: MapData): { map: string; map_version: string } => ({ map: map.info.key, map_version: map.info.version });

export const counted = (count: number, noun: string): string =>
  `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

export function sentence(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text === "" ? "Something went wrong and left no message. See the server's log." : text;
}

const keptKey = (dataset: string): string => `labelscape:view:${dataset}`;

function readKept(dataset: string | null): KeptView | null {
  if (dataset === null) return null;
  try {
    const text = localStorage.getItem(keptKey(dataset));
    return text === null ? null : (JSON.parse(text) as KeptView);
  } catch {
    // Storage may be switched off, or hold what an older version wrote: then there is no kept view.
    return null;
  }
}

function writeKept(dataset: string, kept: KeptView | null): void {
  try {
    if (kept === null) localStorage.removeItem(keptKey(dataset));
    else localStorage.setItem(keptKey(dataset), JSON.stringify(kept));
  } catch {
    // Without storage the view is not kept; nothing else depends on it.
  }
}
