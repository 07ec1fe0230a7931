import { describe, expect, it } from "vitest";
import {
  bySize,
  classColors,
  contrast,
  fewHaveValues,
  classTable,
  GRAY,
  isDark,
  NUMERIC_CODES,
  numericTable,
  parseColor,
  quantize,
  ramp,
  readable,
  SAFE_PALETTE,
  type Rgb,
} from "../../src/scatter/colors";
import { STATE_LEGEND } from "../../src/explorer/labelStates";
import { LABEL_STATE, MISSING_CODE } from "../../src/explorer/contract";

const linear = (v: number): number => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);

/** CIE L*a*b* of linear RGB, D65. */
function lab([r, g, b]: Rgb): Rgb {
  const f = (t: number): number => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);
  const x = f((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505);
  const y = f(0.2126 * r + 0.7152 * g + 0.0722 * b);
  const z = f((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/** Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB. */
const SIGHT: Record<string, readonly Rgb[]> = {
  full: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protan: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deutan: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
};

function seen(hex: string, sight: string): Rgb {
  const rgb = parseColor(hex).map(linear);
  return lab(
    (SIGHT[sight] as readonly Rgb[]).map((row) =>
      Math.max(
        0,
        row.reduce((s, v, i) => s + v * (rgb[i] as number), 0),
      ),
    ) as unknown as Rgb,
  );
}

const apart = (a: Rgb, b: Rgb): number => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);

describe("the palette", () => {
  it("keeps its first eight colors and gray apart for every sight", () => {
    const first = [...SAFE_PALETTE.slice(0, 8), GRAY];
    for (const sight of Object.keys(SIGHT))
      first.forEach((one, i) =>
        first
          .slice(i + 1)
          .forEach((other) =>
            expect(apart(seen(one, sight), seen(other, sight)), `${one} ${other} ${sight}`).toBeGreaterThan(23),
          ),
      );
  });

  it("keeps the label states apart for every sight", () => {
    // Suggestions have one color; their shape tells the confident from the uncertain.
    const colors = [...new Set(STATE_LEGEND.map((s) => s.color))];
    for (const sight of Object.keys(SIGHT))
      colors.forEach((one, i) =>
        colors
          .slice(i + 1)
          .forEach((other) =>
            expect(apart(seen(one, sight), seen(other, sight)), `${one} ${other} ${sight}`).toBeGreaterThan(23),
          ),
      );
    expect(colors[LABEL_STATE.unlabeled]).toBe(GRAY);
  });

  it("is seen on the light and on the dark ground", () => {
    for (const color of SAFE_PALETTE)
      for (const ground of ["#1a1a1a", "#f7f7f7"])
        expect(apart(seen(color, "full"), seen(ground, "full"))).toBeGreaterThan(25);
  });

  it("gives no class a color that another class keeps", () => {
    const seventeen = classColors(17, undefined, null);
    const kept = [...seventeen.slice(0, 6), seventeen[16] as string];
    const given = [...kept, ...Array<null>(14).fill(null)];
    const free = SAFE_PALETTE.filter((color) => !kept.includes(color));
    const order = [...given.keys()].sort((a, b) => Number(given[a] !== null) - Number(given[b] !== null));
    const colors = classColors(given.length, given, free, order);
    expect(new Set(colors).size).toBe(given.length);
  });

  it("has a color for any number of classes, and the App's own where it names one", () => {
    const many = classColors(500, ["#123456", null], null);
    expect(many).toHaveLength(500);
    expect(many[0]).toBe("#123456");
    expect(many[1]).toBe(SAFE_PALETTE[1]);
    expect(many.every((c) => /^#[0-9a-f]{6}$/.test(c))).toBe(true);
    expect(classColors(2, undefined, ["#ff0000", "#00ff00"])).toEqual(["#ff0000", "#00ff00"]);
  });
});

describe("color tables", () => {
  const at = (table: Uint8Array, code: number): number[] => [...table.slice(code * 4, code * 4 + 4)];

  it("paint classes, hide the hidden, and paint the unlabeled gray", () => {
    const table = classTable(["#010203", "#040506"], new Set([1]), false);
    expect(at(table, 0)).toEqual([1, 2, 3, 255]);
    expect(at(table, 1)).toEqual([4, 5, 6, 0]);
    expect(at(table, MISSING_CODE)).toEqual([...parseColor(GRAY), 255]);
    expect(at(classTable([], new Set(), true), MISSING_CODE)[3]).toBe(0);
  });

  it("ramp numbers over the range and gray what is outside or missing", () => {
    const table = numericTable([2, 4], 0, 10);
    const middle = ramp(0.5);
    at(table, Math.round(0.3 * NUMERIC_CODES))
      .slice(0, 3)
      .forEach((v, i) => expect(Math.abs(v - (middle[i] as number))).toBeLessThan(2));
    expect(at(table, Math.round(0.9 * NUMERIC_CODES)).slice(0, 3)).toEqual([...parseColor(GRAY)]);
    expect(at(table, MISSING_CODE).slice(0, 3)).toEqual([...parseColor(GRAY)]);
  });

  it("turn numbers into codes that keep their order, missing apart", () => {
    expect([...quantize(Float32Array.of(0, 5, 10, NaN), 0, 10)]).toEqual([0, 32767, 65534, MISSING_CODE]);
    expect([...quantize(Float32Array.of(3, 3), 3, 3)]).toEqual([0, 0]);
  });
});

describe("colors in text", () => {
  it("are read as the browser writes them", () => {
    expect(parseColor("#0f0")).toEqual([0, 255, 0]);
    expect(parseColor("rgb(1, 2, 3)")).toEqual([1, 2, 3]);
    expect(parseColor("rgba(4, 5, 6, 0.5)")).toEqual([4, 5, 6]);
    expect(isDark(parseColor("#1a1a1a"))).toBe(true);
    expect(isDark(parseColor("#f7f7f7"))).toBe(false);
  });
});

describe("colors of classes", () => {
  it("stand out from both grounds", () => {
    for (const ground of ["#1a1a1a", "#f7f7f7"])
      for (const color of classColors(200, undefined, null))
        expect(contrast(parseColor(readable(color, parseColor(ground))), parseColor(ground))).toBeGreaterThanOrEqual(3);
  });

  it("are 200 different ones, and the largest classes get the first", () => {
    expect(new Set(classColors(200, undefined, null)).size).toBe(200);
    const order = bySize(Uint16Array.of(2, 2, 2, 1, 0, 0), 3);
    expect(order).toEqual([2, 0, 1]);
    expect(classColors(3, undefined, null, order)[2]).toBe(SAFE_PALETTE[0]);
  });
});

describe("which points stand out", () => {
  const codes = (valued: number, n: number): Uint16Array =>
    new Uint16Array(n).fill(MISSING_CODE).map((code, i) => (i < valued ? i % 3 : code));

  it("are those with a value, where few have one", () => {
    expect(fewHaveValues(codes(50, 1797), MISSING_CODE)).toBe(true);
    expect(fewHaveValues(codes(25, 100), MISSING_CODE)).toBe(false);
    expect(fewHaveValues(codes(100, 100), MISSING_CODE)).toBe(false);
    expect(fewHaveValues(codes(0, 100), MISSING_CODE)).toBe(false);
  });

  it("are the labeled ones among label states", () => {
    const states = Uint16Array.from([...Array<number>(90).fill(LABEL_STATE.unlabeled), ...Array<number>(10).fill(1)]);
    expect(fewHaveValues(states, LABEL_STATE.unlabeled)).toBe(true);
    expect(fewHaveValues(states, MISSING_CODE)).toBe(false);
  });
});
