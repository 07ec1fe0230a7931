/** The panel at the side of Label Studio's page, and the dialog of the action that runs. */
import * as React from "react";
import { ActionDialog, sentenceOf } from "./ActionDialog";
import type { ActionInfo, Api, Description, Neighborhood, Values } from "./api";
import { asRanges } from "./columns";
import { chosenLabel, openTask, type Selection } from "./host";
import { MapPanel } from "./MapPanel";
import { TaskPanel } from "./TaskPanel";

const LOOK_MS = 700;
const OPEN_KEY = "labelscape:open";
const GO_ON_KEY = "labelscape:next-best";
const MAP_TAB = "Map selection";

export interface Request {
  readonly action: ActionInfo;
  readonly selection: Selection;
  readonly given?: Values;
}

interface Props {
  readonly api: Api;
  readonly description: Description;
  readonly request: Request | null;
  readonly onRequest: (request: Request | null) => void;
}

export function Panel(props: Props): React.ReactElement {
  const { api, description, request, onRequest } = props;
  const [open, setOpen] = useKept(OPEN_KEY);
  const [goOn, setGoOn] = useKept(GO_ON_KEY);
  const [version, setVersion] = React.useState(0);
  const { task, label } = useOpenTask(description.described.control ?? "");
  const [region, setRegion] = React.useState("");
  React.useEffect(() => setRegion(""), [task]);
  const { near, problem } = useNeighbors(api, open ? task : null, region, version, setRegion);
  const labeling = description.actions.find((action) => action.name === "label_neighbors");
  const chosen = near.regions.find((one) => one.region === near.region);
  const meant = chosen ? (chosen.label ?? chosen.prediction) : (label ?? near.label);
  useSubmits(() => {
    setVersion((n) => n + 1);
    if (goOn) void goToNext(api).catch(() => undefined);
  });
  return (
    <>
      <button type="button" className="lsx-toggle" aria-expanded={open} onClick={() => setOpen(!open)}>
        Labelscape map
      </button>
      {open && (
        <aside className="lsx-panel" aria-label="Labelscape" data-testid="labelscape-panel">
          {task !== null && (
            <TaskPanel
              base={api.base}
              near={near.neighbors}
              regions={near.regions}
              region={near.region}
              onRegion={setRegion}
              problem={problem}
              label={meant}
              mayLabel={labeling !== undefined}
              goOn={goOn}
              onGoOn={setGoOn}
              onLabelNeighbors={() =>
                labeling &&
                onRequest({
                  action: labeling,
                  selection: { selectedItems: { all: false, included: [task] } },
                  given: { label: meant ?? "", ...(chosen ? { region: chosen.region } : {}) },
                })
              }
              onOpen={goTo}
              onNext={() => goToNext(api)}
            />
          )}
          <MapPanel
            api={api}
            task={task}
            region={near.region}
            neighbors={near.neighbors}
            version={version}
            onOpen={goTo}
            onFilter={(tasks) => void filter(api, tasks)}
          />
        </aside>
      )}
      {request && (
        <ActionDialog
          key={request.action.id}
          api={api}
          {...request}
          onClose={(done) => {
            onRequest(null);
            if (!done) return;
            setVersion((n) => n + 1);
            refresh();
          }}
          onOpenTab={(title) => void openTab(api, title)}
        />
      )}
    </>
  );
}

/** A switch that keeps its state across page reloads. */
function useKept(key: string): [boolean, (on: boolean) => void] {
  const [on, setOn] = React.useState(() => localStorage.getItem(key) === "on");
  return [
    on,
    (wanted) => {
      setOn(wanted);
      localStorage.setItem(key, wanted ? "on" : "off");
    },
  ];
}

/** The open task, and the label that is chosen in its annotation; Label Studio (1.23) tells of neither. */
function useOpenTask(control: string): { readonly task: number | null; readonly label: string | null } {
  const [state, setState] = React.useState<{ task: number | null; label: string | null }>({ task: null, label: null });
  React.useEffect(() => {
    const look = (): void => {
      let now: { task: number | null; label: string | null } = { task: null, label: null };
      try {
        const task = openTask(window.location.search);
        now = { task, label: task === null ? null : chosenLabel(window.Htx, control) };
      } catch {
        // An annotation that is being destroyed.
      }
      setState((was) => (was.task === now.task && was.label === now.label ? was : now));
    };
    look();
    const timer = setInterval(look, LOOK_MS);
    return () => clearInterval(timer);
  }, [control]);
  return state;
}

interface Near {
  readonly near: Neighborhood;
  readonly problem: string | null;
}
const NOBODY: Near = { near: { label: null, neighbors: [], regions: [], region: "" }, problem: null };

function useNeighbors(
  api: Api,
  task: number | null,
  region: string,
  version: number,
  onRegion: (region: string) => void,
): Near {
  const [state, setState] = React.useState<Near>(NOBODY);
  React.useEffect(() => {
    let current = true;
    if (task === null) return setState(NOBODY);
    api.neighbors(task, region).then(
      (near) => current && setState({ near, problem: null }),
      (error: unknown) => {
        if (!current) return;
        setState({ ...NOBODY, problem: sentenceOf(error) });
        if (region !== "") onRegion(""); // it may have been deleted: the task still has others
      },
    );
    return () => {
      current = false;
    };
  }, [api, task, region, version, onRegion]);
  return state;
}

function useSubmits(then: () => void): void {
  const latest = React.useRef(then);
  latest.current = then;
  React.useEffect(() => {
    let live = true;
    for (const event of ["submitAnnotation", "updateAnnotation"])
      window.dataManager?.on?.(event, () => {
        if (live) setTimeout(() => latest.current(), LOOK_MS); // Label Studio saves it first
      });
    return () => {
      live = false;
    };
  }, []);
}

function goTo(task: number): void {
  const setTask = window.dataManager?.store?.setTask;
  if (setTask && openTask(window.location.search) !== null) void setTask({ taskID: task });
  else {
    const address = new URL(window.location.href);
    address.searchParams.set("task", String(task));
    address.searchParams.delete("annotation");
    window.location.assign(address);
  }
}

async function goToNext(api: Api): Promise<void> {
  const here = openTask(window.location.search);
  const { tasks } = await api.next();
  const task = tasks.find((one) => one !== here);
  if (task !== undefined) goTo(task);
}

async function filter(api: Api, tasks: readonly number[]): Promise<void> {
  const open = Number(new URLSearchParams(window.location.search).get("tab")) || null;
  openView(await api.showTasks(MAP_TAB, asRanges(tasks), open));
}

async function openTab(api: Api, title: string): Promise<void> {
  const tab = await api.tab(title);
  if (tab !== null) openView(tab);
}

function openView(tab: number): void {
  const address = new URL(window.location.href);
  address.search = `?tab=${tab}`;
  window.location.assign(address);
}

/** Makes the list show what changed. */
function refresh(): void {
  const store = window.dataManager?.store;
  void store?.currentView?.reload?.();
  void store?.fetchProject?.();
}
