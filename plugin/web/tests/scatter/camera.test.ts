import { describe, expect, it } from "vitest";
import {
  bringIntoSight,
  fit,
  lookAt,
  matrixOf,
  nearestOnScreen,
  orbit,
  pan,
  project,
  projectAll,
  unproject,
  zoom,
  type FlatCamera,
  type OrbitCamera,
} from "../../src/scatter/camera";
import { pointsInPolygon } from "../../src/scatter/geometry";

const size = { width: 800, height: 500 };
const flat = fit([-2, -1], [6, 3], size, 2) as FlatCamera;
const round = fit([-1, -1, -1], [1, 1, 1], size, 3) as OrbitCamera;

describe("the flat camera", () => {
  it("brings a box into sight above what covers the bottom, never closer, and stays where it is in sight", () => {
    const at = (camera: FlatCamera, x: number, y: number) =>
      project(matrixOf(camera, size), size, x, y, 0) ?? ([NaN, NaN] as const);
    expect(bringIntoSight(flat, size, [1, 1.5], [2, 2], 150)).toBe(flat);
    const low = bringIntoSight(flat, size, [-2, -1], [-1, -0.9], 150);
    const whole = bringIntoSight(flat, size, [-2, -1], [6, 3], 150);
    expect(low.scale).toBe(flat.scale);
    expect(whole.scale).toBeLessThan(flat.scale);
    for (const [camera, x, y] of [
      [low, -2, -1],
      [low, -1, -0.9],
      [whole, -2, -1],
      [whole, 6, 3],
    ] as const) {
      const [sx, sy] = at(camera, x, y);
      expect(sx).toBeGreaterThanOrEqual(0);
      expect(sx).toBeLessThanOrEqual(size.width);
      expect(sy).toBeGreaterThanOrEqual(0);
      expect(sy).toBeLessThanOrEqual(size.height - 150);
    }
  });

  it("shows the whole map when fitted", () => {
    for (const [x, y] of [
      [-2, -1],
      [6, 3],
      [-2, 3],
    ] as const) {
      const [sx, sy] = project(matrixOf(flat, size), size, x, y, 0) ?? [NaN, NaN];
      expect(sx).toBeGreaterThanOrEqual(0);
      expect(sx).toBeLessThanOrEqual(800);
      expect(sy).toBeGreaterThanOrEqual(0);
      expect(sy).toBeLessThanOrEqual(500);
    }
  });

  it("puts y up, and the way back from the screen gives the same point", () => {
    const at = unproject(flat, size, [123, 77]);
    const [sx, sy] = project(matrixOf(flat, size), size, at[0], at[1], 0) ?? [NaN, NaN];
    expect(sx).toBeCloseTo(123, 2);
    expect(sy).toBeCloseTo(77, 2);
    expect(unproject(flat, size, [0, 0])[1]).toBeGreaterThan(unproject(flat, size, [0, 500])[1]);
  });

  it("keeps what is under the cursor there while it zooms", () => {
    const before = unproject(flat, size, [600, 90]);
    const after = unproject(zoom(flat, size, [600, 90], 3) as FlatCamera, size, [600, 90]);
    expect(after[0]).toBeCloseTo(before[0], 9);
    expect(after[1]).toBeCloseTo(before[1], 9);
  });

  it("moves the map with the pointer", () => {
    const before = unproject(flat, size, [100, 100]);
    const after = unproject(pan(flat, size, 30, -20) as FlatCamera, size, [130, 80]);
    expect(after[0]).toBeCloseTo(before[0], 9);
    expect(after[1]).toBeCloseTo(before[1], 9);
  });

  it("fits a map of one point", () => {
    const one = fit([5, 5], [5, 5], size, 2) as FlatCamera;
    expect([one.x, one.y]).toEqual([5, 5]);
    expect(Number.isFinite(one.scale)).toBe(true);
  });
});

describe("the orbit camera", () => {
  it("has its target in the middle of the screen, from every side", () => {
    for (const [dx, dy] of [
      [0, 0],
      [300, 40],
      [-900, -2000],
      [50, 2000],
    ] as const) {
      const camera = orbit(lookAt(round, [3, -2, 7]) as OrbitCamera, dx, dy);
      const [sx, sy] = project(matrixOf(camera, size), size, 3, -2, 7) ?? [NaN, NaN];
      expect(sx).toBeCloseTo(400, 1);
      expect(sy).toBeCloseTo(250, 1);
    }
  });

  it("draws what is nearer larger and hides what is behind the eye", () => {
    const level: OrbitCamera = { dims: 3, target: [0, 0, 0], yaw: 0, pitch: 0, distance: 4 };
    const m = matrixOf(level, size);
    const near = (project(m, size, 1, -1, 0) as readonly [number, number])[0] - 400;
    const far = (project(m, size, 1, 1, 0) as readonly [number, number])[0] - 400;
    expect(near).toBeGreaterThan(far);
    expect(project(m, size, 0, -5, 0)).toBeNull();
    const up = project(m, size, 0, 0, 1) as readonly [number, number];
    expect(up[1]).toBeLessThan(250);
  });

  it("keeps the target under the pointer while it pans", () => {
    const moved = pan(round, size, 60, -45);
    const [sx, sy] = project(matrixOf(moved, size), size, ...round.target) ?? [NaN, NaN];
    expect(sx).toBeCloseTo(460, 0);
    expect(sy).toBeCloseTo(205, 0);
  });

  it("comes closer when it zooms in", () => {
    expect((zoom(round, size, [0, 0], 2) as OrbitCamera).distance).toBeCloseTo(round.distance / 2, 9);
  });
});

describe("points on the screen", () => {
  const planes = [Float32Array.of(0, 0.5, -0.5, 0), Float32Array.of(0, 0.5, 0, -50), Float32Array.of(0, 0.2, 0.7, 0)];
  const level: OrbitCamera = { ...round, yaw: 0, pitch: 0 };

  it("are where the projection of each says", () => {
    const m = matrixOf(level, size);
    const screen = projectAll(m, size, planes);
    for (let i = 0; i < 3; i++) {
      const [sx, sy] = project(m, size, ...(planes.map((p) => p[i] as number) as [number, number, number])) ?? [
        NaN,
        NaN,
      ];
      expect(screen.x[i]).toBeCloseTo(sx, 2);
      expect(screen.y[i]).toBeCloseTo(sy, 2);
    }
    expect(screen.x[3]).toBeNaN();
  });

  it("are picked by the nearest within reach, and never from behind the eye", () => {
    const screen = projectAll(matrixOf(level, size), size, planes);
    const all = new Uint8Array(4).fill(1);
    expect(nearestOnScreen(screen, [(screen.x[1] as number) + 3, screen.y[1] as number], 9, all)).toBe(1);
    expect(nearestOnScreen(screen, [(screen.x[1] as number) + 30, screen.y[1] as number], 9, all)).toBe(-1);
    expect(
      nearestOnScreen(screen, [(screen.x[1] as number) + 3, screen.y[1] as number], 9, Uint8Array.of(1, 0, 1, 1)),
    ).toBe(-1);
    const everything = [
      [-1e4, -1e4],
      [1e4, -1e4],
      [1e4, 1e4],
      [-1e4, 1e4],
    ] as const;
    expect([...pointsInPolygon(screen.x, screen.y, everything)]).toEqual([1, 1, 1, 0]);
  });
});
