/** The whole panel: bars, map, side, dialogs; the keys; the theme. */
import * as React from "react";
import { Icon } from "../parts/icons";
import { Button } from "../parts/parts";
import { usePoll } from "../parts/poll";
import PLOT_STYLE from "uplot/dist/uPlot.min.css?inline";
import { STYLE } from "../parts/style";
import { keepPresses, useFocusKeeper, useGround, useOverhang, useWidth } from "../parts/root";
import { isDark, parseColor } from "../scatter/colors";
import { FactsLine, PendingBar, StaleBar } from "./Bars";
import { ExplorerContext, useUi } from "./context";
import { Covering } from "./Covering";
import { Dialogs } from "./dialogs/Dialogs";
import { Empty, NothingLabeled } from "./Empty";
import type { Explorer } from "./explorer";
import { commandFor, reviewCommandFor } from "./keymap";
import { runCommand, runReviewCommand } from "./commands";
import { GridColors } from "./GridColors";
import { FunctionsTab } from "./functions/FunctionsTab";
import { JobBars } from "./JobBars";
import { isLong, isOpen } from "./jobs";
import { Legend } from "./Legend";
import { Header } from "./Menus";
import { MapView } from "./MapView";
import { Notes } from "./Notes";
import { PreviewPane } from "./PreviewPane";
import { ReviewTab } from "./review/ReviewTab";
import { ReachBar } from "./ReachBar";
import { SelectionBar } from "./SelectionBar";
import { mapInfo } from "./state";
import { Toolbar } from "./Toolbar";

/** Another tab shows what was done here when it comes to the front, or else within this time. */
const POLL_MS = 10000;
const POLL_JOB_MS = 1000;
/** Below this width in pixels, legend and preview are behind buttons. */
const NARROW = 620;

export function ExplorerPanel({ explorer }: { readonly explorer: Explorer }): React.ReactElement {
  return (
    <ExplorerContext.Provider value={explorer}>
      <style>{PLOT_STYLE + STYLE}</style>
      <Inside explorer={explorer} />
    </ExplorerContext.Provider>
  );
}

function Inside({ explorer }: { readonly explorer: Explorer }): React.ReactElement {
  const root = React.useRef<HTMLDivElement>(null);
  const ground = useGround(root);
  React.useEffect(() => explorer.store.dispatch({ type: "ground", ground }), [explorer, ground]);
  const narrow = useWidth(root) < NARROW;
  const hasMap = useUi((ui) => ui.map !== null && ui.map.info.n > 0);
  const tab = useUi((ui) => ui.tab);
  const [closedJobs, setClosedJobs] = React.useState<ReadonlySet<string>>(new Set());
  const closeJob = (id: string): void => setClosedJobs((before) => new Set([...before, id]));
  const jobBars = <JobBars closed={closedJobs} onClose={closeJob} />;
  const working = useUi(isWorking);
  usePoll(() => explorer.map.poll(), working ? POLL_JOB_MS : POLL_MS);
  useFocusKeeper(root);

  // The panel gets the keys when it opens or the pointer enters it, except while the user types elsewhere.
  const takeKeys = React.useCallback(() => {
    if (!isBusy(document.activeElement, root.current)) root.current?.focus({ preventScroll: true });
  }, []);
  React.useEffect(takeKeys, [takeKeys]);

  const onKeyDown = (event: React.KeyboardEvent): void => {
    const target = event.target as HTMLElement;
    // React passes on key presses in the App's menus, which are elsewhere in the page.
    if (!root.current?.contains(target)) return;
    const { key, ctrlKey, metaKey, altKey } = event;
    const onControl = target.closest("button, a, select, [role=combobox]") !== null;
    keepPresses(event);
    const press = { key, ctrlKey, metaKey, altKey, typing: isTyping(target), onControl };
    const inReview = explorer.ui.tab === "review" && explorer.ui.review !== null && explorer.ui.dialog === "none";
    const ofReview = inReview ? reviewCommandFor(press) : null;
    const command = ofReview === null && (!inReview || press.typing || key === "/") ? commandFor(press) : null;
    if (ofReview === null && command === null) return;
    // A key press that an open dialog ignores is not meant for what is behind it.
    if (explorer.ui.dialog !== "none" && command !== "escape") return event.stopPropagation();
    event.preventDefault();
    event.stopPropagation();
    if (ofReview) runReviewCommand(explorer, ofReview, root.current);
    else if (command) runCommand(explorer, command, root.current);
  };

  return (
    <div
      ref={root}
      className={`ls-root${isDark(parseColor(ground)) ? " ls-dark" : " ls-light"}${narrow ? " ls-narrow" : ""}`}
      tabIndex={0}
      role="application"
      aria-label="Labelscape data explorer"
      style={{ paddingBottom: useOverhang(root) }}
      onKeyDown={onKeyDown}
      onPointerEnter={takeKeys}
      onMouseDown={(event) => {
        const target = event.target as HTMLElement;
        if (target.tagName === "CANVAS") root.current?.focus({ preventScroll: true });
      }}
    >
      <Header />
      <Toolbar />
      {!hasMap && jobBars}
      <StaleBar />
      <div className="ls-main">
        <div className="ls-picture">
          <MapView ground={ground} />
          <Empty />
          {hasMap && tab === "review" && <ReviewTab />}
          {hasMap && tab === "functions" && <FunctionsTab />}
          {hasMap && tab === "map" && (
            <Covering edge="--ls-above" className="ls-over">
              <SelectionBar />
              <NothingLabeled />
            </Covering>
          )}
          <Covering edge="--ls-below" className="ls-over ls-under">
            <Notes />
            {hasMap && jobBars}
            <ReachBar />
            <PendingBar />
          </Covering>
        </div>
        <Side narrow={narrow} />
      </div>
      <FactsLine />
      <Dialogs />
      <GridColors />
    </div>
  );
}

