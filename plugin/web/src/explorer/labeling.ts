/** Labels: setting them, letting neighbors follow, judging suggestions, saving, undoing, discarding, clearing. */
import { pack, unpackF32, unpackU32 } from "./columns";
import type { Answer, Confidence, LikelyClass } from "./contract";
import { SAVING, UNDOING } from "./jobs";
import { writeKept } from "./keptView";
import type { Selecting } from "./selecting";
import { rowsOf, type RowSet } from "./selection";
import { mapRef, type Session } from "./session";
import { nounOf, pendingWords, suggestedAmong } from "./state";
import { counted } from "../parts/words";

/** Most rows `label_neighbors` takes as anchors. */
const ANCHORS_LIMIT = 4096;
const NONE: ReadonlySet<number> = new Set();

export class Labeling {
  constructor(
    private readonly session: Session,
    private readonly selecting: Selecting,
  ) {}

  get #ui() {
    return this.session.ui;
  }

  /** Classes that the selection is likely to have, to offer them first; none where that is not known. */
  async likelyClasses(): Promise<readonly LikelyClass[]> {
    const selection = this.selecting.current();
    if (!selection) return [];
    const answer = await this.session.ask("Finding likely classes", "likely_classes", selection);
    return answer?.classes ?? [];
  }

  /** Sets the label, pending, and shows the neighbors that it would reach. */
  async setLabel(label: string): Promise<void> {
    const name = label.trim();
    this.closeDialog();
    const selection = name === "" ? null : this.selecting.needed("label");
    if (!selection) return;
    const labeled = this.#ui.selection;
    const answer = await this.session.ask("Setting the label", "set_label", { ...selection, label: name });
    if (answer && answer.count > 0) await this.#showReach(name, labeled);
  }

  /** The rows that the label of these rows would reach; none once something else is selected. */
  async #showReach(label: string, labeled: RowSet): Promise<void> {
    const { map, selection } = this.#ui;
    if (!map || selection !== labeled) return;
    const noun = nounOf(this.#ui);
    if (selection.count > ANCHORS_LIMIT) {
      this.session.note(
        "info",
        `${counted(selection.count, noun)} labeled “${label}”. ` +
          `Neighbors are shown for at most ${counted(ANCHORS_LIMIT, noun)}.`,
      );
      return;
    }
    const anchors = Array.from(rowsOf(selection));
    const ask = { ...mapRef(map), rows: anchors, label };
    const answer = await this.session.ask("Finding neighbors", "label_neighbors", ask);
    if (!answer || this.#ui.selection !== labeled) return;
    const order = unpackU32(answer.order);
    if (order.length === 0) return this.session.note("info", answer.why);
    const count = Math.min(answer.reach, order.length);
    const confidence = unpackF32(answer.confidence);
    const reach = { anchors, label, order, confidence, count, why: answer.why, left: new Set<number>() };
    this.selecting.forgetLeftOut(); // the ticks were about the former label
    this.session.store.dispatch({ type: "reach", reach });
    this.selecting.bringIntoSight([...anchors, ...reachedRows(reach)]);
    this.#showReachInGrid();
  }

  setReach(count: number): void {
    this.session.store.dispatch({ type: "reachCount", count });
    this.#showReachInGrid();
  }

  /** Excludes one of the reached rows, or includes it again. */
  toggleReached(row: number): void {
    const { reach } = this.#ui;
    if (!reach) return;
    const left = new Set(reach.left);
    if (!left.delete(row)) left.add(row);
    this.session.store.dispatch({ type: "reach", reach: { ...reach, left } });
  }

  #gridTimer: ReturnType<typeof setTimeout> | undefined;

  /** The samples grid shows the rows that the label reaches, least certain first, once the slider is at rest. */
  #showReachInGrid(): void {
    clearTimeout(this.#gridTimer);
    this.#gridTimer = setTimeout(() => {
      const { reach } = this.#ui;
      if (reach) void this.selecting.showInGrid(reachedRows({ ...reach, left: NONE }).reverse());
    }, 250);
  }

  async acceptReach(): Promise<void> {
    const { map, reach } = this.#ui;
    if (!map || !reach) return;
    this.leaveReach();
    const rows = reachedRows(reach);
    if (rows.length === 0) return;
    const ask = { ...mapRef(map), anchors: reach.anchors, rows: pack(Uint32Array.from(rows)), label: reach.label };
    const answer = await this.session.ask("Labeling neighbors", "accept_neighbors", ask);
    if (answer)
      this.session.note("success", `${counted(answer.count, "neighbor")} labeled “${reach.label}”. Not saved yet.`);
  }

  leaveReach(): void {
    clearTimeout(this.#gridTimer);
    if (!this.#ui.reach) return;
    this.session.store.dispatch({ type: "reach", reach: null });
    this.selecting.forgetLeftOut();
    this.selecting.refreshGrid();
  }

  async accept(which: Confidence): Promise<void> {
    const selection = this.selecting.needed("accept suggestions for");
    if (!selection || this.#nothingSuggested(which)) return;
    const answer = await this.session.ask("Accepting suggestions", "accept", { ...selection, which });
    if (!answer || (answer.kept && answer.count === 0)) return;
    const rest = answer.uncertain > 0 ? ` ${counted(answer.uncertain, "uncertain suggestion")} not accepted.` : "";
    this.session.note("success", `${counted(answer.count, `${which} suggestion`)} accepted, not saved yet.${rest}`);
  }

  async reject(): Promise<void> {
    const selection = this.selecting.needed("reject suggestions for");
    if (!selection || this.#nothingSuggested(null)) return;
    const answer = await this.session.ask("Rejecting suggestions", "reject", selection);
    if (answer && answer.count > 0) this.session.note("success", `${counted(answer.count, "suggestion")} rejected.`);
  }

  #nothingSuggested(which: Confidence | null): boolean {
    const { map, selection } = this.#ui;
    if (!map || map.labelStateVersion === null) return false;
    const { confident, uncertain } = suggestedAmong(selection, map.labelState);
    if (confident + uncertain === 0) {
      const noun = nounOf(this.#ui);
      this.session.note(
        "info",
        selection.count === 1
          ? `The selected ${noun} has no suggestion.`
          : `None of the ${counted(selection.count, `selected ${noun}`)} has a suggestion.`,
      );
      return true;
    }
    if (which !== "confident" || confident > 0) return false;
    this.session.note(
      "info",
      `All ${counted(uncertain, "suggestion")} in the selection ${uncertain === 1 ? "is" : "are"} uncertain: ` +
        "look at them, then press “Accept uncertain”.",
    );
    return true;
  }

  async delete(): Promise<void> {
    const selection = this.selecting.needed("delete");
    if (!selection) return;
    const answer = await this.session.ask("Deleting", "delete", selection);
    if (answer && answer.count > 0)
      this.session.note(
        "success",
        `${counted(answer.count, nounOf(this.#ui))} marked for deletion. Nothing is deleted until you save.`,
      );
  }

  /** Undoes the last action, or all actions back to the given one; false if that failed.
   * `meant`: asked once the decisions before have arrived: whether the last act is still the one that is meant.
   */
  async undo(
    key: string | null = null,
    decision: string | null = null,
    meant: () => boolean = () => true,
  ): Promise<boolean> {
    const answer = await this.session.inOrder(async () =>
      meant() ? this.session.during(UNDOING, () => this.session.send("undo", { key, decision })) : null,
    );
    if (!answer) return false;
    this.leaveReach();
    this.session.note("info", answer.done);
    return true;
  }

  async save(): Promise<void> {
    // Recent requests become pending only once they have arrived.
    const answer = await this.session.inOrder(async () => {
      const { panel } = this.#ui;
      if (!panel || pendingWords(panel.pending) !== "")
        return this.session.during(SAVING, () => this.session.send("save", {}));
      this.session.note("info", "Nothing to save.");
      return null;
    });
    if (!answer) return;
    const saved = pendingWords(answer);
    if (saved) this.session.note("success", `Saved ${saved}. Press u to undo.`);
  }

  async discard(): Promise<void> {
    this.closeDialog();
    const answer = await this.session.ask("Discarding", "discard", {});
    if (answer)
      this.session.note(
        "info",
        `${counted(answer.count, "pending change")} discarded. ${this.#undoHint(answer.undoable)}`,
      );
  }

  #undoHint(undoable: boolean): string {
    return undoable ? "Undo (u) restores them." : "";
  }

  async review(offset: number, limit: number): Promise<Answer<"review"> | null> {
    return this.session.ask("Reading pending changes", "review", { offset, limit });
  }

  async unqueue(rows: readonly number[]): Promise<void> {
    const { map } = this.#ui;
    if (map) await this.session.ask("Removing from the pending changes", "unqueue", { ...mapRef(map), rows });
  }

  /** What “Clear labels” would remove, by where the labels came from. */
  async countLabels(): Promise<Answer<"count_labels"> | null> {
    return this.session.ask("Counting labels", "count_labels", {});
  }

  async clearLabels(which: "ours" | "all"): Promise<void> {
    this.closeDialog();
    const answer = await this.session.ask("Clearing labels", "clear_labels", { which });
    if (answer) this.session.note("success", answer.done);
  }

  async chooseField(field: string): Promise<void> {
    this.closeDialog();
    await this.session.ask("Reading labels", "set_label_field", { field });
  }

  async clearable(): Promise<Answer<"clearable"> | null> {
    return this.session.ask("Reading what is stored", "clearable", {});
  }

  async clearExplorer(ids: readonly string[]): Promise<void> {
    const { panel } = this.#ui;
    this.closeDialog();
    const answer = await this.session.ask("Clearing", "clear_explorer", { ids });
    if (!answer) return;
    if (panel?.dataset && ids.includes("view")) writeKept(panel.dataset, null);
    this.session.note("success", answer.done);
  }

  closeDialog(): void {
    this.session.store.dispatch({ type: "dialog", dialog: "none" });
  }
}

/** The rows that a label reaches, most confident first, without those left out. */
export const reachedRows = (reach: {
  readonly order: Uint32Array;
  readonly count: number;
  readonly left: ReadonlySet<number>;
}): number[] => Array.from(reach.order.subarray(0, reach.count)).filter((row) => !reach.left.has(row));
