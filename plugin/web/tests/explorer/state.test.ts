import { describe, expect, it } from "vitest";
import { decodeColumn, encodeColumn, pack } from "../../src/explorer/columns";
import {
  LABEL_STATE,
  MISSING_CODE,
  type LoadedMap,
  type PanelState,
  type StatePatch,
} from "../../src/explorer/contract";
import { mapLabel } from "../../src/explorer/mapLabel";
import { likelyPredicted, offeredClasses } from "../../src/explorer/predicted";
import { setFromRows } from "../../src/explorer/selection";
import {
  allowedRows,
  BY_STATE,
  INITIAL,
  mapOf,
  reduce,
  stateValues,
  suggestedAmong,
  valuesOf,
  type Ui,
  type Values,
} from "../../src/explorer/state";
import { withLabels } from "../../src/explorer/values";

const ref = (version: string) => ({ url: "x", version, n: 4 });
const info: LoadedMap = {
  key: "umap",
  version: "m1",
  dims: 2,
  n: 4,
  items: "i1",
  noun: "sample",
  positions: ref("1"),
  label_state: ref("s1"),
  in_view: null,
};
const panel: PanelState = {
  revision: 5,
  dataset: "d",
  sample_count: 4,
  media_type: "image",
  medium: null,
  embeddings: [],
  maps: [],
  map: info,
  fields: [],
  label_fields: ["ground_truth"],
  label_field: "ground_truth",
  classes: ["cat", "dog"],
  pending: { labels: 0, cleared: 0, deletions: 0 },
  undoable: [],
  label_field_exists: true,
  label_field_unclear: false,
  jobs: [],
  lists: [],
  functions: { functions: [], deleted: [], last_search: null, last_threshold: null },
  messages: [],
  palette: null,
  options: { models: [], methods: [], patches_fields: [], vector_fields: [], backends: [] },
};

const column = (array: Parameters<typeof encodeColumn>[0], tail: Parameters<typeof encodeColumn>[1] = null) =>
  decodeColumn(encodeColumn(array, tail));

function loaded(): Ui {
  const map = mapOf(info, {
    positions: column([Float32Array.of(0, 1, 2, NaN), Float32Array.of(0, 1, 2, 3)]),
    labelState: column([Uint8Array.of(0, 1, 2, 0)]),
    inView: null,
  });
  const values = valuesOf(
    "ground_truth.label",
    column([Uint16Array.of(MISSING_CODE, 0, MISSING_CODE, 1)], { kind: "categorical", classes: ["cat", "dog"] }),
    panel,
  );
  const steps = [
    { type: "panel", panel },
    { type: "map", map },
    { type: "color", color: values },
  ] as const;
  return steps.reduce<Ui>((ui, event) => reduce(ui, event), INITIAL);
}

const patch = (over: Partial<StatePatch> = {}): StatePatch => ({
  from: "s1",
  to: "s2",
  rows: pack(Uint32Array.of(0, 3)),
  states: pack(Uint8Array.of(LABEL_STATE.pendingLabel, LABEL_STATE.pendingLabel)),
  codes: pack(Uint16Array.of(0, MISSING_CODE)),
  labels: ["zebra"],
  ...over,
});

describe("the panel's state", () => {
  it("never goes back to an older one of the same dataset, whichever tab it came from", () => {
    const ui = loaded();
    expect(reduce(ui, { type: "panel", panel: { ...panel, revision: 4, sample_count: 99 } }).panel?.sample_count).toBe(
      4,
    );
    expect(reduce(ui, { type: "panel", panel: { ...panel, revision: 6, sample_count: 99 } }).panel?.sample_count).toBe(
      99,
    );
    expect(reduce(ui, { type: "panel", panel: { ...panel, revision: 1, dataset: "other" } }).panel?.dataset).toBe(
      "other",
    );
  });

  it("shows a message once, however often the server repeats it", () => {
    const messages = [{ id: "m", level: "info", text: "hello" }] as const;
    const once = reduce(loaded(), { type: "panel", panel: { ...panel, revision: 6, messages } });
    expect(once.notes.map((n) => n.text)).toEqual(["hello"]);
    const closed = reduce(once, { type: "dismiss", id: "m" });
    expect(reduce(closed, { type: "panel", panel: { ...panel, revision: 7, messages } }).notes).toEqual([]);
  });
});

