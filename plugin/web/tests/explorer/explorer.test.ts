import { describe, expect, it } from "vitest";
import { BY_LABELS, LABEL_STATE, type PanelState } from "../../src/explorer/contract";
import { BY_STATE } from "../../src/explorer/state";
import { countState, eventually, kept, notes, open, openUnread, until } from "./bench";

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
    await eventually(() => expect(answered).toBe(1));
    await Promise.resolve();
    await eventually(() => {
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
    await eventually(() => expect(host.stages).toHaveLength(1));
    expect(asked.filter((m) => m === "select")).toHaveLength(1);
    expect(JSON.stringify(host.stages[0])).toContain("fiftyone.core.stages.Select");
    explorer.selecting.clear();
    await eventually(() => expect(host.stages[host.stages.length - 1]).toBeNull());
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
});

describe("jobs", () => {
  it("show what they made once they end", async () => {
    const { explorer } = await open();
    await explorer.runs.rankOutliers();
    expect(explorer.ui.panel?.jobs[0]?.status).toBe("running");
    for (let i = 0; i < 12; i++) await explorer.map.sync();
    await until(explorer, (ui) => ui.color?.field === "outlier_score");
    expect(notes(explorer)).toContain("Made up");
    expect(explorer.ui.notes.map(({ why }) => why)).toContain("Method: a random number.");
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
