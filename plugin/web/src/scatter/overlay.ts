/** The layers above the points, on a separate canvas: contours, texts, names of clusters, rings, a lasso. */
import { matrixOf, project, projectAll, type Camera, type Size } from "./camera";
import type { Home, Segment } from "./density";
import type { Point } from "./geometry";
import { placeNames, shorten, thinTexts } from "./texts";

/** Layers over the points; null = not drawn. */
export interface Layers {
  readonly contours: readonly (readonly Segment[])[] | null;
  readonly names: {
    readonly homes: readonly Home[];
    readonly nameOf: (code: number) => string;
    /** Whether something else, such as a selection, is in the foreground. */
    readonly faint: boolean;
  } | null;
  readonly texts: {
    readonly codes: Uint16Array;
    readonly nameOf: (code: number) => string;
    /** Pixels between two equal texts. */
    readonly apart: number;
  } | null;
  /** Rows with a ring around them, whatever lies over or beside them. */
  readonly ringed: readonly number[];
}

interface Scene {
  readonly size: Size;
  readonly camera: Camera | null;
  readonly planes: readonly Float32Array[];
  readonly allowed: Uint8Array;
  readonly layers: Layers;
  readonly ground: string;
  readonly drag: readonly Point[] | null;
}

const TEXT_FONT = "12px system-ui, sans-serif";
const NAME_FONT = "600 13px system-ui, sans-serif";
const LINE_HEIGHT = 16;
const NAME_HEIGHT = 24;
const TEXTS_LIMIT = 120;
const RING_RADIUS = 9;
/** More would hide the points that they name. */
const NAMES_LIMIT = 40;

export function paintOverlay(element: HTMLCanvasElement, scene: Scene): void {
  const pen = element.getContext("2d");
  if (!pen) return;
  const { size, camera, layers, planes } = scene;
  const ratio = element.width / Math.max(1, size.width);
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, size.width, size.height);
  const ink = getComputedStyle(element).color;
  if (camera && planes.length > 0) {
    if (layers.contours && camera.dims === 2) drawContours(pen, scene, camera, ink);
    if (layers.texts) drawTexts(pen, scene, camera, ink);
    const rings = ringsOf(scene, camera);
    if (layers.names && camera.dims === 2) drawNames(pen, scene, camera, ink, rings);
    drawRings(pen, rings, ink, scene.ground);
  }
  if (scene.drag) drawShape(pen, scene.drag, ink);
}

function drawContours(pen: CanvasRenderingContext2D, scene: Scene, camera: Camera, ink: string): void {
  const matrix = matrixOf(camera, scene.size);
  pen.strokeStyle = ink;
  pen.lineWidth = 1;
  scene.layers.contours?.forEach((segments, level) => {
    pen.globalAlpha = 0.16 + 0.1 * level;
    pen.beginPath();
    for (const [x0, y0, x1, y1] of segments) {
      const from = project(matrix, scene.size, x0, y0, 0);
      const to = project(matrix, scene.size, x1, y1, 0);
      if (!from || !to) continue;
      pen.moveTo(...from);
      pen.lineTo(...to);
    }
    pen.stroke();
  });
  pen.globalAlpha = 1;
}

let screenKept: { x: Float32Array; y: Float32Array } | undefined;

function drawTexts(pen: CanvasRenderingContext2D, scene: Scene, camera: Camera, ink: string): void {
  const { layers, size, planes, allowed } = scene;
  if (!layers.texts) return;
  pen.font = TEXT_FONT;
  const { codes, apart } = layers.texts;
  const nameOf = (code: number): string => shorten(layers.texts?.nameOf(code) ?? "");
  const reuse = screenKept?.x.length === planes[0]?.length ? screenKept : undefined;
  const screen = projectAll(matrixOf(camera, size), size, planes, reuse);
  screenKept = screen;
  const widthOf = remembered((code) => pen.measureText(nameOf(code)).width);
  const spacing = { lineHeight: LINE_HEIGHT, apart, limit: TEXTS_LIMIT };
  const placed = thinTexts({ screen, codes, allowed, size, widthOf, ...spacing });
  for (const { code, x, y } of placed) write(pen, nameOf(code), x, y, ink, scene.ground);
}

function ringsOf({ layers, planes, size }: Scene, camera: Camera): readonly Point[] {
  const matrix = matrixOf(camera, size);
  return layers.ringed.flatMap((row) => {
    const [x = NaN, y = NaN, z = 0] = planes.map((plane) => plane[row] as number);
    const at = Number.isFinite(x) && Number.isFinite(y) ? project(matrix, size, x, y, z) : null;
    return at ? [at] : [];
  });
}

/** In the color of texts with an edge in that of the ground, so that it stands out from points of any color. */
function drawRings(pen: CanvasRenderingContext2D, rings: readonly Point[], ink: string, ground: string): void {
  for (const [color, width] of [
    [ground, 5.5],
    [ink, 2.5],
  ] as const) {
    pen.strokeStyle = color;
    pen.lineWidth = width;
    for (const [x, y] of rings) {
      pen.beginPath();
      pen.arc(x, y, RING_RADIUS, 0, 2 * Math.PI);
      pen.stroke();
    }
  }
}

function drawNames(
  pen: CanvasRenderingContext2D,
  scene: Scene,
  camera: Camera,
  ink: string,
  rings: readonly Point[],
): void {
  const { layers, size } = scene;
  if (!layers.names) return;
  pen.font = NAME_FONT;
  const { homes, nameOf, faint } = layers.names;
  const matrix = matrixOf(camera, size);
  const candidates = homes.flatMap((home) => {
    const at = project(matrix, size, home.x, home.y, 0);
    const text = shorten(nameOf(home.code), 24);
    const width = pen.measureText(text).width;
    return at ? [{ text, x: at[0], y: at[1], width, ofOne: home.count === 1 }] : [];
  });
  pen.globalAlpha = faint ? 0.6 : 1;
  const taken = rings.map(([x, y]) => ({ x, y, width: 2 * RING_RADIUS }));
  for (const { text, x, y } of placeNames(candidates, size, NAME_HEIGHT, NAMES_LIMIT, taken))
    write(pen, text, x, y, ink, scene.ground);
  pen.globalAlpha = 1;
}

function write(pen: CanvasRenderingContext2D, text: string, x: number, y: number, ink: string, ground: string): void {
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.lineWidth = 4;
  pen.lineJoin = "round";
  pen.strokeStyle = ground;
  pen.strokeText(text, x, y);
  pen.fillStyle = ink;
  pen.fillText(text, x, y);
}

function remembered(measure: (code: number) => number): (code: number) => number {
  const known = new Map<number, number>();
  return (code) => {
    const width = known.get(code) ?? measure(code);
    known.set(code, width);
    return width;
  };
}

function drawShape(pen: CanvasRenderingContext2D, path: readonly Point[], ink: string): void {
  pen.beginPath();
  path.forEach(([x, y], i) => (i === 0 ? pen.moveTo(x, y) : pen.lineTo(x, y)));
  pen.closePath();
  pen.globalAlpha = 0.12;
  pen.fillStyle = ink;
  pen.fill();
  pen.globalAlpha = 1;
  pen.strokeStyle = ink;
  pen.lineWidth = 1.5;
  pen.setLineDash([5, 3]);
  pen.stroke();
  pen.setLineDash([]);
}
