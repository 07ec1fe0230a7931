import { beforeEach, describe, expect, it, vi } from "vitest";
import { FakeHost } from "../../dev/fakeHost";
import { LABEL_STATE, type MethodName } from "../../src/explorer/contract";
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
  it("loads points, labels and colours, each once", async () => {
    const { explorer, asked } = await open();
    expect(explorer.ui.map?.info.n).toBe(300);
    expect(explorer.ui.color?.field).toBe("ground_truth.label");
    expect(asked.filter((m) => m === "column")).toHaveLength(1);
    expect(explorer.ui.camera?.dims).toBe(2);
  });

  it("draws points whose labels are yet to be read, and asks for their colours once they are seen", async () => {
    const { explorer, host, call } = await openUnread();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(call.mock.calls.map(([method]) => method)).not.toContain("column");
    expect([explorer.ui.map?.labelStateVersion, countState(explorer, LABEL_STATE.human)]).toEqual([null, 0]);
    explorer.drawn();
    await until(explorer, (ui) => ui.color?.field === "ground_truth.label");
    explorer.receive(host.state());
    await until(explorer, (ui) => ui.map?.labelStateVersion !== null);
    expect(countState(explorer, LABEL_STATE.human)).toBeGreaterThan(0);
  });

  it("asks nothing more of a map one has left before it was seen", async () => {
    const { explorer, call } = await openUnread();
    await explorer.loadMap("umap_3d");
    await until(explorer, (ui) => ui.map?.info.dims === 3 && ui.color?.field === "ground_truth.label");
    explorer.drawn();
    await new Promise((resolve) => setTimeout(resolve, 50));
    const columns = call.mock.calls
      .filter(([method]) => method === "column")
      .map(([, ask]) => (ask as { map: string }).map);
    expect(columns).toEqual(["umap_3d"]);
  });

  it("opens the map one left where Python has opened another", async () => {
    const { explorer } = await open();
    await explorer.dimension(3);
    await until(explorer, (ui) => ui.map?.info.dims === 3 && ui.busy.length === 0);
    explorer.keep();
    const again = await open();
    await until(again.explorer, (ui) => ui.map?.info.dims === 3);
  });

  it("polls no more while an answer is on its way", async () => {
    const { explorer, host, asked } = await open();
    const call = host.call.bind(host);
    host.call = async (method, ask) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return call(method, ask);
    };
    explorer.poll();
    explorer.poll();
    await new Promise((resolve) => setTimeout(resolve, 60));
    explorer.poll();
    await vi.waitFor(() => expect(asked.filter((m) => m === "sync")).toHaveLength(2));
  });

  it("comes back to the colours and the camera one left", async () => {
    const { explorer } = await open();
    await explorer.colorBy("outlier_score");
    explorer.store.dispatch({ type: "camera", camera: { dims: 2, x: 1, y: 2, scale: 3 } });
    explorer.keep();
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
    await explorer.dimension(3);
    await until(explorer, (ui) => ui.map?.info.dims === 3);
    const none = await open("no-map");
    await none.explorer.dimension(3);
    expect([none.explorer.ui.dialog, none.explorer.ui.formDims]).toEqual(["map", 3]);
  });
});

describe("another map of the same samples", () => {
  it("keeps selection and colours, and asks for neither again", async () => {
    const { explorer, asked } = await open();
    await explorer.colorBy("outlier_score");
    explorer.selectRows([1, 2, 3]);
    const { color } = explorer.ui;
    const before = asked.length;
    await explorer.dimension(3);
    await until(explorer, (ui) => ui.map?.info.dims === 3 && ui.busy.length === 0);
    expect([explorer.ui.selection.count, explorer.ui.color]).toEqual([3, color]);
    expect(asked.slice(before).filter((m) => m === "column")).toEqual([]);
  });

  it("gets the colours that were on their way when it was chosen", async () => {
    const { explorer, host } = await open();
    const call = host.call.bind(host);
    host.call = async (method, ask) => {
      if (method === "column") await new Promise((resolve) => setTimeout(resolve, 400));
      return call(method, ask);
    };
    void explorer.colorBy("outlier_score");
    await explorer.dimension(3);
    await until(explorer, (ui) => ui.map?.info.dims === 3 && ui.color?.field === "outlier_score");
  });

  it("does not give the points colours that one has left for others meanwhile", async () => {
    const { explorer, host } = await open();
    const call = host.call.bind(host);
    host.call = async (method, ask) => {
      if (method === "column" && (ask as { field: string }).field === "outlier_score")
        await new Promise((resolve) => setTimeout(resolve, 200));
      return call(method, ask);
    };
    const late = explorer.colorBy("outlier_score");
    await explorer.colorBy("truth.label");
    await late;
    expect(explorer.ui.color?.field).toBe("truth.label");
  });
});

