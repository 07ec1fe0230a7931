"""Menu entry “Delete function”: delete a function and its score field; it can be restored."""

from typing import Any

from fiftyone.operators import types
from fiftyone.operators.types import RiskLevel

from ..ml_backend.actions.functions import delete_function
from .function_forms import ask_function, chosen_function, existing_functions
from .running import LabelscapeOperator, NextStep, Outcome, Progress


class DeleteFunction(LabelscapeOperator):
    """Delete a function."""

    operator_name = "delete_function"
    label = "Labelscape: delete function"
    description = "Delete a function with its score field; “Labelscape: restore function” brings it back"
    icon = "delete"
    risk = RiskLevel.HIGH
    delegable = False

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask which function to delete, and say what is deleted with it."""
        function = ask_function(ctx, inputs, existing_functions(ctx)).function
        label = (
            f"“{function.name}” and its field “{function.field}” will be deleted; they can be restored for seven days."
        )
        inputs.view("consequence", types.Warning(label=label))

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Delete it."""
        deleted = delete_function(ctx.dataset, chosen_function(ctx, existing_functions(ctx)).function.slug)
        message = f"Deleted the function “{deleted.name}” with its field “{deleted.field}”."
        return Outcome(message, reload_dataset=True, next_steps=[NextStep("Restore it …", "restore_function")])
