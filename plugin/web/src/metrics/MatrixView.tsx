/** The confusion matrix on a canvas: only what is visible is drawn, so 1,000 classes scroll as smoothly as 10. */
import * as React from "react";
import { Button } from "../parts/parts";
import { Picker } from "../parts/Picker";
import { useMetrics, useSession } from "./context";
import {
  cellOf,
  columnName,
  countAt,
  keyOf,
  orderOf,
  rowName,
  searched,
  shade,
  short,
  valueAt,
  whatOf,
  type ClassOrder,
  type Matrix,
  type Shown,
} from "./matrix";

const SIZES = [9, 13, 18, 24, 32, 42] as const;
const RIGHT = "0,119,187";
const WRONG = "238,119,51";
const HEAD = 90; // pixels of names, about
const NAME_PIXELS = 6.2; // of a letter at 11 px

const CELLS = [
  { value: "count", name: "counts" },
  { value: "row", name: "% of label" },
  { value: "column", name: "% of prediction" },
];
const ORDERS = [
  { value: "support", name: "by support" },
  { value: "confusion", name: "by confusion", note: "classes with the most errors first" },
  { value: "name", name: "by name" },
];

export function MatrixView({ ground }: { readonly ground: string }): React.ReactElement | null {
  const { matrix } = useMetrics();
  return matrix && <Drawn matrix={matrix} ground={ground} />;
}

function Drawn({ matrix, ground }: { readonly matrix: Matrix; readonly ground: string }): React.ReactElement {
  const session = useSession();
  const { cells, whats } = useMetrics();
  const [shown, setShown] = React.useState<Shown>("count");
  const [order, setOrder] = React.useState<ClassOrder>("support");
  const [text, setText] = React.useState("");
  const [zoom, setZoom] = React.useState<number | null>(null);
  const [cursor, setCursor] = React.useState<readonly [number, number] | null>(null);
  const codes = React.useMemo(
    () => searched(matrix, orderOf(matrix, order, whats), text),
    [matrix, order, whats, text],
  );
  const [room, setRoom] = React.useState(400);
  const level = zoom ?? fittingLevel(codes.length, room);
  const side = SIZES[level] as number;
  const head = side < 11 ? 16 : headOf(codes.map((code) => drawnName(matrix, code, "no prediction")));

  const box = React.useRef<HTMLDivElement>(null);
  const canvas = React.useRef<HTMLCanvasElement>(null);
  const chosen = React.useMemo(() => new Set(cells.map(keyOf)), [cells]);

  // Highlighted cells become visible: the largest first, from the corner.
  const errors = whats.some((what) => what !== "true positives");
  React.useEffect(() => {
    if (!errors) return;
    setOrder("confusion");
    box.current?.scrollTo(0, 0);
  }, [errors, whats]);

  const draw = React.useCallback(() => {
    const [frame, target] = [box.current, canvas.current];
    if (frame && target) paint({ frame, target, matrix, codes, side, head, shown, chosen, whats, cursor });
    // Another theme has another text color.
  }, [matrix, codes, side, head, shown, chosen, whats, cursor, ground]);

  React.useEffect(() => {
    draw();
    const frame = box.current;
    if (!frame) return;
    const watch = new ResizeObserver(() => {
      setRoom(Math.min(frame.clientHeight, frame.clientWidth));
      draw();
    });
    watch.observe(frame);
    frame.addEventListener("scroll", draw);
    return () => {
      watch.disconnect();
      frame.removeEventListener("scroll", draw);
    };
  }, [draw]);

  const at = (event: React.MouseEvent): readonly [number, number] | null => {
    const frame = box.current;
    if (!frame) return null;
    const area = frame.getBoundingClientRect();
    const x = event.clientX - area.left - head;
    const y = event.clientY - area.top - head;
    if (x < 0 || y < 0) return null;
    const row = Math.floor((y + frame.scrollTop) / side);
    const column = Math.floor((x + frame.scrollLeft) / side);
    return row < codes.length && column < codes.length ? [row, column] : null;
  };
  const choose = (place: readonly [number, number], more: boolean): void => {
    const [row, column] = [codes[place[0]] as number, codes[place[1]] as number];
    if (row === matrix.classes.length && column === matrix.classes.length) return;
    session.chooseCell(cellOf(matrix, row, column), more);
  };
  const onKeyDown = (event: React.KeyboardEvent): void => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (step) {
      event.preventDefault();
      const [row, column] = cursor ?? [0, 0];
      const next = [
        clamp(row + (step[0] as number), codes.length),
        clamp(column + (step[1] as number), codes.length),
      ] as const;
      setCursor(cursor ? next : [0, 0]);
      keepInSight(box.current, next, side, head);
    } else if ((event.key === "Enter" || event.key === " ") && cursor) {
      event.preventDefault();
      event.stopPropagation();
      choose(cursor, event.shiftKey);
    }
  };
  const told = cursor && sentence(matrix, codes[cursor[0]], codes[cursor[1]]);
  return (
    <div className="lm-matrix">
      <div className="lm-matrix-tools">
        <Picker label="Cells" value={shown} options={CELLS} onChange={(v) => setShown(v as Shown)} />
        <Picker label="Order" value={order} options={ORDERS} onChange={(v) => setOrder(v as ClassOrder)} />
        <input
          type="search"
          placeholder="Find a class"
          aria-label="Find a class"
          value={text}
          onChange={(e) => setText(e.target.value)}
        />
        <div className="ls-group">
          <Button label="Smaller cells" disabled={level === 0} onClick={() => setZoom(level - 1)}>
            −
          </Button>
          <Button label="Larger cells" disabled={level === SIZES.length - 1} onClick={() => setZoom(level + 1)}>
            +
          </Button>
        </div>
      </div>
      <div
        ref={box}
        className="lm-matrix-box"
        tabIndex={0}
        role="grid"
        aria-label="Confusion matrix: rows are labels, columns predictions. Arrow keys move, Enter selects, Shift adds."
        onKeyDown={onKeyDown}
        onMouseMove={(event) => setCursor(at(event))}
        onMouseLeave={() => setCursor(null)}
        onClick={(event) => {
          const place = at(event);
          if (place) choose(place, event.shiftKey || event.ctrlKey || event.metaKey);
        }}
      >
        <canvas ref={canvas} />
        <div style={{ width: head + codes.length * side, height: head + codes.length * side }} />
      </div>
      <div className="lm-told" aria-live="polite">
        {told ??
          (codes.length === 0
            ? "No class name contains this text."
            : "Click a cell; Shift adds more. Rows are labels, columns are predictions.")}
      </div>
    </div>
  );
}