describe("another map", () => {
  const other = (over: Partial<LoadedMap>, x = Float32Array.of(3, 2, NaN, 0)) =>
    mapOf(
      { ...info, key: "tsne", version: "m2", ...over },
      {
        positions: column([x, Float32Array.of(0, 1, 2, 3)]),
        labelState: column([Uint8Array.of(0, 1, 2, 0)]),
        inView: null,
      },
    );

  it("of the same items keeps colors and selection, but for samples that have left", () => {
    const before = {
      ...loaded(),
      selection: setFromRows(4, [1, 2]),
      focus: 2,
      how: { kind: "polygon", points: [] } as const,
    };
    const ui = reduce(before, { type: "map", map: other({}) });
    expect(ui.color).toBe(before.color);
    expect([...ui.selection.mask]).toEqual([0, 1, 0, 0]);
    expect(ui.selection.count).toBe(1);
    expect(ui.focus).toBeNull();
    expect(ui.facts).toBe(before.facts);
    // Its polygon was drawn on the other map.
    expect(ui.how).toEqual({ kind: "rows" });
  });

  it("with other labels forgets what was said of its rows", () => {
    const facts = new Map([
      [1, { row: 1, label: "cat", confidence: null, thumbnail: null, name: "x" }],
    ]) as unknown as Ui["facts"];
    const ui = reduce({ ...loaded(), facts, focus: 1 }, { type: "map", map: other({ label_state: ref("s2") }) });
    expect([ui.facts.size, ui.text, ui.focus]).toEqual([0, null, 1]);
  });

  it("of other items begins anew", () => {
    const ui = reduce(
      { ...loaded(), selection: setFromRows(4, [1, 2]), focus: 1 },
      { type: "map", map: other({ items: "i2" }) },
    );
    expect([ui.color, ui.selection.count, ui.focus]).toEqual([null, 0, null]);
  });
});

describe("labels that are still being read", () => {
  const unread = mapOf(
    { ...info, label_state: null },
    {
      positions: column([Float32Array.of(0, 1, 2, 3), Float32Array.of(0, 1, 2, 3)]),
      labelState: null,
      inView: null,
    },
  );

  it("are said to be so, rather than that there are none", () => {
    const values = stateValues(unread);
    expect([unread.labelStateVersion, values.missing.name]).toEqual([null, "being read"]);
    expect([...values.codes]).toEqual([MISSING_CODE, MISSING_CODE, MISSING_CODE, MISSING_CODE]);
  });

  it("come into colors and texts by label state once they are read, and leave them for another field's", () => {
    const values = stateValues(unread);
    const before: Ui = { ...loaded(), map: unread, color: values, text: values };
    const read = reduce(before, { type: "columns", labelState: Uint8Array.of(0, 1, 2, 0), version: "s1" });
    expect([[...(read.color?.codes ?? [])], [...(read.text?.codes ?? [])]]).toEqual([
      [0, 1, 2, 0],
      [0, 1, 2, 0],
    ]);
    expect(reduce(read, { type: "patch", patch: patch() }).text?.codes[0]).toBe(LABEL_STATE.pendingLabel);
    const other = reduce(read, { type: "columns", labelState: null });
    expect([other.map?.labelStateVersion, other.color?.codes[1]]).toEqual([null, MISSING_CODE]);
  });
});

