import { describe, expect, it } from "vitest";
import { contour, densityOf, homesOf, levelsOf } from "../../src/scatter/density";
import { placeNames } from "../../src/scatter/texts";

/** Two round clusters of 200 points around (0, 0) and (10, 0). */
function twoClusters() {
  const n = 400;
  const [x, y] = [new Float32Array(n), new Float32Array(n)];
  const codes = new Uint16Array(n);
  for (let i = 0; i < n; i++) {
    const [angle, radius] = [i * 2.399963, Math.sqrt((i % 200) / 200)];
    const right = i >= 200;
    x[i] = radius * Math.cos(angle) + (right ? 10 : 0);
    y[i] = radius * Math.sin(angle);
    codes[i] = right ? 1 : 0;
  }
  return { x, y, codes, allowed: new Uint8Array(n).fill(1) };
}

describe("density", () => {
  it("counts every allowed point once", () => {
    const { x, y, allowed } = twoClusters();
    allowed[0] = 0;
    const total = densityOf(x, y, allowed).values.reduce((sum, value) => sum + value, 0);
    expect(total).toBeCloseTo(399, 0);
  });

  it("draws closed lines around each cluster and none between them", () => {
    const { x, y, allowed } = twoClusters();
    const density = densityOf(x, y, allowed);
    const lines = contour(density, levelsOf(density)[2] as number);
    expect(lines.length).toBeGreaterThan(8);
    const ends = new Map<string, number>();
    for (const [x0, y0, x1, y1] of lines) {
      for (const end of [`${x0.toFixed(4)} ${y0.toFixed(4)}`, `${x1.toFixed(4)} ${y1.toFixed(4)}`])
        ends.set(end, (ends.get(end) ?? 0) + 1);
      expect(Math.min(Math.hypot(x0, y0), Math.hypot(x0 - 10, y0))).toBeLessThan(2);
    }
    expect([...ends.values()].every((count) => count === 2)).toBe(true);
  });

  it("has no line where there is no point", () => {
    const none = new Float32Array(0);
    expect(levelsOf(densityOf(none, none, new Uint8Array(0)))).toEqual([]);
  });
});

describe("homes of classes", () => {
  it("lie in the middle of each cluster", () => {
    const { x, y, codes, allowed } = twoClusters();
    const homes = homesOf(x, y, codes, allowed);
    expect(homes.map((home) => home.code).sort()).toEqual([0, 1]);
    for (const home of homes) expect(Math.hypot(home.x - home.code * 10, home.y)).toBeLessThan(0.8);
  });

  it("are two where a class lies in two places, and none for points without a value", () => {
    const { x, y, allowed } = twoClusters();
    expect(homesOf(x, y, new Uint16Array(400), allowed)).toHaveLength(2);
    expect(homesOf(x, y, new Uint16Array(400).fill(0xffff), allowed)).toEqual([]);
  });
});

describe("names of clusters", () => {
  it("lie over no other, the first ones first, and stay in the picture", () => {
    const names = [
      { text: "large", x: 50, y: 50, width: 40 },
      { text: "small", x: 55, y: 52, width: 40 },
      { text: "edge", x: 1, y: 90, width: 40 },
      { text: "outside", x: -5, y: 90, width: 40 },
    ];
    const placed = placeNames(names, { width: 200, height: 100 }, 18, 10);
    expect(placed.map((name) => name.text)).toEqual(["large", "small", "edge"]);
    expect(placed[2]?.x).toBeGreaterThanOrEqual(20);
  });
});
