"""Menu entry “Discard changes”: forget what is pending, for the selection or for all."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.save import discard_changes
from ..ml_backend.store.pending import pending_changes
from .running import LabelscapeOperator, Outcome, Progress
from .save_changes import show_pending


class DiscardChanges(LabelscapeOperator):
    """Forget pending changes."""

    operator_name = "discard_changes"
    label = "Labelscape: discard changes"
    description = "Forget pending labels and deletions; nothing saved is touched"
    icon = "delete_sweep"
    delegable = False

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask whether only the selection's, and show what is pending."""
        show_pending(ctx, inputs)
        if ctx.selected:
            inputs.bool("only_selected", default=True, label=f"Only those of the {len(ctx.selected):,} selected")

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Discard."""
        only = ctx.selected if ctx.selected and ctx.params.get("only_selected", True) else None
        discarded = discard_changes(ctx.dataset, only)
        return Outcome(f"Discarded {discarded:,} changes. {pending_changes(ctx.dataset).sentence()}")
