/** The map beside the tasks: color by a column, lasso to filter the list, and the open task with its neighbors. */
import * as React from "react";
import { counted } from "../../parts/words";
import { fit, type Camera } from "../../scatter/camera";
import { NO_VALUE, parseColor } from "../../scatter/colors";
import { FLAG } from "../../scatter/renderer";
import { Scatter, type Tool } from "../../scatter/Scatter";
import { sentenceOf } from "./ActionDialog";
import type { Api, Item, MapColumns } from "./api";
import { colored, COLORING_NAMES, COLORINGS, namesOf, NO_NAMES, type Coloring, type Names } from "./columns";

const GROUND = "#ffffff";
const NO_LAYERS = { contours: null, names: null, texts: null, ringed: [] };
const LEGEND = 12;

interface Props {
  readonly api: Api;
  /** The open task, marked on the map; null in the list. */
  readonly task: number | null;
  /** The region of it that is chosen; "" where tasks are labeled. */
  readonly region: string;
  readonly neighbors: readonly Item[];
  /** Changes when labels may have changed: the map is read again. */
  readonly version: number;
  readonly onOpen: (task: number) => void;
  readonly onFilter: (tasks: readonly number[]) => void;
}

export function MapPanel(props: Props): React.ReactElement {
  const { map, problem } = useMap(props.api, props.version);
  const [coloring, setColoring] = React.useState<Coloring>("label");
  const [tool, setTool] = React.useState<Tool>("lasso");
  const [selected, setSelected] = React.useState<readonly number[]>([]);
  const names = useNames(props.api, coloring === "annotator");
  const colors = React.useMemo(() => map && colored(map, coloring, names), [map, coloring, names]);
  if (problem !== null)
    return (
      <p className="lsx-warning" role="alert">
        {problem}
      </p>
    );
  if (map === null || colors === null) return <p className="lsx-quiet">Reading the map…</p>;
  return (
    <div className="lsx-map">
      <div className="lsx-row">
        <label>
          Color by{" "}
          <select value={coloring} onChange={(event) => setColoring(event.target.value as Coloring)}>
            {COLORINGS.map((name) => (
              <option key={name} value={name}>
                {COLORING_NAMES[name]}
              </option>
            ))}
          </select>
        </label>
        <button type="button" aria-pressed={tool === "lasso"} onClick={() => setTool("lasso")}>
          Lasso
        </button>
        <button type="button" aria-pressed={tool === "pan"} onClick={() => setTool("pan")}>
          Move
        </button>
      </div>
      <Points {...props} map={map} colors={colors} tool={tool} selected={selected} onSelect={setSelected} />
      <div className="lsx-row" role="status" data-testid="labelscape-lasso">
        {selected.length > 0 ? (
          <>
            <span>{counted(selected.length, "task")} in the lasso</span>
            <button type="button" className="lsx-primary" onClick={() => props.onFilter(selected)}>
              Filter the tasks
            </button>
            <button type="button" onClick={() => setSelected([])}>
              Clear
            </button>
          </>
        ) : (
          <span className="lsx-quiet">
            {counted(map.tasks.length, nounOf(map))}. Draw around points to filter the tasks.
          </span>
        )}
      </div>
      <ul className="lsx-legend">
        {colors.legend.slice(0, LEGEND).map((one) => (
          <li key={one.name}>
            <i style={{ background: one.color }} /> {one.name} ({one.count.toLocaleString("en")})
          </li>
        ))}
        {colors.legend.length > LEGEND && <li>{`${counted(colors.legend.length - LEGEND, "class")} more`}</li>}
        {colors.range && (
          <li>
            blue = {colors.range[0].toFixed(2)}, yellow = {colors.range[1].toFixed(2)}
          </li>
        )}
      </ul>
    </div>
  );
}

interface PointsProps extends Props {
  readonly map: MapColumns;
  readonly colors: ReturnType<typeof colored>;
  readonly tool: Tool;
  readonly selected: readonly number[];
  readonly onSelect: (tasks: readonly number[]) => void;
}

