"""Menu entry “Duplicate function”: make a copy under another name, to edit separately."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.functions import duplicate_function
from .function_forms import ask_function, chosen_function, existing_functions
from .running import LabelscapeOperator, Outcome, Progress


class DuplicateFunction(LabelscapeOperator):
    """Copy a function."""

    operator_name = "duplicate_function"
    label = "Labelscape: duplicate function"
    description = "Copy a function, to edit the copy separately"
    icon = "content_copy"

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask which function to copy, and for the name of the copy."""
        chosen = ask_function(ctx, inputs, existing_functions(ctx))
        inputs.str("name", default=f"{chosen.function.name} 2", required=True, label="Name of the copy")

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Copy it and score everything."""
        function = chosen_function(ctx, existing_functions(ctx)).function
        run = duplicate_function(
            ctx.dataset, function.slug, ctx.params.get("name") or f"{function.name} 2", progress=progress
        )
        return Outcome(run.sentence(), reload_dataset=True)
