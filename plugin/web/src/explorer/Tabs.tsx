/** The tabs of the panel: the map, the review, the functions. */
import * as React from "react";
import { useExplorer, useUi } from "./context";
import type { Tab, Ui } from "./state";

const TABS: readonly Tab[] = ["map", "review", "functions"];
const NAMES: Readonly<Record<Tab, string>> = { map: "Map", review: "Review", functions: "Functions" };

export function Tabs(): React.ReactElement | null {
  const { store } = useExplorer();
  const tab = useUi((ui) => ui.tab);
  const hasMap = useUi((ui) => ui.map !== null);
  const open = useUi(leftToReview);
  const fresh = useUi(newMatches);
  const tabs = React.useRef<HTMLDivElement>(null);
  if (!hasMap) return null;
  const badge: Readonly<Record<Tab, readonly [number, string]>> = {
    map: [0, ""],
    review: [open, "left"],
    functions: [fresh, "new"],
  };
  const onKeyDown = (event: React.KeyboardEvent): void => {
    const way = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (way === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const at = (TABS.indexOf(tab) + way + TABS.length) % TABS.length;
    store.dispatch({ type: "tab", tab: TABS[at] as Tab });
    tabs.current?.querySelectorAll<HTMLElement>("[role=tab]")[at]?.focus();
  };
  return (
    <div ref={tabs} className="ls-tabs" role="tablist" aria-label="What the panel shows" onKeyDown={onKeyDown}>
      {TABS.map((name) => (
        <button
          key={name}
          type="button"
          role="tab"
          aria-selected={tab === name}
          tabIndex={tab === name ? 0 : -1}
          className="ls-tab"
          onClick={() => store.dispatch({ type: "tab", tab: name })}
        >
          {NAMES[name]} <Badge count={badge[name][0]} word={badge[name][1]} />
        </button>
      ))}
    </div>
  );
}

function Badge({ count, word }: { readonly count: number; readonly word: string }): React.ReactElement | null {
  if (count === 0) return null;
  return (
    <span className="ls-tab-badge" title={`${count.toLocaleString("en")} ${word}`}>
      {count.toLocaleString("en")}
      <span className="ls-button-word"> {word}</span>
    </span>
  );
}

const leftToReview = ({ review }: Ui): number => (review ? review.rows.length - review.verdicts.size : 0);
const newMatches = ({ panel }: Ui): number =>
  (panel?.functions.functions ?? []).reduce((sum, { new: fresh }) => sum + fresh, 0);
