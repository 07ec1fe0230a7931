/** All keyboard shortcuts. */
import * as React from "react";
import { Dialog } from "../../parts/parts";
import { KEYS, REVIEW_KEYS } from "../keymap";
import { useUi } from "../context";

export function Help({ onClose }: { readonly onClose: () => void }): React.ReactElement {
  const reviewing = useUi((ui) => ui.tab === "review" && ui.review !== null);
  const keys = reviewing ? REVIEW_KEYS : KEYS;
  return (
    <Dialog title="Keyboard shortcuts" wide onClose={onClose}>
      <dl className="ls-keys">
        {keys.map(({ key, says }) => (
          <React.Fragment key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{says}</dd>
          </React.Fragment>
        ))}
        {!reviewing && <MapGestures />}
      </dl>
    </Dialog>
  );
}

function MapGestures(): React.ReactElement {
  return (
    <>
      <dt>
        <kbd>Shift</kbd> <kbd>Alt</kbd>
      </dt>
      <dd>Hold while selecting: Shift adds, Alt removes, both intersect</dd>
      <dt>right drag</dt>
      <dd>Moves the map with any tool and turns it in 3D; there, the middle button moves it</dd>
      <dt>wheel</dt>
      <dd>Zooms; a double click shows the whole map</dd>
    </>
  );
}
