/** The original medium of a sample whose picture is a card: played, zoomed, or read. */
import * as React from "react";
import { useExplorer, useUi } from "../context";
import type { Medium } from "../contract";
import { parted } from "./marked";
import { SeriesPlot } from "./SeriesPlot";

export function MediumView({
  row,
  width,
}: {
  readonly row: number;
  readonly width: number;
}): React.ReactElement | null {
  const explorer = useExplorer();
  const kind = useUi((ui) => ui.panel?.medium ?? null);
  const [medium, setMedium] = React.useState<Medium | null>(null);
  React.useEffect(() => {
    let gone = false;
    setMedium(null);
    if (kind !== null)
      void explorer.selecting.readMedium(row).then((read) => {
        if (!gone) setMedium(read);
      });
    return () => {
      gone = true;
    };
  }, [explorer, row, kind]);
  if (medium === null) return null;
  if (medium.kind === "audio" && medium.file !== null) return <Sound medium={medium} file={medium.file} />;
  if (medium.kind === "series") return <SeriesPlot row={row} medium={medium} width={width} />;
  return medium.text === null ? null : <Text text={medium.text} />;
}

/** A window plays from its start to its end. */
function Sound({ medium, file }: { readonly medium: Medium; readonly file: string }): React.ReactElement {
  const explorer = useExplorer();
  const { start, end } = medium;
  const part = start === null || end === null ? "" : `#t=${start},${end}`;
  return (
    <audio
      className="ls-sound"
      controls
      preload="metadata"
      aria-label="Recording"
      src={explorer.mediaUrl(file) + part}
    />
  );
}

/** The whole text, with the words of the last search marked. */
function Text({ text }: { readonly text: string }): React.ReactElement {
  const searched = useUi((ui) => ui.search?.text ?? "");
  return (
    <div className="ls-text" role="document" aria-label="Text" tabIndex={0}>
      {parted(text, searched).map((part, i) => (part.marked ? <mark key={i}>{part.text}</mark> : part.text))}
    </div>
  );
}
