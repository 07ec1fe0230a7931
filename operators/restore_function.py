"""Menu entry “Restore function”: restore a deleted function, with its scores."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.functions import restore_function
from ..ml_backend.errors import Refusal
from ..ml_backend.store.functions import DeletedFunction, deleted_functions
from .running import LabelscapeOperator, Outcome, Progress


class RestoreFunction(LabelscapeOperator):
    """Undo the deletion of a function."""

    operator_name = "restore_function"
    label = "Labelscape: restore function"
    description = "Restore a function that was deleted in the last seven days, and score everything with it"
    icon = "undo"

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask which function to restore."""
        deleted = _deleted(ctx)
        choices = types.Choices()
        for entry in deleted:
            description = f"Deleted {entry.at:%Y-%m-%d %H:%M} UTC"
            choices.add_choice(entry.key, label=entry.function.name, description=description)
        inputs.enum("deleted", choices.values(), view=choices, default=deleted[0].key, required=True, label="Function")

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Restore it."""
        deleted = _deleted(ctx)
        chosen = next((entry for entry in deleted if entry.key == ctx.params.get("deleted")), deleted[0])
        function = restore_function(ctx.dataset, chosen)
        return Outcome(f"Restored: {function.sentence()}", reload_dataset=True)


def _deleted(ctx: Any) -> list[DeletedFunction]:
    deleted = deleted_functions(ctx.dataset)
    if not deleted:
        raise Refusal("No function was deleted in the last seven days.")
    return deleted
