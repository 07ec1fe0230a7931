import { beforeEach, describe, expect, it, vi } from "vitest";
import { FakeHost } from "../../dev/fakeHost";
import { BY_LABELS, LABEL_STATE, type MethodName, type PanelState } from "../../src/explorer/contract";
import { Explorer } from "../../src/explorer/explorer";
import { BY_STATE, type Ui } from "../../src/explorer/state";

const kept = new Map<string, string>();
vi.stubGlobal("localStorage", {
  getItem: (key: string) => kept.get(key) ?? null,
  setItem: (key: string, value: string) => void kept.set(key, value),
  removeItem: (key: string) => void kept.delete(key),
});
beforeEach(() => kept.clear());

interface Bench {
  readonly explorer: Explorer;
  readonly host: FakeHost;
  readonly asked: MethodName[];
}

async function open(scene = "map", n = 300): Promise<Bench> {
  const host = new FakeHost({ n, classes: 5, dims: 2, scene });
  const asked: MethodName[] = [];
  const call = host.call.bind(host);
  host.call = (method, ask) => {
    asked.push(method);
    return call(method, ask);
  };
  const explorer = new Explorer(host);
  explorer.receive(host.state());
  if (scene !== "no-map" && scene !== "no-dataset")
    await until(explorer, (ui) => ui.map !== null && ui.color !== null && ui.busy.length === 0);
  return { explorer, host, asked };
}

/** A map whose labels the server has yet to read. */
async function openUnread() {
  const host = new FakeHost({ n: 300, classes: 5, dims: 2, scene: "map" });
  const call = vi.spyOn(host, "call");
  const explorer = new Explorer(host);
  const state = host.state();
  explorer.receive({ ...state, map: state.map && { ...state.map, label_state: null } });
  await until(explorer, (ui) => ui.map !== null);
  return { explorer, host, call };
}

const until = (explorer: Explorer, holds: (ui: Ui) => boolean): Promise<void> =>
  vi.waitFor(() => expect(holds(explorer.ui)).toBe(true), { timeout: 3000 });
const notes = (explorer: Explorer): string[] => explorer.ui.notes.map((note) => note.text);
const countState = (explorer: Explorer, state: number): number =>
  [...(explorer.ui.map?.labelState ?? [])].filter((s) => s === state).length;

