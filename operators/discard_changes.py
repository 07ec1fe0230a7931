"""Menu entry “Discard changes”: drop the pending changes of the selection, or all of them; can be undone."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.save import discard_changes
from ..ml_backend.progress import Progress
from ..ml_backend.store.pending_changes import pending_changes
from ..ml_backend.wording import count
from .running import LabelscapeOperator, Outcome
from .save_changes import show_pending


class DiscardChanges(LabelscapeOperator):
    """Drop pending changes."""

    operator_name = "discard_changes"
    label = "Labelscape: discard changes"
    description = "Drop pending labels and deletions; saved labels stay, and this can be undone"
    icon = "delete_sweep"
    delegable = False

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask whether to discard only the selection's changes, and show what is pending."""
        show_pending(ctx, inputs)
        if ctx.selected:
            inputs.bool(
                "only_selected", default=True, label=f"Only those of the {len(ctx.selected):,} selected samples"
            )

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Discard them."""
        only = ctx.selected if ctx.selected and ctx.params.get("only_selected", True) else None
        discarded = discard_changes(ctx.dataset, only)
        left = pending_changes(ctx.dataset).sentence()
        return Outcome(f"Discarded {count(discarded, 'change')}; “Undo” restores them. {left}")
