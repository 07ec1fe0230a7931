"""Parts of forms that the function operators share."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.functions import FunctionStatus, function_statuses
from ..ml_backend.errors import Refusal
from ..ml_backend.wording import count


def existing_functions(ctx: Any) -> list[FunctionStatus]:
    """The functions of the dataset.

    Raises:
        Refusal: there are none.
    """
    statuses = function_statuses(ctx.dataset)
    if not statuses:
        raise Refusal("This dataset has no function yet: run “Labelscape: create function” first.")
    return statuses


def ask_function(ctx: Any, inputs: types.Object, statuses: list[FunctionStatus]) -> FunctionStatus:
    """Let the user choose a function, describe the chosen one, and return its status."""
    choices = types.Choices()
    for status in statuses:
        function = status.function
        state = "stale" if status.stale else f"{status.new:,} new"
        choices.add_choice(
            function.slug, label=function.name, description=f"{count(function.matches, 'match')}, {state}"
        )
    inputs.enum(
        "function", choices.values(), view=choices, default=statuses[-1].function.slug, required=True, label="Function"
    )
    chosen = chosen_function(ctx, statuses)
    view = types.Warning(label=chosen.sentence()) if chosen.stale else types.Notice(label=chosen.sentence())
    inputs.view("facts", view)
    return chosen


def chosen_function(ctx: Any, statuses: list[FunctionStatus]) -> FunctionStatus:
    """The status of the chosen function, else of the newest."""
    slug = ctx.params.get("function")
    return next((status for status in statuses if status.function.slug == slug), statuses[-1])
