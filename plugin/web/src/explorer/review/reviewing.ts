/** Working through a list: opening it, moving in it, deciding row by row, and going back. */
import type { Answer, RowsRef, Selection } from "../contract";
import { LABEL_STATE, MISSING_CODE } from "../contract";
import type { Labeling } from "../labeling";
import type { Selecting } from "../selecting";
import { rowsOf, setFromRows } from "../selection";
import { mapRef, type Session } from "../session";
import { isLabelField, type Ui } from "../state";
import { counted } from "../../parts/words";
import {
  currentRow,
  decided,
  lastDecided,
  moved,
  proposalAt,
  reviewOf,
  rowsMarked,
  undecided,
  type Review,
  type Verdict,
} from "./review";

/** Not for every row that a quick hand passes. */
const PREVIEW_MS = 120;

export class Reviewing {
  #previewTimer: ReturnType<typeof setTimeout> | undefined;
  /** Writes go to Python one after another, while the list moves on at once. */
  #writes: Promise<unknown> = Promise.resolve();
  /** Examples of the search whose results are shown. */
  #examples: readonly number[] = [];
  /** A search added a field: the sidebar lists it after a reload, in which the grid would lose the open list. */
  #sidebarIsBehind = false;

  constructor(
    private readonly session: Session,
    private readonly selecting: Selecting,
    private readonly labeling: Labeling,
  ) {}