describe("opening", () => {
  it("colors a map without labels by predictions, and by no other labels", async () => {
    const { explorer, host } = await open();
    const field = (path: string, predictions: boolean) => ({ path, kind: "categorical" as const, predictions });
    const others = [field("ground_truth.label", true), field("weather.label", false)];
    const firstOf = (fields: PanelState["fields"]): string => {
      explorer.receive({ ...host.state(), classes: [], fields });
      return explorer.look.firstColor();
    };
    expect(firstOf([...others, field("found.detections.label", true)])).toBe("found.detections.label");
    expect(firstOf(others)).toBe(BY_STATE);
  });

  it("loads points, labels and colors, each once", async () => {
    const { explorer, asked } = await open();
    expect(explorer.ui.map?.info.n).toBe(300);
    expect(explorer.ui.color?.field).toBe("ground_truth.label");
    expect(asked.filter((m) => m === "column")).toHaveLength(1);
    expect(explorer.ui.camera?.dims).toBe(2);
  });

  it("draws points whose labels are yet to be read, and asks for their colors once they are seen", async () => {
    const { explorer, host, call } = await openUnread();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(call.mock.calls.map(([method]) => method)).not.toContain("column");
    expect([explorer.ui.map?.labelStateVersion, countState(explorer, LABEL_STATE.human)]).toEqual([null, 0]);
    explorer.map.drawn();
    await until(explorer, (ui) => ui.color?.field === "ground_truth.label");
    explorer.receive(host.state());
    await until(explorer, (ui) => ui.map?.labelStateVersion !== null);
    expect(countState(explorer, LABEL_STATE.human)).toBeGreaterThan(0);
  });

  it("asks nothing more of a map one has left before it was seen", async () => {
    const { explorer, call } = await openUnread();
    await explorer.map.load("umap_3d");
    await until(explorer, (ui) => ui.map?.info.dims === 3 && ui.color?.field === "ground_truth.label");
    explorer.map.drawn();
    await new Promise((resolve) => setTimeout(resolve, 50));
    const columns = call.mock.calls
      .filter(([method]) => method === "column")
      .map(([, ask]) => (ask as { map: string }).map);
    expect(columns).toEqual(["umap_3d"]);
  });

  it("opens the map one left where Python has opened another", async () => {
    const { explorer } = await open();
    await explorer.map.dimension(3);
    await until(explorer, (ui) => ui.map?.info.dims === 3 && ui.busy.length === 0);
    explorer.look.keep();
    const again = await open();
    await until(again.explorer, (ui) => ui.map?.info.dims === 3);
  });

  it("polls no more while an answer is on its way", async () => {
    const { explorer, host, asked } = await open();
    const call = host.call.bind(host);
    let answered = 0;
    host.call = async (method, ask) => {
      const answer = await call(method, ask);
      answered++;
      return answer;
    };
    explorer.map.poll();
    explorer.map.poll();
    expect(asked.filter((m) => m === "sync")).toHaveLength(1);
    await vi.waitFor(() => expect(answered).toBe(1));
    await Promise.resolve();
    await vi.waitFor(() => {
      explorer.map.poll();
      expect(asked.filter((m) => m === "sync").length).toBeGreaterThan(1);
    });
  });

  it("comes back to the colors and the camera one left", async () => {
    const { explorer } = await open();
    await explorer.look.colorBy("outlier_score");
    explorer.store.dispatch({ type: "camera", camera: { dims: 2, x: 1, y: 2, scale: 3 } });
    explorer.look.keep();
    const again = await open();
    expect(again.explorer.ui.color?.field).toBe("outlier_score");
    expect(again.explorer.ui.camera).toEqual({ dims: 2, x: 1, y: 2, scale: 3 });
  });

  it("forgets nothing it cannot read: a spoiled kept view is as none", async () => {
    kept.set("labelscape:view:made-up", "{not json");
    const { explorer } = await open();
    expect(explorer.ui.color?.field).toBe("ground_truth.label");
  });

  it("offers the form where there is no map of that dimension, and switches where there is", async () => {
    const { explorer } = await open();
    await explorer.map.dimension(3);
    await until(explorer, (ui) => ui.map?.info.dims === 3);
    const none = await open("no-map");
    await none.explorer.map.dimension(3);
    expect([none.explorer.ui.dialog, none.explorer.ui.formDims]).toEqual(["map", 3]);
  });
});

describe("another map of the same samples", () => {
  it("keeps selection and colors, and asks for neither again", async () => {
    const { explorer, asked } = await open();
    await explorer.look.colorBy("outlier_score");
    explorer.selecting.selectRows([1, 2, 3]);
    const { color } = explorer.ui;
    const before = asked.length;
    await explorer.map.dimension(3);
    await until(explorer, (ui) => ui.map?.info.dims === 3 && ui.busy.length === 0);
    expect([explorer.ui.selection.count, explorer.ui.color]).toEqual([3, color]);
    expect(asked.slice(before).filter((m) => m === "column")).toEqual([]);
  });

  it("gets the colors that were on their way when it was chosen", async () => {
    const { explorer, host } = await open();
    const call = host.call.bind(host);
    host.call = async (method, ask) => {
      if (method === "column") await new Promise((resolve) => setTimeout(resolve, 400));
      return call(method, ask);
    };
    void explorer.look.colorBy("outlier_score");
    await explorer.map.dimension(3);
    await until(explorer, (ui) => ui.map?.info.dims === 3 && ui.color?.field === "outlier_score");
  });

  it("does not give the points colors that one has left for others meanwhile", async () => {
    const { explorer, host } = await open();
    const call = host.call.bind(host);
    host.call = async (method, ask) => {
      if (method === "column" && (ask as { field: string }).field === "outlier_score")
        await new Promise((resolve) => setTimeout(resolve, 200));
      return call(method, ask);
    };
    const late = explorer.look.colorBy("outlier_score");
    await explorer.look.colorBy("truth.label");
    await late;
    expect(explorer.ui.color?.field).toBe("truth.label");
  });
});