function Points(props: PointsProps): React.ReactElement {
  const { map, colors, tool, selected } = props;
  const [camera, setCamera] = React.useState<Camera | null>(null);
  const [hovered, setHovered] = React.useState<{ row: number; x: number; y: number } | null>(null);
  const [problem, setProblem] = React.useState<string | null>(null);
  const planes = React.useMemo(() => [Float32Array.from(map.x), Float32Array.from(map.y)], [map]);
  const allowed = React.useMemo(() => new Uint8Array(map.tasks.length).fill(1), [map]);
  const flags = useFlags(props);
  const extent = React.useMemo(() => [extentOf(map.x), extentOf(map.y)] as const, [map]);
  const show = (size: { width: number; height: number }): void =>
    setCamera(fit([extent[0][0], extent[1][0]], [extent[0][1], extent[1][1]], size, 2));
  const taskAt = (row: number): number => map.tasks[row] as number;
  if (problem !== null) return <p className="lsx-warning">{problem}</p>;
  return (
    <div className="lsx-points">
      <Scatter
        planes={planes}
        camera={camera}
        codes={colors.codes}
        blank={NO_VALUE}
        table={colors.table}
        flags={flags}
        allowed={allowed}
        layers={NO_LAYERS}
        tool={tool}
        ground={GROUND}
        groundRgb={parseColor(GROUND)}
        reachColor={parseColor("#111111")}
        dimOthers={selected.length > 0}
        pointScale={1}
        label={`Map of ${counted(map.tasks.length, nounOf(map))}`}
        onCamera={setCamera}
        onCameraRest={() => undefined}
        onHover={(row, x, y) => setHovered(row < 0 ? null : { row, x, y })}
        onClick={(row) => row >= 0 && props.onOpen(taskAt(row))}
        onShape={(inside) => props.onSelect([...new Set(map.tasks.filter((_, row) => inside[row]))])}
        onDoubleClick={() => undefined}
        onResize={show}
        onDrawn={() => undefined}
        onError={setProblem}
      >
        {() =>
          hovered && (
            <div className="lsx-tooltip" style={{ left: hovered.x + 10, top: hovered.y + 10 }}>
              Task {taskAt(hovered.row)}: {map.labels[hovered.row] ?? "unlabeled"}
              {map.predictions[hovered.row] !== null && `, predicted ${map.predictions[hovered.row]}`}
            </div>
          )
        }
      </Scatter>
    </div>
  );
}

const nounOf = (map: MapColumns): string => (map.regions.length > 0 ? "region" : "task");

/** Marked: the open task, with all of its regions, and the neighbors. Selected: the chosen region, and the lasso. */
function useFlags({ map, task, region, neighbors, selected }: PointsProps): Uint8Array {
  return React.useMemo(() => {
    const near = new Set<number | string>(neighbors.map((one) => (one.region === "" ? one.task : one.region)));
    const chosen = new Set(selected);
    return Uint8Array.from(map.tasks, (one, row) => {
      const item = map.regions[row] ?? one;
      if (region === "" ? one === task : item === region) return FLAG.marked | FLAG.selected;
      return (one === task || near.has(item) ? FLAG.marked : 0) | (chosen.has(one) ? FLAG.selected : 0);
    });
  }, [map, task, region, neighbors, selected]);
}

function useMap(api: Api, version: number): { readonly map: MapColumns | null; readonly problem: string | null } {
  const [state, setState] = React.useState<{ map: MapColumns | null; problem: string | null }>({
    map: null,
    problem: null,
  });
  React.useEffect(() => {
    let current = true;
    api.map().then(
      (map) => current && setState({ map, problem: null }),
      (error: unknown) => current && setState({ map: null, problem: sentenceOf(error) }),
    );
    return () => {
      current = false;
    };
  }, [api, version]);
  return state;
}

/** The names of users, once they are needed; without them, annotators keep their numbers. */
function useNames(api: Api, needed: boolean): Names {
  const [names, setNames] = React.useState(NO_NAMES);
  React.useEffect(() => {
    if (!needed) return;
    let current = true;
    api.users().then(
      (users) => current && setNames(namesOf(users)),
      (error: unknown) => console.warn("Labelscape: Label Studio did not list its users.", error),
    );
    return () => {
      current = false;
    };
  }, [api, needed]);
  return names;
}

function extentOf(values: readonly number[]): readonly [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return low <= high ? [low, high] : [0, 1];
}
