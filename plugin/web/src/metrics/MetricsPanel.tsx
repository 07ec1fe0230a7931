/** The whole panel: fields and thresholds, table and matrix, results and segments. */
import * as React from "react";
import { STYLE } from "../parts/style";
import { Note } from "../parts/Note";
import { Button } from "../parts/parts";
import { Picker } from "../parts/Picker";
import { keepPresses, useFocusKeeper, useGround, useOverhang, useWidth } from "../parts/root";
import { capitalized, counted } from "../parts/words";
import { isDark, parseColor } from "../scatter/colors";
import { WHATS } from "./contract";
import { MEANINGS } from "./meanings";
import { SessionContext, useMetrics, useSession } from "./context";
import { MatrixView } from "./MatrixView";
import { MetricsTable } from "./MetricsTable";
import { Results } from "./Results";
import { Segments } from "./Segments";
import { partnersOf, type MetricsSession } from "./session";
import NARROW_STYLE from "./narrow.css?inline";
import METRICS_STYLE from "./style.css?inline";

/** Below this width in pixels, the matrix stands above the table. */
const NARROW = 640;

export function MetricsPanel({ session }: { readonly session: MetricsSession }): React.ReactElement {
  return (
    <SessionContext.Provider value={session}>
      <style>{STYLE + METRICS_STYLE + NARROW_STYLE}</style>
      <Root />
    </SessionContext.Provider>
  );
}

function Root(): React.ReactElement {
  const root = React.useRef<HTMLDivElement>(null);
  useFocusKeeper(root);
  const narrow = useWidth(root) < NARROW;
  const ground = useGround(root);
  const theme = isDark(parseColor(ground)) ? "ls-dark" : "ls-light";
  const className = `ls-root lm-root ${theme}${narrow ? " lm-narrow" : ""}`;
  return (
    <div
      ref={root}
      className={className}
      tabIndex={-1}
      role="region"
      aria-label="Labelscape confusions and segments"
      onKeyDown={keepPresses}
      style={{ paddingBottom: useOverhang(root) }}
    >
      <Inside ground={ground} />
    </div>
  );
}

function Inside({ ground }: { readonly ground: string }): React.ReactElement {
  const session = useSession();
  const state = useMetrics();
  const [tab, setTab] = React.useState<Tab>("results");
  const chosen = state.whats.length + state.cells.length;
  React.useEffect(() => {
    if (chosen > 0) setTab("results");
  }, [chosen]);
  const segments = state.overview?.segments ?? [];
  const bare = state.report === null;
  return (
    <>
      <div className="lm-scroll">
        <Fields />
        {state.report ? (
          <>
            <ThresholdBar />
            <div className="lm-main">
              <MetricsTable />
              <MatrixView ground={ground} />
            </div>
          </>
        ) : (
          state.busy === null && <Nothing />
        )}
        {(!bare || segments.length > 0) && (
          <Below tab={bare ? "segments" : tab} setTab={bare ? null : setTab} count={segments.length} />
        )}
      </div>
      {state.busy && (
        <div className="ls-busy" role="status">
          {state.busy}…
        </div>
      )}
      <div className="ls-notes" aria-live="polite">
        {state.note && (
          <Note
            key={state.note.id}
            level={state.note.level === "error" ? "error" : "success"}
            text={state.note.text}
            onEnd={() => session.dismiss()}
          />
        )}
      </div>
    </>
  );
}

type Tab = "results" | "segments";

/** What is behind the chosen counts, and the segments; only these where nothing is compared. */
function Below(props: {
  readonly tab: Tab;
  readonly setTab: ((tab: Tab) => void) | null;
  readonly count: number;
}): React.ReactElement {
  const { tab, setTab, count } = props;
  const tabs: readonly Tab[] = setTab ? ["results", "segments"] : ["segments"];
  return (
    <>
      <div className="lm-tabs" role="tablist" aria-label="Results and segments">
        {tabs.map((name) => (
          <button key={name} type="button" role="tab" aria-selected={tab === name} onClick={() => setTab?.(name)}>
            {name === "results" ? "Results" : `Segments (${count})`}
          </button>
        ))}
      </div>
      <div className="lm-below">{tab === "results" ? <Results /> : <Segments />}</div>
    </>
  );
}

function Nothing(): React.ReactElement {
  const { overview, note } = useMetrics();
  if (note?.level === "error") return <p className="lm-empty">Nothing to show: see the message below.</p>;
  if (overview && Object.keys(overview.fields).length === 0)
    return (
      <div className="lm-nothing">
        <h2>Nothing to compare yet</h2>
        <p>
          This panel compares a model's predictions with labels. It needs one field of each, both with boxes
          (Detections) or both with classes (Classification); this dataset has no such pair.
        </p>
        <p>
          No labels yet? Create them in the “Data explorer” panel. Add predictions with FiftyOne, in a separate field.
        </p>
      </div>
    );
  return <p className="lm-empty">Choose a label field and a field of predictions.</p>;
}

