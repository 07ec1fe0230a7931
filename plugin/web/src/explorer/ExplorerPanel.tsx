/** The whole panel: bars, map, side, windows; the keys; the theme. */
import * as React from "react";
import type { Explorer } from "./explorer";
import { commandFor, type Command } from "./keymap";
import { mapInfo, nounOf } from "./state";
import { isDark, parseColor } from "../scatter/colors";
import STYLE from "../parts/style.css?inline";
import { Busy, JobBars, Notes, PendingBar, ReachBar, SelectionBar, StaleBar } from "./Bars";
import { ExplorerContext, useUi } from "./context";
import { Dialogs } from "./Dialogs";
import { Empty, NothingLabeled } from "./Empty";
import { Legend } from "./Legend";
import { usePoll } from "../parts/parts";
import { PreviewPane } from "./PreviewPane";
import { Scatter } from "../scatter/Scatter";
import { Toolbar } from "./Toolbar";

/** Another tab shows what was done here when it comes to the front, else within this time. */
const POLL_MS = 10000;
const POLL_JOB_MS = 1000;

export function ExplorerPanel({ explorer }: { readonly explorer: Explorer }): React.ReactElement {
  return (
    <ExplorerContext.Provider value={explorer}>
      <style>{STYLE}</style>
      <Inside explorer={explorer} />
    </ExplorerContext.Provider>
  );
}

function Inside({ explorer }: { readonly explorer: Explorer }): React.ReactElement {
  const root = React.useRef<HTMLDivElement>(null);
  const ground = useGround(root);
  const hasMap = useUi((ui) => ui.map !== null && ui.map.info.n > 0);
  // Its place is kept while the map is on its way: a map that changes its size is drawn twice.
  const hasSide = useUi((ui) => (mapInfo(ui)?.n ?? 0) > 0);
  const working = useUi(
    (ui) =>
      ui.panel?.map?.label_state === null ||
      (ui.panel?.jobs ?? []).some((job) => job.status === "queued" || job.status === "running"),
  );
  const dialog = useUi((ui) => ui.dialog);
  usePoll(() => explorer.poll(), working ? POLL_JOB_MS : POLL_MS);

  // A window or a bar that closes takes the focus with it; without it the keys would go to the App.
  const reach = useUi((ui) => ui.reach !== null);
  const quiet = dialog === "none" && !reach;
  const was = React.useRef(quiet);
  React.useEffect(() => {
    const closed = quiet && !was.current;
    was.current = quiet;
    if (closed && document.activeElement === document.body) root.current?.focus();
  }, [quiet]);

  // The keys are the panel's from when it opens, or the pointer comes in, except while one types somewhere.
  const takeKeys = React.useCallback(() => {
    if (!isBusy(document.activeElement, root.current)) root.current?.focus({ preventScroll: true });
  }, []);
  React.useEffect(takeKeys, [takeKeys]);

  const onKeyDown = (event: React.KeyboardEvent): void => {
    const target = event.target as HTMLElement;
    const command = commandFor({
      key: event.key,
      ctrlKey: event.ctrlKey,
      metaKey: event.metaKey,
      altKey: event.altKey,
      typing: isTyping(target),
      onControl: target.closest("button, a, select") !== null,
    });
    if (command === null) return;
    event.preventDefault();
    event.stopPropagation();
    run(explorer, command, root.current);
  };

  return (
    <div
      ref={root}
      className={`ls-root${isDark(parseColor(ground)) ? " ls-dark" : " ls-light"}`}
      tabIndex={0}
      role="application"
      aria-label="Labelscape data explorer"
      onKeyDown={onKeyDown}
      onPointerEnter={takeKeys}
      onMouseDown={(event) => {
        const target = event.target as HTMLElement;
        if (target.tagName === "CANVAS") root.current?.focus({ preventScroll: true });
      }}
    >
      <Toolbar />
      <JobBars />
      <StaleBar />
      <div className="ls-main">
        <div className="ls-picture">
          <Scatter ground={ground} />
          <Empty />
          {hasMap && (
            <div className="ls-over">
              <SelectionBar />
              <NothingLabeled />
            </div>
          )}
          <div className="ls-over ls-under">
            <ReachBar />
            <PendingBar />
          </div>
          <Busy />
        </div>
        {hasSide && (
          <aside className="ls-side" aria-label="Legend and preview">
            <Legend />
            <PreviewPane />
          </aside>
        )}
      </div>
      <Notes />
      <Dialogs />
    </div>
  );
}

