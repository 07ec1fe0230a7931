/** A map of points as a component: it draws typed columns, and reports pointer events through callbacks.
 *
 * It knows no dataset, no store, and no host: rows are numbers, values are codes into a table of colors.
 */
import * as React from "react";
import { matrixOf, nearestOnScreen, orbit, pan, projectAll, unproject, zoom, type Camera, type Size } from "./camera";
import type { Rgb } from "./colors";
import {
  boxPolygon,
  buildGrid,
  nearestInGrid,
  rowsInGrid,
  pointsInPolygon,
  simplify,
  type Point,
  type PointGrid,
} from "./geometry";
import { paintOverlay, type Layers } from "./overlay";
import { FRAME_MS, PointRenderer } from "./renderer";

export type Tool = "pan" | "lasso" | "box";
export interface Keys {
  readonly shift: boolean;
  readonly alt: boolean;
}

/** Coordinates of the points, one array an axis: two for a flat map, three for one that turns. */
export type Planes = readonly Float32Array[];

export interface ScatterProps {
  readonly planes: Planes;
  readonly camera: Camera | null;
  /** (n,) codes into the table. */
  readonly codes: Uint16Array;
  /** The code of points without a value. */
  readonly blank: number;
  /** RGBA for each code, alpha 0 = not drawn; see `classTable` and `numericTable`. */
  readonly table: Uint8Array;
  /** (n,) how each point is drawn: `FLAG` of the renderer. */
  readonly flags: Uint8Array;
  /** (n,) 1 = can be pointed at and selected. */
  readonly allowed: Uint8Array;
  readonly layers: Layers;
  readonly tool: Tool;
  readonly ground: string;
  readonly groundRgb: Rgb;
  /** Color of points that are flagged as reached. */
  readonly reachColor: Rgb;
  /** Whether points that are neither selected nor reached are drawn faint. */
  readonly dimOthers: boolean;
  /** A multiple of the usual size of a point. */
  readonly pointScale: number;
  readonly label: string;
  readonly onCamera: (camera: Camera) => void;
  /** A drag or a turn of the wheel has ended. */
  readonly onCameraRest: () => void;
  /** Row under the pointer, -1 = none, with where it is and the rows nearby. */
  readonly onHover: (row: number, x: number, y: number, near: readonly number[]) => void;
  /** A click on a row, or on none (-1). */
  readonly onClick: (row: number, keys: Keys) => void;
  /** A closed shape: the rows inside, and on a flat map its corners in map coordinates. */
  readonly onShape: (inside: Uint8Array, polygon: readonly Point[] | null, keys: Keys) => void;
  readonly onDoubleClick: () => void;
  readonly onResize: (size: Size) => void;
  /** Points are on the screen. */
  readonly onDrawn: () => void;
  readonly onError: (message: string) => void;
  readonly children?: (size: Size) => React.ReactNode;
}

const PICK_RADIUS = 9;
/** Pixels around the pointer within which rows count as near, and how many of them. */
const NEAR = 24;
const NEAR_ROWS = 24;
const CLICK_SLACK = 4;
const REST_MS = 160;

interface Drag {
  readonly tool: Tool | "orbit";
  readonly from: Point;
  path: Point[];
  readonly keys: Keys;
  last: Point;
  moved: boolean;
}

