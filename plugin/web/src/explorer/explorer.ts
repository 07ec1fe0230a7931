/** What a user can do in the panel: each act asks Python where it must and changes the state. */
import { lookAt } from "../scatter/camera";
import { pack, unpackF32, unpackU32 } from "./columns";
import type { Answer, Ask, MapForm, PanelState, SegmentKind, SelectionHow, StatePatch } from "./contract";
import { writeKept } from "./keptView";
import { Picture } from "./picture";
import {
  combine,
  emptySet,
  invert,
  rowsOf,
  setFromRows,
  setOf,
  toSelection,
  type Combine,
  type RowSet,
} from "./selection";
import { allowedRows, BY_STATE, nounOf, suggestedAmong, type MapData } from "./state";
import { counted, sentence } from "../parts/words";

const ROWS: SelectionHow = { kind: "rows" };
const FACTS_AT_ONCE = 32;
const GROW_BY = 10;
const HOVER_MS = 30;
/** Most rows `label_neighbors` takes as anchors. */
const ANCHORS_LIMIT = 4096;

export class Explorer extends Picture {
  #hoverTimer: ReturnType<typeof setTimeout> | undefined;
  #selectTicket = 0;
  /** What follows a job that was started here, by the job's id. */
  readonly #whenDone = new Map<string, () => void>();
  readonly #factsAsked = new Set<number>();

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
    if (!same && !this.ui.facts.has(row))
      this.#hoverTimer = setTimeout(() => void this.#askFacts([row, ...near]), HOVER_MS);
  }

  async #askFacts(rows: readonly number[]): Promise<void> {
    const { map, facts } = this.ui;
    const wanted = [...new Set(rows)].filter((r) => !facts.has(r) && !this.#factsAsked.has(r)).slice(0, FACTS_AT_ONCE);
    if (!map || wanted.length === 0) return;
    wanted.forEach((r) => this.#factsAsked.add(r));
    try {
      const answer = await this.host.call("facts", { ...rowsRef(map), rows: wanted });
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
      const answer = await this.host.call("preview", { map: map.info.key, map_version: map.info.version, row, k: 8 });
      this.store.dispatch({ type: "preview", preview: answer.preview });
      this.store.dispatch({ type: "facts", facts: [answer.preview, ...answer.preview.neighbors] });
    } catch (error) {
      this.note("error", sentence(error));
    }
  }

  protected override mapShown(): void {
    const { focus, preview } = this.ui;
    if (focus !== null && preview === null) void this.focus(focus);
  }

  async openInViewer(row: number): Promise<void> {
    const { map } = this.ui;
    if (map)
      await this.ask("Opening the sample", "open_sample", { map: map.info.key, map_version: map.info.version, row });
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
    if (selection.count === 0) this.host.showInGrid(null);
    const answer = await this.ask("Updating the grid", "select", toSelection(selection, map.info, how));
    if (answer && ticket === this.#selectTicket) this.host.showInGrid(answer.stage);
  }

  /**
   * True when the map holds the whole dataset, so that a match on a field finds the rows of the map and no other
   * sample.
   */
  get mapIsWhole(): boolean {
    const { panel, map } = this.ui;
    const run = panel?.maps.find((m) => m.key === map?.info.key);
    return (
      run !== undefined &&
      run.patches_field === null &&
      run.stale.missing + run.stale.removed === 0 &&
      map?.info.n === panel?.sample_count
    );
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
    const answer = await this.ask("Finding neighbors", "grow", {
      ...toSelection(selection, map.info, how),
      k: GROW_BY,
    });
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
    const answer = await this.ask("Searching", "search", {
      map: map.info.key,
      map_version: map.info.version,
      text: text.trim(),
      meaning,
      limit: 1000,
    });
    if (!answer) return;
    const rows = unpackU32(answer.rows);
    this.store.dispatch({ type: "search", search: { text: text.trim(), rows, total: answer.total, how: answer.how } });
    if (rows.length === 0) return;
    this.selectRows(rows);
    if (rows.length === 1) this.#goTo(rows[0] as number);
    await this.focus(rows.length === 1 ? (rows[0] as number) : null);
  }

  async nextBest(): Promise<void> {
    const { map } = this.ui;
    if (!map) return;
    const answer = await this.ask("Finding the next best sample", "next_best", {
      map: map.info.key,
      map_version: map.info.version,
    });
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
    const answer = await this.ask("Setting the label", "set_label", {
      ...toSelection(selection, map.info, how),
      label: name,
    });
    if (!answer) return;
    await this.#lightUp(name);
  }

  async #lightUp(label: string): Promise<void> {
    const { map, selection } = this.ui;
    if (!map) return;
    const noun = nounOf(this.ui);
    if (selection.count > ANCHORS_LIMIT) {
      this.note(
        "info",
        `${counted(selection.count, noun)} labeled “${label}”. ` +
          `Neighbors are shown for at most ${counted(ANCHORS_LIMIT, noun)}.`,
      );
      return;
    }
    const anchors = Array.from(rowsOf(selection));
    const answer = await this.ask("Finding neighbors", "label_neighbors", { ...rowsRef(map), rows: anchors, label });
    if (!answer) return;
    const order = unpackU32(answer.order);
    if (order.length === 0) this.note("info", answer.why);
    else
      this.store.dispatch({
        type: "reach",
        reach: {
          anchors,
          label,
          order,
          confidence: unpackF32(answer.confidence),
          count: Math.min(answer.reach, order.length),
          why: answer.why,
        },
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
    const answer = await this.ask("Labeling neighbors", "accept_neighbors", {
      map: map.info.key,
      map_version: map.info.version,
      anchors: reach.anchors,
      rows: pack(reach.order.subarray(0, reach.count)),
      label: reach.label,
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
    if (map.labelStateVersion !== null && suggestedAmong(selection, map.labelState).count === 0) {
      this.note("info", `None of the ${counted(selection.count, `selected ${nounOf(this.ui)}`)} has a suggestion.`);
      return;
    }
    const answer = await this.ask("Working", method, toSelection(selection, map.info, how));
    if (!answer) return;
    const skipped = answer.skipped > 0 ? ` ${answer.skipped} had none.` : "";
    this.note("success", `${counted(answer.count, "suggestion")} ${word}.${skipped}`);
  }

  async delete(): Promise<void> {
    const { map, selection, how } = this.ui;
    if (!map || !this.#needSelection("delete")) return;
    const answer = await this.ask("Queueing deletions", "delete", toSelection(selection, map.info, how));
    if (!answer) return;
    this.note("success", `${counted(answer.count, "deletion")} queued. Nothing is deleted before you save.`);
  }

  async undo(): Promise<void> {
    const answer = await this.ask("Undoing", "undo", {});
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
    const answer = await this.ask("Saving", "save", {});
    if (!answer) return;
    this.note("success", `Saved ${counted(answer.labels, "label")} and ${counted(answer.deletions, "deletion")}.`);
  }

  async discard(): Promise<void> {
    this.store.dispatch({ type: "dialog", dialog: "none" });
    const answer = await this.ask("Discarding", "discard", {});
    if (!answer) return;
    this.note("info", `${counted(answer.count, "pending change")} discarded. Undo brings them back.`);
  }

  async review(offset: number, limit: number): Promise<Answer<"review"> | null> {
    return this.ask("Reading what is pending", "review", { offset, limit });
  }

  async unqueue(rows: readonly number[]): Promise<void> {
    const { map } = this.ui;
    if (!map) return;
    await this.ask("Working", "unqueue", { ...rowsRef(map), rows });
  }

  async clearLabels(): Promise<void> {
    const answer = await this.ask("Clearing labels", "clear_labels", {});
    if (!answer) return;
    this.note("success", `Removed ${counted(answer.count, "label")}. Undo (u) brings them back.`);
  }

  async clearExplorer(): Promise<void> {
    const { panel } = this.ui;
    await this.ask("Clearing", "clear_explorer", {});
    if (panel?.dataset) writeKept(panel.dataset, null);
    this.clearSelection();
  }

  async labelField(field: string): Promise<void> {
    await this.ask("Reading labels", "set_label_field", { field });
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
    await this.#start(
      "rank_outliers",
      { selection: this.#selectionOrNull() },
      () => void this.#showRanking("outlier_score"),
    );
  }

  async rankMislabels(): Promise<void> {
    await this.#start(
      "rank_mislabels",
      { selection: this.#selectionOrNull() },
      () => void this.#showRanking("mislabel_score"),
    );
  }

  async findDuplicates(threshold: number): Promise<void> {
    this.store.dispatch({ type: "dialog", dialog: "none" });
    await this.#start("find_duplicates", { selection: this.#selectionOrNull(), threshold }, () => {
      void this.#refreshApp(null);
      void this.refreshValues();
    });
  }

  async suggestLabels(): Promise<void> {
    await this.#start("suggest_labels", { selection: this.#selectionOrNull(), precision: 0.95 }, () => {
      void this.#refreshApp(null);
      void this.colorBy(BY_STATE);
    });
  }

  /** Starts a job; `then` runs once it has ended well. */
  async #start<
    M extends
      | "compute_embeddings"
      | "compute_map"
      | "update_map"
      | "rank_outliers"
      | "rank_mislabels"
      | "find_duplicates"
      | "suggest_labels",
  >(method: M, ask: Ask<M>, then: () => void = () => {}): Promise<void> {
    const answer = await this.ask("Starting", method, ask, (job) => this.#whenDone.set(job.job, then));
    if (answer && !answer.state) void this.sync();
  }

  async #showRanking(field: string): Promise<void> {
    await this.#refreshApp(field);
    if (this.knownField(field)) await this.colorBy(field);
  }

  async #refreshApp(ranked_by: string | null): Promise<void> {
    await this.ask("Updating the App", "refresh_app", { ranked_by });
  }

  async sendToLabelStudio(): Promise<void> {
    if (this.#needSelection("send")) await this.ask("Opening the form", "send_to_label_studio", {});
  }

  async cancelJob(job: string): Promise<void> {
    await this.ask("Stopping", "cancel_job", { job });
  }

  async createSegment(name: string, kind: SegmentKind, note: string): Promise<void> {
    const { map, selection, how } = this.ui;
    this.store.dispatch({ type: "dialog", dialog: "none" });
    if (!map || !this.#needSelection("make a segment of")) return;
    const answer = await this.ask("Creating the segment", "create_segment", {
      ...toSelection(selection, map.info, how),
      name,
      segment_kind: kind,
      note,
    });
    if (answer) this.note("success", `Segment “${name}” made of ${counted(answer.count, nounOf(this.ui))}.`);
  }

  override receive(panel: PanelState): void {
    if (this.ui.panel && this.ui.panel.dataset !== panel.dataset) this.#whenDone.clear();
    super.receive(panel);
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

  // --- the selection, and what hangs on it -----------------------------------------------------------------------

  #selectionOrNull() {
    const { map, selection, how } = this.ui;
    return map && selection.count > 0 ? toSelection(selection, map.info, how) : null;
  }

  #needSelection(deed: string): boolean {
    if (this.ui.selection.count > 0) return true;
    this.note("info", `Select the ${nounOf(this.ui)}s to ${deed} first: click a point, or draw a lasso.`);
    return false;
  }

  protected override applyPatch(patch: StatePatch): void {
    super.applyPatch(patch);
    // The sample looked at may have another label now.
    if (this.ui.focus !== null) void this.focus(this.ui.focus);
  }
}

const rowsRef = (map: MapData): { map: string; map_version: string } => ({
  map: map.info.key,
  map_version: map.info.version,
});