function Fields(): React.ReactElement | null {
  const session = useSession();
  const { overview, truthField, predictionField, scope, report } = useMetrics();
  if (!overview || truthField === null || predictionField === null) return null;
  const all = Object.values(overview.fields).flat();
  const setTruth = (name: string): void => {
    const partners = partnersOf(overview, name);
    session.setFields(name, partners.includes(predictionField) ? predictionField : (partners[0] as string));
  };
  const facts =
    report &&
    [
      counted(report.samples, "sample"),
      counted(report.labels, "label"),
      counted(report.predictions, "prediction"),
      ...(report.mask_pairs > 0 ? ["overlap of masks"] : []),
    ].join(", ");
  return (
    <div className="ls-toolbar lm-fields">
      <Picker
        label="Labels"
        value={truthField}
        options={all.map((name) => ({ value: name, name }))}
        onChange={setTruth}
      />
      <Picker
        label="Predictions"
        value={predictionField}
        options={partnersOf(overview, truthField).map((name) => ({ value: name, name }))}
        onChange={(name) => session.setFields(truthField, name)}
      />
      <Picker
        label="Compare in"
        value={scope}
        options={[
          { value: "dataset", name: "the dataset" },
          { value: "view", name: "the current view" },
        ]}
        onChange={(name) => session.setScope(name as "dataset" | "view")}
      />
      <span className="lm-facts-line">
        <span className="ls-quiet">{facts}</span>
        <Button title="Read labels and predictions again" onClick={() => void session.compare()}>
          Compare again
        </Button>
      </span>
    </div>
  );
}

function ThresholdBar(): React.ReactElement | null {
  const session = useSession();
  const { report, thresholds, whats } = useMetrics();
  if (!report) return null;
  const boxed = report.kind === "detection";
  return (
    <div className="ls-toolbar">
      {boxed && <Threshold label="IoU" value={thresholds.iou} onChange={(iou) => session.setThresholds({ iou })} />}
      <Threshold
        label="Confidence"
        value={thresholds.confidence}
        disabled={!report.scored}
        hint={report.scored ? undefined : "These predictions have no confidence, so there is no threshold to set."}
        onChange={(confidence) => session.setThresholds({ confidence })}
      />
      {!boxed && report.guesses > 1 && (
        <label className="ls-choice">
          <span className="ls-choice-label">Count as right if among the top</span>
          <input
            type="number"
            min={1}
            max={report.guesses}
            value={thresholds.top_k}
            onChange={(event) => {
              const top_k = Math.min(report.guesses, Math.max(1, Math.round(event.target.valueAsNumber || 1)));
              session.setThresholds({ top_k });
            }}
          />
        </label>
      )}
      <span className="ls-grow" />
      <div className="ls-group lm-outcomes" role="group" aria-label="Highlight outcomes">
        {WHATS.map((what) => (
          <Button
            key={what}
            pressed={whats.includes(what)}
            title={MEANINGS[what]}
            onClick={() => session.chooseWhat(what, false)}
          >
            {capitalized(what)} <span className="ls-count">{report.totals[what].toLocaleString("en")}</span>
          </Button>
        ))}
      </div>
    </div>
  );
}

function Threshold(props: {
  readonly label: string;
  readonly value: number;
  readonly onChange: (value: number) => void;
  readonly disabled?: boolean;
  readonly hint?: string | undefined;
}): React.ReactElement {
  const set = (text: string): void => {
    const value = Number(text);
    if (text !== "" && value >= 0 && value <= 1) props.onChange(Math.round(value * 1000) / 1000);
  };
  const common = { min: 0, max: 1, step: 0.01, disabled: props.disabled ?? false, title: props.hint };
  return (
    <span className="ls-choice lm-threshold">
      <span className="ls-choice-label">{props.label}</span>
      <input
        type="range"
        aria-label={`${props.label} slider`}
        {...common}
        value={props.value}
        onChange={(e) => set(e.target.value)}
      />
      <NumberBox label={props.label} value={props.value} set={set} common={common} />
    </span>
  );
}

/** Applies input while it is typed, and shows the value again when the field loses focus. */
function NumberBox({
  label,
  value,
  set,
  common,
}: {
  readonly label: string;
  readonly value: number;
  readonly set: (text: string) => void;
  readonly common: { min: number; max: number; step: number; disabled: boolean; title: string | undefined };
}): React.ReactElement {
  const [typed, setTyped] = React.useState<string | null>(null);
  return (
    <input
      type="number"
      aria-label={label}
      {...common}
      value={typed ?? String(value)}
      onChange={(event) => {
        setTyped(event.target.value);
        set(event.target.value);
      }}
      onBlur={() => setTyped(null)}
    />
  );
}
