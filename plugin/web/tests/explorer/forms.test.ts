import { describe, expect, it } from "vitest";
import { positionOf, REACH_STEPS, reachAt, stepOf } from "../../src/explorer/reach";
import { completed, groupsOf, missing, planned, renamed, storageOf } from "../../src/explorer/dialogs/ways";
import type { EmbeddingsForm, Job, ModelChoice, PanelState, Plan } from "../../src/explorer/contract";
import { emptyKind } from "../../src/explorer/emptyKind";
import { isAtWork, jobsWithBar } from "../../src/explorer/jobs";
import { fieldName } from "../../src/explorer/values";
import { typeahead } from "../../src/explorer/typeahead";

describe("the reach slider", () => {
  it("goes from none to all and never falls as it moves on", () => {
    for (const total of [0, 1, 7, 400, 50_000]) {
      expect(reachAt(0, total)).toBe(0);
      expect(reachAt(REACH_STEPS, total)).toBe(total);
      for (let p = 1; p <= REACH_STEPS; p++) expect(reachAt(p, total)).toBeGreaterThanOrEqual(reachAt(p - 1, total));
    }
  });

  it("stands close to where it was put", () => {
    for (const count of [0, 1, 12, 399, 400])
      expect(Math.abs(reachAt(positionOf(count, 400), 400) - count)).toBeLessThanOrEqual(1);
  });

  it("steps by one when few, by about a tenth when many", () => {
    expect(stepOf(0)).toBe(1);
    expect(stepOf(5)).toBe(1);
    expect(stepOf(300)).toBe(30);
  });
});

describe("the type-ahead", () => {
  const classes = ["wildcat", "cat", "Cattle", "sea cat", "dog"];

  it("puts the exact class first, then beginnings, then words, then the rest", () => {
    expect(typeahead(classes, "cat", 9).matches).toEqual(["cat", "Cattle", "sea cat", "wildcat"]);
  });

  it("offers a new class only for what is none yet", () => {
    expect(typeahead(classes, "cat", 9).fresh).toBeNull();
    expect(typeahead(classes, " zebra ", 9)).toEqual({ matches: [], fresh: "zebra" });
    expect(typeahead(classes, "", 2)).toEqual({ matches: ["wildcat", "cat"], fresh: null });
    expect(typeahead(classes, "Dog", 9)).toEqual({ matches: ["dog"], fresh: "Dog" });
  });
});

const way = (name: string, argument = "", names: string[] = []): ModelChoice => ({
  way: name,
  title: name,
  why: "",
  argument,
  names,
  inspects: false,
  options: [],
});
const OWN: ModelChoice = { ...way("own", "file or package.module:factory"), inspects: true };
const TIMM = way("timm", "name or folder", ["one", "two"]);
const HUB = way("hf", "repository or folder", ["a/b"]);
const PLAIN = way("preprocessing");

