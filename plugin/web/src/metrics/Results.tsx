/** The objects behind the selected cells: crops with their boxes, sortable, to select and to save. */
import * as React from "react";
import { classColors } from "../scatter/colors";
import { Button } from "../parts/parts";
import { Picker } from "../parts/Picker";
import { placeCrop } from "../parts/placeCrop";
import { capitalized } from "../parts/words";
import { useMetrics, useSession } from "./context";
import { WHATS, type Box, type Order, type Report, type Result } from "./contract";
import { cropOf, inCrop } from "./crop";
import { MEANINGS } from "./meanings";
import { AddToSegment } from "./SegmentForms";
import { chosenCount, isChosen } from "./session";

const ORDERS: readonly (readonly [Order, string])[] = [
  ["confidence", "Most confident first"],
  ["iou low", "Worst fit first"],
  ["iou high", "Best fit first"],
  ["pair", "By class pair"],
  ["none", "In dataset order"],
];
const SIDE = 112;

export function Results(): React.ReactElement {
  const session = useSession();
  const state = useMetrics();
  const [adding, setAdding] = React.useState(false);
  const { report, whats, cells, results, total, order } = state;
  const colors = React.useMemo(
    () => (report ? classColors(report.classes.length, undefined, null) : []),
    [report?.classes.length],
  );
  if (!report || whats.length + cells.length === 0) return <Meanings />;
  const orders = report.kind === "detection" ? ORDERS : ORDERS.filter(([name]) => !name.startsWith("iou"));
  const chosen = chosenCount(state);
  return (
    <>
      <div className="lm-result-bar">
        <Picker
          label="Order of the results"
          value={order}
          options={orders.map(([value, name]) => ({ value, name }))}
          onChange={(value) => session.setOrder(value as Order)}
        />
        <span className="ls-quiet" role="status">
          {chosen.toLocaleString("en")} of {total.toLocaleString("en")} chosen
        </span>
        <div className="ls-group" role="group" aria-label="Choose">
          <Button onClick={() => session.toggleAll("all")}>All</Button>
          <Button onClick={() => session.toggleAll("none")}>None</Button>
        </div>
        <span className="ls-grow" />
        <div className="lm-result-acts" role="group" aria-label="With the chosen">
          <Button primary disabled={chosen === 0} onClick={() => setAdding(true)}>
            Add to segment
          </Button>
          <Button
            disabled={chosen === 0}
            title="Show the chosen objects in the App's grid"
            onClick={() => void session.showInGrid()}
          >
            Show in grid
          </Button>
          <Button title="Remove the filter from the App's grid" onClick={() => session.showAll()}>
            Whole dataset
          </Button>
          <Button
            disabled={chosen === 0}
            title="Create tasks for the samples of the chosen objects"
            onClick={() => session.sendChosen()}
          >
            Send to Label Studio
          </Button>
        </div>
      </div>
      {total === 0 && <p className="lm-empty">There is nothing here at these thresholds.</p>}
      <ul className="lm-results">
        {results.map((result) => (
          <Card
            key={result.rows.join(":")}
            result={result}
            report={report}
            colors={colors}
            chosen={isChosen(state, result.rows)}
          />
        ))}
      </ul>
      {results.length < total && (
        <div className="ls-row lm-more">
          <Button onClick={() => session.more()}>
            Show more ({(total - results.length).toLocaleString("en")} left)
          </Button>
        </div>
      )}
      {adding && <AddToSegment onClose={() => setAdding(false)} />}
    </>
  );
}

/** Nothing is chosen yet: what there is to choose. */
function Meanings(): React.ReactElement {
  return (
    <div className="lm-meanings">
      <p>Choose a cell of the matrix, or one of the outcomes above it, to see the objects behind it:</p>
      <dl>
        {WHATS.map((what) => (
          <React.Fragment key={what}>
            <dt>{capitalized(what)}</dt>
            <dd>{MEANINGS[what]}</dd>
          </React.Fragment>
        ))}
      </dl>
    </div>
  );
}

function Card({
  result,
  report,
  colors,
  chosen,
}: {
  readonly result: Result;
  readonly report: Report;
  readonly colors: readonly string[];
  readonly chosen: boolean;
}): React.ReactElement {
  const session = useSession();
  const [size, setSize] = React.useState<readonly [number, number] | null>(null);
  const [broken, setBroken] = React.useState(false);
  const crop = cropOf(result);
  const place = size && placeCrop(size, crop, SIDE);
  const color = (name: string | null): string => colors[name === null ? -1 : report.classes.indexOf(name)] ?? "#8f8f8f";
  const facts = [
    result.confidence === null ? null : `confidence\u00a0${result.confidence.toFixed(2)}`,
    result.iou === null ? null : `IoU\u00a0${result.iou.toFixed(2)}`,
  ].filter(Boolean);
  const title = `label ${result.truth_class ?? "none"}, prediction ${result.predicted_class ?? "none"}`;
  return (
    <li className={chosen ? "" : "lm-left-out"}>
      <button
        type="button"
        className="lm-crop"
        style={{ width: SIDE, height: SIDE }}
        title={`${title}. Click to open the sample.`}
        onClick={() => session.openSample(result.sample_id)}
      >
        {broken ? (
          <span className="ls-quiet">cannot be read</span>
        ) : (
          <span className="lm-window" style={place ? place.window : { width: SIDE, height: SIDE }}>
            <img
              alt={title}
              loading="lazy"
              src={session.mediaUrl(result.image)}
              style={place ? place.image : { visibility: "hidden" }}
              onLoad={(event) =>
                setSize([event.currentTarget.naturalWidth || 1, event.currentTarget.naturalHeight || 1])
              }
              onError={() => setBroken(true)}
            />
            {place && (
              <svg viewBox="0 0 1 1" preserveAspectRatio="none">
                {result.truth_box && <Frame box={inCrop(result.truth_box, crop)} color={color(result.truth_class)} />}
                {result.prediction_box && (
                  <Frame box={inCrop(result.prediction_box, crop)} color={color(result.predicted_class)} dashed />
                )}
              </svg>
            )}
          </span>
        )}
      </button>
      <label className="lm-pair">
        <input type="checkbox" checked={chosen} onChange={() => session.toggle(result.rows)} />
        <span>
          <b>{result.truth_class ?? "no label"}</b> → <b>{result.predicted_class ?? "not found"}</b>
        </span>
      </label>
      <span className="ls-quiet lm-facts">{facts.join(", ")}</span>
    </li>
  );
}

function Frame({
  box: [x, y, w, h],
  color,
  dashed,
}: {
  readonly box: Box;
  readonly color: string;
  readonly dashed?: boolean;
}): React.ReactElement {
  const common = { x, y, width: w, height: h, fill: "none", vectorEffect: "non-scaling-stroke" as const };
  return (
    <>
      <rect {...common} stroke="rgba(0,0,0,.6)" strokeWidth={3.5} strokeDasharray={dashed ? "5 4" : undefined} />
      <rect {...common} stroke={color} strokeWidth={2} strokeDasharray={dashed ? "5 4" : undefined} />
    </>
  );
}
