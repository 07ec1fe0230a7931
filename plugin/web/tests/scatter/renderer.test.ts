import { describe, expect, it } from "vitest";
import { shuffled } from "../../src/scatter/renderer";

describe("the order in which points are drawn", () => {
  it("has every row once, and is the same each time", () => {
    for (const n of [0, 1, 2, 1000]) {
      expect([...shuffled(n)].sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i));
      expect(shuffled(n)).toEqual(shuffled(n));
    }
  });

  it("begins with some of each class, however the rows are ordered", () => {
    const n = 100_000;
    const first = shuffled(n).subarray(0, n / 10);
    const share = (belongs: (row: number) => boolean): number => first.filter(belongs).length / first.length;
    for (const residue of [0, 1, 9]) expect(share((row) => row % 10 === residue)).toBeCloseTo(0.1, 1.5);
    expect(share((row) => row >= n * 0.9)).toBeCloseTo(0.1, 1.5);
  });
});
