/** Which texts are written on the map: few enough to be read, none over another. */
import { MISSING_CODE } from "../explorer/contract";

export interface PlacedText {
  readonly row: number;
  readonly code: number;
  /** Middle of the text, in pixels. */
  readonly x: number;
  readonly y: number;
}

const CANDIDATES = 4000;

/**
 * Texts without overlap, and no text twice within `apart` pixels of itself. Rows are met in one fixed order, whatever
 * the
 * camera, so that texts do not jump while one pans.
 */
export function thinTexts(options: {
  readonly screen: { readonly x: Float32Array; readonly y: Float32Array };
  readonly codes: Uint16Array;
  readonly allowed: Uint8Array;
  readonly size: { readonly width: number; readonly height: number };
  readonly widthOf: (code: number) => number;
  readonly lineHeight: number;
  readonly apart: number;
  readonly limit: number;
}): PlacedText[] {
  const { screen, codes, allowed, size } = options;
  const placed: (PlacedText & { half: number })[] = [];
  const rows = sampleOnScreen(screen, codes, allowed, size);
  for (const row of rows) {
    if (placed.length >= options.limit) break;
    const x = screen.x[row] as number;
    const y = screen.y[row] as number;
    const code = codes[row] as number;
    const half = options.widthOf(code) / 2;
    const free = placed.every((other) => {
      const dx = Math.abs(other.x - x);
      const dy = Math.abs(other.y - y);
      if (other.code === code && Math.hypot(dx, dy) < options.apart) return false;
      return dx > half + other.half + 4 || dy > options.lineHeight;
    });
    if (free) placed.push({ row, code, x, y, half });
  }
  return placed.map(({ row, code, x, y }) => ({ row, code, x, y }));
}

function sampleOnScreen(
  screen: { readonly x: Float32Array; readonly y: Float32Array },
  codes: Uint16Array,
  allowed: Uint8Array,
  size: { readonly width: number; readonly height: number },
): number[] {
  const n = codes.length;
  if (n === 0) return [];
  // A step without a common divisor with n visits every row once, in an order that mixes a sorted data set.
  let step = Math.max(1, Math.floor(n * 0.6180339887));
  while (divisor(step, n) !== 1) step++;
  const rows: number[] = [];
  for (let i = 0, row = 0; i < n && rows.length < CANDIDATES; i++, row = (row + step) % n) {
    if (!allowed[row] || codes[row] === MISSING_CODE) continue;
    const x = screen.x[row] as number;
    const y = screen.y[row] as number;
    if (x >= 0 && x <= size.width && y >= 0 && y <= size.height) rows.push(row);
  }
  return rows;
}

function divisor(a: number, b: number): number {
  while (b) [a, b] = [b, a % b];
  return a;
}

/** The text, cut with an ellipsis where it is longer than `limit` characters. */
export function shorten(text: string, limit = 28): string {
  return text.length <= limit ? text : `${text.slice(0, limit - 1)}…`;
}
