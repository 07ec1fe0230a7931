/** Hit tests over planar typed arrays: lasso, box, nearest point. */

export type Point = readonly [number, number];

/** Rows of the polygon's edges, by the horizontal band they cross, so that a point meets few edges. */
const BANDS = 512;

/**
 * Writes 1 into the returned mask for every point strictly inside the closed polygon (even-odd rule).
 * Points with `allowed[i] === 0` or NaN are never in. A polygon of fewer than three corners holds nothing.
 */
export function pointsInPolygon(
  x: Float32Array,
  y: Float32Array,
  polygon: readonly Point[],
  allowed: Uint8Array | null = null,
): Uint8Array {
  const n = x.length;
  const mask = new Uint8Array(n);
  const corners = polygon.length;
  if (corners < 3) return mask;
  let minX = Infinity,
    maxX = -Infinity,
    minY = Infinity,
    maxY = -Infinity;
  for (const [px, py] of polygon) {
    minX = Math.min(minX, px);
    maxX = Math.max(maxX, px);
    minY = Math.min(minY, py);
    maxY = Math.max(maxY, py);
  }
  const scale = BANDS / (maxY - minY || 1);
  const { start, edges } = edgesByBand(polygon, minY, scale);
  for (let i = 0; i < n; i++) {
    const py = y[i] as number;
    const px = x[i] as number;
    if (!(py >= minY && py <= maxY && px >= minX && px <= maxX)) continue;
    if (allowed && !allowed[i]) continue;
    const band = Math.min(BANDS - 1, ((py - minY) * scale) | 0);
    let inside = 0;
    for (let e = start[band] as number; e < (start[band + 1] as number); e++) {
      const at = e * 4;
      const y0 = edges[at + 1] as number;
      const y1 = edges[at + 3] as number;
      if (y0 > py !== y1 > py) {
        const x0 = edges[at] as number;
        if (px < (((edges[at + 2] as number) - x0) * (py - y0)) / (y1 - y0) + x0) inside ^= 1;
      }
    }
    mask[i] = inside;
  }
  return mask;
}

function edgesByBand(polygon: readonly Point[], minY: number, scale: number) {
  const corners = polygon.length;
  const bandOf = (py: number): number => Math.min(BANDS - 1, Math.max(0, ((py - minY) * scale) | 0));
  const spans: [number, number][] = [];
  const start = new Uint32Array(BANDS + 1);
  for (let i = 0; i < corners; i++) {
    const a = bandOf((polygon[i] as Point)[1]);
    const b = bandOf((polygon[(i + 1) % corners] as Point)[1]);
    const span: [number, number] = [Math.min(a, b), Math.max(a, b)];
    spans.push(span);
    for (let band = span[0]; band <= span[1]; band++) start[band + 1] = (start[band + 1] as number) + 1;
  }
  for (let band = 0; band < BANDS; band++) start[band + 1] = (start[band + 1] as number) + (start[band] as number);
  const edges = new Float64Array((start[BANDS] as number) * 4);
  const next = start.slice();
  for (let i = 0; i < corners; i++) {
    const [x0, y0] = polygon[i] as Point;
    const [x1, y1] = polygon[(i + 1) % corners] as Point;
    const [from, to] = spans[i] as [number, number];
    for (let band = from; band <= to; band++) {
      edges.set([x0, y0, x1, y1], (next[band] as number) * 4);
      next[band] = (next[band] as number) + 1;
    }
  }
  return { start, edges };
}

/** The four corners of the box between two opposite corners. */
export const boxPolygon = ([x0, y0]: Point, [x1, y1]: Point): readonly Point[] => [
  [x0, y0],
  [x1, y0],
  [x1, y1],
  [x0, y1],
];

/**
 * The path without the points that are less than `tolerance` off the line between kept ones (Douglas and Peucker 1973).
 */
export function simplify(path: readonly Point[], tolerance: number): Point[] {
  if (path.length < 4) return [...path];
  const keep = new Uint8Array(path.length);
  keep[0] = 1;
  keep[path.length - 1] = 1;
  const stack: [number, number][] = [[0, path.length - 1]];
  for (let span = stack.pop(); span; span = stack.pop()) {
    const [from, to] = span;
    const [ax, ay] = path[from] as Point;
    const [bx, by] = path[to] as Point;
    const length = Math.hypot(bx - ax, by - ay);
    let worst = tolerance;
    let at = -1;
    for (let i = from + 1; i < to; i++) {
      const [px, py] = path[i] as Point;
      const off =
        length === 0 ? Math.hypot(px - ax, py - ay) : Math.abs((bx - ax) * (ay - py) - (ax - px) * (by - ay)) / length;
      if (off > worst) {
        worst = off;
        at = i;
      }
    }
    if (at >= 0) {
      keep[at] = 1;
      stack.push([from, at], [at, to]);
    }
  }
  return path.filter((_, i) => keep[i]);
}

