import { describe, expect, it } from "vitest";
import { MISSING_CODE } from "../../src/explorer/contract";
import { countCodes, legendRows, rowWindow, solo, toggleHidden } from "../../src/explorer/legend";

const codes = Uint16Array.of(0, 1, 1, 2, MISSING_CODE, MISSING_CODE, MISSING_CODE);
const all = new Uint8Array(7).fill(1);
const legend = {
  classes: ["cat", "dog 10", "dog 9"],
  colors: ["#000001", "#000002", "#000003"],
  hidden: new Set<number>(),
  missing: { name: "unlabeled", color: "#8f8f8f" },
  query: "",
  order: "count" as const,
};

describe("the legend", () => {
  it("counts every class and what has none, only among the rows shown", () => {
    expect([...countCodes(codes, 3, all)]).toEqual([1, 2, 1, 3]);
    expect([...countCodes(codes, 3, Uint8Array.of(1, 0, 1, 0, 1, 0, 0))]).toEqual([1, 1, 0, 1]);
  });

  it("lists classes by count, or by name with numbers in their order, and the unlabeled last", () => {
    const counts = countCodes(codes, 3, all);
    expect(legendRows({ ...legend, counts }).map((r) => r.name)).toEqual(["dog 10", "cat", "dog 9", "unlabeled"]);
    expect(legendRows({ ...legend, counts, order: "name" }).map((r) => r.name)).toEqual([
      "cat",
      "dog 9",
      "dog 10",
      "unlabeled",
    ]);
  });

  it("leaves what a search asks for", () => {
    const counts = countCodes(codes, 3, all);
    expect(legendRows({ ...legend, counts, query: " DOG" }).map((r) => r.code)).toEqual([1, 2]);
    expect(legendRows({ ...legend, counts, query: "zebra" })).toEqual([]);
  });

  it("has no row for unlabeled where everything is labeled", () => {
    expect(legendRows({ ...legend, counts: Uint32Array.of(1, 1, 1, 0) }).map((r) => r.code)).not.toContain(
      MISSING_CODE,
    );
  });

  it("has no row for a class that nothing has any more", () => {
    expect(legendRows({ ...legend, counts: Uint32Array.of(2, 0, 1, 0) }).map((r) => r.name)).toEqual(["cat", "dog 9"]);
  });

  it("hides and shows again", () => {
    const hidden = toggleHidden(new Set(), 1);
    expect([...hidden]).toEqual([1]);
    expect(toggleHidden(hidden, 1).size).toBe(0);
  });

  it("solos a class, another after it, and shows all when the same is asked twice", () => {
    const one = solo(new Set(), 1, 3);
    expect([...one].sort()).toEqual([0, 2, MISSING_CODE].sort());
    expect([...solo(one, 2, 3)].sort()).toEqual([0, 1, MISSING_CODE].sort());
    expect(solo(one, 1, 3).size).toBe(0);
    expect([...solo(new Set(), MISSING_CODE, 3)].sort()).toEqual([0, 1, 2]);
  });

  it("draws only the rows in the window, of any number of classes", () => {
    const [first, last] = rowWindow(10_000, 24_000, 480, 24);
    expect(first).toBeLessThanOrEqual(1000);
    expect(last).toBeGreaterThanOrEqual(1020);
    expect(last - first).toBeLessThan(40);
    expect(rowWindow(3, 0, 480, 24)).toEqual([0, 3]);
  });
});