describe("a patch of labels", () => {
  it("changes states and colors of its rows, adds a new class, and keeps the columns' other rows", () => {
    const before = loaded();
    const ui = reduce(before, { type: "patch", patch: patch() });
    expect([...(ui.map?.labelState ?? [])]).toEqual([3, 1, 2, 3]);
    expect(ui.map?.labelStateVersion).toBe("s2");
    expect(ui.color?.classes).toEqual(["cat", "dog", "zebra"]);
    expect(ui.color?.colors).toHaveLength(3);
    expect([...(ui.color?.codes ?? [])]).toEqual([2, 0, MISSING_CODE, MISSING_CODE]);
    expect([...(before.map?.labelState ?? [])]).toEqual([0, 1, 2, 0]);
  });

  it("never touches the positions, so that no point is sent again", () => {
    const before = loaded();
    const ui = reduce(before, { type: "patch", patch: patch() });
    expect(ui.map?.planes).toBe(before.map?.planes);
  });

  it("is left alone when it does not fit what is on the screen", () => {
    const before = loaded();
    expect(reduce(before, { type: "patch", patch: patch({ from: "s0" }) })).toBe(before);
  });

  it("recolors the map by label state at once", () => {
    const ui = reduce(
      { ...loaded(), color: stateValues({ labelState: Uint8Array.of(0, 1, 2, 0), labelStateVersion: "s1" }) },
      { type: "patch", patch: patch() },
    );
    expect([...(ui.color?.codes ?? [])]).toEqual([3, 1, 2, 3]);
    expect(ui.color?.field).toBe(BY_STATE);
  });

  it("leaves the colors of another field alone", () => {
    const other = {
      ...loaded(),
      color: valuesOf("tags", column([Uint16Array.of(0, 0, 0, 0)], { kind: "categorical", classes: ["a"] }), panel),
    };
    expect([...(reduce(other, { type: "patch", patch: patch() }).color?.codes ?? [])]).toEqual([0, 0, 0, 0]);
  });
});

describe("what can be pointed at", () => {
  it("is all but points without a place", () => {
    expect([...allowedRows(loaded())]).toEqual([1, 1, 1, 0]);
  });

  it("leaves out hidden classes, what is isolated away, and what the App's view leaves out", () => {
    const ui = loaded();
    expect([...allowedRows({ ...ui, hidden: new Set([MISSING_CODE]) })]).toEqual([0, 1, 0, 0]);
    expect([...allowedRows({ ...ui, isolated: Uint8Array.of(1, 0, 0, 0) })]).toEqual([1, 0, 0, 0]);
    const map = ui.map && { ...ui.map, inView: Uint8Array.of(0, 1, 1, 1) };
    expect([...allowedRows({ ...ui, map })]).toEqual([0, 1, 1, 0]);
  });

  it("is what lies in the range of a number, and no missing one", () => {
    const color = valuesOf(
      "score",
      column([Float32Array.of(0, 0.5, NaN, 1)], { kind: "numeric", min: 0, max: 1 }),
      panel,
    );
    expect([...allowedRows({ ...loaded(), color, range: [0.2, 0.7] })]).toEqual([0, 1, 0, 0]);
    expect([...allowedRows({ ...loaded(), color, range: null })]).toEqual([1, 1, 1, 0]);
  });
});

describe("the color of a class", () => {
  const values = (field: string, classes: readonly string[], codes: readonly number[], before: Values | null = null) =>
    valuesOf(field, column([Uint16Array.from(codes)], { kind: "categorical", classes }), panel, before);
  const colorOf = (of: Values, name: string) => of.colors[of.classes.indexOf(name)];

  it("stays when another field is shown, and when its class is no longer the largest", () => {
    const first = values("ground_truth.label", ["cat", "dog"], [0, 0, 0, 1]);
    const other = values("predictions.label", ["ant", "dog", "cat"], [0, 0, 1, 1], first);
    expect(["cat", "dog"].map((name) => colorOf(other, name))).toEqual(
      ["cat", "dog"].map((name) => colorOf(first, name)),
    );
    expect(new Set(other.colors).size).toBe(3);
  });

  it("is one that no other class has, also for a class that is new", () => {
    const first = values("a.label", ["cat", "dog", "ant"], [0, 0, 1, 2]);
    const fewer = values("b.label", ["ant"], [0, 0, 0, 0], first);
    const more = withLabels(fewer, patch({ labels: ["x", "y", "z"] }), Uint32Array.of(0, 3), null);
    expect(new Set(more.colors).size).toBe(4);
    expect(colorOf(more, "ant")).toBe(colorOf(first, "ant"));
  });
});

