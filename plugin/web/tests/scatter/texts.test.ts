import { describe, expect, it } from "vitest";
import { MISSING_CODE } from "../../src/explorer/contract";
import { placeNames, shorten, thinTexts } from "../../src/scatter/texts";

const size = { width: 600, height: 400 };
const n = 5000;
const screen = {
  x: Float32Array.from({ length: n }, (_, i) => ((i * 7919) % 700) - 50),
  y: Float32Array.from({ length: n }, (_, i) => ((i * 104729) % 500) - 50),
};
const base = {
  screen,
  size,
  allowed: new Uint8Array(n).fill(1),
  codes: Uint16Array.from({ length: n }, (_, i) => i % 5),
  widthOf: () => 60,
  lineHeight: 16,
  apart: 150,
  limit: 100,
};

describe("texts on the map", () => {
  it("never overlap, and repeat only at a distance", () => {
    const placed = thinTexts(base);
    expect(placed.length).toBeGreaterThan(10);
    placed.forEach((a, i) =>
      placed.slice(i + 1).forEach((b) => {
        expect(Math.abs(a.x - b.x) > 60 || Math.abs(a.y - b.y) > 16).toBe(true);
        if (a.code === b.code) expect(Math.hypot(a.x - b.x, a.y - b.y)).toBeGreaterThanOrEqual(150);
      }),
    );
  });

  it("stand only at points that are shown, on the screen and have a value", () => {
    const allowed = Uint8Array.from({ length: n }, (_, i) => (i % 2 ? 1 : 0));
    const codes = base.codes.map((c, i) => (i % 7 === 0 ? MISSING_CODE : c));
    for (const { row, x, y } of thinTexts({ ...base, allowed, codes })) {
      expect(row % 2).toBe(1);
      expect(row % 7).not.toBe(0);
      expect(x >= 0 && x <= 600 && y >= 0 && y <= 400).toBe(true);
    }
  });

  it("are the same for the same view, and at most as many as asked", () => {
    expect(thinTexts(base)).toEqual(thinTexts(base));
    expect(thinTexts({ ...base, limit: 3 })).toHaveLength(3);
    expect(
      thinTexts({
        ...base,
        screen: { x: new Float32Array(0), y: new Float32Array(0) },
        codes: new Uint16Array(0),
        allowed: new Uint8Array(0),
      }),
    ).toEqual([]);
  });

  it("are cut when long", () => {
    expect(shorten("short")).toBe("short");
    expect(shorten("a".repeat(50))).toHaveLength(28);
  });
});

describe("names of clusters", () => {
  const name = (text: string, x: number, y: number) => ({ text, x, y, width: 40 });
  const place = (...names: ReturnType<typeof name>[]) =>
    placeNames(names, size, 16, 9).map(({ text, x, y }) => [text, x, y]);

  it("move by a line where they would lie over a larger one, and are left out where that is not free either", () => {
    expect(place(name("a", 100, 100), name("b", 110, 104))).toEqual([
      ["a", 100, 100],
      ["b", 110, 120],
    ]);
    expect(place(name("a", 100, 100), name("b", 100, 92), name("c", 100, 108), name("d", 100, 100))).toEqual([
      ["a", 100, 100],
      ["b", 100, 76],
      ["c", 100, 124],
    ]);
  });

  it("give way to what no name may lie over", () => {
    const names = [name("a", 100, 100)];
    expect(placeNames(names, size, 16, 9, [{ x: 104, y: 98, width: 18 }]).map(({ y }) => y)).toEqual([116]);
    expect(placeNames(names, size, 16, 9, [{ x: 160, y: 98, width: 18 }]).map(({ y }) => y)).toEqual([100]);
  });

  it("do not hide the only point that they name", () => {
    const one = (y: number) => ({ ...name("one", 100, y), ofOne: true });
    expect(place(one(100))).toEqual([["one", 100, 84]]);
    expect(place(one(5))).toEqual([["one", 100, 21]]);
  });

  it("do not move out of the picture", () => {
    expect(place(name("a", 100, 5), name("b", 110, 5), name("c", 100, 5))).toEqual([
      ["a", 100, 5],
      ["b", 110, 21],
    ]);
    const { height } = size;
    expect(place(name("a", 100, height - 5), name("b", 110, height - 20))).toEqual([
      ["a", 100, height - 5],
      ["b", 110, height - 36],
    ]);
  });

  it("stand inside of the picture", () => {
    expect(place(name("a", 2, 100), name("b", 700, 100))).toEqual([["a", 24, 100]]);
  });
});