/** The largest cells that keep the whole matrix visible, but not so small that names are unreadable. */
function fittingLevel(count: number, room: number): number {
  const least = count <= 120 ? 2 : 1;
  for (let level = SIZES.length - 2; level > least; level--)
    if (HEAD + count * (SIZES[level] as number) <= room) return level;
  return least;
}

const headOf = (names: readonly string[]): number =>
  Math.min(130, Math.round(Math.max(...names.map((name) => name.length), 4) * NAME_PIXELS) + 12);

const drawnName = (matrix: Matrix, code: number, none: string): string => matrix.classes[code] ?? none;

const clamp = (value: number, count: number): number => Math.min(count - 1, Math.max(0, value));

function keepInSight(
  frame: HTMLElement | null,
  [row, column]: readonly [number, number],
  side: number,
  head: number,
): void {
  if (!frame) return;
  const [high, wide] = [frame.clientHeight - head, frame.clientWidth - head];
  frame.scrollTop = Math.min(row * side, Math.max(frame.scrollTop, (row + 1) * side - high));
  frame.scrollLeft = Math.min(column * side, Math.max(frame.scrollLeft, (column + 1) * side - wide));
}

function sentence(matrix: Matrix, row: number | undefined, column: number | undefined): string | null {
  if (row === undefined || column === undefined) return null;
  const count = countAt(matrix, row, column).toLocaleString("en");
  const share = (of: Shown): string => `${Math.round(valueAt(matrix, row, column, of) * 100)}%`;
  const shares = `${share("row")} of the label, ${share("column")} of the prediction`;
  return `${count} × label ${rowName(matrix, row)}, prediction ${columnName(matrix, column)} (${shares})`;
}

