/** The sample's picture, or the part of it that is the object; of a video its beginning. */
import * as React from "react";
import { placeCrop } from "../parts/placeCrop";
import { useExplorer } from "./context";
import type { Facts } from "./contract";

export function Thumb(props: {
  readonly facts: Facts;
  readonly side: number;
  /** Whether a video can be played here. */
  readonly plays?: boolean;
}): React.ReactElement {
  const { facts, side } = props;
  const explorer = useExplorer();
  const [natural, setNatural] = React.useState<readonly [number, number] | null>(null);
  const [broken, setBroken] = React.useState(false);
  const frame = { width: side, height: side };
  if (facts.thumbnail === null || broken)
    return (
      <div className="ls-thumb ls-thumb-none" style={frame}>
        {broken ? `cannot be ${facts.moving ? "played" : "read"}` : facts.name}
      </div>
    );
  const crop = facts.crop ?? [0, 0, 1, 1];
  const place = natural && placeCrop(natural, crop, side);
  return (
    <div className="ls-thumb" style={frame}>
      <div className="ls-thumb-crop" style={place ? place.window : frame}>
        {facts.moving ? (
          <video
            aria-label={facts.name}
            src={`${explorer.mediaUrl(facts.thumbnail)}#t=0.05`} // a browser shows no frame before it has sought one
            muted
            playsInline
            preload="metadata"
            controls={props.plays ?? false}
            style={place ? place.image : { visibility: "hidden" }}
            onLoadedMetadata={(event) =>
              setNatural([event.currentTarget.videoWidth || 1, event.currentTarget.videoHeight || 1])
            }
            onError={() => setBroken(true)}
          />
        ) : (
          <img
            alt={facts.name}
            src={explorer.mediaUrl(facts.thumbnail)}
            style={place ? place.image : { visibility: "hidden" }}
            onLoad={(event) =>
              setNatural([event.currentTarget.naturalWidth || 1, event.currentTarget.naturalHeight || 1])
            }
            onError={() => setBroken(true)}
          />
        )}
      </div>
    </div>
  );
}
