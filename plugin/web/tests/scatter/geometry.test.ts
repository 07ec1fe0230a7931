import { describe, expect, it } from "vitest";
import {
  bounds,
  boxPolygon,
  buildGrid,
  nearestInGrid,
  pointsInPolygon,
  rowsInGrid,
  simplify,
  type Point,
} from "../../src/scatter/geometry";

function random(seed: number): () => number {
  return () => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 4294967296;
}

function cloud(n: number, seed = 1): { x: Float32Array; y: Float32Array } {
  const next = random(seed);
  return {
    x: Float32Array.from({ length: n }, () => next() * 2 - 1),
    y: Float32Array.from({ length: n }, () => next() * 2 - 1),
  };
}

/** The plain even-odd rule, edge by edge. */
function inside(px: number, py: number, polygon: readonly Point[]): number {
  let odd = 0;
  polygon.forEach(([x0, y0], i) => {
    const [x1, y1] = polygon[(i + 1) % polygon.length] as Point;
    if (y0 > py !== y1 > py && px < ((x1 - x0) * (py - y0)) / (y1 - y0) + x0) odd ^= 1;
  });
  return odd;
}

const star = (corners: number, seed: number): Point[] => {
  const next = random(seed);
  return Array.from({ length: corners }, (_, i) => {
    const radius = 0.3 + 0.7 * next();
    return [radius * Math.cos((i / corners) * 2 * Math.PI), radius * Math.sin((i / corners) * 2 * Math.PI)];
  });
};

describe("the lasso", () => {
  it("agrees with the plain even-odd rule, for ragged and self-crossing shapes", () => {
    const { x, y } = cloud(4000);
    const crossing: Point[] = [
      [-1, -1],
      [1, 1],
      [1, -1],
      [-1, 1],
    ];
    for (const polygon of [...[3, 5, 60, 400].map((corners) => star(corners, corners)), crossing]) {
      const mask = pointsInPolygon(x, y, polygon);
      for (let i = 0; i < x.length; i++) expect(mask[i]).toBe(inside(x[i] as number, y[i] as number, polygon));
      expect(mask).toContain(1);
      expect(mask).toContain(0);
    }
  });

  it("takes no point without a place and none that is not allowed", () => {
    const x = Float32Array.of(0, NaN, 0, 0.1);
    const y = Float32Array.of(0, 0, NaN, 0.1);
    const all = boxPolygon([-1, -1], [1, 1]);
    expect([...pointsInPolygon(x, y, all)]).toEqual([1, 0, 0, 1]);
    expect([...pointsInPolygon(x, y, all, Uint8Array.of(0, 1, 1, 1))]).toEqual([0, 0, 0, 1]);
  });

  it("holds nothing with fewer than three corners or no area", () => {
    const { x, y } = cloud(100);
    expect(pointsInPolygon(x, y, [])).not.toContain(1);
    expect(
      pointsInPolygon(x, y, [
        [0, 0],
        [1, 1],
      ]),
    ).not.toContain(1);
    expect(
      pointsInPolygon(x, y, [
        [0, 0],
        [0.5, 0],
        [1, 0],
      ]),
    ).not.toContain(1);
  });

  it("works in coordinates far from zero and at any scale", () => {
    const x = Float32Array.of(100001, 100003);
    const y = Float32Array.of(-5e-4, -5e-4);
    expect([...pointsInPolygon(x, y, boxPolygon([100000, -1e-3], [100002, 0]))]).toEqual([1, 0]);
  });

  it("answers for many corners and 400k of a million points", () => {
    const { x, y } = cloud(1_000_000);
    const polygon = Array.from({ length: 300 }, (_, i): Point => {
      const radius = 0.7 + 0.03 * (i % 2);
      return [radius * Math.cos((i / 300) * 2 * Math.PI), radius * Math.sin((i / 300) * 2 * Math.PI)];
    });
    const mask = pointsInPolygon(x, y, polygon);
    let count = 0;
    for (const bit of mask) count += bit;
    expect(count).toBeGreaterThan(390_000);
  });
});

describe("a simplified path", () => {
  it("keeps corners and drops what lies on a line", () => {
    const path: Point[] = [
      [0, 0],
      [1, 0.01],
      [2, 0],
      [3, 0],
      [3, 1],
      [3, 2],
    ];
    expect(simplify(path, 0.1)).toEqual([
      [0, 0],
      [3, 0],
      [3, 2],
    ]);
  });

  it("stays within the tolerance of a hand-drawn loop that ends where it began", () => {
    const loop = Array.from({ length: 400 }, (_, i): Point => [100 * Math.cos(i / 63.66), 100 * Math.sin(i / 63.66)]);
    const short = simplify([...loop, loop[0] as Point], 0.7);
    expect(short.length).toBeLessThan(80);
    expect(short.length).toBeGreaterThan(20);
    for (const [px, py] of short) expect(Math.hypot(px, py)).toBeCloseTo(100, 3);
  });
});

describe("the grid", () => {
  it("finds the same nearest point as a look at all of them", () => {
    const { x, y } = cloud(3000, 5);
    x[7] = NaN;
    const allowed = Uint8Array.from({ length: 3000 }, (_, i) => (i % 3 === 0 ? 0 : 1));
    const grid = buildGrid(x, y);
    const next = random(9);
    for (let t = 0; t < 300; t++) {
      const at: Point = [next() * 2.4 - 1.2, next() * 2.4 - 1.2];
      const radius = 0.002 + next() * 0.2;
      let best = -1;
      let least = radius;
      for (let i = 0; i < 3000; i++) {
        const far = Math.hypot((x[i] as number) - at[0], (y[i] as number) - at[1]);
        if (allowed[i] && far <= least) [best, least] = [i, far];
      }
      expect(nearestInGrid(grid, x, y, at, radius, allowed)).toBe(best);
    }
  });

  it("gives all rows around a point, up to a limit", () => {
    const { x, y } = cloud(3000, 5);
    const grid = buildGrid(x, y);
    const near = Array.from({ length: 3000 }, (_, i) => i).filter(
      (i) => Math.hypot((x[i] as number) - 0.2, (y[i] as number) + 0.3) <= 0.1,
    );
    expect(rowsInGrid(grid, x, y, [0.2, -0.3], 0.1, 3000).sort((a, b) => a - b)).toEqual(near);
    expect(rowsInGrid(grid, x, y, [0.2, -0.3], 0.1, 5)).toHaveLength(5);
  });

  it("works for one point, for equal points and for none", () => {
    const one = Float32Array.of(3);
    expect(nearestInGrid(buildGrid(one, one), one, one, [3, 3], 0.1, Uint8Array.of(1))).toBe(0);
    const same = new Float32Array(5).fill(2);
    expect(nearestInGrid(buildGrid(same, same), same, same, [2, 2], 0.1, Uint8Array.of(0, 0, 1, 0, 0))).toBe(2);
    const none = new Float32Array(0);
    expect(nearestInGrid(buildGrid(none, none), none, none, [0, 0], 1, new Uint8Array(0))).toBe(-1);
  });
});

describe("bounds", () => {
  it("leave out what is not finite, and are 0 to 1 for nothing", () => {
    expect(bounds([Float32Array.of(NaN, -3, Infinity, 4), new Float32Array(0)])).toEqual({ min: [-3, 0], max: [4, 1] });
  });
});