describe("selecting", () => {
  it("takes the grid along, once for a quick series, and clears it", async () => {
    const { explorer, host, asked } = await open();
    explorer.selecting.selectRows([1]);
    explorer.selecting.selectRows([1, 2]);
    explorer.selecting.selectRows([1, 2, 3]);
    await vi.waitFor(() => expect(host.stages).toHaveLength(1));
    expect(asked.filter((m) => m === "select")).toHaveLength(1);
    expect(JSON.stringify(host.stages[0])).toContain("fiftyone.core.stages.Select");
    explorer.selecting.clear();
    await vi.waitFor(() => expect(host.stages[host.stages.length - 1]).toBeNull());
  });

  it("inverts, isolates, and shows all again", async () => {
    const { explorer } = await open();
    explorer.selecting.selectRows([0, 1]);
    explorer.selecting.invert();
    expect(explorer.ui.selection.count).toBe(298);
    explorer.selecting.toggleIsolate();
    expect(explorer.ui.isolated?.[0]).toBe(0);
    explorer.selecting.selectRows([7, 8]);
    explorer.store.dispatch({ type: "isolate", mask: explorer.ui.selection.mask });
    explorer.look.showAll();
    const [x] = explorer.ui.map?.planes ?? [];
    expect(explorer.ui.camera).toMatchObject({ x: ((x?.[7] ?? 0) + (x?.[8] ?? 0)) / 2 });
    explorer.selecting.toggleIsolate();
    expect(explorer.ui.isolated).toBeNull();
  });

  it("finds by text and says how many", async () => {
    const { explorer } = await open();
    await explorer.selecting.search("image_17.png", false);
    expect([explorer.ui.search?.total, explorer.ui.selection.count, explorer.ui.selection.mask[17]]).toEqual([1, 1, 1]);
    expect(explorer.ui.focus).toBe(17);
    await explorer.selecting.search("image_1", false);
    expect([explorer.ui.selection.count > 1, explorer.ui.focus]).toEqual([true, null]);
  });
});

