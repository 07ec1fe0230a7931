"""Menu entry “Undo save”: take back the last save, clearing, rejection or deletion of a segment."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.undo import describe_undo, undo_last
from .running import LabelscapeOperator, Outcome, Progress


class UndoSave(LabelscapeOperator):
    """Take back the last save."""

    operator_name = "undo_save"
    label = "Labelscape: undo save"
    description = (
        "Take back the last save, clearing, rejection or deletion of a segment; what you changed since then stays"
    )
    icon = "undo"
    on_grid = True

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Say what would be taken back."""
        words = describe_undo(ctx.dataset, pending=False)
        if words is None:
            raise ValueError("There is no save to undo: none in the last seven days, or it is undone already.")
        inputs.view("record", types.Notice(label=f"Will take back the {words}."))

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Undo."""
        return Outcome(undo_last(ctx.dataset, pending=False), reload_dataset=True, reload_samples=True)