describe("what a screen reader calls the map", () => {
  it("says that it is loading, and that it is empty only if there is nothing", () => {
    const ui = loaded();
    expect(mapLabel(ui)).toBe("2D map of 4 samples, 0 selected");
    expect(mapLabel({ ...ui, map: null })).toBe("Map of embeddings, loading");
    expect(mapLabel({ ...ui, map: null, panel: null })).toBe("Map of embeddings, loading");
    expect(mapLabel({ ...ui, map: null, panel: { ...panel, map: null } })).toBe("Map of embeddings, empty");
  });
});

describe("acts on a selection", () => {
  it("see only the open suggestions in it", () => {
    expect(suggestedAmong(setFromRows(4, [0, 1, 2]), Uint8Array.of(0, 1, 2, 2))).toEqual({
      confident: 1,
      uncertain: 0,
    });
  });

  it("keep the reach between none and all", () => {
    const reach = {
      anchors: [0],
      label: "cat",
      order: Uint32Array.of(1, 2),
      confidence: Float32Array.of(0.9, 0.8),
      count: 1,
      why: "",
      left: new Set<number>(),
    };
    const ui = reduce(loaded(), { type: "reach", reach });
    expect(reduce(ui, { type: "reachCount", count: 7 }).reach?.count).toBe(2);
    expect(reduce(ui, { type: "reachCount", count: -7 }).reach?.count).toBe(0);
  });
});

describe("columns of a wrong form", () => {
  it("are refused with a sentence", () => {
    expect(() => valuesOf("tags", column([Uint8Array.of(1)]), panel)).toThrow(/values of "tags"/);
    const one = { positions: column([Float32Array.of(0)]), labelState: column([Uint8Array.of(0)]), inView: null };
    expect(() => mapOf(info, one)).toThrow(/1 coordinates per point instead of 2/);
  });
});

describe("what is predicted", () => {
  const predicted = valuesOf(
    "predictions.label",
    column([Uint16Array.of(0, 1, 1, MISSING_CODE)], {
      kind: "categorical",
      classes: ["dog", "frog"],
      colors: ["#111111", "#222222"],
    }),
    panel,
  );
  const fields = ["ground_truth", "predictions", "weather"].map((name) => ({
    path: `${name}.label`,
    kind: "categorical" as const,
    predictions: name === "predictions",
  }));
  const ui = (rows: number[], color = predicted): Ui => ({
    ...loaded(),
    panel: { ...panel, fields },
    color,
    selection: setFromRows(4, rows),
  });

  it("is offered for labeling, after the classes of the label field", () => {
    expect(offeredClasses(ui([]))).toEqual(["cat", "dog", "frog"]);
    expect(likelyPredicted(ui([1]))).toEqual([{ label: "frog", note: "predicted", why: "In “predictions”" }]);
    expect(likelyPredicted(ui([0, 1, 2, 3])).map(({ label, note }) => [label, note])).toEqual([
      ["frog", "50%"],
      ["dog", "25%"],
    ]);
    expect([likelyPredicted(ui([])), likelyPredicted(ui([3]))]).toEqual([[], []]);
  });

  it.each(["ground_truth.label", "weather.label", "suggested_label.label"])("is nothing in “%s”", (field) => {
    const other = { ...predicted, field };
    expect(offeredClasses(ui([1], other))).toEqual(["cat", "dog"]);
    expect(likelyPredicted(ui([1], other))).toEqual([]);
  });
});
