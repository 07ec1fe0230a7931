/** Which texts are shown on the map: few enough to be readable, without overlap. */
import { NO_VALUE } from "./colors";

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
  // A step coprime to n visits every row once, in an order that mixes a sorted dataset.
  let step = Math.max(1, Math.floor(n * 0.6180339887));
  while (divisor(step, n) !== 1) step++;
  const rows: number[] = [];
  for (let i = 0, row = 0; i < n && rows.length < CANDIDATES; i++, row = (row + step) % n) {
    if (!allowed[row] || codes[row] === NO_VALUE) continue;
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

/** A name to write, with its middle and its width in pixels. */
export interface Name {
  readonly text: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  /** True for a single point, which the name would hide. */
  readonly ofOne?: boolean;
}

/**
 * Names that lie over no other, the first ones first. One that would lie over another moves up or down by a line where
 * that is free; those that stick out of the picture are moved in or left out.
 *
 * `taken`: what no name may lie over.
 */
export function placeNames(
  names: readonly Name[],
  size: { readonly width: number; readonly height: number },
  lineHeight: number,
  limit: number,
  taken: readonly { readonly x: number; readonly y: number; readonly width: number }[] = [],
): Name[] {
  const placed: Name[] = [];
  for (const name of names) {
    if (placed.length >= limit) break;
    if (name.x < 0 || name.x > size.width || name.y < 0 || name.y > size.height) continue;
    const half = name.width / 2 + 4;
    const x = Math.min(size.width - half, Math.max(half, name.x));
    const beside = [name.y - lineHeight, name.y + lineHeight];
    const free = (name.ofOne ? beside : [name.y, ...beside]).find(
      (y) =>
        y >= 0 &&
        y <= size.height &&
        [...taken, ...placed].every(
          (other) => Math.abs(other.x - x) > half + other.width / 2 + 2 || Math.abs(other.y - y) >= lineHeight,
        ),
    );
    if (free !== undefined) placed.push({ ...name, x, y: free });
  }
  return placed;
}
