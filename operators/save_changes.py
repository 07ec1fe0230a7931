"""Menu entry “Save changes”: write all pending labels and deletions as one act."""

from collections import Counter
from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.save import save_changes
from ..ml_backend.store.pending import pending_changes
from .running import LabelscapeOperator, Outcome, Progress

_SHOWN_CLASSES = 12


class SaveChanges(LabelscapeOperator):
    """Write what is pending."""

    operator_name = "save_changes"
    label = "Labelscape: save changes"
    description = "Write all pending labels and deletions to the dataset, as one act that can be undone"
    icon = "save"
    on_grid = True

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """List what is about to be written."""
        show_pending(ctx, inputs)

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Save."""
        report = save_changes(ctx.dataset)
        return Outcome(report.sentence(), reload_dataset=True, reload_samples=True)


def show_pending(ctx: Any, inputs: types.Object) -> None:
    """A table of the pending labels by class, and the deletions; a ValueError if there are none."""
    changes = pending_changes(ctx.dataset)
    if not len(changes):
        raise ValueError("Nothing is pending: set a label or ask for a deletion first.")
    inputs.view("pending", types.Notice(label=changes.sentence()))
    counts = Counter((label.field, label.label, label.origin) for label in changes.labels)
    rows = [
        f"| {_escape(label)} | {field} | {number:,} | {'from neighbors' if origin == 'neighbors' else 'by hand'} |"
        for (field, label, origin), number in counts.most_common(_SHOWN_CLASSES)
    ]
    if rows:
        more = f"\n\n… and {len(counts) - len(rows):,} more" if len(counts) > len(rows) else ""
        table = "| label | field | items | set |\n|---|---|---|---|\n" + "\n".join(rows) + more
        inputs.md(table, name="classes")


def _escape(text: str) -> str:
    """Text from data, so that Markdown shows it as it is."""
    return "".join(f"\\{character}" if character in r"\`*_{}[]()<>#+-.!|&" else character for character in text)