/**
 * True when the focus stays where it is: in the panel, in a field one types or chooses in, in a window or a menu of the
 * App.
 */
function isBusy(active: Element | null, root: HTMLElement | null): boolean {
  if (!(active instanceof HTMLElement)) return false;
  return (
    root?.contains(active) ||
    isTyping(active) ||
    active.closest("select, [role=dialog], [role=menu], [role=listbox]") !== null
  );
}

function isTyping(target: HTMLElement): boolean {
  if (target instanceof HTMLInputElement) return target.type !== "checkbox" && target.type !== "range";
  return target instanceof HTMLTextAreaElement || target.isContentEditable;
}

function run(explorer: Explorer, command: Command, root: HTMLElement | null): void {
  const { store, ui } = explorer;
  switch (command) {
    case "label":
      return void (ui.selection.count > 0
        ? store.dispatch({ type: "dialog", dialog: "label" })
        : explorer.note("info", `Select the ${nounOf(ui)}s to label first: click a point, or draw a lasso.`));
    case "delete":
      return void explorer.delete();
    case "accept":
      return void explorer.accept();
    case "reject":
      return void explorer.reject();
    case "undo":
      return void explorer.undo();
    case "save":
      return void explorer.save();
    case "isolate":
      return explorer.toggleIsolate();
    case "grow":
      return void explorer.grow();
    case "invert":
      return explorer.invertSelection();
    case "next":
      return void explorer.nextBest();
    case "search":
      return root?.querySelector<HTMLInputElement>("input[data-search]")?.focus();
    case "help":
      return store.dispatch({ type: "dialog", dialog: "help" });
    case "2d":
      return void explorer.dimension(2);
    case "3d":
      return void explorer.dimension(3);
    case "pan":
    case "lasso":
    case "box":
      return store.dispatch({ type: "tool", tool: command });
    case "fit":
      return explorer.showAll();
    case "texts":
      return void explorer.toggleTexts();
    case "enter":
      return void (ui.reach ? explorer.acceptReach() : undefined);
    case "escape":
      return escape(explorer, root);
  }
}

/** Closes what is on top, one thing a press. */
function escape(explorer: Explorer, root: HTMLElement | null): void {
  const { ui, store } = explorer;
  if (ui.dialog !== "none") store.dispatch({ type: "dialog", dialog: "none" });
  else if (document.activeElement instanceof HTMLInputElement && isTyping(document.activeElement)) root?.focus();
  else if (ui.reach) explorer.leaveReach();
  else if (ui.focus !== null) void explorer.focus(null);
  else if (ui.isolated) explorer.toggleIsolate();
  else explorer.clearSelection();
}

/** The colour behind the points, as the App's theme has it now. */
function useGround(root: React.RefObject<HTMLElement>): string {
  const [ground, setGround] = React.useState("#1a1a1a");
  React.useEffect(() => {
    const read = (): void => {
      if (root.current) setGround(getComputedStyle(root.current).backgroundColor);
    };
    read();
    const observer = new MutationObserver(read);
    for (const element of [document.documentElement, document.body])
      observer.observe(element, {
        attributes: true,
        attributeFilter: ["class", "style", "data-mui-color-scheme", "data-theme"],
      });
    return () => observer.disconnect();
  }, [root]);
  return ground;
}
