/** Working through a list: opening it, moving in it, deciding row by row, and going back. */
import { MISSING_CODE, type Answer, type Decision } from "../contract";
import type { Labeling } from "../labeling";
import type { Selecting } from "../selecting";
import { rowsOf, setFromRows } from "../selection";
import { mapRef, type Session } from "../session";
import { isLabelField, type Ui } from "../state";
import { counted, sentence } from "../../parts/words";
import { browserStorage, DecisionQueue, type Failed } from "./decisions";
import {
  currentRow,
  decided,
  lastDecided,
  moved,
  proposalAt,
  reviewOf,
  rowsMarked,
  undecided,
  withoutDecisions,
  type Review,
  type Verdict,
} from "./review";

const SEGMENT_KINDS: ReadonlySet<Decision["kind"]> = new Set(["add_to_segment", "remove_from_segment"] as const);
/** Not for every row that the user passes quickly. */
const PREVIEW_MS = 120;

export class Reviewing {
  #previewTimer: ReturnType<typeof setTimeout> | undefined;
  /** Decisions are sent to Python in the background; the list moves on at once. */
  readonly #queue: DecisionQueue;
  /** Actions are undone one after another. */
  #undos: Promise<unknown> = Promise.resolve();
  /** Examples of the search whose results are shown. */
  #examples: readonly number[] = [];
  /** A search added a field: the sidebar lists it after a reload, in which the grid would lose the open list. */
  #sidebarIsBehind = false;

  constructor(
    private readonly session: Session,
    private readonly selecting: Selecting,
    private readonly labeling: Labeling,
  ) {
    this.#queue = new DecisionQueue(
      {
        send: async (dataset, made) => {
          const decisions = made.map((one) => ({ ...one, shown: session.seen(one.shown ?? null) }));
          return (await session.send("decide", { dataset, decisions })).failed;
        },
        onFailed: (failed) => this.#onFailed(failed),
        onUnreachable: (waiting, error) =>
          session.note(
            "warning",
            `${counted(waiting, "decision")} could not be sent (${sentence(error)}). ` +
              "They are kept in this browser and will be resent until they arrive.",
          ),
        onDropped: () =>
          session.note("warning", "Not done: earlier decisions could not be sent yet. Try again once they have been."),
        onCaughtUp: (count) =>
          session.note("success", `Applied ${counted(count, "decision")} that this browser had kept.`),
      },
      browserStorage(),
    );
    session.inOrder = (work) => this.#queue.inOrder(work);
  }

  /** Continues with a dataset's decisions that were left in the browser. */
  openDataset(dataset: string): void {
    this.#queue.open(dataset);
  }

  get #ui(): Ui {
    return this.session.ui;
  }

  async open(list: string): Promise<void> {
    const { map } = this.#ui;
    if (!map) return;
    this.#show(await this.session.ask("Opening the list", "open_list", { ...mapRef(map), list }));
  }

  /** The samples most similar to the selection, best first. */
  async similar(): Promise<void> {
    if (!this.selecting.needed("search by")) return;
    this.#examples = Array.from(rowsOf(this.#ui.selection));
    await this.#search(this.#examples, []);
  }

  /** Repeats the search with the samples marked as similar and as not similar. */
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
    const { review } = this.#ui;
    const row = review && currentRow(review);
    if (!review || row === null) return;
    const label = proposalAt(review, review.at);
    if (review.kind === "mislabels") {
      if (label !== null) this.#decide("accepted", "label", label);
    } else if (review.kind === "suggestions") this.#decide("accepted", "accept", label);
    else if (review.kind === "segment" && review.verdicts.get(row)?.mark === "rejected") this.#changeSegment(true);
    else this.#decide("accepted", null);
  }

  /** Does what rejecting means in this list. */
  reject(): void {
    const { review } = this.#ui;
    if (!review) return;
    switch (review.kind) {
      case "suggestions":
        return this.#decide("rejected", "reject");
      case "outliers":
      case "duplicates":
        return this.delete();
      case "segment":
        return this.#changeSegment(false);
      case "mislabels":
      case "function":
      case "search":
        return this.#decide("rejected", null);
    }
  }

  delete(): void {
    this.#decide("rejected", "delete");
  }

  /** The class of a digit key, 1 to 9. */
  digit(number: number): void {
    const name = this.#ui.review?.classes[number - 1];
    if (name !== undefined) this.label(name);
  }

  label(name: string): void {
    this.labeling.closeDialog();
    if (name.trim() !== "") this.#decide("labeled", "label", name.trim());
  }

  #changeSegment(member: boolean): void {
    this.#decide(member ? "accepted" : "rejected", member ? "add_to_segment" : "remove_from_segment");
  }

  /** Records the verdict and moves on at once; writes are sent to Python in the background. */
  #decide(mark: Verdict["mark"], kind: Decision["kind"] | null, label: string | null = null): void {
    const { review } = this.#ui;
    const row = review && currentRow(review);
    if (!review || row === null) return;
    const decision = kind && this.#send(review, row, kind, label);
    const wrote = kind !== null && !SEGMENT_KINDS.has(kind);
    this.#take(decided(review, { mark, label, wrote, decision }));
  }

  #send(review: Review, row: number, kind: Decision["kind"], label: string | null): string | null {
    const { map, panel } = this.#ui;
    const item = review.ids[review.rows.indexOf(row)];
    if (!map || item === undefined) return null;
    const value = SEGMENT_KINDS.has(kind) ? review.id.slice("segment:".length) : kind === "label" ? (label ?? "") : "";
    const shown = map.labelStateVersion;
    return this.#queue.add({ map: map.info.key, field: panel?.label_field ?? "", item, kind, value, shown });
  }

  /** Undoes the last verdict and what it wrote, or else the last action. */
  undo(): void {
    const { review } = this.#ui;
    const last = review && lastDecided(review);
    if (last?.[1].decision && this.#queue.takeBack(last[1].decision)) this.#take(undecided(review as Review, last[0]));
    else this.#undos = this.#undos.catch(() => undefined).then(() => this.#undoLast());
  }

  async #undoLast(): Promise<void> {
    const { review } = this.#ui;
    const last = review && lastDecided(review);
    if (!review || !last) return void (await this.labeling.undo());
    const [row, verdict] = last;
    const isMeant = (): boolean => this.#ui.review?.history.some(([, decided]) => decided === verdict) ?? false;
    if (verdict.wrote && !(await this.labeling.undo(null, verdict.decision, isMeant))) return;
    const now = this.#ui.review;
    if (now?.id === review.id) this.#take(undecided(now, row));
    if (review.kind === "segment" && verdict.mark === "rejected") this.#send(review, row, "add_to_segment", null);
  }

  /** What could not be applied is open again. */
  #onFailed(failed: readonly Failed[]): void {
    const { review } = this.#ui;
    if (review) this.#take(withoutDecisions(review, new Set(failed.map(({ id }) => id))));
    const reasons = [...new Set(failed.map(({ reason }) => reason))].join(" ");
    this.session.note("error", `${counted(failed.length, "decision")} could not be applied. ${reasons}`);
  }

  /** Adds what was marked to the examples of the function whose matches are reviewed, and scores again. */
  async improveFunction(): Promise<void> {
    const { review, map } = this.#ui;
    if (!review || !map) return;
    const [liked, disliked] = [rowsMarked(review, "accepted"), rowsMarked(review, "rejected")];
    const slug = review.id.split(":")[1] as string;
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

  /** The current row is the selection, and is previewed once the user stays on it. */
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