describe("selecting", () => {
  it("takes the grid along, once for a quick series, and clears it", async () => {
    const { explorer, host, asked } = await open();
    explorer.selectRows([1]);
    explorer.selectRows([1, 2]);
    explorer.selectRows([1, 2, 3]);
    await vi.waitFor(() => expect(host.stages).toHaveLength(1));
    expect(asked.filter((m) => m === "select")).toHaveLength(1);
    expect(JSON.stringify(host.stages[0])).toContain("fiftyone.core.stages.Select");
    explorer.clearSelection();
    await vi.waitFor(() => expect(host.stages[host.stages.length - 1]).toBeNull());
  });

  it("inverts, isolates, and shows all again", async () => {
    const { explorer } = await open();
    explorer.selectRows([0, 1]);
    explorer.invertSelection();
    expect(explorer.ui.selection.count).toBe(298);
    explorer.toggleIsolate();
    expect(explorer.ui.isolated?.[0]).toBe(0);
    explorer.selectRows([7, 8]);
    explorer.store.dispatch({ type: "isolate", mask: explorer.ui.selection.mask });
    explorer.showAll();
    const [x] = explorer.ui.map?.planes ?? [];
    expect(explorer.ui.camera).toMatchObject({ x: ((x?.[7] ?? 0) + (x?.[8] ?? 0)) / 2 });
    explorer.toggleIsolate();
    expect(explorer.ui.isolated).toBeNull();
  });

  it("finds by text and says how many", async () => {
    const { explorer } = await open();
    await explorer.search("image_17.png", false);
    expect([explorer.ui.search?.total, explorer.ui.selection.count, explorer.ui.selection.mask[17]]).toEqual([1, 1, 1]);
    expect(explorer.ui.focus).toBe(17);
    await explorer.search("image_1", false);
    expect([explorer.ui.selection.count > 1, explorer.ui.focus]).toEqual([true, null]);
  });
});

describe("labeling", () => {
  it("sets a label, lights up neighbors, reaches further, and queues all until Save", async () => {
    const { explorer, asked } = await open("unlabeled");
    explorer.selectRows([5]);
    await explorer.setLabel("zebra");
    expect(countState(explorer, LABEL_STATE.pendingLabel)).toBe(1);
    expect(explorer.ui.reach?.label).toBe("zebra");
    expect(explorer.ui.color?.classes).toContain("zebra");
    const before = asked.length;
    explorer.setReach(7);
    expect(asked.length).toBe(before);
    await explorer.acceptReach();
    expect(countState(explorer, LABEL_STATE.pendingLabel)).toBe(8);
    expect(explorer.ui.panel?.pending.labels).toBe(8);
    expect(countState(explorer, LABEL_STATE.human)).toBe(0);
    await explorer.save();
    expect(countState(explorer, LABEL_STATE.human)).toBe(8);
    expect(notes(explorer)).toContain("Saved 8 labels and 0 deletions.");
  });

  it("leaves only the one when the neighbors are not wanted, and undo takes it back", async () => {
    const { explorer } = await open("unlabeled");
    explorer.selectRows([5]);
    await explorer.setLabel("cat");
    explorer.leaveReach();
    expect(countState(explorer, LABEL_STATE.pendingLabel)).toBe(1);
    await explorer.undo();
    expect(countState(explorer, LABEL_STATE.pendingLabel)).toBe(0);
  });

  it("sends no column again for labels, deletions and undo", async () => {
    const { explorer, asked } = await open();
    const read = vi.spyOn(globalThis, "fetch");
    explorer.selectRows([3, 4]);
    await explorer.setLabel("dog");
    await explorer.delete();
    await explorer.undo();
    expect(read).not.toHaveBeenCalled();
    expect(asked.filter((m) => m === "column")).toHaveLength(1);
    read.mockRestore();
  });

  it("shows in the preview what label and undo made of the sample", async () => {
    const { explorer } = await open("unlabeled");
    await explorer.click(5, "replace");
    await explorer.setLabel("cat");
    await until(explorer, (ui) => ui.preview?.label === "cat");
    await explorer.undo();
    await until(explorer, (ui) => ui.preview?.label === null);
  });

  it("asks for nothing and says why, where nothing is selected, suggested or pending", async () => {
    const { explorer, asked } = await open("unlabeled");
    const before = asked.length;
    await explorer.delete();
    await explorer.save();
    explorer.selectRows([1]);
    await explorer.accept();
    expect(asked.slice(before).filter((m) => m !== "select")).toEqual([]);
    expect(notes(explorer)).toEqual([
      "Select the samples to delete first: click a point, or draw a lasso.",
      "Nothing is pending.",
      "None of the 1 selected sample has a suggestion.",
    ]);
  });

  it("tells an error of the server in its words and goes on", async () => {
    const { explorer } = await open();
    await explorer.undo();
    expect(notes(explorer)).toEqual(["Nothing to undo."]);
    expect(explorer.ui.busy).toEqual([]);
  });
});

describe("jobs", () => {
  it("show what they made once they end", async () => {
    const { explorer } = await open();
    await explorer.rankOutliers();
    expect(explorer.ui.panel?.jobs[0]?.status).toBe("running");
    for (let i = 0; i < 12; i++) await explorer.sync();
    await until(explorer, (ui) => ui.color?.field === "outlier_score");
    expect(notes(explorer)).toContain("made up");
  });

  it("colour by label state after suggestions", async () => {
    const { explorer } = await open();
    await explorer.suggestLabels();
    for (let i = 0; i < 12; i++) await explorer.sync();
    await until(explorer, (ui) => ui.color?.field === BY_STATE);
  });
});
