"""Menu entry “Save changes”: write all pending labels and deletions in one save."""

from collections import Counter
from typing import Any

import numpy as np
from fiftyone.operators import types

from ..ml_backend.actions.save import save_changes
from ..ml_backend.errors import Refusal
from ..ml_backend.progress import Progress
from ..ml_backend.store.pending_changes import pending_changes
from ..ml_backend.store.pending_columns import PendingChanges
from ..ml_backend.wording import count
from .running import LabelscapeOperator, Outcome

_SHOWN_CLASSES = 12


class SaveChanges(LabelscapeOperator):
    """Write the pending changes."""

    operator_name = "save_changes"
    label = "Labelscape: save changes"
    description = "Write all pending labels and deletions to the dataset, in one save that can be undone"
    icon = "save"
    queued = False
    on_grid = True

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """List what is about to be written."""
        show_pending(ctx, inputs)

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Save."""
        report = save_changes(ctx.dataset, progress)
        return Outcome(report.sentence(), reload_dataset=True, reload_samples=True)


def show_pending(ctx: Any, inputs: types.Object) -> None:
    """A table of the pending labels by class, and the deletions; a Refusal if there are none."""
    changes = pending_changes(ctx.dataset)
    if not len(changes):
        raise Refusal("Nothing is pending: set a label or mark something for deletion first.")
    inputs.view("pending", types.Notice(label=changes.sentence()))
    counts = _by_class(changes)
    rows = [
        f"| {_escape(label)} | {field} | {number:,} | {how} |"
        for (field, label, how), number in counts.most_common(_SHOWN_CLASSES)
    ]
    if rows:
        more = f"\n\n… and {count(len(counts) - len(rows), 'more row')}" if len(counts) > len(rows) else ""
        table = "| label | field | items | set |\n|---|---|---|---|\n" + "\n".join(rows) + more
        inputs.md(table, name="classes")


def _by_class(changes: PendingChanges) -> Counter[tuple[str, str, str]]:
    """(field, class, how it was set) → how many labels are pending."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for field_changes in changes.fields:
        for followed, how in ((False, "by hand"), (True, "from neighbors")):
            numbers = np.bincount(
                field_changes.codes[field_changes.followed == followed], minlength=len(field_changes.names)
            ).tolist()
            counts.update(
                {(field_changes.field, name, how): n for name, n in zip(field_changes.names, numbers, strict=True) if n}
            )
        if len(field_changes.cleared):
            counts[field_changes.field, "", "cleared"] = len(field_changes.cleared)
    return counts


def _escape(text: str) -> str:
    """Escape text from data so that Markdown shows it as it is."""
    return "".join(f"\\{character}" if character in r"\`*_{}[]()<>#+-.!|&" else character for character in text)
