/** Pointing, selecting, and searching: the preview, the selection, and what the samples grid shows of it. */
import { lookAt } from "../scatter/camera";
import type { Appearance } from "./appearance";
import { unpackU32 } from "./columns";
import type { Medium, Selection, SelectionHow } from "./contract";
import { mapRef, type Session } from "./session";
import { combine, emptySet, invert, setFromRows, setOf, toSelection, type Combine, type RowSet } from "./selection";
import { allowedRows, nounOf, type MapData } from "./state";
import { plural, sentence } from "../parts/words";

const ROWS: SelectionHow = { kind: "rows" };
const FACTS_AT_ONCE = 48;
const GROW_BY = 10;
const HOVER_MS = 30;
const NEIGHBORS_SHOWN = 8;
/** The most rows that the samples grid can show in our order. */
const GRID_LIMIT = 4096;

export class Selecting {
  #hoverTimer: ReturnType<typeof setTimeout> | undefined;
  #selectTicket = 0;
  #tickTicket = 0;
  #focusTicket = 0;
  /** Whether the selection came from what is ticked in the grid. */
  #ticked = false;
  /** Rows that a label reaches and that are left out by a tick in the grid. */
  #tickedOut: ReadonlySet<number> = new Set();
  readonly #factsAsked = new Set<number>();

  constructor(
    private readonly session: Session,
    private readonly look: Appearance,
  ) {}

