/** Beside an open task: its neighbors with thumbnails and labels, “Label neighbors”, and the next-best task. */
import * as React from "react";
import { sentenceOf } from "./ActionDialog";
import type { Item } from "./api";
import { imageAddress } from "./host";

interface Props {
  readonly base: string;
  readonly near: readonly Item[];
  /** The regions of the task, of which one is chosen; none where tasks are labeled. */
  readonly regions: readonly Item[];
  readonly region: string;
  readonly onRegion: (region: string) => void;
  readonly problem: string | null;
  /** The label chosen in the open annotation, or the task's own; null if none. */
  readonly label: string | null;
  readonly mayLabel: boolean;
  readonly goOn: boolean;
  readonly onGoOn: (wanted: boolean) => void;
  readonly onLabelNeighbors: () => void;
  readonly onOpen: (task: number) => void;
  /** Open the next-best task; rejects with a sentence. */
  readonly onNext: () => Promise<void>;
}

export function TaskPanel(props: Props): React.ReactElement {
  const { label } = props;
  const ofRegion = props.region !== ""; // its label can be chosen in the dialog
  const [refusal, setRefusal] = React.useState<string | null>(null);
  const next = (): void => {
    setRefusal(null);
    props.onNext().catch((error: unknown) => setRefusal(sentenceOf(error)));
  };
  return (
    <div className="lsx-task">
      <div className="lsx-row">
        {props.mayLabel && (
          <button
            type="button"
            className="lsx-primary"
            disabled={label === null && !ofRegion}
            onClick={props.onLabelNeighbors}
          >
            {label !== null
              ? `Label neighbors “${label}”`
              : ofRegion
                ? "Label neighbors…"
                : "Choose a label to label neighbors"}
          </button>
        )}
        <button type="button" onClick={next}>
          Next-best task
        </button>
      </div>
      <label className="lsx-check">
        <input type="checkbox" checked={props.goOn} onChange={(event) => props.onGoOn(event.target.checked)} /> Go to
        the next-best task after each submit
      </label>
      {refusal !== null && <p className="lsx-warning">{refusal}</p>}
      {props.problem !== null && <p className="lsx-warning">{props.problem}</p>}
      {props.regions.length > 0 && <Regions {...props} />}
      <ul className="lsx-neighbors" aria-label="Neighbors">
        {props.near.map((one) => (
          <li key={`${one.task} ${one.region}`}>
            <button type="button" onClick={() => props.onOpen(one.task)} title={`Open task ${one.task}`}>
              <Thumbnail item={one} base={props.base} />
              <Caption item={one} />
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** The regions of the task; the neighbors shown are those of the chosen one. */
function Regions({ regions, region, onRegion, base }: Props): React.ReactElement {
  return (
    <>
      <p className="lsx-quiet">Regions of this task: choose one to see its neighbors.</p>
      <ul className="lsx-neighbors lsx-regions" aria-label="Regions">
        {regions.map((one, place) => (
          <li key={one.region}>
            <button
              type="button"
              aria-pressed={one.region === region}
              onClick={() => onRegion(one.region)}
              title={`Region ${place + 1}`}
            >
              <Thumbnail item={one} base={base} />
              <Caption item={one} />
            </button>
          </li>
        ))}
      </ul>
      <p className="lsx-quiet">Its neighbors:</p>
    </>
  );
}

const Caption = ({ item }: { readonly item: Item }): React.ReactElement => (
  <span className={item.label === null ? "lsx-quiet" : "lsx-label"}>{captionOf(item)}</span>
);

function Thumbnail({ item, base }: { readonly item: Item; readonly base: string }): React.ReactElement {
  if (item.title !== "") return <span className="lsx-noimage lsx-title">{item.title}</span>;
  const address = imageAddress(item.media, base);
  if (address === null) return <span className="lsx-noimage">no image</span>;
  const style = item.box === null ? {} : ({ objectViewBox: cutOut(item.box) } as React.CSSProperties);
  return <img src={address} alt="" loading="lazy" style={style} />;
}

/** The part of an image inside a box, as a style; a browser that does not know it shows the whole image. */
export function cutOut([x, y, width, height]: readonly [number, number, number, number]): string {
  const sides = [y, 1 - x - width, 1 - y - height, x].map((side) => `${(100 * Math.max(0, side)).toFixed(2)}%`);
  return `inset(${sides.join(" ")})`;
}

function captionOf(one: Item): string {
  if (one.label !== null) return one.label;
  if (one.prediction === null) return "unlabeled";
  return `${one.prediction}? ${Math.round(100 * (one.confidence ?? 0))}%`;
}
