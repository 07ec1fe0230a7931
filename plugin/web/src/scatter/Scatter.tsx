/** The map: draws the points, and turns the pointer into hover, click, lasso, box, pan, orbit and zoom. */
import * as React from "react";
import { matrixOf, nearestOnScreen, orbit, pan, projectAll, unproject, zoom, type Camera, type Size } from "./camera";
import { classColors, classTable, numericTable, parseColor, type Rgb } from "./colors";
import { MISSING_CODE } from "../explorer/contract";
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
import { FLAG, FRAME_MS, PointRenderer } from "./renderer";
import { combineFor } from "../explorer/selection";
import { nounOf, type MapData, type Tool, type Ui, type Values } from "../explorer/state";
import { shorten, thinTexts } from "./texts";
import { counted } from "../parts/words";
import { useAllowed, useExplorer, useLatest, useUi } from "../explorer/context";
import { Tooltip } from "../explorer/Tooltip";

const PICK_RADIUS = 9;
/** Pixels around the pointer within which facts are fetched ahead, and of how many rows. */
const NEAR = 24;
const NEAR_ROWS = 24;
const CLICK_SLACK = 4;
const REST_MS = 160;
const FONT = "12px system-ui, sans-serif";

interface Drag {
  readonly tool: Tool | "orbit";
  readonly from: Point;
  path: Point[];
  readonly keys: { shift: boolean; alt: boolean };
  last: Point;
  moved: boolean;
}

