/** How dense the points lie: a smooth grid over a flat map, lines of equal density, and where each class is at home. */
import { NO_VALUE } from "./colors";

/** Points in each of `side` × `side` cells over the box, smoothed. */
export interface Density {
  readonly side: number;
  readonly min: readonly [number, number];
  /** Width and height of a cell in units of the map. */
  readonly step: readonly [number, number];
  readonly values: Float32Array;
}

/** Ends of a piece of a line, in units of the map. */
export type Segment = readonly [x0: number, y0: number, x1: number, y1: number];

export interface Home {
  readonly code: number;
  readonly x: number;
  readonly y: number;
  readonly count: number;
}

const SIDE = 128;
const PADDING = 0.06;
const SMOOTH_PASSES = 3;

/** Counts the allowed points in cells and smooths them: three box blurs are close to a Gaussian. */
export function densityOf(x: Float32Array, y: Float32Array, allowed: Uint8Array, side = SIDE): Density {
  const [minX, maxX] = extent(x, allowed);
  const [minY, maxY] = extent(y, allowed);
  const [padX, padY] = [(maxX - minX) * PADDING || 1, (maxY - minY) * PADDING || 1];
  const min = [minX - padX, minY - padY] as const;
  const step = [(maxX - minX + 2 * padX) / side, (maxY - minY + 2 * padY) / side] as const;
  let values = new Float32Array(side * side);
  for (let i = 0; i < x.length; i++) {
    if (!allowed[i]) continue;
    const column = Math.min(side - 1, Math.floor(((x[i] as number) - min[0]) / step[0]));
    const row = Math.min(side - 1, Math.floor(((y[i] as number) - min[1]) / step[1]));
    const at = row * side + column;
    values[at] = (values[at] as number) + 1;
  }
  const radius = Math.max(1, Math.round(side / 64));
  for (let pass = 0; pass < SMOOTH_PASSES; pass++) values = blurred(values, side, radius);
  return { side, min, step, values };
}

function extent(values: Float32Array, allowed: Uint8Array): readonly [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < values.length; i++) {
    if (!allowed[i]) continue;
    const value = values[i] as number;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : [0, 1];
}

function blurred(values: Float32Array, side: number, radius: number): Float32Array<ArrayBuffer> {
  return blurRows(blurRows(values, side, radius, 1, side), side, radius, side, 1);
}

/** Mean over a window along one axis: `along` steps from cell to cell, `across` from line to line. */
function blurRows(
  values: Float32Array,
  side: number,
  radius: number,
  along: number,
  across: number,
): Float32Array<ArrayBuffer> {
  const out = new Float32Array(values.length);
  for (let line = 0; line < side; line++) {
    let sum = 0;
    for (let i = -radius; i < side + radius; i++) {
      const [enters, leaves] = [i + radius, i - radius - 1];
      if (enters < side && enters >= 0) sum += values[line * across + enters * along] as number;
      if (leaves >= 0 && leaves < side) sum -= values[line * across + leaves * along] as number;
      if (i >= 0 && i < side) out[line * across + i * along] = Math.max(0, sum) / (2 * radius + 1);
    }
  }
  return out;
}

/** Levels at these shares of the highest density. */
export function levelsOf(density: Density, shares: readonly number[] = [0.04, 0.12, 0.3, 0.6]): number[] {
  const highest = density.values.reduce((high, value) => Math.max(high, value), 0);
  return highest > 0 ? shares.map((share) => share * highest) : [];
}

/** The lines where the density crosses a level (marching squares, Lorensen and Cline 1987 in two dimensions). */
export function contour({ side, min, step, values }: Density, level: number): Segment[] {
  const segments: Segment[] = [];
  const at = (column: number, row: number): number => values[row * side + column] as number;
  for (let row = 0; row + 1 < side; row++)
    for (let column = 0; column + 1 < side; column++) {
      const corners = [at(column, row), at(column + 1, row), at(column + 1, row + 1), at(column, row + 1)] as const;
      const crossings: (readonly [number, number])[] = [];
      EDGES.forEach(([from, to, cx, cy, dx, dy]) => {
        const [a, b] = [corners[from] as number, corners[to] as number];
        if (a >= level === b >= level) return;
        const share = (level - a) / (b - a);
        crossings.push([
          min[0] + (column + 0.5 + cx + share * dx) * step[0],
          min[1] + (row + 0.5 + cy + share * dy) * step[1],
        ]);
      });
      for (let i = 0; i + 1 < crossings.length; i += 2) {
        const [a, b] = [crossings[i] as readonly [number, number], crossings[i + 1] as readonly [number, number]];
        segments.push([...a, ...b]);
      }
    }
  return segments;
}

/** Corners an edge joins, where it begins in the cell, and which way it runs. */
const EDGES = [
  [0, 1, 0, 0, 1, 0],
  [1, 2, 1, 0, 0, 1],
  [2, 3, 1, 1, -1, 0],
  [3, 0, 0, 1, 0, -1],
] as const;

const HOME_SIDE = 48;
/** A second place of a class is named where it holds at least this share of the first. */
const SECOND_SHARE = 0.5;
/** Cells that two places of one class are apart. */
const HOME_APART = 10;

/** Where each class lies densest, and a second place far from it where one is nearly as dense; largest first. */
export function homesOf(x: Float32Array, y: Float32Array, codes: Uint16Array, allowed: Uint8Array): Home[] {
  const rows = new Map<number, number[]>();
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i] as number;
    if (!allowed[i] || code === NO_VALUE) continue;
    const list = rows.get(code);
    if (list) list.push(i);
    else rows.set(code, [i]);
  }
  const { min, step } = densityOf(x, y, allowed, HOME_SIDE);
  // Square cells: a map that is wide and low has clusters as round as any other's.
  const cell = { min, step: Math.max(...step) };
  const homes = [...rows].flatMap(([code, list]) => homesOfClass(code, list, x, y, cell));
  return homes.sort((a, b) => b.count - a.count);
}

function homesOfClass(
  code: number,
  rows: readonly number[],
  x: Float32Array,
  y: Float32Array,
  { min, step }: { readonly min: readonly [number, number]; readonly step: number },
): Home[] {
  const cells = new Map<number, { count: number; x: number; y: number }>();
  for (const row of rows) {
    const [px, py] = [x[row] as number, y[row] as number];
    const column = Math.floor((px - min[0]) / step);
    const line = Math.floor((py - min[1]) / step);
    const key = line * HOME_SIDE + column;
    const cell = cells.get(key) ?? { count: 0, x: 0, y: 0 };
    cells.set(key, { count: cell.count + 1, x: cell.x + px, y: cell.y + py });
  }
  const around = (key: number): { count: number; x: number; y: number } => {
    let [count, sumX, sumY] = [0, 0, 0];
    for (const shift of NINE) {
      const cell = cells.get(key + shift);
      if (!cell) continue;
      count += cell.count;
      sumX += cell.x;
      sumY += cell.y;
    }
    return { count, x: sumX / count, y: sumY / count };
  };
  const places = [...cells.keys()].map(around).sort((a, b) => b.count - a.count);
  const first = places[0];
  if (!first) return [];
  const far = (place: { x: number; y: number }): boolean =>
    Math.hypot(place.x - first.x, place.y - first.y) > HOME_APART * step;
  const second = places.find((place) => place.count >= SECOND_SHARE * first.count && place.count > 2 && far(place));
  return [first, ...(second ? [second] : [])].map((place) => ({ code, ...place }));
}

const NINE = [-1, 0, 1].flatMap((line) => [-1, 0, 1].map((column) => line * HOME_SIDE + column));