const isWorking = (ui: Parameters<Parameters<typeof useUi>[0]>[0]): boolean =>
  ui.panel?.map?.label_state === null || (ui.panel?.jobs ?? []).some(isOpen) || ui.busy.some(isLong);

/** Legend and preview; behind buttons where the panel is narrow. */
function Side({ narrow }: { readonly narrow: boolean }): React.ReactElement | null {
  // Its space is reserved while the map loads: a map that changes size is drawn twice.
  const hasSide = useUi((ui) => (mapInfo(ui)?.n ?? 0) > 0);
  const focus = useUi((ui) => ui.focus !== null);
  const reviewing = useUi((ui) => ui.tab === "review");
  const listed = useUi((ui) => ui.review !== null);
  const [open, setOpen] = React.useState<"legend" | "preview" | null>(null);
  // Until a list is open, there is nothing to show beside it.
  if (!hasSide || (reviewing && !listed && !focus)) return null;
  if (!narrow)
    return (
      <aside className="ls-side" aria-label="Legend and preview">
        {!reviewing && <Legend />}
        <PreviewPane />
      </aside>
    );
  const gone = open === "preview" ? !focus : reviewing;
  const shown = gone ? null : open;
  return (
    <>
      <div className="ls-side-buttons" role="group" aria-label="Legend and preview">
        {!reviewing && (
          <Button
            label="Legend"
            title="Legend"
            pressed={shown === "legend"}
            onClick={() => setOpen(shown === "legend" ? null : "legend")}
          >
            <Icon name="legend" />
          </Button>
        )}
        <Button
          label="Preview"
          title={focus ? "Preview" : "Preview: click a point first"}
          disabled={!focus}
          pressed={shown === "preview"}
          onClick={() => setOpen(shown === "preview" ? null : "preview")}
        >
          <Icon name="picture" />
        </Button>
      </div>
      {shown && (
        <aside className="ls-side ls-side-over" aria-label="Legend and preview">
          {shown === "legend" ? <Legend /> : <PreviewPane />}
        </aside>
      )}
    </>
  );
}

/** True when the focus stays: in the panel, in a text field or select, or in a dialog or menu of the App. */
function isBusy(active: Element | null, root: HTMLElement | null): boolean {
  if (!(active instanceof HTMLElement)) return false;
  const elsewhere = "select, [role=dialog], [role=menu], [role=listbox]";
  return root?.contains(active) || isTyping(active) || active.closest(elsewhere) !== null;
}

function isTyping(target: HTMLElement): boolean {
  if (target instanceof HTMLInputElement) return !["checkbox", "range", "radio"].includes(target.type);
  return target instanceof HTMLTextAreaElement || target.isContentEditable;
}
