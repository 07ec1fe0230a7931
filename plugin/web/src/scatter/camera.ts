/** Cameras: a flat one and an orbit camera, their matrices, and points on the screen. */
import type { Point } from "./geometry";

export interface FlatCamera {
  readonly dims: 2;
  /** Map coordinates in the middle of the screen. */
  readonly x: number;
  readonly y: number;
  /** Pixels for one unit of the map. */
  readonly scale: number;
}

export interface OrbitCamera {
  readonly dims: 3;
  readonly target: readonly [number, number, number];
  /** Radians; pitch stays within ±π/2. */
  readonly yaw: number;
  readonly pitch: number;
  /** Units of the map from the target. */
  readonly distance: number;
}

export type Camera = FlatCamera | OrbitCamera;
export interface Size {
  readonly width: number;
  readonly height: number;
}
/** Column-major 4x4, clip = matrix · [x, y, z, 1]. */
export type Matrix = Float32Array;

const FIELD_OF_VIEW = 0.8;
const MARGIN = 0.9;

/** The camera that shows the whole box. */
export function fit(min: readonly number[], max: readonly number[], size: Size, dims: 2 | 3): Camera {
  const middle = min.map((low, i) => (low + (max[i] as number)) / 2);
  const extent = min.map((low, i) => Math.max((max[i] as number) - low, 1e-9));
  if (dims === 2) {
    const [w = 1, h = 1] = extent;
    const scale = MARGIN * Math.min(size.width / w, size.height / h);
    return { dims: 2, x: middle[0] ?? 0, y: middle[1] ?? 0, scale: scale > 0 ? scale : 1 };
  }
  const radius = Math.hypot(...extent) / 2;
  return {
    dims: 3,
    target: [middle[0] ?? 0, middle[1] ?? 0, middle[2] ?? 0],
    yaw: 0.6,
    pitch: 0.35,
    // The sphere around the box is wider than its content.
    distance: (0.7 * radius) / Math.sin(FIELD_OF_VIEW / 2) / Math.min(1, size.width / Math.max(size.height, 1)),
  };
}

export function matrixOf(camera: Camera, size: Size): Matrix {
  const aspect = size.width / Math.max(size.height, 1);
  if (camera.dims === 2) {
    const sx = (2 * camera.scale) / size.width;
    const sy = (2 * camera.scale) / size.height;
    return new Float32Array([sx, 0, 0, 0, 0, sy, 0, 0, 0, 0, 0, 0, -camera.x * sx, -camera.y * sy, 0, 1]);
  }
  const { right, up, forward } = axesOf(camera);
  const eye = camera.target.map((t, i) => t - (forward[i] as number) * camera.distance);
  const near = camera.distance / 100;
  const far = camera.distance * 10;
  const f = 1 / Math.tan(FIELD_OF_VIEW / 2);
  const a = (far + near) / (far - near);
  const b = (-2 * far * near) / (far - near);
  const m = new Float32Array(16);
  for (let i = 0; i < 3; i++) {
    m[4 * i] = ((right[i] as number) * f) / aspect;
    m[4 * i + 1] = (up[i] as number) * f;
    m[4 * i + 2] = (forward[i] as number) * a;
    m[4 * i + 3] = forward[i] as number;
  }
  m[12] = (-dot(right, eye) * f) / aspect;
  m[13] = -dot(up, eye) * f;
  m[14] = -dot(forward, eye) * a + b;
  m[15] = -dot(forward, eye);
  return m;
}

function axesOf(camera: OrbitCamera) {
  const cy = Math.cos(camera.yaw),
    sy = Math.sin(camera.yaw);
  const cp = Math.cos(camera.pitch),
    sp = Math.sin(camera.pitch);
  return {
    right: [cy, sy, 0] as const,
    up: [-sy * sp, cy * sp, cp] as const,
    forward: [-sy * cp, cy * cp, -sp] as const,
  };
}

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, v, i) => sum + v * (b[i] as number), 0);

/** Screen pixels of one point of the map; null behind the eye. */
export function project(m: Matrix, size: Size, x: number, y: number, z: number): Point | null {
  const w = (m[3] as number) * x + (m[7] as number) * y + (m[11] as number) * z + (m[15] as number);
  if (!(w > 0)) return null;
  const cx = (m[0] as number) * x + (m[4] as number) * y + (m[8] as number) * z + (m[12] as number);
  const cy = (m[1] as number) * x + (m[5] as number) * y + (m[9] as number) * z + (m[13] as number);
  return [((cx / w + 1) / 2) * size.width, ((1 - cy / w) / 2) * size.height];
}

