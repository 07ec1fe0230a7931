"""Menu entry “Undo save”: take back the last save or clearing, deletions too."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.save import undo_save
from ..ml_backend.store.saves import last_save
from .running import LabelscapeOperator, Outcome, Progress


class UndoSave(LabelscapeOperator):
    """Take back the last save."""

    operator_name = "undo_save"
    label = "Labelscape: undo save"
    description = "Take back the last save or clearing; what you changed since then stays"
    icon = "undo"

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Say what would be taken back."""
        record = last_save(ctx.dataset)
        if record is None:
            raise ValueError("There is no save to undo: none in the last seven days, or it is undone already.")
        inputs.view("record", types.Notice(label=f"Will take back the {record.title}."))

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Undo."""
        record = undo_save(ctx.dataset)
        return Outcome(f"Took back the {record.title}.", reload_dataset=True, reload_samples=True)