function paint(scene: {
  readonly frame: HTMLElement;
  readonly target: HTMLCanvasElement;
  readonly matrix: Matrix;
  readonly codes: readonly number[];
  readonly side: number;
  readonly head: number;
  readonly shown: Shown;
  readonly chosen: ReadonlySet<string>;
  readonly whats: readonly string[];
  readonly cursor: readonly [number, number] | null;
}): void {
  const { frame, target, matrix, codes, side, head, shown, chosen, whats, cursor } = scene;
  const [width, height] = [frame.clientWidth, frame.clientHeight];
  const ratio = window.devicePixelRatio || 1;
  target.width = width * ratio;
  target.height = height * ratio;
  target.style.width = `${width}px`;
  target.style.height = `${height}px`;
  const pen = target.getContext("2d");
  if (!pen) return;
  const style = getComputedStyle(frame);
  const ink = style.color;
  pen.scale(ratio, ratio);
  pen.clearRect(0, 0, width, height);
  pen.font = `${side >= 18 ? 11 : 9}px system-ui, sans-serif`;
  const [dx, dy] = [frame.scrollLeft, frame.scrollTop];
  const none = matrix.classes.length;
  const first = (scroll: number): number => Math.max(0, Math.floor(scroll / side));
  const last = (scroll: number, size: number): number =>
    Math.min(codes.length, Math.ceil((scroll + size - head) / side));
  let largest = shown === "count" ? 0 : 1;
  if (shown === "count") for (const count of matrix.counts.values()) largest = Math.max(largest, count);

  pen.save();
  pen.beginPath();
  pen.rect(head, head, width - head, height - head);
  pen.clip();
  for (let i = first(dy); i < last(dy, height); i++)
    for (let j = first(dx); j < last(dx, width); j++) {
      const [row, column] = [codes[i] as number, codes[j] as number];
      const [x, y] = [head + j * side - dx, head + i * side - dy];
      const value = valueAt(matrix, row, column, shown);
      const what = whatOf(matrix, row, column);
      if (value > 0) {
        const right = what === "true positives";
        const tint = shade(value, largest);
        pen.fillStyle = `rgba(${right ? RIGHT : WRONG},${tint.toFixed(3)})`;
        pen.fillRect(x, y, side - 1, side - 1);
        if (side >= 18) {
          pen.fillStyle = right && tint > 0.6 ? "#fff" : ink;
          pen.textAlign = "center";
          pen.textBaseline = "middle";
          pen.fillText(short(value, shown), x + side / 2 - 0.5, y + side / 2, side - 2);
        }
      } else if (row !== none || column !== none) {
        pen.fillStyle = "rgba(128,128,128,.09)";
        pen.fillRect(x, y, side - 1, side - 1);
      }
      if (value > 0 && whats.includes(what)) outline(pen, x, y, side, ink, 1, [2, 2]);
      if (chosen.size > 0 && chosen.has(keyOf(cellOf(matrix, row, column)))) outline(pen, x, y, side, ink, 2, []);
      if (cursor && cursor[0] === i && cursor[1] === j) outline(pen, x, y, side, ink, 1, []);
    }
  pen.restore();
  if (side < 11) return;
  pen.fillStyle = ink;
  pen.textBaseline = "middle";
  pen.save();
  pen.beginPath();
  pen.rect(0, head, head, height - head);
  pen.clip();
  pen.textAlign = "right";
  for (let i = first(dy); i < last(dy, height); i++) {
    pen.globalAlpha = cursor && cursor[0] !== i ? 0.55 : 0.9;
    pen.fillText(drawnName(matrix, codes[i] as number, "no label"), head - 5, head + (i + 0.5) * side - dy, head - 7);
  }
  pen.restore();
  pen.save();
  pen.beginPath();
  pen.rect(head, 0, width - head, head);
  pen.clip();
  pen.textAlign = "left";
  for (let j = first(dx); j < last(dx, width); j++) {
    pen.save();
    pen.globalAlpha = cursor && cursor[1] !== j ? 0.55 : 0.9;
    pen.translate(head + (j + 0.5) * side - dx, head - 5);
    pen.rotate(-Math.PI / 2);
    pen.fillText(drawnName(matrix, codes[j] as number, "no prediction"), 0, 0, head - 7);
    pen.restore();
  }
  pen.restore();
}

function outline(
  pen: CanvasRenderingContext2D,
  x: number,
  y: number,
  side: number,
  ink: string,
  wide: number,
  dash: number[],
): void {
  pen.strokeStyle = ink;
  pen.lineWidth = wide;
  pen.setLineDash(dash);
  pen.strokeRect(x + wide / 2, y + wide / 2, side - 1 - wide, side - 1 - wide);
  pen.setLineDash([]);
}
