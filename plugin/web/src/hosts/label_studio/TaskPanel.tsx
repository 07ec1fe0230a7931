/** Beside an open task: its neighbors with thumbnails and labels, “Label neighbors”, and the next-best task. */
import * as React from "react";
import { sentenceOf } from "./ActionDialog";
import type { Neighbor } from "./api";
import { imageAddress } from "./host";

interface Props {
  readonly base: string;
  readonly near: readonly Neighbor[];
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
  const [refusal, setRefusal] = React.useState<string | null>(null);
  const next = (): void => {
    setRefusal(null);
    props.onNext().catch((error: unknown) => setRefusal(sentenceOf(error)));
  };
  return (
    <div className="lsx-task">
      <div className="lsx-row">
        {props.mayLabel && (
          <button type="button" className="lsx-primary" disabled={label === null} onClick={props.onLabelNeighbors}>
            {label === null ? "Choose a label to label neighbors" : `Label neighbors “${label}”`}
          </button>
        )}
        <button type="button" onClick={next}>
          Next-best task
        </button>
      </div>
      <label className="lsx-check">
        <input type="checkbox" checked={props.goOn} onChange={(event) => props.onGoOn(event.target.checked)} /> Go on
        with the next-best task after each submit
      </label>
      {refusal !== null && <p className="lsx-warning">{refusal}</p>}
      {props.problem !== null && <p className="lsx-warning">{props.problem}</p>}
      <ul className="lsx-neighbors" aria-label="Neighbors">
        {props.near.map((one) => (
          <li key={one.task}>
            <button type="button" onClick={() => props.onOpen(one.task)} title={`Open task ${one.task}`}>
              <Thumbnail media={one.media} title={one.title} base={props.base} />
              <span className={one.label === null ? "lsx-quiet" : "lsx-label"}>{captionOf(one)}</span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Thumbnail(props: {
  readonly media: string;
  readonly title: string;
  readonly base: string;
}): React.ReactElement {
  if (props.title !== "") return <span className="lsx-noimage lsx-title">{props.title}</span>;
  const address = imageAddress(props.media, props.base);
  return address === null ? <span className="lsx-noimage">no image</span> : <img src={address} alt="" loading="lazy" />;
}

function captionOf(one: Neighbor): string {
  if (one.label !== null) return one.label;
  if (one.prediction === null) return "unlabeled";
  return `${one.prediction}? ${Math.round(100 * (one.confidence ?? 0))}%`;
}
