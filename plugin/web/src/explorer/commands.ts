/** What each command of the keyboard does. */
import { plural } from "../parts/words";
import type { Explorer } from "./explorer";
import type { Command, ReviewCommand } from "./keymap";
import { currentRow } from "./review/review";
import { nounOf } from "./state";

export function runCommand(explorer: Explorer, command: Command, root: HTMLElement | null): void {
  const { store, ui, selecting, labeling, map, look } = explorer;
  switch (command) {
    case "label":
      return void (ui.selection.count > 0
        ? store.dispatch({ type: "dialog", dialog: "label" })
        : explorer.note("info", `Select ${plural(nounOf(ui))} to label first: click a point, or draw a lasso.`));
    case "delete":
      return void labeling.delete();
    case "accept":
      return void labeling.accept("confident");
    case "reject":
      return void labeling.reject();
    case "undo":
      return void labeling.undo();
    case "save":
      return void labeling.save();
    case "isolate":
      return selecting.toggleIsolate();
    case "grow":
      return void selecting.grow();
    case "similar":
      return void explorer.reviewing.similar();
    case "invert":
      return selecting.invert();
    case "next":
      return void selecting.nextBest();
    case "search":
      return root?.querySelector<HTMLInputElement>("input[data-search]")?.focus();
    case "help":
      return store.dispatch({ type: "dialog", dialog: "help" });
    case "2d":
      return void map.dimension(2);
    case "3d":
      return void map.dimension(3);
    case "pan":
    case "lasso":
    case "box":
      return store.dispatch({ type: "tool", tool: command });
    case "fit":
      return look.showAll();
    case "texts":
      return void look.toggleTexts();
    case "enter":
      return void (ui.reach ? labeling.acceptReach() : undefined);
    case "escape":
      return closeTopmost(explorer, root);
  }
}

/** What each key does while a list is reviewed. */
export function runReviewCommand(explorer: Explorer, command: ReviewCommand, root: HTMLElement | null): void {
  const { reviewing, labeling, selecting, store, ui } = explorer;
  switch (command.name) {
    case "move":
      return reviewing.move(command.by);
    case "line":
      return reviewing.move(command.by * columnsShown(root));
    case "digit":
      return reviewing.digit(command.digit);
    case "accept":
      return reviewing.accept();
    case "reject":
      return reviewing.reject();
    case "delete":
      return reviewing.delete();
    case "label":
      return store.dispatch({ type: "dialog", dialog: "label" });
    case "undo":
      return reviewing.undo();
    case "save":
      return void labeling.save();
    case "open": {
      const row = ui.review && currentRow(ui.review);
      return void (row === null ? undefined : selecting.openInViewer(row));
    }
    case "close":
      return reviewing.close();
    case "help":
      return store.dispatch({ type: "dialog", dialog: "help" });
  }
}

const columnsShown = (root: HTMLElement | null): number =>
  Number(root?.querySelector<HTMLElement>("[data-columns]")?.dataset["columns"] ?? 1);

/** Closes what is on top, one thing per key press. */
function closeTopmost({ ui, store, labeling, selecting }: Explorer, root: HTMLElement | null): void {
  const active = document.activeElement;
  const typing = active instanceof HTMLInputElement && !["checkbox", "range", "radio"].includes(active.type);
  if (ui.dialog !== "none") labeling.closeDialog();
  else if (typing) root?.focus();
  else if (ui.tab !== "map") store.dispatch({ type: "tab", tab: "map" });
  else if (ui.reach) labeling.leaveReach();
  else if (ui.focus !== null) void selecting.focus(null);
  else if (ui.isolated) selecting.toggleIsolate();
  else selecting.clear();
}
