/** The legend: classes with counts to hide, solo, search, and select; or the color ramp with its range. */
import * as React from "react";
import { rampCss } from "../scatter/colors";
import { LABEL_STATE, MISSING_CODE } from "./contract";
import { countCodes, legendRows, rowWindow, solo, toggleHidden, type LegendOrder, type LegendRow } from "./legend";
import { combineFor, rowsWithCode } from "./selection";
import { allowedRows, BY_STATE, fieldName, type Values } from "./state";
import { BY_LABELS } from "./contract";
import { useColors, useExplorer, useUi } from "./context";
import { Button } from "../parts/parts";

const ROW_HEIGHT = 24;

export function Legend(): React.ReactElement | null {
  const color = useUi((ui) => ui.color);
  if (!color) return null;
  return (
    <section className="ls-legend" aria-label={`Legend: ${nameOf(color)}`}>
      <h2 title={nameOf(color)}>{nameOf(color)}</h2>
      {color.kind === "numeric" ? <Ramp color={color} /> : <Classes color={color} />}
    </section>
  );
}

const MADE_UP: Readonly<Record<string, string>> = { [BY_STATE]: "Label state", [BY_LABELS]: "Labels and suggestions" };
const nameOf = (color: Values): string => MADE_UP[color.field] ?? fieldName(color.field);

function Classes({ color }: { readonly color: Values }): React.ReactElement {
  const explorer = useExplorer();
  const map = useUi((ui) => ui.map);
  const hidden = useUi((ui) => ui.hidden);
  const isolated = useUi((ui) => ui.isolated);
  const [query, setQuery] = React.useState("");
  const [order, setOrder] = React.useState<LegendOrder>("count");
  const [top, setTop] = React.useState(0);
  const list = React.useRef<HTMLUListElement>(null);
  const counts = React.useMemo(
    () =>
      countCodes(
        color.codes,
        color.classes.length,
        allowedRows({ map, color, hidden: new Set(), range: null, isolated }),
      ),
    [color, map, isolated],
  );
  const other: LegendOrder = order === "count" ? "name" : "count";
  const colors = useColors();
  const byState = color.field === BY_STATE;
  // No view stage of the grid matches a field that exists only in the panel.
  const madeUp = byState || color.field === BY_LABELS;
  const rows = React.useMemo(
    () => legendRows({ ...color, colors, counts, hidden, query, order }),
    [color, colors, counts, hidden, query, order],
  );
  const height = list.current?.clientHeight ?? 400;
  const [first, last] = rowWindow(rows.length, top, height, ROW_HEIGHT);

  const select = (row: LegendRow, keys: { shift: boolean; alt: boolean }): void => {
    if (!map) return;
    const set = rowsWithCode(color.codes, row.code, allowedRows({ ...explorer.ui, hidden: new Set() }));
    const whole =
      explorer.selecting.mapIsWhole &&
      !isolated &&
      !map.info.in_view &&
      !madeUp &&
      set.count === rowsWithCode(color.codes, row.code, new Uint8Array(map.info.n).fill(1)).count;
    explorer.selecting.selectMask(
      set.mask,
      whole
        ? { kind: "value", field: color.field, value: row.code === MISSING_CODE ? null : row.name }
        : { kind: "rows" },
      combineFor(keys),
    );
  };
  const setHidden = (next: ReadonlySet<number>): void => explorer.store.dispatch({ type: "hidden", hidden: next });

  return (
    <>
      {(color.classes.length > 8 || query !== "") && (
        <div className="ls-legend-tools">
          <input
            type="search"
            placeholder="Find a class"
            title={`Search ${color.classes.length} classes`}
            aria-label="Search the legend"
            value={query}
            onChange={(event) => setQuery(event.target.value)}
          />
          <Button
            label={`Sorted by ${order}: sort by ${other}`}
            title={`Sorted by ${order}; click to sort by ${other}`}
            onClick={() => setOrder(other)}
          >
            By {order}
          </Button>
        </div>
      )}
      <ul ref={list} onScroll={(event) => setTop(event.currentTarget.scrollTop)}>
        <li aria-hidden="true" style={{ height: first * ROW_HEIGHT }} />
        {rows.slice(first, last).map((row) => (
          <li key={row.code} className={row.hidden ? "ls-off" : ""} style={{ height: ROW_HEIGHT }}>
            <button
              type="button"
              className="ls-legend-eye"
              aria-pressed={!row.hidden}
              aria-label={`${row.hidden ? "Show" : "Hide"} ${row.name}`}
              title={row.hidden ? "Show" : "Hide"}
              onClick={() => setHidden(toggleHidden(hidden, row.code))}
            >
              <Swatch color={row.color} shape={byState ? row.code : 0} hollow={row.hidden} />
            </button>
            <button
              type="button"
              className="ls-legend-name"
              title={`Select all ${row.name} (Shift adds, Alt removes)`}
              onClick={(event) => select(row, { shift: event.shiftKey, alt: event.altKey })}
            >
              {row.name}
            </button>
            <button
              type="button"
              className="ls-legend-solo"
              aria-label={`Show only ${row.name}`}
              title="Show only this one; press again to show all"
              onClick={() => setHidden(solo(hidden, row.code, color.classes.length))}
            >
              only
            </button>
            <span className="ls-count">{row.count.toLocaleString("en")}</span>
          </li>
        ))}
        <li aria-hidden="true" style={{ height: (rows.length - last) * ROW_HEIGHT }} />
      </ul>
      {rows.length === 0 && query !== "" && <p className="ls-quiet">No class matches “{query}”.</p>}
      {hidden.size > 0 && <Button onClick={() => setHidden(new Set())}>Show all classes</Button>}
    </>
  );
}