describe("the ways to make embeddings", () => {
  const panel = { embeddings: [], options: { vector_fields: [] } } as unknown as PanelState;
  const form = { way: "own", name: null, path: null, options: {} } as unknown as EmbeddingsForm;

  it("are five: published models are one, wherever they come from", () => {
    const all = [PLAIN, TIMM, HUB, OWN, way("trained"), way("precomputed")];
    expect(groupsOf(all).map(({ ways }) => ways.map((one) => one.way))).toEqual([
      ["preprocessing"],
      ["timm", "hf"],
      ["own"],
      ["trained"],
      ["precomputed"],
    ]);
    expect(groupsOf([PLAIN, TIMM]).map(({ title }) => title)).toEqual(["preprocessing", "timm"]);
  });

  it("take any name that is typed, and wait for one where none is known", () => {
    expect(missing(OWN, form, panel, null)).toBe("the file of your network");
    expect(missing(OWN, { ...form, name: "  " }, panel, null)).not.toBeNull();
    expect(completed({ ...form, name: " net.onnx " }, OWN, panel).name).toBe("net.onnx");
    expect(completed(form, TIMM, panel).name).toBe("one");
    expect(completed({ ...form, name: "three" }, TIMM, panel).name).toBe("three");
    expect([missing(PLAIN, form, panel, null), completed(form, PLAIN, panel).name]).toEqual([null, null]);
  });

  it("ask before the start for what the file of one's own network does not declare", () => {
    const network = { kind: "ONNX", layers: [], cut: null, classes: 2, said: ["size"], undeclared: ["mean", "std"] };
    const plan: Plan = { count: 30, noun: "sample", seconds: 200, network, trouble: null };
    const own = { ...form, name: "net.onnx", options: {} };
    const needed = "its mean and standard deviation, which the file does not declare";
    expect(missing(OWN, own, panel, plan)).toBe(needed);
    expect(planned(OWN, own, panel, plan)).toBe(`Still needed: ${needed}.`);
    expect(missing(OWN, own, panel, { ...plan, network: null, trouble: "There is no file" })).not.toBeNull();
    const said = { ...own, options: { mean: "0, 0, 0", std: "1, 1, 1" } };
    expect(missing(OWN, said, panel, plan)).toBeNull();
    expect(planned(OWN, said, panel, plan)).toMatch(/^30 samples: about 3 minutes for photos/);
    expect(planned(TIMM, form, panel, { ...plan, seconds: null })).toMatch(/depends on the model/);
  });

  it("forget the layer and the predictions of a network when another one is named", () => {
    const chosen = { ...form, name: "a.onnx", predictions: "guesses", options: { layer: "conv5", size: "64" } };
    const next = { ...chosen, ...renamed(chosen, "b.onnx"), patches_field: null };
    expect(completed(next, OWN, panel)).toMatchObject({ name: "b.onnx", predictions: null });
    expect(next.options).toEqual({ layer: "", size: "64" });
  });

  it("name the places to store vectors as their makers do, the default as such", () => {
    expect(storageOf("pgvector", true)).toEqual({
      name: "PostgreSQL (pgvector)",
      note: "the database in FiftyOne's settings; the default",
    });
    expect(storageOf("lancedb", false)).toEqual({ name: "LanceDB", note: "files on the App's server" });
    expect(storageOf("own", false).name).toBe("own");
  });

  it("keep predictions of whole samples only", () => {
    const kept = { ...form, patches_field: null, predictions: " guesses " };
    expect(completed(kept, OWN, panel).predictions).toBe("guesses");
    expect(completed({ ...kept, patches_field: "boxes" }, OWN, panel).predictions).toBeNull();
  });
});

describe("what stands in place of a map", () => {
  const panel = { dataset: "d", sample_count: 3, maps: [], map: null, embeddings: [], jobs: [] };
  const kind = (part: object) => emptyKind({ panel: { ...panel, ...part } as unknown as PanelState, map: null });

  it("is the form of the next step, also while that is at work: the run may fail", () => {
    expect(kind({})).toBe("no embeddings");
    expect(kind({ jobs: [{ status: "running" }] })).toBe("no embeddings");
    expect(kind({ jobs: [{ status: "running" }], embeddings: [{}] })).toBe("no map");
    expect(kind({ sample_count: 0 })).toBe("no samples");
  });

  it("promises a map for a run of the panel alone", () => {
    const atWork = (...jobs: object[]) => isAtWork(jobs as Job[]);
    expect(atWork({ status: "done" }, { status: "running" })).toBe(true);
    expect(atWork({ status: "queued" })).toBe(true);
    expect(atWork({ status: "failed" }, { status: "done" })).toBe(false);
    expect(atWork({ status: "running", by_operator: true })).toBe(false);
  });
});

describe("fields", () => {
  it("are called as the dataset calls them", () => {
    expect(["ground_truth.label", "boxes.detections.label", "tags", "a.confidence"].map(fieldName)).toEqual([
      "ground_truth",
      "boxes",
      "tags",
      "a.confidence",
    ]);
  });
});

describe("the bar of a job", () => {
  const job = (id: string, title: string, status: Job["status"], by_operator = false): Job => {
    return { id, title, status, by_operator, progress: null, message: "what happened", cancellable: false };
  };
  const shown = (...jobs: Job[]): string[] => jobsWithBar(jobs).map(({ id }) => id);

  it("is there while it runs, and afterwards for a failure or a run of the App's menu", () => {
    expect(shown(job("1", "a", "running"), job("2", "b", "done"))).toEqual(["1"]);
    expect(shown(job("1", "a", "failed"), job("2", "b", "done", true))).toEqual(["1", "2"]);
  });

  it("of a failure goes when the same is tried again", () => {
    expect(shown(job("1", "a", "failed"), job("2", "a", "running"))).toEqual(["2"]);
    expect(shown(job("1", "a", "failed"), job("2", "a", "done"))).toEqual([]);
    expect(shown(job("1", "a", "done"), job("2", "a", "failed"))).toEqual(["2"]);
  });
});
