/** The sample's picture, or the part of it that is the object. */
import * as React from "react";
import { useExplorer } from "./context";
import type { Facts } from "./contract";

export function Thumb({ facts, side }: { readonly facts: Facts; readonly side: number }): React.ReactElement {
  const explorer = useExplorer();
  const [natural, setNatural] = React.useState<readonly [number, number] | null>(null);
  const [broken, setBroken] = React.useState(false);
  const frame = { width: side, height: side };
  if (facts.thumbnail === null || broken)
    return (
      <div className="ls-thumb ls-thumb-none" style={frame}>
        {broken ? "cannot be read" : facts.name}
      </div>
    );
  const crop = facts.crop ?? [0, 0, 1, 1];
  const place = natural && placeCrop(natural, crop, side);
  return (
    <div className="ls-thumb" style={frame}>
      <div className="ls-thumb-crop" style={place ? place.window : frame}>
        <img
          alt={facts.name}
          src={explorer.mediaUrl(facts.thumbnail)}
          style={place ? place.image : { visibility: "hidden" }}
          onLoad={(event) =>
            setNatural([event.currentTarget.naturalWidth || 1, event.currentTarget.naturalHeight || 1])
          }
          onError={() => setBroken(true)}
        />
      </div>
    </div>
  );
}

function placeCrop(
  [width, height]: readonly [number, number],
  [x, y, w, h]: readonly [number, number, number, number],
  side: number,
) {
  const scale = Math.min(side / (w * width), side / (h * height));
  return {
    window: { width: w * width * scale, height: h * height * scale },
    image: {
      width: width * scale,
      height: height * scale,
      marginLeft: -x * width * scale,
      marginTop: -y * height * scale,
    },
  };
}