/** A uniform grid over 2D points, to find the nearest point without checking all of them. */
export interface PointGrid {
  readonly side: number;
  readonly minX: number;
  readonly minY: number;
  readonly cell: number;
  /** Rows ordered by cell; those of cell c are `rows[start[c] … start[c + 1] - 1]`. Points of NaN are in none. */
  readonly start: Uint32Array;
  readonly rows: Uint32Array;
}

export function buildGrid(x: Float32Array, y: Float32Array): PointGrid {
  const { min, max } = bounds([x, y]);
  const [minX = 0, minY = 0] = min;
  const [maxX = 1, maxY = 1] = max;
  const side = Math.max(1, Math.min(1024, Math.ceil(Math.sqrt(x.length / 2))));
  const cell = Math.max(maxX - minX, maxY - minY, 1e-12) / side;
  const start = new Uint32Array(side * side + 1);
  const cells = new Int32Array(x.length);
  for (let i = 0; i < x.length; i++) {
    const px = x[i] as number;
    const py = y[i] as number;
    if (!(Number.isFinite(px) && Number.isFinite(py))) {
      cells[i] = -1;
      continue;
    }
    const cx = Math.min(side - 1, ((px - minX) / cell) | 0);
    const cy = Math.min(side - 1, ((py - minY) / cell) | 0);
    const c = cy * side + cx;
    cells[i] = c;
    start[c + 1] = (start[c + 1] as number) + 1;
  }
  for (let c = 0; c < side * side; c++) start[c + 1] = (start[c + 1] as number) + (start[c] as number);
  const rows = new Uint32Array(start[side * side] as number);
  const next = start.slice();
  for (let i = 0; i < x.length; i++) {
    const c = cells[i] as number;
    if (c < 0) continue;
    rows[next[c] as number] = i;
    next[c] = (next[c] as number) + 1;
  }
  return { side, minX, minY, cell, start, rows };
}

/** Up to `limit` rows within `radius` of a point, in no order. */
export function rowsInGrid(
  grid: PointGrid,
  x: Float32Array,
  y: Float32Array,
  [px, py]: Point,
  radius: number,
  limit: number,
): number[] {
  const clamp = (c: number): number => Math.min(grid.side - 1, Math.max(0, Math.floor(c)));
  const x0 = clamp((px - radius - grid.minX) / grid.cell);
  const x1 = clamp((px + radius - grid.minX) / grid.cell);
  const rows: number[] = [];
  for (
    let cy = clamp((py - radius - grid.minY) / grid.cell);
    cy <= clamp((py + radius - grid.minY) / grid.cell);
    cy++
  ) {
    const to = grid.start[cy * grid.side + x1 + 1] as number;
    for (let at = grid.start[cy * grid.side + x0] as number; at < to; at++) {
      if (rows.length >= limit) return rows;
      const row = grid.rows[at] as number;
      if (Math.hypot((x[row] as number) - px, (y[row] as number) - py) <= radius) rows.push(row);
    }
  }
  return rows;
}

/** The row nearest to (px, py) within `radius` among those `allowed`; -1 when there is none. */
export function nearestInGrid(
  grid: PointGrid,
  x: Float32Array,
  y: Float32Array,
  [px, py]: Point,
  radius: number,
  allowed: Uint8Array,
): number {
  const clamp = (c: number): number => Math.min(grid.side - 1, Math.max(0, Math.floor(c)));
  const x0 = clamp((px - radius - grid.minX) / grid.cell);
  const x1 = clamp((px + radius - grid.minX) / grid.cell);
  const y0 = clamp((py - radius - grid.minY) / grid.cell);
  const y1 = clamp((py + radius - grid.minY) / grid.cell);
  let best = -1;
  let bestSquare = radius * radius;
  for (let cy = y0; cy <= y1; cy++) {
    // Cells of one line lie one after another, so a line is one run of rows.
    const from = grid.start[cy * grid.side + x0] as number;
    const to = grid.start[cy * grid.side + x1 + 1] as number;
    for (let at = from; at < to; at++) {
      const row = grid.rows[at] as number;
      const dx = (x[row] as number) - px;
      const dy = (y[row] as number) - py;
      const square = dx * dx + dy * dy;
      if (square <= bestSquare && allowed[row]) {
        bestSquare = square;
        best = row;
      }
    }
  }
  return best;
}

/** Smallest and largest finite value of each plane; [0, 1] for a plane without one. */
export function bounds(planes: readonly Float32Array[]): { min: number[]; max: number[] } {
  const min: number[] = [];
  const max: number[] = [];
  for (const plane of planes) {
    let low = Infinity;
    let high = -Infinity;
    for (let i = 0; i < plane.length; i++) {
      const v = plane[i] as number;
      if (v < low && v !== -Infinity) low = v;
      if (v > high && v !== Infinity) high = v;
    }
    const none = low > high;
    min.push(none ? 0 : low);
    max.push(none ? 1 : high);
  }
  return { min, max };
}