describe("labeling", () => {
  it("sets a label, lights up neighbors, reaches further, and queues all until Save", async () => {
    const { explorer, asked } = await open("unlabeled");
    explorer.selecting.selectRows([5]);
    await explorer.labeling.setLabel("zebra");
    expect(countState(explorer, LABEL_STATE.pendingLabel)).toBe(1);
    expect(explorer.ui.reach?.label).toBe("zebra");
    expect(explorer.ui.color?.classes).toContain("zebra");
    const before = asked.length;
    explorer.labeling.setReach(7);
    expect(asked.length).toBe(before);
    await explorer.labeling.acceptReach();
    expect(countState(explorer, LABEL_STATE.pendingLabel)).toBe(8);
    expect(explorer.ui.panel?.pending.labels).toBe(8);
    expect(countState(explorer, LABEL_STATE.human)).toBe(0);
    await explorer.labeling.save();
    expect(countState(explorer, LABEL_STATE.human)).toBe(8);
    expect(notes(explorer)).toContain("Saved 8 labels. Press u to undo.");
  });

  it("leaves only the one when the neighbors are not wanted, and undo takes it back", async () => {
    const { explorer } = await open("unlabeled");
    explorer.selecting.selectRows([5]);
    await explorer.labeling.setLabel("cat");
    explorer.labeling.leaveReach();
    expect(countState(explorer, LABEL_STATE.pendingLabel)).toBe(1);
    await explorer.labeling.undo();
    expect(countState(explorer, LABEL_STATE.pendingLabel)).toBe(0);
  });

  it("sends no column again for labels, deletions and undo", async () => {
    const { explorer, asked } = await open();
    const read = vi.spyOn(globalThis, "fetch");
    explorer.selecting.selectRows([3, 4]);
    await explorer.labeling.setLabel("dog");
    await explorer.labeling.delete();
    await explorer.labeling.undo();
    expect(read).not.toHaveBeenCalled();
    expect(asked.filter((m) => m === "column")).toHaveLength(1);
    read.mockRestore();
  });

  it.each(["set_label", "label_neighbors"] as const)(
    "shows no neighbors of what is labeled where one has gone on to another before %s is answered",
    async (slow) => {
      const { explorer, host } = await open();
      explorer.selecting.selectRows([3]);
      const call = host.call.bind(host);
      host.call = async (method, ask) => {
        const answer = await call(method, ask);
        if (method === slow) explorer.selecting.selectRows([7]);
        return answer;
      };
      await explorer.labeling.setLabel("zebra");
      expect(explorer.ui.reach).toBeNull();
      expect(explorer.ui.map?.labelState[3]).toBe(LABEL_STATE.pendingLabel);
      expect(explorer.ui.map?.labelState[7]).not.toBe(LABEL_STATE.pendingLabel);
    },
  );

  it("leaves out of the reach what one clicks, and takes it in again", async () => {
    const { explorer } = await open("unlabeled");
    explorer.selecting.selectRows([5]);
    await explorer.labeling.setLabel("zebra");
    explorer.labeling.setReach(4);
    const first = explorer.ui.reach?.order[0] as number;
    const second = explorer.ui.reach?.order[1] as number;
    explorer.labeling.toggleReached(first);
    explorer.labeling.toggleReached(second);
    explorer.labeling.toggleReached(second);
    await explorer.labeling.acceptReach();
    expect(countState(explorer, LABEL_STATE.pendingLabel)).toBe(4);
    expect([explorer.ui.map?.labelState[first], explorer.ui.map?.labelState[second]]).toEqual([
      LABEL_STATE.unlabeled,
      LABEL_STATE.pendingLabel,
    ]);
  });

  it("accepts the confident suggestions, and the uncertain ones only when told so", async () => {
    const { explorer } = await open();
    const before = (state: number): number => countState(explorer, state);
    const [confident, uncertain] = [before(LABEL_STATE.suggested), before(LABEL_STATE.uncertain)];
    expect(Math.min(confident, uncertain)).toBeGreaterThan(0);
    explorer.selecting.invert();
    await explorer.labeling.accept("confident");
    expect([before(LABEL_STATE.pendingLabel), before(LABEL_STATE.uncertain)]).toEqual([confident, uncertain]);
    await explorer.labeling.accept("confident");
    expect(before(LABEL_STATE.uncertain)).toBe(uncertain);
    await explorer.labeling.accept("uncertain");
    expect([before(LABEL_STATE.pendingLabel), before(LABEL_STATE.uncertain)]).toEqual([confident + uncertain, 0]);
  });

  it("selects on the map what is ticked in the grid, and leaves the grid as it is", async () => {
    const { explorer, host } = await open();
    const stages = host.stages.length;
    await explorer.selecting.takeTicked([(17).toString(16), (23).toString(16)]);
    expect([explorer.ui.selection.count, explorer.ui.selection.mask[17]]).toEqual([2, 1]);
    await explorer.selecting.takeTicked([]);
    expect(explorer.ui.selection.count).toBe(0);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(host.stages).toHaveLength(stages);
  });

  it("takes the ticks off the grid when something else is selected on the map", async () => {
    const { explorer, host } = await open();
    explorer.selecting.selectRows([1, 2, 3]);
    expect(host.unticked).toBe(0);
    await explorer.selecting.takeTicked([(17).toString(16)]);
    explorer.selecting.selectRows([1, 2, 3]);
    expect(host.unticked).toBe(1);
    await explorer.selecting.takeTicked([]); // as the App answers
    expect(explorer.ui.selection.count).toBe(3);
    const late = explorer.selecting.takeTicked([(23).toString(16)]);
    explorer.selecting.selectRows([1, 2]);
    await late;
    expect([explorer.ui.selection.count, host.unticked]).toEqual([2, 2]);
  });

  it("shows in the preview what label and undo made of the sample", async () => {
    const { explorer } = await open("unlabeled");
    await explorer.selecting.click(5, "replace");
    await explorer.labeling.setLabel("cat");
    await until(explorer, (ui) => ui.preview?.label === "cat");
    await explorer.labeling.undo();
    await until(explorer, (ui) => ui.preview?.label === null);
  });

  it("saves and discards what was just asked for, however late the answer comes", async () => {
    const { explorer, host } = await open("unlabeled");
    const call = host.call.bind(host);
    host.call = async (method, ask) => {
      if (method === "set_label") await new Promise((resolve) => setTimeout(resolve, 50));
      return call(method, ask);
    };
    explorer.selecting.selectRows([5]);
    void explorer.labeling.setLabel("cat");
    await explorer.labeling.save();
    expect(notes(explorer)).toContain("Saved 1 label. Press u to undo.");
    explorer.selecting.selectRows([6]);
    void explorer.labeling.setLabel("cat");
    await explorer.labeling.discard();
    expect(notes(explorer).some((note) => note.startsWith("1 pending change discarded."))).toBe(true);
  });

  it("asks for nothing and says why, where nothing is selected, suggested or pending", async () => {
    const { explorer, asked } = await open("unlabeled");
    const before = asked.length;
    await explorer.labeling.delete();
    await explorer.labeling.save();
    explorer.selecting.selectRows([1]);
    await explorer.labeling.accept("confident");
    expect(asked.slice(before).filter((m) => m !== "select")).toEqual([]);
    expect(notes(explorer)).toEqual([
      "Select samples to delete first: click a point, or draw a lasso.",
      "Nothing to save.",
      "The selected sample has no suggestion.",
    ]);
  });

  it("tells an error of the server in its words and goes on", async () => {
    const { explorer } = await open();
    await explorer.labeling.undo();
    expect(notes(explorer)).toEqual(["Nothing to undo."]);
    expect(explorer.ui.busy).toEqual([]);
  });
});

