/** Colours: a colour-blind safe palette, the numeric ramp, and the tables the points are painted from. */
import { LABEL_STATE } from "../explorer/contract";

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

/** Label states in the order of LABEL_STATE, each with a name and a colour; shapes are the renderer's. */
export const STATE_LEGEND: readonly { readonly name: string; readonly color: string }[] = (() => {
  const rows: { name: string; color: string }[] = [];
  rows[LABEL_STATE.unlabeled] = { name: "unlabeled", color: GRAY };
  rows[LABEL_STATE.human] = { name: "labeled", color: "#47a3ff" };
  rows[LABEL_STATE.suggested] = { name: "suggested", color: "#cc4400" };
  rows[LABEL_STATE.pendingLabel] = { name: "pending label", color: "#75d194" };
  rows[LABEL_STATE.pendingDelete] = { name: "pending deletion", color: "#b31999" };
  rows[LABEL_STATE.neighbors] = { name: "labeled from neighbors", color: "#5ed1e8" };
  return rows;
})();

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

/** Colours of the classes: the App's own where it names one, else its pool or our palette, lighter each time round. */
export function classColors(
  count: number,
  given: readonly (string | null)[] | undefined,
  pool: readonly string[] | null,
): string[] {
  const palette = pool && pool.length > 0 ? pool : SAFE_PALETTE;
  return Array.from({ length: count }, (_, i) => {
    const own = given?.[i];
    if (own) return own;
    const base = palette[i % palette.length] as string;
    const round = Math.floor(i / palette.length) % 4;
    return round === 0
      ? base
      : toHex(mix(parseColor(base), round % 2 ? [255, 255, 255] : [0, 0, 0], 0.2 + 0.1 * round));
  });
}

export const mix = (a: Rgb, b: Rgb, share: number): Rgb =>
  [0, 1, 2].map((i) => (a[i] as number) * (1 - share) + (b[i] as number) * share) as unknown as Rgb;

/** Colour of the ramp at t in 0..1. */
export function ramp(t: number): Rgb {
  const at = Math.min(1, Math.max(0, t)) * (RAMP.length - 1);
  const low = Math.floor(at);
  const a = RAMP[low] as Rgb;
  return mix(a, RAMP[Math.min(low + 1, RAMP.length - 1)] as Rgb, at - low);
}

export const rampCss = (): string => `linear-gradient(to right, ${RAMP.map((c) => toHex(c)).join(", ")})`;

export const TABLE_SIDE = 256;

/** RGBA table of 65 536 entries, one a code: class colours (alpha 0 = hidden), the rest gray. */
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
