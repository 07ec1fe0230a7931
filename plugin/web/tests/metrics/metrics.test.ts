import { describe, expect, it, vi } from "vitest";
import { cropOf, inCrop } from "../../src/metrics/crop";
import { type Overview, type Report } from "../../src/metrics/contract";
import {
  cellOf,
  countAt,
  errorsByClass,
  matrixOf,
  orderOf,
  searched,
  shade,
  sortedRows,
  valueAt,
  whatOf,
} from "../../src/metrics/matrix";
import {
  chosenCount,
  firstFields,
  INITIAL,
  isChosen,
  MetricsSession,
  partnersOf,
  type Call,
} from "../../src/metrics/session";

const pack = (numbers: number[]): string =>
  btoa(String.fromCharCode(...new Uint8Array(Uint32Array.from(numbers).buffer)));

/** Classes 10, 2, 1; label 10 predicted as 2 three times, 2 right 300 times, one label 1 missed, two phantoms of 10. */
const report: Report = {
  evaluation: "t",
  kind: "detection",
  truth_field: "ground_truth",
  prediction_field: "predictions",
  classes: ["10", "2", "1"],
  samples: 5,
  labels: 304,
  predictions: 305,
  scored: true,
  guesses: 1,
  mask_pairs: 0,
  cells: { rows: pack([0, 1, 2, 3]), columns: pack([1, 1, 3, 0]), counts: pack([3, 300, 1, 2]) },
  per_class: {
    precision: [0, 0.99, 0],
    recall: [0, 1, 0],
    f1: [0, 0.99, 0],
    support: [3, 300, 1],
    average_precision: [0, 1, null],
  },
  weighted: { precision: 0.9, recall: 0.9, f1: 0.9, map: 0.5 },
  totals: { "true positives": 300, confusions: 3, "false positives": 2, "false negatives": 1 },
};
const matrix = matrixOf(report);

describe("the matrix", () => {
  it("tells what each cell counts", () => {
    expect(countAt(matrix, 0, 1)).toBe(3);
    expect(whatOf(matrix, 0, 1)).toBe("confusions");
    expect(whatOf(matrix, 1, 1)).toBe("true positives");
    expect([whatOf(matrix, 3, 0), whatOf(matrix, 2, 3)]).toEqual(["false positives", "false negatives"]);
    expect(cellOf(matrix, 3, 0)).toEqual([null, "10"]);
    expect(cellOf(matrix, 2, 3)).toEqual(["1", null]);
  });
  it("gives shares of the label and of the prediction", () => {
    expect(valueAt(matrix, 0, 1, "row")).toBe(1);
    expect(valueAt(matrix, 0, 1, "column")).toBeCloseTo(3 / 303);
    expect(valueAt(matrix, 0, 0, "row")).toBe(0);
  });
  it("is ordered by name as people count, by support, or by confusion, and none stays first", () => {
    expect(orderOf(matrix, "name").map((code) => matrix.classes[code])).toEqual([undefined, "1", "2", "10"]);
    expect(orderOf(matrix, "support").map((code) => matrix.classes[code])).toEqual([undefined, "2", "10", "1"]);
    expect(orderOf(matrix, "confusion")[1]).toBe(0);
    expect([...errorsByClass(matrix)]).toEqual([5, 3, 1, 3]);
  });
  it("brings the classes of the largest highlighted errors to the corner", () => {
    const crowded = matrixOf({
      ...report,
      classes: ["a", "b", "c", "d"],
      // a is missed nine times; b is taken for d twice, and c for a once.
      cells: { rows: pack([0, 1, 2]), columns: pack([4, 3, 0]), counts: pack([9, 2, 1]) },
    });
    expect(orderOf(crowded, "confusion")).toEqual([4, 0, 1, 3, 2]);
    expect(orderOf(crowded, "confusion", ["confusions"])).toEqual([4, 1, 3, 2, 0]);
    expect(orderOf(crowded, "confusion", ["false negatives"])).toEqual([4, 0, 1, 3, 2]);
    expect(orderOf(crowded, "support", ["confusions"])).toEqual([4, 0, 1, 2, 3]);
  });
  it("keeps what a class is confused with when it is searched", () => {
    expect(searched(matrix, [0, 1, 2, 3], "10")).toEqual([0, 1, 3]);
    expect(searched(matrix, [0, 1, 2, 3], "nothing")).toEqual([]);
    expect(searched(matrix, [0, 1, 2, 3], " ")).toEqual([0, 1, 2, 3]);
  });
  it("shows a single error beside many hits", () => {
    expect(shade(1, 10000)).toBeGreaterThan(0.15);
    expect(shade(10000, 10000)).toBe(1);
    expect(shade(0, 10)).toBe(0);
  });
});

it("sorts a metric with missing numbers last, either way", () => {
  expect(sortedRows(report, "average_precision", true)).toEqual([1, 0, 2]);
  expect(sortedRows(report, "average_precision", false)).toEqual([0, 1, 2]);
  expect(sortedRows(report, "name", false)).toEqual([2, 1, 0]);
});