  get #ui() {
    return this.session.ui;
  }

  /** `near`: rows the pointer may reach next. */
  hover(row: number, x: number, y: number, near: readonly number[]): void {
    const { hover } = this.#ui;
    const same = hover?.row === row;
    if (!same) clearTimeout(this.#hoverTimer);
    if (row < 0) {
      if (hover) this.session.store.dispatch({ type: "hover", hover: null });
      return;
    }
    this.session.store.dispatch({ type: "hover", hover: { row, x, y } });
    // Not for every point that the pointer passes over: each request is a server call.
    if (!same && !this.#ui.facts.has(row))
      this.#hoverTimer = setTimeout(() => void this.readFacts([row, ...near]), HOVER_MS);
  }

  /** Reads facts of rows, for the tooltip and for thumbnails, unless they are known. */
  async readFacts(rows: readonly number[]): Promise<void> {
    const { map, facts } = this.#ui;
    const unread = [...new Set(rows)].filter((r) => !facts.has(r) && !this.#factsAsked.has(r)).slice(0, FACTS_AT_ONCE);
    if (!map || unread.length === 0) return;
    unread.forEach((r) => this.#factsAsked.add(r));
    try {
      const answer = await this.session.host.call("facts", { ...mapRef(map), rows: unread });
      if (this.#ui.map?.info.version === map.info.version)
        this.session.store.dispatch({ type: "facts", facts: answer.facts });
    } catch {
      // A tooltip without facts still names the row; the next hover asks again.
    } finally {
      unread.forEach((r) => this.#factsAsked.delete(r));
    }
  }

  /** Opens the preview of a row and makes it the selection. */
  async click(row: number, how: Combine): Promise<void> {
    const { map } = this.#ui;
    if (!map) return;
    this.select(combine(this.#ui.selection, setFromRows(map.info.n, [row]), how), ROWS);
    await this.focus(row);
  }

  async focus(row: number | null): Promise<void> {
    const { map } = this.#ui;
    this.session.store.dispatch({ type: "focus", row });
    if (row === null || !map) return;
    const ticket = ++this.#focusTicket;
    try {
      const answer = await this.session.host.call("preview", { ...mapRef(map), row, k: NEIGHBORS_SHOWN });
      // Of two answers about the same row, the one requested last is the newest.
      if (ticket !== this.#focusTicket) return;
      this.session.store.dispatch({ type: "preview", preview: answer.preview });
      this.session.store.dispatch({ type: "facts", facts: [answer.preview, ...answer.preview.neighbors] });
    } catch (error) {
      this.session.note("error", sentence(error));
    }
  }

  /** What a sample carries besides its card; of a series a stretch, where one is named. */
  async readMedium(row: number, stretch?: readonly [number, number]): Promise<Medium | null> {
    const { map, panel } = this.#ui;
    if (!map || panel?.medium == null) return null;
    const part = stretch ? { start: stretch[0], end: stretch[1] } : {};
    const answer = await this.session.ask("Reading the media file", "medium", { ...mapRef(map), row, ...part });
    return answer?.medium ?? null;
  }

  async openInViewer(row: number): Promise<void> {
    const { map } = this.#ui;
    if (map) await this.session.ask("Opening the sample", "open_sample", { ...mapRef(map), row });
  }

  /** Sets the selection; the samples grid follows, and loses ticks that would now mean another selection. */
  select(selection: RowSet, how: SelectionHow): void {
    ++this.#tickTicket;
    if (this.#ticked) {
      this.#ticked = false;
      this.session.host.untick();
      void this.focus(null); // it was on the one ticked
    }
    this.session.store.dispatch({ type: "select", selection, how });
    void this.#tellGrid();
  }

  async #tellGrid(): Promise<void> {
    const { map, selection, how } = this.#ui;
    if (!map) return;
    const ticket = ++this.#selectTicket;
    // For a quick series of clicks, the last answer is enough.
    await new Promise((resolve) => setTimeout(resolve, 60));
    if (ticket !== this.#selectTicket) return;
    if (selection.count === 0) this.session.host.showInGrid(null);
    const answer = await this.session.ask("Updating the grid", "select", this.#message(map, selection, how));
    if (answer && ticket === this.#selectTicket) this.session.host.showInGrid(answer.stage);
  }

  /** Shows these rows in the samples grid, in this order, without selecting them. */
  async showInGrid(rows: readonly number[]): Promise<void> {
    const { map } = this.#ui;
    if (!map) return;
    const ticket = ++this.#selectTicket;
    const first = rows.slice(0, GRID_LIMIT);
    const shown = map.labelStateVersion;
    const ask = { ...mapRef(map), count: first.length, rows: first, bits: null, how: ROWS, shown };
    const answer = await this.session.ask("Updating the grid", "select", { ...ask, ordered: true });
    if (answer && ticket === this.#selectTicket) this.session.host.showInGrid(answer.stage);
  }

  /** The samples grid shows the selection again. */
  refreshGrid(): void {
    void this.#tellGrid();
  }

  /** Moves the map so that these rows are in sight. */
  bringIntoSight(rows: readonly number[]): void {
    this.look.bringIntoSight(rows);
  }

  /** True when the map holds the whole dataset, so that a match on a field finds the rows of the map and no others. */
  get mapIsWhole(): boolean {
    const { panel, map } = this.#ui;
    const run = panel?.maps.find((m) => m.key === map?.info.key);
    if (!run || map?.info.noun !== "sample" || run.stale.missing + run.stale.removed > 0) return false;
    return map?.info.n === panel?.sample_count;
  }

  /**
   * What is ticked in the samples grid becomes the selection; the grid stays unchanged, so that more can be ticked.
   * While it shows the rows that a label reaches, those ticked are left out instead.
   */
  async takeTicked(ids: readonly string[]): Promise<void> {
    const { map } = this.#ui;
    if (map && this.#ui.reach) return this.#leaveOut(ids);
    if (!map || (ids.length === 0 && !this.#ticked)) return;
    this.#ticked = ids.length > 0;
    const ticket = ++this.#tickTicket;
    const answer =
      ids.length > 0 ? await this.session.ask("Finding ticked samples", "locate", { ...mapRef(map), ids }) : null;
    if (ticket !== this.#tickTicket || this.#ui.map?.info.items !== map.info.items) return;
    const rows = answer ? unpackU32(answer.rows) : [];
    this.session.store.dispatch({ type: "select", selection: setFromRows(map.info.n, rows), how: ROWS });
    this.look.bringIntoSight(Array.from(rows));
    await this.focus(rows.length === 1 ? (rows[0] as number) : null);
  }

  async #leaveOut(ids: readonly string[]): Promise<void> {
    const { map, reach } = this.#ui;
    if (!map || !reach) return;
    const ticket = ++this.#tickTicket;
    const answer =
      ids.length > 0 ? await this.session.ask("Finding ticked samples", "locate", { ...mapRef(map), ids }) : null;
    const now = this.#ui.reach;
    if (ticket !== this.#tickTicket || now?.order !== reach.order) return;
    const reached = new Set(now.order.subarray(0, now.count));
    const ticked = new Set(answer ? Array.from(unpackU32(answer.rows)).filter((row) => reached.has(row)) : []);
    const left = new Set([...now.left].filter((row) => !this.#tickedOut.has(row) || ticked.has(row)));
    // Not those ticked before: a click on the thumbnail may have included them again.
    [...ticked].filter((row) => !this.#tickedOut.has(row)).forEach((row) => left.add(row));
    this.#tickedOut = ticked;
    this.session.store.dispatch({ type: "reach", reach: { ...now, left } });
  }

  /** Takes the ticks off that left out rows which a label reaches. */
  forgetLeftOut(): void {
    if (this.#tickedOut.size > 0) {
      this.#ticked = false; // else a selection that was made by ticking would be lost with the ticks
      this.session.host.untick();
    }
    this.#tickedOut = new Set();
  }

  selectMask(mask: Uint8Array, how: SelectionHow, way: Combine): void {
    const selection = combine(this.#ui.selection, setOf(mask), way);
    this.select(selection, way === "replace" ? how : ROWS);
  }

  selectRows(rows: ArrayLike<number>): void {
    const { map } = this.#ui;
    if (map) this.select(setFromRows(map.info.n, rows), ROWS);
  }

  clear(): void {
    const { map } = this.#ui;
    if (map) this.select(emptySet(map.info.n), ROWS);
  }

  invert(): void {
    this.select(invert(this.#ui.selection, allowedRows(this.#ui)), ROWS);
  }

  async grow(): Promise<void> {
    const selection = this.needed("grow");
    if (!selection) return;
    const answer = await this.session.ask("Finding neighbors", "grow", { ...selection, k: GROW_BY });
    if (answer) this.selectRows(unpackU32(answer.rows));
  }

  toggleIsolate(): void {
    const { isolated, selection } = this.#ui;
    if (isolated) this.look.isolate(null);
    else if (this.needed("isolate")) this.look.isolate(selection.mask);
  }

  async search(text: string, meaning: boolean): Promise<void> {
    const { map } = this.#ui;
    if (!map) return;
    if (text.trim() === "") {
      this.session.store.dispatch({ type: "search", search: null });
      return;
    }
    const ask = { ...mapRef(map), text: text.trim(), meaning, limit: 1000 };
    const answer = await this.session.ask("Searching", "search", ask);
    if (!answer) return;
    const rows = unpackU32(answer.rows);
    const search = { text: text.trim(), rows, total: answer.total, how: answer.how };
    this.session.store.dispatch({ type: "search", search });
    if (rows.length === 0) return;
    this.selectRows(rows);
    if (rows.length === 1) this.#goTo(rows[0] as number);
    await this.focus(rows.length === 1 ? (rows[0] as number) : null);
  }

  async nextBest(): Promise<void> {
    const { map } = this.#ui;
    if (!map) return;
    const answer = await this.session.ask("Finding the next best sample", "next_best", mapRef(map));
    if (!answer) return;
    if (answer.row === null) this.session.note("info", answer.reason);
    else {
      this.#goTo(answer.row);
      await this.click(answer.row, "replace");
    }
  }

  /** The selection as a message; if nothing is selected, null, and the user is told what to do. */
  needed(what: string): Selection | null {
    const selection = this.current();
    if (!selection)
      this.session.note("info", `Select ${plural(nounOf(this.#ui))} to ${what} first: click a point, or draw a lasso.`);
    return selection;
  }

  /** The selection as a message; null where nothing is selected. */
  current(): Selection | null {
    const { map, selection, how } = this.#ui;
    return map && selection.count > 0 ? this.#message(map, selection, how) : null;
  }

  #message(map: MapData, selection: RowSet, how: SelectionHow): Selection {
    return toSelection(selection, map.info, how, map.labelStateVersion);
  }

  #goTo(row: number): void {
    const { map, camera } = this.#ui;
    if (!map || !camera) return;
    const [x = 0, y = 0, z = 0] = map.planes.map((p) => p[row] as number);
    this.session.store.dispatch({ type: "camera", camera: lookAt(camera, [x, y, z]) });
    this.session.store.dispatch({ type: "hover", hover: null }); // another point is below the pointer now
  }
}