  get #ui(): Ui {
    return this.session.ui;
  }

  async open(list: string): Promise<void> {
    const { map } = this.#ui;
    if (!map) return;
    this.#show(await this.session.ask("Opening the list", "open_list", { ...mapRef(map), list }));
  }

  /** What is most like the selection, best first. */
  async similar(): Promise<void> {
    if (!this.selecting.needed("search by")) return;
    this.#examples = Array.from(rowsOf(this.#ui.selection));
    await this.#search(this.#examples, []);
  }

  /** The search again, with what was marked as like it and as not like it. */
  async searchAgain(): Promise<void> {
    const { review } = this.#ui;
    if (!review) return;
    await this.#search([...this.#examples, ...rowsMarked(review, "accepted")], rowsMarked(review, "rejected"));
  }

  async #search(liked: readonly number[], disliked: readonly number[]): Promise<void> {
    const { map } = this.#ui;
    if (!map) return;
    this.#examples = liked;
    const ask = { ...mapRef(map), liked, disliked };
    this.#show(await this.session.ask("Searching", "search_similar", ask));
  }

  #show(answer: Answer<"open_list"> | null): void {
    if (!answer) return;
    this.#sidebarIsBehind ||= answer.adds_field;
    const review = reviewOf(answer, classesByCount(this.#ui));
    this.session.store.dispatch({ type: "review", review });
    this.session.store.dispatch({ type: "tab", tab: "review" });
    if (review.rows.length > 0) void this.selecting.showInGrid(Array.from(review.rows));
    this.#lookAtCurrent();
  }

  move(by: number): void {
    const { review } = this.#ui;
    if (review) this.#take(moved(review, by));
  }

  goTo(at: number): void {
    const { review } = this.#ui;
    if (review) this.#take(moved(review, at - review.at));
  }

  /** Does what accepting means in this list. */
  accept(): void {
    const { review, map } = this.#ui;
    const row = review && currentRow(review);
    if (!review || !map || row === null) return;
    if (review.kind === "mislabels") {
      const label = proposalAt(review, review.at);
      if (label !== null) this.#setLabel(label, "accepted");
    } else if (review.kind === "suggestions") {
      const which = map.labelState[row] === LABEL_STATE.suggested ? "confident" : "uncertain";
      const label = proposalAt(review, review.at);
      this.#decide({ mark: "accepted", label, wrote: true }, (selection) =>
        this.session.ask("Accepting the suggestion", "accept", { ...selection, which }),
      );
    } else if (review.kind === "segment" && review.verdicts.get(row)?.mark === "rejected") this.#changeSegment(true);
    else this.#decide({ mark: "accepted", label: null, wrote: false });
  }

  /** Does what rejecting means in this list. */
  reject(): void {
    const { review } = this.#ui;
    if (!review) return;
    switch (review.kind) {
      case "suggestions":
        return this.#decide({ mark: "rejected", label: null, wrote: true }, (selection) =>
          this.session.ask("Rejecting the suggestion", "reject", selection),
        );
      case "outliers":
      case "duplicates":
        return this.delete();
      case "segment":
        return this.#changeSegment(false);
      case "mislabels":
      case "function":
      case "search":
        return this.#decide({ mark: "rejected", label: null, wrote: false });
    }
  }

  delete(): void {
    this.#decide({ mark: "rejected", label: null, wrote: true }, (selection) =>
      this.session.ask("Marking for deletion", "delete", selection),
    );
  }

  /** The class of a digit key, 1 to 9. */
  digit(number: number): void {
    const name = this.#ui.review?.classes[number - 1];
    if (name !== undefined) this.label(name);
  }

  label(name: string): void {
    this.labeling.closeDialog();
    if (name.trim() !== "") this.#setLabel(name.trim(), "labeled");
  }

  #setLabel(label: string, mark: Verdict["mark"]): void {
    this.#decide({ mark, label, wrote: true }, (selection) =>
      this.session.ask("Setting the label", "set_label", { ...selection, label }),
    );
  }

  #changeSegment(member: boolean): void {
    const { review } = this.#ui;
    if (!review) return;
    const segment = review.id.slice("segment:".length);
    const mark = member ? "accepted" : "rejected";
    this.#decide({ mark, label: null, wrote: false }, ({ map, map_version, rows }) =>
      this.session.ask("Changing the segment", "change_segment", {
        map,
        map_version,
        rows: rows ?? [],
        segment,
        member,
      }),
    );
  }

  /** Notes the verdict and moves on at once; the verdict goes again where it could not be written. */
  #decide(verdict: Verdict, write?: (selection: Selection & RowsRef) => Promise<unknown>): void {
    const { review, map } = this.#ui;
    const row = review && currentRow(review);
    if (!review || !map || row === null) return;
    const ref = { ...mapRef(map), count: 1, rows: [row], bits: null, how: { kind: "rows" as const } };
    this.#take(decided(review, verdict));
    if (!write) return;
    this.#writes = this.#writes.then(async () => {
      const answer = await write(ref);
      const now = this.#ui.review;
      if (answer === null && now?.id === review.id) this.#take(undecided(now, row));
    });
  }

  /** Takes the last verdict back, with what it wrote; without one, the last act. */
  undo(): void {
    this.#writes = this.#writes.then(() => this.#undoLast());
  }

  async #undoLast(): Promise<void> {
    const { review } = this.#ui;
    const last = review && lastDecided(review);
    if (!review || !last) return this.labeling.undo();
    const [row, verdict] = last;
    if (verdict.wrote) await this.labeling.undo();
    const now = this.#ui.review;
    if (now) this.#take(undecided(now, row));
    if (review.kind === "segment" && verdict.mark === "rejected") this.#putBack(review, row);
  }

  #putBack(review: Review, row: number): void {
    const { map } = this.#ui;
    if (!map) return;
    const segment = review.id.slice("segment:".length);
    void this.session.ask("Changing the segment", "change_segment", {
      ...mapRef(map),
      rows: [row],
      segment,
      member: true,
    });
  }

  /** Adds what was marked to the examples of the function whose matches are reviewed, and scores again. */
  async improveFunction(): Promise<void> {
    const { review, map } = this.#ui;
    if (!review || !map) return;
    const [liked, disliked] = [rowsMarked(review, "accepted"), rowsMarked(review, "rejected")];
    const slug = review.id.slice("function:".length);
    const answer = await this.session.ask("Starting", "edit_function", { ...mapRef(map), slug, liked, disliked });
    if (answer) this.session.note("info", `Scoring again with ${counted(liked.length + disliked.length, "new mark")}.`);
  }

  close(): void {
    this.session.store.dispatch({ type: "tab", tab: "map" });
    this.selecting.clear();
    if (!this.#sidebarIsBehind) return;
    this.#sidebarIsBehind = false;
    void this.session.ask("Updating the App", "refresh_app", { ranking: null });
  }

  #take(review: Review): void {
    const before = this.#ui.review;
    this.session.store.dispatch({ type: "review", review });
    if (before?.at !== review.at || before.id !== review.id) this.#lookAtCurrent();
  }

  /** The current row is the selection, and stands in the preview once one stays at it. */
  #lookAtCurrent(): void {
    const { review, map } = this.#ui;
    const row = review && currentRow(review);
    if (!map || row === null) return;
    this.session.store.dispatch({
      type: "select",
      selection: setFromRows(map.info.n, [row]),
      how: { kind: "rows" },
    });
    clearTimeout(this.#previewTimer);
    this.#previewTimer = setTimeout(() => void this.selecting.focus(row), PREVIEW_MS);
  }
}

/** Classes of the label field, the most used on the map first where that is known. */
function classesByCount({ panel, color }: Ui): readonly string[] {
  const classes = panel?.classes ?? [];
  if (!color || !isLabelField(color.field, panel)) return classes;
  const counts = new Map<string, number>();
  for (const code of color.codes) {
    if (code === MISSING_CODE) continue;
    const name = color.classes[code];
    if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...classes].sort((a, b) => (counts.get(b) ?? 0) - (counts.get(a) ?? 0));
}
