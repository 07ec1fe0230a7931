import { describe, expect, it } from "vitest";
import { positionOf, REACH_STEPS, reachAt, stepOf } from "../../src/explorer/reach";
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