/** Memoized: every render draws a frame, and hosts rerender their panels for their own reasons. */
export const Scatter = React.memo(function Scatter(props: ScatterProps): React.ReactElement {
  const frame = React.useRef<HTMLDivElement>(null);
  const canvas = React.useRef<HTMLCanvasElement>(null);
  const overlay = React.useRef<HTMLCanvasElement>(null);
  const drag = React.useRef<Drag | null>(null);
  const latest = React.useRef(props);
  latest.current = props;
  const size = useSize(frame, latest);
  const renderer = useRenderer(canvas, latest);
  const { planes, codes, blank, table, flags } = props;

  React.useEffect(() => renderer?.setPositions(planes), [renderer, planes]);
  React.useEffect(() => renderer?.setCodes(codes, blank), [renderer, codes, blank, planes]);
  React.useEffect(() => renderer?.setFlags(flags), [renderer, flags, planes]);
  React.useEffect(() => renderer?.setTable(table), [renderer, table]);

  const paintOver = (): void => {
    if (overlay.current) paintOverlay(overlay.current, { ...latest.current, size, drag: shapeOf(drag.current) });
  };
  const over = useLatest(paintOver);
  const paint = usePainting(canvas, renderer, size, latest, over);
  const seen = React.useRef(props.camera);
  React.useEffect(() => {
    paint(seen.current === props.camera ? FRAME_MS.still : FRAME_MS.moving);
    seen.current = props.camera;
  });

  const pick = usePicking(size, latest);
  const pointAt = (event: { clientX: number; clientY: number }): Point => {
    const box = (canvas.current as HTMLCanvasElement).getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };

  const onPointerDown = (event: React.PointerEvent): void => {
    const { camera, tool, onHover } = props;
    if (planes.length === 0 || !camera || event.button > 2) return;
    const at = pointAt(event);
    const side = event.button !== 0;
    // In 3D the free button turns: the first with the hand, the second with lasso and box. The middle one always moves.
    const turns = camera.dims === 3 && event.button !== 1 && (tool === "pan") !== side;
    const moves: Tool | "orbit" = turns ? "orbit" : "pan";
    const keys = { shift: event.shiftKey, alt: event.altKey };
    drag.current = { tool: side || tool === "pan" ? moves : tool, from: at, last: at, path: [at], moved: false, keys };
    (event.target as Element).setPointerCapture(event.pointerId);
    onHover(-1, 0, 0, []);
  };

  const onPointerMove = (event: React.PointerEvent): void => {
    const at = pointAt(event);
    const now = drag.current;
    if (!now) return props.onHover(pick.rowAt(at), at[0], at[1], pick.rowsNear(at));
    if (!now.moved && Math.hypot(at[0] - now.from[0], at[1] - now.from[1]) < CLICK_SLACK) return;
    now.moved = true;
    const [dx, dy] = [at[0] - now.last[0], at[1] - now.last[1]];
    now.last = at;
    const { camera, onCamera } = latest.current;
    if (now.tool === "lasso" || now.tool === "box") {
      now.path.push(at);
      paintOver();
    } else if (camera)
      onCamera(now.tool === "orbit" && camera.dims === 3 ? orbit(camera, dx, dy) : pan(camera, size, dx, dy));
  };

  const onPointerUp = (event: React.PointerEvent): void => {
    const now = drag.current;
    drag.current = null;
    if (!now) return;
    const at = pointAt(event);
    if (!now.moved) {
      if (event.button === 0) props.onClick(pick.rowAt(at), { shift: event.shiftKey, alt: event.altKey });
      return;
    }
    if (now.tool === "lasso" || now.tool === "box") finishShape(now, at);
    else props.onCameraRest();
    paint(FRAME_MS.still);
  };

  const finishShape = (now: Drag, at: Point): void => {
    const { camera, allowed, onShape } = latest.current;
    if (!camera) return;
    const shape = now.tool === "box" ? boxPolygon(now.from, at) : simplify(now.path, 0.7);
    if (camera.dims === 2) {
      const polygon = shape.map((p) => unproject(camera, size, p));
      const [x, y] = planes as [Float32Array, Float32Array];
      onShape(pointsInPolygon(x, y, polygon, allowed), polygon, now.keys);
    } else {
      const screen = pick.onScreen();
      onShape(pointsInPolygon(screen.x, screen.y, shape, allowed), null, now.keys);
    }
  };

  useWheel(canvas, size, latest, pointAt);

  const ratio = window.devicePixelRatio || 1;
  const pixels = { width: Math.round(size.width * ratio), height: Math.round(size.height * ratio) };
  return (
    <div className="ls-scatter" ref={frame}>
      <canvas
        ref={canvas}
        role="img"
        aria-label={props.label}
        data-testid="labelscape-map"
        className={`ls-canvas ls-tool-${props.tool}`}
        {...pixels}
        onPointerDown={onPointerDown}
        onPointerMove={onPointerMove}
        onPointerUp={onPointerUp}
        onPointerLeave={() => props.onHover(-1, 0, 0, [])}
        onContextMenu={(event) => event.preventDefault()}
        onDoubleClick={props.onDoubleClick}
      />
      <canvas ref={overlay} className="ls-overlay" aria-hidden="true" {...pixels} />
      {props.children?.(size)}
    </div>
  );
});