/** Screen pixels of all points; NaN for those behind the eye. `out` may be given to be reused. */
export function projectAll(
  m: Matrix,
  size: Size,
  planes: readonly Float32Array[],
  out?: { x: Float32Array; y: Float32Array },
): { x: Float32Array; y: Float32Array } {
  const [px, py] = planes as [Float32Array, Float32Array];
  const pz = planes[2];
  const n = px.length;
  const screen = out ?? { x: new Float32Array(n), y: new Float32Array(n) };
  const [m0, m1, , m3, m4, m5, , m7, m8, m9, , m11, m12, m13, , m15] = m as unknown as number[] as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const halfW = size.width / 2;
  const halfH = size.height / 2;
  for (let i = 0; i < n; i++) {
    const x = px[i] as number;
    const y = py[i] as number;
    const z = pz ? (pz[i] as number) : 0;
    const w = m3 * x + m7 * y + m11 * z + m15;
    const behind = !(w > 0);
    screen.x[i] = behind ? NaN : ((m0 * x + m4 * y + m8 * z + m12) / w + 1) * halfW;
    screen.y[i] = behind ? NaN : (1 - (m1 * x + m5 * y + m9 * z + m13) / w) * halfH;
  }
  return screen;
}

/** Map coordinates under a pixel (2D only). */
export const unproject = (camera: FlatCamera, size: Size, [sx, sy]: Point): Point => [
  camera.x + (sx - size.width / 2) / camera.scale,
  camera.y - (sy - size.height / 2) / camera.scale,
];

/** Zoom by `factor` (> 1 = closer); in 2D what is under the cursor stays there. */
export function zoom(camera: Camera, size: Size, at: Point, factor: number): Camera {
  if (camera.dims === 3) return { ...camera, distance: camera.distance / factor };
  const scale = camera.scale * factor;
  const [x, y] = unproject(camera, size, at);
  return {
    dims: 2,
    scale,
    x: x - (at[0] - size.width / 2) / scale,
    y: y + (at[1] - size.height / 2) / scale,
  };
}

export function pan(camera: Camera, size: Size, dx: number, dy: number): Camera {
  if (camera.dims === 2) return { ...camera, x: camera.x - dx / camera.scale, y: camera.y + dy / camera.scale };
  const { right, up } = axesOf(camera);
  const unit = (2 * camera.distance * Math.tan(FIELD_OF_VIEW / 2)) / Math.max(size.height, 1);
  const target = camera.target.map(
    (t, i) => t - (right[i] as number) * dx * unit + (up[i] as number) * dy * unit,
  ) as unknown as OrbitCamera["target"];
  return { ...camera, target };
}

/** Turns the orbit camera by a drag of so many pixels. */
export function orbit(camera: OrbitCamera, dx: number, dy: number): OrbitCamera {
  const limit = Math.PI / 2 - 0.01;
  return {
    ...camera,
    yaw: camera.yaw - dx * 0.006,
    pitch: Math.min(limit, Math.max(-limit, camera.pitch + dy * 0.006)),
  };
}

/** Moves the camera so that the point is in the middle, no further out than it is. */
export function lookAt(camera: Camera, point: readonly [number, number, number]): Camera {
  return camera.dims === 2 ? { ...camera, x: point[0], y: point[1] } : { ...camera, target: point };
}

/**
 * Moves the camera, and no closer, so that the box is in sight above what covers the bottom of the picture; unchanged
 * if it is already.
 */
export function bringIntoSight(
  camera: FlatCamera,
  size: Size,
  [left = 0, low = 0]: readonly number[],
  [right = 0, high = 0]: readonly number[],
  covered: number,
): FlatCamera {
  const free = { width: size.width, height: Math.max(size.height - covered, size.height / 4) };
  const sx = (x: number): number => size.width / 2 + (x - camera.x) * camera.scale;
  const sy = (y: number): number => size.height / 2 - (y - camera.y) * camera.scale;
  const edge = 12;
  if (sx(left) >= edge && sx(right) <= free.width - edge && sy(high) >= edge && sy(low) <= free.height - edge)
    return camera;
  const shown = fit([left, low], [right, high], free, 2) as FlatCamera;
  const scale = Math.min(shown.scale, camera.scale);
  return { ...shown, scale, y: shown.y - (size.height - free.height) / 2 / scale };
}

/** The nearest allowed row within `radius` pixels of the cursor; -1 when none. For 3D, where a grid does not help. */
export function nearestOnScreen(
  screen: { x: Float32Array; y: Float32Array },
  [sx, sy]: Point,
  radius: number,
  allowed: Uint8Array,
): number {
  let best = -1;
  let bestSquare = radius * radius;
  for (let i = 0; i < screen.x.length; i++) {
    const dx = (screen.x[i] as number) - sx;
    const dy = (screen.y[i] as number) - sy;
    const square = dx * dx + dy * dy;
    if (square <= bestSquare && allowed[i]) {
      bestSquare = square;
      best = i;
    }
  }
  return best;
}