/** Remembered: a frame is drawn for every render, and the App renders its panels anew for reasons of its own. */
export const Scatter = React.memo(function Scatter({ ground }: { readonly ground: string }): React.ReactElement {
  const explorer = useExplorer();
  const frame = React.useRef<HTMLDivElement>(null);
  const canvas = React.useRef<HTMLCanvasElement>(null);
  const overlay = React.useRef<HTMLCanvasElement>(null);
  const [size, setSize] = React.useState<Size>({ width: 0, height: 0 });
  const [renderer, setRenderer] = React.useState<PointRenderer | null>(null);
  const map = useUi((ui) => ui.map);
  const camera = useUi((ui) => ui.camera);
  const color = useUi((ui) => ui.color);
  const tool = useUi((ui) => ui.tool);
  const pointScale = useUi((ui) => ui.pointScale);
  const allowed = useAllowed();
  const flags = useFlags(map, allowed);
  const gridOf = useGrid();
  const drag = React.useRef<Drag | null>(null);
  const [lost, setLost] = React.useState(0);

  React.useEffect(() => {
    const element = frame.current;
    if (!element) return;
    const observer = new ResizeObserver(() => {
      const box = { width: element.clientWidth, height: element.clientHeight };
      if (box.width > 0 && box.height > 0) {
        setSize(box);
        explorer.resize(box);
      }
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [explorer]);

  React.useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    let made: PointRenderer | null = null;
    try {
      made = new PointRenderer(element);
      setRenderer(made);
    } catch (error) {
      explorer.note("error", error instanceof Error ? error.message : String(error));
    }
    const onLost = (event: globalThis.Event): void => {
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
  }, [explorer, lost]);

  // A browser keeps few contexts; a closed panel gives its own back at once.
  React.useEffect(() => {
    const element = canvas.current;
    return () => element?.getContext("webgl2")?.getExtension("WEBGL_lose_context")?.loseContext();
  }, []);

  React.useEffect(() => renderer?.setPositions(map?.planes ?? []), [renderer, map?.planes]);
  React.useEffect(
    () => renderer?.setCodes(color?.codes ?? new Uint16Array(map?.info.n ?? 0)),
    [renderer, color?.codes, map?.info.n],
  );
  React.useEffect(() => renderer?.setFlags(flags), [renderer, flags]);
  useTable(renderer);

  const scene = useScene(size, camera, parseColor(ground), map?.info.n ?? 0, pointScale);
  const latest = useLatest({ map, camera, size, allowed, scene, renderer, flags, color });
  const texts = useTexts(overlay, ground, allowed);

  // A picture a change. Where all points take long it comes in several frames, so that one may go on meanwhile.
  const pending = React.useRef({ frame: 0, rest: 0 });
  const stop = React.useCallback(() => {
    cancelAnimationFrame(pending.current.frame);
    clearTimeout(pending.current.rest);
    pending.current.frame = 0;
  }, []);
  const paint = React.useCallback((within: number) => {
    const now = pending.current;
    const next = (
      draw: (gl: PointRenderer, element: HTMLCanvasElement, done: (all: boolean) => void) => void,
      pause: number,
    ): void => {
      const frame = requestAnimationFrame(() => {
        const { renderer: gl } = latest.current;
        const element = canvas.current;
        if (!gl || !element) return;
        draw(gl, element, (all) => {
          if (now.frame !== frame) return; // another picture was begun
          element.dataset["drawn"] = all ? "all" : "some";
          if (latest.current.map) explorer.drawn();
          const more = (): void => next((g, _, then) => g.drawMore(FRAME_MS.still, then), 0);
          if (!all) now.rest = window.setTimeout(more, pause);
        });
      });
      now.frame = frame;
    };
    stop();
    next(
      (gl, element, done) => {
        const { scene: current } = latest.current;
        if (!current) return;
        gl.draw(current, ratioOf(element, current.size), within, done);
        texts.current(latest.current.camera, latest.current.size, drag.current);
      },
      within === FRAME_MS.moving ? REST_MS : 0,
    );
  }, []);

  const seen = React.useRef(camera);
  React.useEffect(() => {
    paint(seen.current === camera ? FRAME_MS.still : FRAME_MS.moving);
    seen.current = camera;
  });
  React.useEffect(() => stop, []);

  const pointAt = (event: { clientX: number; clientY: number }): Point => {
    const box = (canvas.current as HTMLCanvasElement).getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };

  const rowAt = (at: Point): number => {
    const { map: data, camera: view, size: box } = latest.current;
    if (!data || !view) return -1;
    if (view.dims === 2)
      return nearestInGrid(
        gridOf(data),
        data.planes[0] as Float32Array,
        data.planes[1] as Float32Array,
        unproject(view, box, at),
        PICK_RADIUS / view.scale,
        latest.current.allowed,
      );
    return nearestOnScreen(onScreen(), at, PICK_RADIUS, latest.current.allowed);
  };

  /** What the pointer may reach next, to be asked for together. */
  const rowsNear = (at: Point): number[] => {
    const { map: data, camera: view, size: box } = latest.current;
    if (!data || view?.dims !== 2) return [];
    return rowsInGrid(
      gridOf(data),
      data.planes[0] as Float32Array,
      data.planes[1] as Float32Array,
      unproject(view, box, at),
      NEAR / view.scale,
      NEAR_ROWS,
    );
  };

  // Points on the screen are computed once a camera, and kept for the hovers that follow.
  const screenKept = React.useRef<{
    camera: Camera;
    planes: readonly Float32Array[];
    size: Size;
    screen: { x: Float32Array; y: Float32Array };
  } | null>(null);
  const onScreen = (): { x: Float32Array; y: Float32Array } => {
    const { map: data, camera: view, size: box } = latest.current as { map: MapData; camera: Camera; size: Size };
    const kept = screenKept.current;
    if (kept && kept.camera === view && kept.planes === data.planes && kept.size === box) return kept.screen;
    const screen = projectAll(
      matrixOf(view, box),
      box,
      data.planes,
      kept?.screen.x.length === data.info.n ? kept.screen : undefined,
    );
    screenKept.current = { camera: view, planes: data.planes, size: box, screen };
    return screen;
  };

  const setCamera = (next: Camera): void => explorer.store.dispatch({ type: "camera", camera: next });

  const onPointerDown = (event: React.PointerEvent): void => {
    if (!map || !camera || event.button > 2) return;
    const at = pointAt(event);
    const side = event.button !== 0;
    // In 3D the free button turns: the first with the hand, the second with lasso and box. The middle one always moves.
    const turns = camera.dims === 3 && event.button !== 1 && (tool === "pan") !== side;
    const moves: Tool | "orbit" = turns ? "orbit" : "pan";
    drag.current = {
      tool: side || tool === "pan" ? moves : tool,
      from: at,
      last: at,
      path: [at],
      moved: false,
      keys: { shift: event.shiftKey, alt: event.altKey },
    };
    (event.target as Element).setPointerCapture(event.pointerId);
    explorer.hover(-1, 0, 0, []);
  };

  const onPointerMove = (event: React.PointerEvent): void => {
    const at = pointAt(event);
    const now = drag.current;
    if (!now) {
      explorer.hover(rowAt(at), at[0], at[1], rowsNear(at));
      return;
    }
    if (!now.moved && Math.hypot(at[0] - now.from[0], at[1] - now.from[1]) < CLICK_SLACK) return;
    now.moved = true;
    const [dx, dy] = [at[0] - now.last[0], at[1] - now.last[1]];
    now.last = at;
    const view = latest.current.camera;
    if (now.tool === "lasso" || now.tool === "box") {
      now.path.push(at);
      texts.current(view, latest.current.size, now);
    } else if (view)
      setCamera(now.tool === "orbit" && view.dims === 3 ? orbit(view, dx, dy) : pan(view, latest.current.size, dx, dy));
  };

  const onPointerUp = (event: React.PointerEvent): void => {
    const now = drag.current;
    drag.current = null;
    if (!now) return;
    const at = pointAt(event);
    if (!now.moved) {
      const row = rowAt(at);
      if (row >= 0) void explorer.click(row, combineFor({ shift: event.shiftKey, alt: event.altKey }));
      else if (!event.shiftKey && !event.altKey && event.button === 0) explorer.clearSelection();
      return;
    }
    if (now.tool === "lasso" || now.tool === "box") finishShape(now, at);
    else explorer.keep();
    paint(FRAME_MS.still);
  };

  const finishShape = (now: Drag, at: Point): void => {
    const { map: data, camera: view, size: box, allowed: rows } = latest.current;
    if (!data || !view) return;
    const shape = now.tool === "box" ? boxPolygon(now.from, at) : simplify(now.path, 0.7);
    const way = combineFor(now.keys);
    if (view.dims === 2) {
      const polygon = shape.map((p) => unproject(view, box, p));
      const mask = pointsInPolygon(data.planes[0] as Float32Array, data.planes[1] as Float32Array, polygon, rows);
      explorer.selectMask(
        mask,
        wholeMapShown(explorer.ui) ? { kind: "polygon", points: polygon } : { kind: "rows" },
        way,
      );
    } else {
      const screen = onScreen();
      explorer.selectMask(pointsInPolygon(screen.x, screen.y, shape, rows), { kind: "rows" }, way);
    }
  };

  // React's wheel listener is passive, and a passive one cannot keep the page from scrolling.
  React.useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    const onWheel = (event: WheelEvent): void => {
      event.preventDefault();
      const { camera: view, size: box } = latest.current;
      if (!view) return;
      const amount = event.deltaMode === 1 ? event.deltaY * 16 : event.deltaY;
      setCamera(zoom(view, box, pointAt(event), Math.exp(-Math.max(-200, Math.min(200, amount)) * 0.0022)));
      explorer.keep();
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, []);

  return (
    <div className="ls-scatter" ref={frame}>
      <canvas
        ref={canvas}
        role="img"
        aria-label={ariaOf(map, explorer.ui)}
        data-testid="labelscape-map"
        className={`ls-canvas ls-tool-${tool}`}
        width={Math.round(size.width * (window.devicePixelRatio || 1))}
        height={Math.round(size.height * (window.devicePixelRatio || 1))}
        onPointerDown={onPointerDown}
        onPointerMove={onPointerMove}
        onPointerUp={onPointerUp}
        onPointerLeave={() => explorer.hover(-1, 0, 0, [])}
        onContextMenu={(event) => event.preventDefault()}
        onDoubleClick={() => explorer.showAll()}
      />
      <canvas
        ref={overlay}
        className="ls-overlay"
        aria-hidden="true"
        width={Math.round(size.width * (window.devicePixelRatio || 1))}
        height={Math.round(size.height * (window.devicePixelRatio || 1))}
      />
      <Tooltip size={size} />
    </div>
  );
});

const ratioOf = (element: HTMLCanvasElement, size: Size): number => element.width / Math.max(1, size.width);

/** True when nothing is hidden, so that a polygon alone says which samples were chosen. */
const wholeMapShown = (ui: Ui): boolean =>
  ui.hidden.size === 0 && ui.range === null && ui.isolated === null && !ui.map?.info.in_view;

function ariaOf(map: MapData | null, ui: Ui): string {
  if (!map) return "Map of embeddings, empty";
  const selected = ui.selection.count.toLocaleString("en");
  return `${map.info.dims}D map of ${counted(map.info.n, nounOf(ui))}, ${selected} selected`;
}

/** The points in cells of the plane, made when the pointer first asks: until then the picture has the time. */
function useGrid(): (map: MapData) => PointGrid {
  const kept = React.useRef<{ planes: MapData["planes"]; grid: PointGrid } | null>(null);
  return React.useCallback((map) => {
    if (kept.current?.planes !== map.planes)
      kept.current = {
        planes: map.planes,
        grid: buildGrid(map.planes[0] as Float32Array, map.planes[1] as Float32Array),
      };
    return kept.current.grid;
  }, []);
}

/** One byte a row: label state, and how it is to be shown. */
function useFlags(map: MapData | null, allowed: Uint8Array): Uint8Array {
  const selection = useUi((ui) => ui.selection);
  const reach = useUi((ui) => ui.reach);
  const isolated = useUi((ui) => ui.isolated);
  const focus = useUi((ui) => ui.focus);
  const range = useUi((ui) => ui.range);
  return React.useMemo(() => {
    if (!map) return new Uint8Array(0);
    const n = map.info.n;
    const flags = new Uint8Array(n);
    const { labelState, inView } = map;
    for (let i = 0; i < n; i++) {
      let flag = (labelState[i] as number) & FLAG.state;
      if (selection.mask[i]) flag |= FLAG.selected;
      // Outside the view or the range: faint. Isolated away: gone. A hidden class is gone by its colour entry.
      if (!allowed[i])
        flag |= isolated && !isolated[i] ? FLAG.hidden : (inView && !inView[i]) || range ? FLAG.faint : 0;
      flags[i] = flag;
    }
    if (reach) {
      for (let i = 0; i < reach.count; i++) mark(flags, reach.order[i] as number, FLAG.reached);
      for (const anchor of reach.anchors) mark(flags, anchor, FLAG.marked);
    }
    if (focus !== null) mark(flags, focus, FLAG.marked);
    return flags;
  }, [map, allowed, selection, reach, isolated, focus, range]);
}

function mark(flags: Uint8Array, row: number, flag: number): void {
  flags[row] = (flags[row] as number) | flag;
}

function useTable(renderer: PointRenderer | null): void {
  const color = useUi((ui) => ui.color);
  const hidden = useUi((ui) => ui.hidden);
  const range = useUi((ui) => ui.range);
  const colors = color?.colors;
  const kind = color?.kind;
  const [min, max] = [color?.min ?? 0, color?.max ?? 0];
  React.useEffect(() => {
    renderer?.setTable(
      kind === "numeric"
        ? numericTable(range ?? [min, max], min, max)
        : classTable(colors ?? [], hidden, hidden.has(MISSING_CODE)),
    );
  }, [renderer, colors, hidden, range, kind, min, max]);
}

function useScene(size: Size, camera: Camera | null, ground: Rgb, n: number, pointScale: number) {
  const anySelected = useUi((ui) => ui.selection.count > 0 || ui.reach !== null);
  const reachLabel = useUi((ui) => ui.reach?.label ?? null);
  const color = useUi((ui) => ui.color);
  if (!camera || size.width === 0) return null;
  return {
    camera,
    size,
    ground,
    anySelected,
    reachColor: parseColor(colorOfLabel(reachLabel, color)),
    pointSize: pointScale * Math.min(7, Math.max(2, 11 - 1.6 * Math.log10(Math.max(n, 10)))),
    opacity: n > 20000 ? 0.8 : 0.95,
  };
}

function colorOfLabel(label: string | null, color: Values | null): string {
  const at = label === null || !color ? -1 : color.classes.indexOf(label);
  return color?.colors[at] ?? classColors(1, undefined, null)[0] ?? "#47a3ff";
}

/** Draws what lies over the points: texts, and the shape being dragged. */
function useTexts(overlay: React.RefObject<HTMLCanvasElement>, ground: string, allowed: Uint8Array) {
  const map = useUi((ui) => ui.map);
  const text = useUi((ui) => (ui.showTexts ? ui.text : null));
  const fit = React.useRef<{ x: Float32Array; y: Float32Array } | undefined>(undefined);
  return useLatest((camera: Camera | null, size: Size, drag: Drag | null): void => {
    const element = overlay.current;
    const pen = element?.getContext("2d");
    if (!element || !pen) return;
    const ratio = element.width / Math.max(1, size.width);
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, size.width, size.height);
    const ink = getComputedStyle(element).color;
    if (map && camera && text) {
      pen.font = FONT;
      const widths = new Map<number, number>();
      const nameOf = (code: number): string =>
        shorten(text.kind === "numeric" ? numberOf(text, code) : (text.classes[code] ?? ""));
      const widthOf = (code: number): number => {
        const known = widths.get(code);
        if (known !== undefined) return known;
        const width = pen.measureText(nameOf(code)).width;
        widths.set(code, width);
        return width;
      };
      const reuse = fit.current?.x.length === map.info.n ? fit.current : undefined;
      const screen = projectAll(matrixOf(camera, size), size, map.planes, reuse);
      fit.current = screen;
      const placed = thinTexts({
        screen,
        codes: text.codes,
        allowed,
        size,
        widthOf,
        lineHeight: 16,
        apart: text.kind === "numeric" ? 0 : 150,
        limit: 120,
      });
      pen.textAlign = "center";
      pen.textBaseline = "middle";
      pen.lineWidth = 3;
      pen.lineJoin = "round";
      for (const { code, x, y } of placed) {
        pen.strokeStyle = ground;
        pen.strokeText(nameOf(code), x, y);
        pen.fillStyle = ink;
        pen.fillText(nameOf(code), x, y);
      }
    }
    if (drag?.moved && (drag.tool === "lasso" || drag.tool === "box")) drawShape(pen, drag, ink);
  });
}

const numberOf = (values: Values, code: number): string =>
  (values.min + (code / 65534) * (values.max - values.min)).toPrecision(3);

function drawShape(pen: CanvasRenderingContext2D, drag: Drag, ink: string): void {
  const path = drag.tool === "box" ? boxPolygon(drag.from, drag.last) : drag.path;
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
