"""Menu entry “Open function”: show its matches, or only those found since it was last opened."""

from typing import Any

from fiftyone.operators import types
from fiftyone.operators.types import RiskLevel

from ..ml_backend.actions.functions import look_at_matches
from ..ml_backend.wording import count
from .function_forms import ask_function, chosen_function, existing_functions
from .running import LabelscapeOperator, Outcome, Progress


class OpenFunction(LabelscapeOperator):
    """Show the matches of a function."""

    operator_name = "open_function"
    label = "Labelscape: open function"
    description = "Show the matches of a function, highest score first, or only those since you last looked"
    icon = "manage_search"
    risk = RiskLevel.LOW
    delegable = False

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask which function to open, and whether to show only new matches."""
        chosen = ask_function(ctx, inputs, existing_functions(ctx))
        if chosen.new:
            inputs.bool("new_only", default=True, label=f"Only the {count(chosen.new, 'new match')}")

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Show them."""
        chosen = chosen_function(ctx, existing_functions(ctx))
        new_only = bool(chosen.new) and bool(ctx.params.get("new_only", True))
        view = look_at_matches(ctx.dataset, chosen.function.slug, new_only=new_only)
        shown = (chosen.function.field,) if chosen.function.patches_field is None else ()
        number = chosen.new if new_only else chosen.function.matches
        what = count(number, "new match" if new_only else "match")
        return Outcome(f"Showing {what} of “{chosen.function.name}”.", view=view, shown_fields=shown)
