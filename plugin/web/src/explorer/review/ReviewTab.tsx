/** The review: which list, the progress, what the keys do, the thumbnails in order, and the next steps. */
import * as React from "react";
import { Icon } from "../../parts/icons";
import { Menu, type MenuEntry, type MenuGroup } from "../../parts/Menu";
import { Button } from "../../parts/parts";
import { Picker, type PickerOption } from "../../parts/Picker";
import { counted } from "../../parts/words";
import { useExplorer, useUi } from "../context";
import { Covering } from "../Covering";
import type { ReviewSource } from "../contract";
import type { Explorer } from "../explorer";
import { nounOf } from "../state";
import { KIND_WORDS } from "./kinds";
import { proposalAt, rowsKept, rowsMarked, type Review } from "./review";
import { ReviewGrid } from "./ReviewGrid";

export function ReviewTab(): React.ReactElement {
  const review = useUi((ui) => ui.review);
  const lists = useUi((ui) => ui.panel?.lists ?? NO_LISTS);
  return (
    <section className="ls-tab-body" aria-label="Review">
      <Covering edge="--ls-above" className="ls-review-bars">
        <div className="ls-review-head">
          <ListPicker review={review} lists={lists} />
          {review && <Progress review={review} />}
          {review && review.rows.length > 0 && <NextSteps review={review} />}
        </div>
        {review && review.rows.length > 0 && <Verdicts review={review} />}
      </Covering>
      {review === null ? (
        <Nothing lists={lists} />
      ) : review.rows.length === 0 ? (
        <p className="ls-review-empty">
          {review.title}: there is nothing to review {review.total > 0 ? "on this map" : "here"}.
        </p>
      ) : (
        <ReviewGrid review={review} />
      )}
    </section>
  );
}

const NO_LISTS: readonly ReviewSource[] = [];

function ListPicker({
  review,
  lists,
}: {
  readonly review: Review | null;
  readonly lists: readonly ReviewSource[];
}): React.ReactElement {
  const explorer = useExplorer();
  const options: PickerOption[] = lists.map(({ id, name, note }) => ({ value: id, name, note }));
  if (review && !lists.some((list) => list.id === review.id))
    options.unshift({ value: review.id, name: review.title, note: review.note });
  return (
    <Picker
      label="List"
      value={review?.id ?? ""}
      shown={review?.title ?? "Choose a list"}
      options={options}
      disabled={options.length === 0}
      onChange={(list) => list !== "search" && void explorer.reviewing.open(list)}
    />
  );
}

function Progress({ review }: { readonly review: Review }): React.ReactElement {
  const done = review.verdicts.size;
  const more = review.total > review.rows.length ? ` (the first of ${review.total.toLocaleString("en")})` : "";
  return (
    <span role="status" data-testid="labelscape-reviewed" title={review.note}>
      <strong>{done.toLocaleString("en")}</strong> of {review.rows.length.toLocaleString("en")} reviewed{more}
      {review.note && <span className="ls-quiet"> · {review.note}</span>}
    </span>
  );
}

/** If no list is open: the rankings that create one, and the existing lists. */
function Nothing({ lists }: { readonly lists: readonly ReviewSource[] }): React.ReactElement {
  const { runs, reviewing, store } = useExplorer();
  return (
    <div className="ls-review-empty">
      <h2>{lists.length > 0 ? "Choose what to review" : "Nothing to review yet"}</h2>
      <p>Work through a list with the keyboard alone: j and k move, a accepts, x rejects, 1 to 9 set a class.</p>
      {lists.length > 0 && (
        <ul className="ls-checklist">
          {lists.map((list) => (
            <li key={list.id} className="ls-run">
              <span>
                <strong>{list.name}</strong> <span className="ls-quiet">{list.note}</span>
              </span>
              <span className="ls-grow" />
              <Button label={`Review: ${list.name}`} onClick={() => void reviewing.open(list.id)}>
                Review
              </Button>
            </li>
          ))}
        </ul>
      )}
      <p className="ls-quiet">Create a list:</p>
      <div className="ls-row">
        <Button onClick={() => void runs.rankMislabels()}>Find wrong labels</Button>
        <Button onClick={() => void runs.rankOutliers()}>Rank outliers</Button>
        <Button onClick={() => store.dispatch({ type: "dialog", dialog: "duplicates" })}>Find duplicates…</Button>
        <Button onClick={() => void runs.suggestLabels()}>Suggest labels</Button>
      </div>
    </div>
  );
}

