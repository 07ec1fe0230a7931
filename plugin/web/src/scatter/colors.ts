/** Colors: a color-blind safe palette, the numeric ramp, and the tables the points are painted from. */

/** Code of a point without a value. */
export const NO_VALUE = 0xffff;

/** Below this share of points, those with a value are drawn to stand out from the others. */
const FEW = 0.25;

/** Whether some of the points have a value, but few of them: those whose code is `blank` have none. */
export function fewHaveValues(codes: Uint16Array, blank: number): boolean {
  let have = 0;
  for (const code of codes) if (code !== blank && code !== NO_VALUE) have++;
  return have > 0 && have < FEW * codes.length;
}

export type Rgb = readonly [number, number, number];

/** Unlabeled, everywhere. */
export const GRAY = "#8f8f8f";

/**
 * The first eight and gray are at least 23 apart (CIE76) to full, protan and deutan sight: found by a search over hues
 * with the simulation of Machado, Oliveira and Fernandes (2009). The rest, for more classes, are apart to full sight.
 */
export const SAFE_PALETTE: readonly string[] = [
  "#47a3ff",
  "#cc4400",
  "#75d194",
  "#b31999",
  "#c7b457",
  "#691fff",
  "#5ed1e8",
  "#994433",
  "#0077bb",
  "#ee7733",
  "#44aa99",
  "#cc79a7",
  "#8a6fd1",
  "#88651f",
  "#6b8e23",
  "#a3485c",
];

/**
 * Blue to yellow with rising lightness, in the manner of cividis (Nuñez, Anderton and Renslow 2018), which every sight
 * tells apart; without its darkest and brightest ends, which drown on a dark and on a light ground.
 */
const RAMP: readonly Rgb[] = [
  [52, 96, 184],
  [78, 110, 166],
  [104, 124, 148],
  [128, 138, 132],
  [154, 153, 116],
  [180, 169, 98],
  [206, 186, 72],
  [228, 202, 36],
];