/**
 * The same shapes as on the map: disc, triangle (confident), ring (uncertain), diamond and cross (pending), and a disc
 * with an edge (checked).
 */
function Swatch(props: {
  readonly color: string;
  readonly shape: number;
  readonly hollow: boolean;
}): React.ReactElement {
  const { color, shape, hollow } = props;
  const paint = hollow ? { fill: "none", stroke: color, strokeWidth: 1.5 } : { fill: color };
  const line = { fill: "none", stroke: color, strokeWidth: hollow ? 1 : 2.5 };
  return (
    <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true">
      {shape === LABEL_STATE.uncertain ? (
        <circle cx="6" cy="6" r="4" {...line} />
      ) : shape === LABEL_STATE.suggested ? (
        <path d="M6 1 L11.2 10.5 L0.8 10.5 Z" {...paint} />
      ) : shape === LABEL_STATE.pendingLabel ? (
        <path d="M6 0.5 L11.5 6 L6 11.5 L0.5 6 Z" {...paint} />
      ) : shape === LABEL_STATE.pendingDelete ? (
        <path d="M1.5 1.5 L10.5 10.5 M10.5 1.5 L1.5 10.5" {...line} />
      ) : shape === LABEL_STATE.checked ? (
        <>
          <circle cx="6" cy="6" r="5" fill="none" stroke={color} strokeWidth="1" />
          <circle cx="6" cy="6" r="3" {...paint} />
        </>
      ) : (
        <circle cx="6" cy="6" r="4.5" {...paint} />
      )}
    </svg>
  );
}

function Ramp({ color }: { readonly color: Values }): React.ReactElement {
  const explorer = useExplorer();
  const range = useUi((ui) => ui.range) ?? [color.min, color.max];
  const map = useUi((ui) => ui.map);
  const missing = React.useMemo(
    () => color.codes.reduce((sum, code) => sum + (code === MISSING_CODE ? 1 : 0), 0),
    [color],
  );
  const step = (color.max - color.min) / 200 || 1;
  const set = (low: number, high: number): void => {
    const whole = low <= color.min && high >= color.max;
    explorer.store.dispatch({ type: "range", range: whole ? null : [Math.min(low, high), Math.max(low, high)] });
  };
  if (missing === map?.info.n) return <p className="ls-quiet">No sample has a value here.</p>;
  return (
    <div className="ls-ramp">
      <div className="ls-ramp-bar" style={{ background: rampCss() }} />
      <label>
        <span>from {range[0].toPrecision(3)}</span>
        <input
          type="range"
          aria-label="Lower end of the range"
          min={color.min}
          max={color.max}
          step={step}
          value={range[0]}
          onChange={(event) => set(Number(event.target.value), range[1])}
        />
      </label>
      <label>
        <span>to {range[1].toPrecision(3)}</span>
        <input
          type="range"
          aria-label="Upper end of the range"
          min={color.min}
          max={color.max}
          step={step}
          value={range[1]}
          onChange={(event) => set(range[0], Number(event.target.value))}
        />
      </label>
      {missing > 0 && <p className="ls-quiet">{missing.toLocaleString("en")} without a value (gray)</p>}
    </div>
  );
}
