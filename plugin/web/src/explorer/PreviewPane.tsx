/** A preview of one sample: picture, label, suggestion, facts, and its neighbors in embedding space. */
import * as React from "react";
import { STATE_LEGEND } from "./labelStates";
import { combineFor } from "./selection";
import { useExplorer, useUi } from "./context";
import { Icon } from "../parts/icons";
import { Button } from "../parts/parts";
import { percent } from "../parts/words";
import { MediumView } from "./medium/MediumView";
import { Thumb } from "./Thumb";

export function PreviewPane(): React.ReactElement | null {
  const explorer = useExplorer();
  const focus = useUi((ui) => ui.focus);
  const preview = useUi((ui) => ui.preview);
  const box = React.useRef<HTMLElement>(null);
  const [side, setSide] = React.useState(228);
  React.useLayoutEffect(() => setSide(Math.max(80, (box.current?.clientWidth ?? 244) - 16)), [preview]);
  const field = useUi((ui) => ui.panel?.label_field);
  if (focus === null) return null;
  const otherFields = (preview?.fields ?? []).filter(([name, value]) => name !== field || value !== preview?.label);
  return (
    <section ref={box} className="ls-preview" aria-label="Preview">
      <div className="ls-dialog-head">
        <h2 title={preview?.name}>{preview?.name ?? "…"}</h2>
        <Button label="Close the preview" title="Close" onClick={() => void explorer.selecting.focus(null)}>
          ✕
        </Button>
      </div>
      {preview && (
        <>
          <Thumb key={preview.row} facts={preview} side={side} plays />
          <MediumView row={preview.row} width={side} />
          <div className="ls-row">
            <Button
              primary
              hotkey="l"
              title="Set the label"
              onClick={() => explorer.store.dispatch({ type: "dialog", dialog: "label" })}
            >
              <Icon name="label" /> Label
            </Button>
            <Button title="Open in the App's viewer" onClick={() => void explorer.selecting.openInViewer(preview.row)}>
              Open
            </Button>
          </div>
          <dl>
            <dt>label</dt>
            <dd>
              <strong>{preview.label ?? "none"}</strong>{" "}
              <span className="ls-quiet">{STATE_LEGEND[preview.state]?.name}</span>
            </dd>
            {preview.confidence !== null && (
              <>
                <dt>confidence</dt>
                <dd>{percent(preview.confidence)}</dd>
              </>
            )}
            {preview.origin && (
              <>
                <dt>from</dt>
                <dd>{preview.origin}</dd>
              </>
            )}
            {preview.suggestion && (
              <>
                <dt>suggested</dt>
                <dd>
                  <strong>{preview.suggestion.label}</strong> {percent(preview.suggestion.confidence)}
                </dd>
              </>
            )}
            {otherFields.map(([name, value]) => (
              <React.Fragment key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </React.Fragment>
            ))}
            <dt>id</dt>
            <dd className="ls-id">{preview.id}</dd>
          </dl>
          {preview.neighbors.length > 0 && <h3>Nearest in embedding space</h3>}
          <ul className="ls-neighbors">
            {preview.neighbors.map((near) => (
              <li key={near.row}>
                <button
                  type="button"
                  title={`${near.name}\ncosine distance ${near.distance.toFixed(3)}`}
                  aria-label={`${near.name}, ${near.label ?? "no label"}, distance ${near.distance.toFixed(3)}`}
                  onClick={(event) =>
                    void explorer.selecting.click(near.row, combineFor({ shift: event.shiftKey, alt: event.altKey }))
                  }
                >
                  <Thumb facts={near} side={70} />
                  <span>{near.label ?? "–"}</span>
                </button>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}
