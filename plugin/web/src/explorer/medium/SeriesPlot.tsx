/** The channels of a series over time: dragging zooms into a stretch and reads it again, a double click goes back. */
import * as React from "react";
import uPlot from "uplot";
import { classColors } from "../../scatter/colors";
import { unpackF32 } from "../columns";
import { useExplorer } from "../context";
import type { Medium } from "../contract";

const HEIGHT = 150;

export function SeriesPlot(props: {
  readonly row: number;
  readonly medium: Medium;
  readonly width: number;
}): React.ReactElement {
  const { row, medium, width } = props;
  const explorer = useExplorer();
  const box = React.useRef<HTMLDivElement>(null);
  const [stretch, setStretch] = React.useState<Medium | null>(null);
  const shown = stretch ?? medium;
  const zoom = React.useCallback(
    (start: number, end: number) => void explorer.selecting.readMedium(row, [start, end]).then(setStretch),
    [explorer, row],
  );
  React.useEffect(() => {
    const element = box.current;
    if (!element) return;
    const plot = new uPlot(optionsOf(shown, width, getComputedStyle(element).color, zoom), dataOf(shown), element);
    return () => plot.destroy();
  }, [shown, width, zoom]);
  const names = medium.channels.map((channel) => channel.name).join(", ");
  return (
    <figure className="ls-series">
      <div
        ref={box}
        role="img"
        aria-label={`Time series of ${names}`}
        onDoubleClick={() => setStretch(null)}
        title="Drag to zoom, double-click to see the whole series"
      />
      {stretch !== null && (
        <button type="button" className="ls-button" onClick={() => setStretch(null)}>
          Whole series
        </button>
      )}
    </figure>
  );
}

const dataOf = (medium: Medium): uPlot.AlignedData => [
  unpackF32(medium.times),
  ...medium.channels.map((channel) => unpackF32(channel.values)),
];

function optionsOf(
  medium: Medium,
  width: number,
  ink: string,
  zoom: (start: number, end: number) => void,
): uPlot.Options {
  const colors = classColors(medium.channels.length, undefined, null);
  const axis = { stroke: ink, grid: { stroke: "rgba(128, 128, 128, 0.25)" }, ticks: { show: false } };
  return {
    width,
    height: HEIGHT,
    scales: { x: { time: false } },
    cursor: { drag: { setScale: false, x: true, y: false } },
    legend: { show: medium.channels.length > 1, live: false },
    axes: [axis, { ...axis, size: 38 }],
    series: [
      { label: medium.sampling_rate === null ? "moment" : "seconds" },
      ...medium.channels.map((channel, i) => ({ label: channel.name, stroke: colors[i] ?? ink, width: 1 })),
    ],
    hooks: {
      setSelect: [
        (plot) => {
          const { left, width: wide } = plot.select;
          if (wide > 4) zoom(plot.posToVal(left, "x"), plot.posToVal(left + wide, "x"));
        },
      ],
    },
  };
}