const shapeOf = (drag: Drag | null): readonly Point[] | null => {
  if (!drag?.moved || (drag.tool !== "lasso" && drag.tool !== "box")) return null;
  return drag.tool === "box" ? boxPolygon(drag.from, drag.last) : drag.path;
};

type Latest = { readonly current: ScatterProps };

function useLatest<T>(value: T): { readonly current: T } {
  const ref = React.useRef(value);
  ref.current = value;
  return ref;
}

function useSize(frame: React.RefObject<HTMLDivElement>, latest: Latest): Size {
  const [size, setSize] = React.useState<Size>({ width: 0, height: 0 });
  React.useEffect(() => {
    const element = frame.current;
    if (!element) return;
    const observer = new ResizeObserver(() => {
      const box = { width: element.clientWidth, height: element.clientHeight };
      if (box.width === 0 || box.height === 0) return;
      setSize(box);
      latest.current.onResize(box);
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return size;
}

/** The renderer of the canvas, recreated after the browser has lost and restored the drawing context. */
function useRenderer(canvas: React.RefObject<HTMLCanvasElement>, latest: Latest): PointRenderer | null {
  const [renderer, setRenderer] = React.useState<PointRenderer | null>(null);
  const [lost, setLost] = React.useState(0);
  React.useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    let made: PointRenderer | null = null;
    try {
      made = new PointRenderer(element);
      setRenderer(made);
    } catch (error) {
      latest.current.onError(error instanceof Error ? error.message : String(error));
    }
    const onLost = (event: Event): void => {
      event.preventDefault();
      // What it had on the GPU is gone with the context.
      made = null;
    };
    const onBack = (): void => setLost((n) => n + 1);
    element.addEventListener("webglcontextlost", onLost);
    element.addEventListener("webglcontextrestored", onBack);
    return () => {
      element.removeEventListener("webglcontextlost", onLost);
      element.removeEventListener("webglcontextrestored", onBack);
      made?.dispose();
    };
  }, [lost]);
  // A browser keeps few contexts; a closed panel gives its own back at once.
  React.useEffect(() => {
    const element = canvas.current;
    return () => element?.getContext("webgl2")?.getExtension("WEBGL_lose_context")?.loseContext();
  }, []);
  return renderer;
}

/** Draws an image; if drawing all points takes long, it is split into frames so that the page stays responsive. */
function usePainting(
  canvas: React.RefObject<HTMLCanvasElement>,
  renderer: PointRenderer | null,
  size: Size,
  latest: Latest,
  over: { readonly current: () => void },
): (within: number) => void {
  const pending = React.useRef({ frame: 0, rest: 0 });
  const now = useLatest({ renderer, size });
  const stop = React.useCallback(() => {
    cancelAnimationFrame(pending.current.frame);
    clearTimeout(pending.current.rest);
    pending.current.frame = 0;
  }, []);
  React.useEffect(() => stop, []);
  return React.useCallback((within: number) => {
    type Draw = (gl: PointRenderer, element: HTMLCanvasElement, done: (all: boolean) => void) => void;
    const next = (draw: Draw, pause: number): void => {
      const frame = requestAnimationFrame(() => {
        const { renderer: gl } = now.current;
        const element = canvas.current;
        if (!gl || !element) return;
        draw(gl, element, (all) => {
          if (pending.current.frame !== frame) return; // another picture was begun
          element.dataset["drawn"] = all ? "all" : "some";
          if (latest.current.planes.length > 0) latest.current.onDrawn();
          const more = (): void => next((g, _, then) => g.drawMore(FRAME_MS.still, then), 0);
          if (!all) pending.current.rest = window.setTimeout(more, pause);
        });
      });
      pending.current.frame = frame;
    };
    stop();
    const pause = within === FRAME_MS.moving ? REST_MS : 0;
    next((gl, element, done) => {
      const scene = sceneOf(latest.current, now.current.size);
      if (!scene) return;
      gl.draw(scene, element.width / Math.max(1, scene.size.width), within, done);
      over.current();
    }, pause);
  }, []);
}

function sceneOf(props: ScatterProps, size: Size) {
  const { camera, groundRgb, dimOthers, reachColor, pointScale, planes } = props;
  const n = planes[0]?.length ?? 0;
  if (!camera || size.width === 0) return null;
  return {
    camera,
    size,
    ground: groundRgb,
    anySelected: dimOthers,
    reachColor,
    pointSize: pointScale * Math.min(9, Math.max(2, 11 - 1.6 * Math.log10(Math.max(n, 10)))),
    opacity: n > 20000 ? 0.8 : 0.95,
  };
}

/** Which row is under the pointer, and which are near. */
function usePicking(size: Size, latest: Latest) {
  const grid = React.useRef<{ planes: Planes; grid: PointGrid } | null>(null);
  // Points on the screen are computed once a camera, and kept for the hovers that follow.
  const kept = React.useRef<{
    camera: Camera;
    planes: Planes;
    size: Size;
    screen: { x: Float32Array; y: Float32Array };
  } | null>(null);

  /** The points in grid cells, computed on the first hover, so that drawing comes first. */
  const gridOf = (planes: Planes): PointGrid => {
    if (grid.current?.planes !== planes)
      grid.current = { planes, grid: buildGrid(planes[0] as Float32Array, planes[1] as Float32Array) };
    return grid.current.grid;
  };
  const onScreen = (): { x: Float32Array; y: Float32Array } => {
    const { planes, camera } = latest.current as ScatterProps & { camera: Camera };
    const old = kept.current;
    if (old && old.camera === camera && old.planes === planes && old.size === size) return old.screen;
    const reuse = old?.screen.x.length === planes[0]?.length ? old?.screen : undefined;
    const screen = projectAll(matrixOf(camera, size), size, planes, reuse);
    kept.current = { camera, planes, size, screen };
    return screen;
  };
  const rowAt = (at: Point): number => {
    const { planes, camera, allowed } = latest.current;
    if (planes.length === 0 || !camera) return -1;
    if (camera.dims === 3) return nearestOnScreen(onScreen(), at, PICK_RADIUS, allowed);
    const [x, y] = planes as [Float32Array, Float32Array];
    return nearestInGrid(gridOf(planes), x, y, unproject(camera, size, at), PICK_RADIUS / camera.scale, allowed);
  };
  const rowsNear = (at: Point): number[] => {
    const { planes, camera } = latest.current;
    if (planes.length === 0 || camera?.dims !== 2) return [];
    const [x, y] = planes as [Float32Array, Float32Array];
    return rowsInGrid(gridOf(planes), x, y, unproject(camera, size, at), NEAR / camera.scale, NEAR_ROWS);
  };
  return { rowAt, rowsNear, onScreen };
}

/** React's wheel listener is passive, and a passive one cannot keep the page from scrolling. */
function useWheel(
  canvas: React.RefObject<HTMLCanvasElement>,
  size: Size,
  latest: Latest,
  pointAt: (event: { clientX: number; clientY: number }) => Point,
): void {
  const now = useLatest(size);
  React.useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    const onWheel = (event: WheelEvent): void => {
      event.preventDefault();
      const { camera, onCamera, onCameraRest } = latest.current;
      if (!camera) return;
      const amount = event.deltaMode === 1 ? event.deltaY * 16 : event.deltaY;
      const factor = Math.exp(-Math.max(-200, Math.min(200, amount)) * 0.0022);
      onCamera(zoom(camera, now.current, pointAt(event), factor));
      onCameraRest();
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, []);
}