const HINTS = [
  ["j", "next"],
  ["k", "previous"],
  ["l", "other class"],
  ["u", "undo"],
  ["s", "save"],
  ["o", "open"],
] as const;

/** What the keys do here, as buttons too. */
function Verdicts({ review }: { readonly review: Review }): React.ReactElement {
  const { reviewing } = useExplorer();
  const words = KIND_WORDS[review.kind];
  const proposed = proposalAt(review, review.at);
  const accept = proposed === null ? words.accept : `${words.accept} “${proposed}”`;
  const canAccept = review.kind !== "mislabels" || proposed !== null;
  return (
    <div className="ls-verdicts" role="toolbar" aria-label="Decide">
      <Button primary hotkey="a" title={accept} label={accept} disabled={!canAccept} onClick={() => reviewing.accept()}>
        <Icon name="check" />{" "}
        <span className={proposed === null ? "" : "ls-button-word"}>
          {words.accept}
          {proposed !== null && " "}
        </span>
        {proposed !== null && <strong>“{proposed}”</strong>} <kbd>a</kbd>
      </Button>
      <Button hotkey="x" title={words.reject} onClick={() => reviewing.reject()}>
        <Icon name="close" /> {words.reject} <kbd>x</kbd>
      </Button>
      <span className="ls-digits" role="group" aria-label="Set a class">
        {review.classes.map((name, i) => (
          <Button
            key={name}
            hotkey={String(i + 1)}
            title={`Set the label “${name}”`}
            onClick={() => reviewing.digit(i + 1)}
          >
            <kbd>{i + 1}</kbd> {name}
          </Button>
        ))}
      </span>
      <span className="ls-quiet ls-hint">
        {HINTS.map(([key, says]) => (
          <React.Fragment key={key}>
            <kbd>{key}</kbd> {says}{" "}
          </React.Fragment>
        ))}
      </span>
    </div>
  );
}

function NextSteps({ review }: { readonly review: Review }): React.ReactElement {
  const explorer = useExplorer();
  const { reviewing, store } = explorer;
  const noun = useUi(nounOf);
  const marks = rowsMarked(review, "accepted").length + rowsMarked(review, "rejected").length;
  return (
    <div className="ls-row">
      {review.kind === "search" && (
        <>
          <Button
            label={`Search again with ${counted(marks, "mark")}`}
            disabled={marks === 0}
            onClick={() => void reviewing.searchAgain()}
          >
            Search again <span className="ls-button-word">with {counted(marks, "mark")}</span>
          </Button>
          <Button onClick={() => store.dispatch({ type: "dialog", dialog: "function" })}>Save as a function…</Button>
        </>
      )}
      {review.kind === "function" && (
        <Button disabled={marks === 0} onClick={() => void reviewing.improveFunction()}>
          Improve with {counted(marks, "mark")}
        </Button>
      )}
      <Menu icon="menu" name="Next steps" groups={stepGroups(explorer, review, noun)} />
    </div>
  );
}

/** What can be done with everything not rejected; it is selected first so that the App's forms use it. */
function stepGroups(explorer: Explorer, review: Review, noun: string): MenuGroup[] {
  const { selecting, runs, store } = explorer;
  const kept = rowsKept(review);
  const withKept = (then: () => void) => (): void => {
    selecting.selectRows(kept);
    then();
  };
  const entries: MenuEntry[] = [
    { name: "Show on the map", run: withKept(() => store.dispatch({ type: "tab", tab: "map" })) },
    { name: "Create a segment…", run: withKept(() => store.dispatch({ type: "dialog", dialog: "segment" })) },
    { name: "Send to Label Studio…", run: withKept(() => void runs.sendToLabelStudio()) },
  ];
  if (review.kind === "segment")
    entries.push({
      name: "Collect more like these: next batch…",
      run: () => void runs.nextBatch(review.id.slice("segment:".length)),
    });
  return [{ title: `For ${counted(kept.length, noun)} not rejected`, entries }];
}
