/** What is pending, newest first, a page at a time; single changes can be removed from it. */
import * as React from "react";
import { Button, Dialog } from "../../parts/parts";
import { counted } from "../../parts/words";
import { useExplorer, useUi } from "../context";
import type { Answer, PendingItem } from "../contract";
import { Thumb } from "../Thumb";

const PAGE = 60;

export function Review({ onClose }: { readonly onClose: () => void }): React.ReactElement {
  const explorer = useExplorer();
  const revision = useUi((ui) => ui.panel?.revision);
  const [offset, setOffset] = React.useState(0);
  const [page, setPage] = React.useState<Answer<"review"> | null>(null);
  React.useEffect(() => {
    let gone = false;
    void explorer.labeling.review(offset, PAGE).then((answer) => {
      if (!gone && answer) setPage(answer);
    });
    return () => {
      gone = true;
    };
  }, [explorer, offset, revision]);
  return (
    <Dialog title="Pending changes" wide onClose={onClose}>
      {page === null && <p className="ls-quiet">Reading…</p>}
      {page?.total === 0 && <p>Nothing is pending.</p>}
      <ul className="ls-review">
        {page?.items.map((item) => (
          <li key={`${item.action}-${item.row}`}>
            <Thumb facts={item} side={96} />
            <div className="ls-review-name" title={item.name}>
              {item.name}
            </div>
            <Change item={item} />
            <Button
              label={`Remove ${item.name} from the pending changes`}
              title="Remove this change"
              onClick={() => void explorer.labeling.unqueue([item.row])}
            >
              Remove
            </Button>
          </li>
        ))}
      </ul>
      {page && page.total > PAGE && (
        <div className="ls-row">
          <Button disabled={offset === 0} onClick={() => setOffset(Math.max(0, offset - PAGE))}>
            Newer
          </Button>
          <span className="ls-quiet">
            {offset + 1}–{Math.min(offset + PAGE, page.total)} of {page.total.toLocaleString("en")}
          </span>
          <Button disabled={offset + PAGE >= page.total} onClick={() => setOffset(offset + PAGE)}>
            Older
          </Button>
        </div>
      )}
      {page && page.total > 0 && (
        <div className="ls-row">
          <Button
            primary
            onClick={() => {
              onClose();
              void explorer.labeling.save();
            }}
          >
            Save {counted(page.total, "change")}
          </Button>
        </div>
      )}
    </Dialog>
  );
}

function Change({ item }: { readonly item: PendingItem }): React.ReactElement {
  if (item.action === "delete") return <div className="ls-change ls-danger-text">✕ delete</div>;
  return (
    <div className="ls-change" title={item.origin}>
      <s>{item.before ?? ""}</s> {item.before ? "→ " : ""}
      <strong>{item.after ?? "no label"}</strong>
      {item.origin === "neighbors" && <span className="ls-quiet"> from neighbors</span>}
    </div>
  );
}