describe("jobs", () => {
  it("show what they made once they end", async () => {
    const { explorer } = await open();
    await explorer.runs.rankOutliers();
    expect(explorer.ui.panel?.jobs[0]?.status).toBe("running");
    for (let i = 0; i < 12; i++) await explorer.map.sync();
    await until(explorer, (ui) => ui.color?.field === "outlier_score");
    expect(notes(explorer)).toContain("Made up");
  });

  it("color by labels and suggestions after suggestions", async () => {
    const { explorer } = await open();
    await explorer.runs.suggestLabels();
    for (let i = 0; i < 12; i++) await explorer.map.sync();
    await until(explorer, (ui) => ui.color?.field === BY_LABELS);
  });
});

describe("the preview", () => {
  it("shows the new label of its sample, in a review too", async () => {
    const { explorer } = await open();
    explorer.selecting.selectRows([5]);
    await explorer.selecting.focus(5);
    explorer.store.dispatch({ type: "tab", tab: "review" });
    await explorer.labeling.setLabel("walrus");
    await until(explorer, (ui) => ui.preview?.label === "walrus");
  });

  it("is not read again for a label that it does not show", async () => {
    const { explorer, asked } = await open();
    await explorer.selecting.focus(5);
    const shown = new Set([5, ...(explorer.ui.preview?.neighbors ?? []).map(({ row }) => row)]);
    const far = Array.from({ length: 300 }, (_, row) => row).find((row) => !shown.has(row)) as number;
    const before = asked.filter((method) => method === "preview").length;
    explorer.selecting.selectRows([far]);
    await explorer.labeling.setLabel("walrus");
    expect(asked.filter((method) => method === "preview")).toHaveLength(before);
  });
});