export function parseColor(text: string): Rgb {
  const hex = /^#([0-9a-f]{6})$/i.exec(text)?.[1] ?? expandShort(text);
  if (hex !== undefined) {
    const value = Number.parseInt(hex, 16);
    return [value >> 16, (value >> 8) & 255, value & 255];
  }
  const parts = /^rgba?\(\s*(\d+)[\s,]+(\d+)[\s,]+(\d+)/.exec(text);
  if (parts) return [Number(parts[1]), Number(parts[2]), Number(parts[3])];
  return [143, 143, 143];
}

function expandShort(text: string): string | undefined {
  const short = /^#([0-9a-f]{3})$/i.exec(text)?.[1];
  return short && [...short].map((c) => c + c).join("");
}

export const toHex = (rgb: Rgb): string => `#${rgb.map((v) => Math.round(v).toString(16).padStart(2, "0")).join("")}`;

export const isDark = ([r, g, b]: Rgb): boolean => 0.2126 * r + 0.7152 * g + 0.0722 * b < 128;

/**
 * Colors of the classes: the App's own where it names one, else its pool or our palette; beyond it, hues by the golden
 * angle at several lightnesses, so that 200 classes stay apart. `order`: which class gets the first color, and so on;
 * the largest classes come first, because the first colors are the clearest.
 */
export function classColors(
  count: number,
  given: readonly (string | null)[] | undefined,
  pool: readonly string[] | null,
  order: readonly number[] = Array.from({ length: count }, (_, i) => i),
): string[] {
  const palette = pool && pool.length > 0 ? pool : SAFE_PALETTE;
  const colors = new Array<string>(count).fill(GRAY);
  const taken = new Set(given);
  let further = 0;
  const next = (): string => {
    let color = furtherColor(further++);
    for (let left = taken.size; left > 0 && taken.has(color); left--) color = furtherColor(further++);
    return color;
  };
  order.forEach((code, rank) => {
    colors[code] = given?.[code] ?? palette[rank] ?? next();
  });
  return colors;
}

const GOLDEN_ANGLE = 137.508;
const LIGHTNESS = [0.62, 0.48, 0.74] as const;

/** Color number i beyond the palette. */
function furtherColor(i: number): string {
  const lightness = LIGHTNESS[i % LIGHTNESS.length] as number;
  return toHex(fromHsl((i * GOLDEN_ANGLE) % 360, 0.35 + 0.4 * ((i * 0.382) % 1), lightness));
}

function fromHsl(hue: number, saturation: number, lightness: number): Rgb {
  const chroma = saturation * Math.min(lightness, 1 - lightness);
  const channel = (shift: number): number => {
    const k = (shift + hue / 30) % 12;
    return 255 * (lightness - chroma * Math.max(-1, Math.min(k - 3, 9 - k, 1)));
  };
  return [channel(0), channel(8), channel(4)];
}

/** Codes by how many rows have them, most first. */
export function bySize(codes: Uint16Array, classes: number): number[] {
  const counts = new Uint32Array(classes);
  for (const code of codes) if (code < classes) counts[code] = (counts[code] as number) + 1;
  return Array.from({ length: classes }, (_, code) => code).sort(
    (a, b) => (counts[b] as number) - (counts[a] as number) || a - b,
  );
}

/** Minimum contrast of a color with its background (WCAG 2.1 requires 3 for graphics). */
export const LEAST_CONTRAST = 3;

/** The color itself if it is visible on the background, else mixed with white or black until it is. */
export function readable(color: string, ground: Rgb): string {
  const rgb = parseColor(color);
  const toward: Rgb = isDark(ground) ? [255, 255, 255] : [0, 0, 0];
  for (let share = 0; share < 1; share += 0.05) {
    const mixed = share === 0 ? color : toHex(mix(rgb, toward, share));
    if (contrast(parseColor(mixed), ground) >= LEAST_CONTRAST) return mixed;
  }
  return toHex(toward);
}

/** Contrast of two colors, 1 … 21 (WCAG 2.1). */
export function contrast(a: Rgb, b: Rgb): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

function luminance(rgb: Rgb): number {
  const [r, g, b] = rgb.map((value) => {
    const share = value / 255;
    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

export const mix = (a: Rgb, b: Rgb, share: number): Rgb =>
  [0, 1, 2].map((i) => (a[i] as number) * (1 - share) + (b[i] as number) * share) as unknown as Rgb;

/** Color of the ramp at t in 0..1. */
export function ramp(t: number): Rgb {
  const at = Math.min(1, Math.max(0, t)) * (RAMP.length - 1);
  const low = Math.floor(at);
  const a = RAMP[low] as Rgb;
  return mix(a, RAMP[Math.min(low + 1, RAMP.length - 1)] as Rgb, at - low);
}

export const rampCss = (): string => `linear-gradient(to right, ${RAMP.map((c) => toHex(c)).join(", ")})`;

export const TABLE_SIDE = 256;

/** RGBA table of 65 536 entries, one a code: class colors (alpha 0 = hidden), the rest gray. */
export function classTable(colors: readonly string[], hidden: ReadonlySet<number>, missingHidden: boolean): Uint8Array {
  const table = new Uint8Array(TABLE_SIDE * TABLE_SIDE * 4);
  const gray = parseColor(GRAY);
  for (let code = 0; code < TABLE_SIDE * TABLE_SIDE; code++) {
    const known = code < colors.length;
    table.set(known ? parseColor(colors[code] as string) : gray, code * 4);
    table[code * 4 + 3] = (known ? hidden.has(code) : missingHidden) ? 0 : 255;
  }
  return table;
}

/** RGBA table for numeric codes 0..65 534 over [min, max]: the ramp between `range`, gray outside; 65 535 = missing. */
export function numericTable(range: readonly [number, number], min: number, max: number): Uint8Array {
  const table = new Uint8Array(TABLE_SIDE * TABLE_SIDE * 4);
  const gray = parseColor(GRAY);
  const [low, high] = range;
  for (let code = 0; code < TABLE_SIDE * TABLE_SIDE; code++) {
    const value = min + (code / NUMERIC_CODES) * (max - min);
    const inside = code <= NUMERIC_CODES && value >= low && value <= high;
    table.set(inside ? ramp(high > low ? (value - low) / (high - low) : 0.5) : gray, code * 4);
    table[code * 4 + 3] = 255;
  }
  return table;
}

/** Highest numeric code; the one above is MISSING_CODE. */
export const NUMERIC_CODES = 65534;

/** Values as codes 0..NUMERIC_CODES over [min, max], missing (NaN) = 65 535. */
export function quantize(values: Float32Array, min: number, max: number): Uint16Array {
  const codes = new Uint16Array(values.length);
  const scale = max > min ? NUMERIC_CODES / (max - min) : 0;
  for (let i = 0; i < values.length; i++) {
    const v = values[i] as number;
    codes[i] = Number.isNaN(v) ? 0xffff : Math.min(NUMERIC_CODES, Math.max(0, Math.round((v - min) * scale)));
  }
  return codes;
}