describe("a crop", () => {
  it("holds both boxes and stays in the picture", () => {
    const [x, y, w, h] = cropOf({ truth_box: [0, 0, 0.2, 0.2], prediction_box: [0.1, 0.1, 0.3, 0.2] });
    expect([x, y]).toEqual([0, 0]);
    expect(x + w).toBeGreaterThan(0.4);
    expect(y + h).toBeGreaterThan(0.3);
    expect(inCrop([0, 0, w, h], [x, y, w, h])).toEqual([0, 0, 1, 1]);
  });
  it("is the whole picture without a box, and has a size even around a degenerate one", () => {
    expect(cropOf({ truth_box: null, prediction_box: null })).toEqual([0, 0, 1, 1]);
    expect(cropOf({ truth_box: [1, 1, 0, 0], prediction_box: null })[2]).toBeGreaterThan(0);
  });
});

const overview: Overview = {
  dataset: "d",
  filtered: false,
  segments: [],
  fields: { classification: ["weather", "ground_truth"], detection: ["boxes", "old", "predictions"] },
};

it("starts with the usual fields and offers only those of the same kind", () => {
  expect(firstFields(overview)).toEqual(["ground_truth", "weather"]);
  expect(firstFields({ ...overview, fields: {} })).toBeNull();
  expect(partnersOf(overview, "boxes")).toEqual(["predictions", "old"]);
});

describe("the session", () => {
  const asked: [string, unknown][] = [];
  const call: Call = (async (method: string, ask: unknown) => {
    asked.push([method, ask]);
    if (method === "overview") return overview;
    if (method === "compare") return { report, confidence: 0.35 };
    if (method === "results") return { total: 3, items: [] };
    throw new Error("It is closed.");
  }) as Call;

  it("asks a slider's last place only, not every one on the way", async () => {
    const session = new MetricsSession(call, (path) => path);
    await session.start();
    asked.length = 0;
    for (let i = 1; i <= 50; i++) session.setThresholds({ iou: i / 100 });
    await new Promise((done) => setTimeout(done, 20));
    const compared = asked.filter(([method]) => method === "compare").map(([, ask]) => (ask as { iou: number }).iou);
    expect(compared.length).toBeLessThanOrEqual(3);
    expect(compared[compared.length - 1]).toBe(0.5);
    expect((asked[0]?.[1] as { evaluation: string }).evaluation).toBe("t");
  });

  it("opens at the confidence with the best F1, and keeps the one a person chose", async () => {
    const session = new MetricsSession(call, (path) => path);
    await session.start();
    expect(session.get().thresholds.confidence).toBe(0.35);
    session.setThresholds({ confidence: 0.8 });
    await vi.waitFor(() => expect((asked.at(-1)?.[1] as { confidence?: number }).confidence).toBe(0.8), {
      timeout: 60_000,
    });
    expect(session.get().thresholds.confidence).toBe(0.8);
  });

  it("shows the fields chosen last, whichever answer comes first", async () => {
    const answers: ((answer: { report: Report; confidence: number }) => void)[] = [];
    const slow: Call = (async (method: string) =>
      method === "overview" ? overview : new Promise((resolve) => answers.push(resolve))) as Call;
    const session = new MetricsSession(slow, (path) => path);
    void session.start();
    await new Promise((done) => setTimeout(done));
    session.setFields("boxes", "old");
    await new Promise((done) => setTimeout(done));
    answers[1]?.({ report: { ...report, evaluation: "newer" }, confidence: 0 });
    answers[0]?.({ report: { ...report, evaluation: "older" }, confidence: 0 });
    await new Promise((done) => setTimeout(done));
    expect(session.get().report?.evaluation).toBe("newer");
  });

  it("adds a cell with more, takes it out again, and else starts anew", async () => {
    const session = new MetricsSession(call, (path) => path);
    await session.start();
    session.chooseCell(["1", "2"], false);
    session.chooseCell(["2", "1"], true);
    expect(session.get().cells.length).toBe(2);
    session.chooseCell(["1", "2"], true);
    expect(session.get().cells).toEqual([["2", "1"]]);
    session.chooseWhat("confusions", false);
    expect([session.get().cells, session.get().whats]).toEqual([[], ["confusions"]]);
  });

  it("tells the same twice as two messages, each with its own time", () => {
    const session = new MetricsSession(call, (path) => path);
    session.note("The grid shows 3 members.");
    const first = session.get().note;
    session.note("The grid shows 3 members.");
    expect(session.get().note?.id).not.toBe(first?.id);
  });

  it("shows an error as a sentence and goes on", async () => {
    const session = new MetricsSession(call, (path) => path);
    await session.start();
    expect(await session.exportSegment({ slug: "s", format: "csv", folder: "f" })).toBe(false);
    expect(session.get().note).toMatchObject({ level: "error", text: "It is closed." });
    expect(session.get().busy).toBeNull();
  });
});

it("counts what is chosen: all but some, or only some", () => {
  const all = { ...INITIAL, total: 10, base: "all" as const, except: [[1, 2] as const] };
  expect([chosenCount(all), isChosen(all, [1, 2]), isChosen(all, [0, 0])]).toEqual([9, false, true]);
  const none = { ...all, base: "none" as const };
  expect([chosenCount(none), isChosen(none, [1, 2]), isChosen(none, [0, 0])]).toEqual([1, true, false]);
});
